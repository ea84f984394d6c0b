//! Where each part of a composition stands in the composed binary, which holds them unchanged.

use crate::{compose::Part, name::PartName, wasm};
use std::ops::Range;
use wasmparser::{BinaryReaderError, Parser, Payload};

/// The range of bytes of each part.
#[derive(Debug, Clone)]
pub(crate) struct Layout(Vec<(Range<usize>, PartName)>);

impl Layout {
    /// A binary of so many bytes that is one part.
    pub(crate) fn of_one(part: PartName, length: usize) -> Self {
        Self(vec![(0..length, part)])
    }

    /// A composed binary.
    pub(crate) fn of_composed(bytes: &[u8], parts: &[&Part]) -> Self {
        let mut layout: Vec<(_, PartName)> = Vec::new();
        let mut depth = 0;
        // The encoder made the binary, so what does not parse is only what has ended.
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let range = unchecked_range.start as usize..unchecked_range.end as usize;
                    let found = bytes.get(range.clone());
                    let is_here = |part: &&&Part| {
                        found == Some(part.component.bytes())
                            && !layout.iter().any(|(_, placed)| *placed == part.name)
                    };
                    // Providers come first, so of equal parts it is the one that is furthest down
                    // the stack.
                    if depth == 0
                        && let Some(part) = parts.iter().rev().find(is_here)
                    {
                        layout.push((range.clone(), part.name.clone()));
                    }
                    depth += 1;
                }
                Payload::ModuleSection { .. } => depth += 1,
                Payload::End(_) if depth > 0 => depth -= 1,
                _ => {}
            }
        }
        Self(layout)
    }

    /// The part that has the byte at this offset, and where in its own binary that is.
    pub(crate) fn part_at(&self, offset: usize) -> Option<(&PartName, usize)> {
        let place = self.0.iter().find(|(range, _)| range.contains(&offset));
        place.map(|(range, part)| (part, offset - range.start))
    }

    /// The first part that is not valid in itself, and what is wrong with it.
    pub(crate) fn invalid_part(&self, bytes: &[u8]) -> Option<(&PartName, BinaryReaderError)> {
        self.0.iter().find_map(|(range, part)| {
            let error = wasm::validate(bytes.get(range.clone())?).err()?;
            Some((part, error))
        })
    }
}
