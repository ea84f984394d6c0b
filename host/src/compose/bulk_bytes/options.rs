//! The options of `canon lower` and `canon lift`.

use super::obstacle::Obstacle;
use wasmparser::{CanonicalOption, types::Types};

/// The options of a function that is called synchronously and encodes strings as UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Options {
    pub(super) memory: u32,
    pub(super) realloc: Option<u32>,
    pub(super) post_return: Option<u32>,
}

impl Options {
    pub(super) fn of(options: &[CanonicalOption], types: &Types) -> Result<Self, Obstacle> {
        let mut found = Self {
            memory: u32::MAX,
            realloc: None,
            post_return: None,
        };
        for option in options {
            match option {
                CanonicalOption::UTF8 => {}
                CanonicalOption::UTF16 | CanonicalOption::CompactUTF16 => {
                    return Err(Obstacle::OtherEncoding);
                }
                CanonicalOption::Memory(memory) => found.memory = *memory,
                CanonicalOption::Realloc(realloc) => found.realloc = Some(*realloc),
                CanonicalOption::PostReturn(function) => found.post_return = Some(*function),
                CanonicalOption::Async
                | CanonicalOption::Callback(_)
                | CanonicalOption::CoreType(_)
                | CanonicalOption::Gc => return Err(Obstacle::OtherConvention),
            }
        }
        let types = types.as_ref();
        if found.memory >= types.memory_count() {
            // Functions that pass no list need no memory.
            return Err(Obstacle::NoBytes);
        }
        let memory = types.memory_at(found.memory);
        match memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
            true => Err(Obstacle::OtherMemory),
            false => Ok(found),
        }
    }
}
