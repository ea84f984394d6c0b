//! The names of temporary files, which contain the size of the file.

use crate::hex::{parse_hex, push_hex};
use crate::max_bytes::blocks_of;
use alloc::string::String;
use core::sync::atomic::{AtomicU64, Ordering};

/// The prefix of a temporary file's name; no entry's name begins with it.
const PREFIX: &str = "tmp-";

/// The offset of the size in such a name, behind a number that no other process uses.
const SIZE_AT: usize = PREFIX.len() + 2 * size_of::<u64>() + 1;

/// A temporary file: `v1/e3/tmp-0123456789abcdef-00000001`.
#[derive(Debug)]
pub(super) struct Temp {
    number: u64,
    path: String,
    name_at: usize,
    blocks: u64,
}

impl Temp {
    /// The file, relative to the store's directory.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The name of the file in its subdirectory.
    pub(super) fn name(&self) -> &str {
        self.path.get(self.name_at..).unwrap_or_default()
    }

    /// A number that no other temporary file has.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The number of blocks that the file will have.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }
}

/// `true` if a file of this name is a temporary one.
pub(super) fn is_temp_name(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// The number of blocks that a temporary file of this name will have; 0 if the name lacks it.
pub(super) fn announced_blocks(name: &str) -> u64 {
    let size = name.as_bytes().get(SIZE_AT..).and_then(parse_hex);
    size.unwrap_or_default().into()
}

/// A source of names that no other process gives to a file in the same directory.
#[derive(Debug)]
pub(super) struct TempNames {
    next: AtomicU64,
}

impl TempNames {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            next: AtomicU64::new(seed),
        }
    }

    /// A name for a file that will have `len` bytes.
    pub(super) fn next(&self, shelf: &str, len: u64) -> Temp {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let blocks = blocks_of(len);
        let name_at = shelf.len() + 1;
        let mut path = String::with_capacity(name_at + SIZE_AT + 2 * size_of::<u32>());
        path.push_str(shelf);
        path.push('/');
        path.push_str(PREFIX);
        push_hex(&mut path, &number.to_be_bytes());
        path.push('-');
        push_hex(&mut path, &(blocks as u32).to_be_bytes());
        Temp {
            number,
            path,
            name_at,
            blocks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_it_is_and_how_large_the_file_is_to_be() {
        let names = TempNames::new(0xabc);
        for (number, len, blocks) in [(0xabc, 1, 1), (0xabd, 4096, 1), (0xabe, 64 << 20, 16384)] {
            let temp = names.next("v1/e3", len);
            assert_eq!((temp.number(), temp.blocks()), (number, blocks));
            assert_eq!(temp.path().strip_prefix("v1/e3/"), Some(temp.name()));
            assert!(is_temp_name(temp.name()));
            assert_eq!(announced_blocks(temp.name()), blocks);
        }
    }

    #[test]
    fn the_names_never_change_between_releases() {
        let temp = TempNames::new(u64::MAX).next("v1/e3", 4097);
        assert_eq!(temp.path(), "v1/e3/tmp-ffffffffffffffff-00000002");
    }

    #[test]
    fn a_name_that_says_nothing_announces_nothing() {
        for name in [
            "tmp-",
            "tmp-0123456789abcdef",
            "tmp-0123456789abcdef-",
            "tmp-é",
            "tmp-0123456789abcdef-x",
        ] {
            assert_eq!(announced_blocks(name), 0, "{name}");
        }
    }
}
