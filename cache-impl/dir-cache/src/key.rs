//! The path of a key's entry: a pure function.
//!
//! A key is any text, a file name is not, so a hash of the key names the entry's file. The entry
//! also holds the full key, and every read compares it: even a collision is a miss and never
//! another key's value.

use crate::format::FORMAT_DIRECTORY;
use crate::hex::push_hex;
use alloc::string::String;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The longest key, in bytes of UTF-8.
pub const MAX_KEY_LEN: usize = 4096;

/// The first 128 bits of SHA-256 name an entry: 8 choose the subdirectory, 120 the file in it.
const NAME_BYTES: usize = 16;

/// A key, and the path of its entry in the store's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key<'a> {
    text: &'a str,
    shelf_number: u8,
    path: String,
}

/// The key is longer than [`MAX_KEY_LEN`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the key has {len} bytes; a key has at most {MAX_KEY_LEN}")]
pub struct KeyTooLong {
    /// The length of the refused key, in bytes.
    pub len: usize,
}

impl<'a> Key<'a> {
    /// Accepts any text of at most [`MAX_KEY_LEN`] bytes.
    pub fn new(text: &'a str) -> Result<Self, KeyTooLong> {
        if text.len() > MAX_KEY_LEN {
            return Err(KeyTooLong { len: text.len() });
        }
        let hash = Sha256::digest(text);
        let mut path = String::with_capacity(SHELF_LEN + 1 + 2 * NAME_BYTES);
        push_shelf(&mut path, hash[0]);
        path.push('/');
        push_hex(&mut path, &hash[1..NAME_BYTES]);
        Ok(Self {
            text,
            shelf_number: hash[0],
            path,
        })
    }

    /// The key itself.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The entry's file, relative to the store's directory: `v1/e3/b0c44298fc1c149afbf4c8996fb924`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The subdirectory of that file, one of 256: `v1/e3`.
    pub fn shelf(&self) -> &str {
        // Not by index: its panic message about a split character would add to the guest's size.
        self.path.get(..SHELF_LEN).unwrap_or_default()
    }

    /// The number of that subdirectory.
    pub(crate) fn shelf_number(&self) -> u8 {
        self.shelf_number
    }

    /// The name of the file in its subdirectory.
    pub(crate) fn name(&self) -> &str {
        self.path.get(SHELF_LEN + 1..).unwrap_or_default()
    }
}

/// The number of subdirectories.
pub(crate) const SHELVES: usize = 256;

/// The length of a subdirectory's path.
const SHELF_LEN: usize = FORMAT_DIRECTORY.len() + "/e3".len();

/// The path of the subdirectory with this number.
pub(crate) fn shelf(number: u8) -> String {
    let mut path = String::with_capacity(SHELF_LEN);
    push_shelf(&mut path, number);
    path
}

fn push_shelf(path: &mut String, number: u8) {
    path.push_str(FORMAT_DIRECTORY);
    path.push('/');
    push_hex(path, &[number]);
}

/// `true` if a file of this name, in a subdirectory, is an entry's.
pub(crate) fn is_entry_name(name: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.len() == 2 * (NAME_BYTES - 1) && name.bytes().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use std::collections::HashSet;

    fn path(text: &str) -> String {
        Key::new(text).expect("a short key").path().to_owned()
    }

    #[test]
    fn a_path_never_changes_between_releases() {
        assert_eq!(path(""), "v1/e3/b0c44298fc1c149afbf4c8996fb924");
        assert_eq!(path("a"), "v1/ca/978112ca1bbdcafac231b39a23dc4d");
    }

    #[test]
    fn look_alike_keys_have_different_paths() {
        let keys = [
            "",
            " ",
            "a",
            "A",
            "a ",
            "a\0",
            "a/",
            "/a",
            "./a",
            "a/.",
            "..",
            "../..",
            "CON",
            "con",
            "nul.txt",
            "\u{e9}",
            "e\u{301}",
            "\u{c9}",
            "ß",
            "ss",
            "\u{212a}",
            "k",
            "a\\b",
            "a/b",
            "v1",
            "\u{202e}a",
            "\u{feff}a",
            "%2e%2e",
            "ı",
            "i",
        ];
        let paths: HashSet<_> = keys.into_iter().map(path).collect();
        assert_eq!(paths.len(), keys.len());
    }

    #[test]
    fn no_key_leaves_its_shelf() {
        for key in [
            "../../etc/passwd",
            "/etc/passwd",
            "C:\\x",
            "a\0b",
            "..",
            "\n",
            "tmp-0",
        ] {
            let key = Key::new(key).expect("a short key");
            let name = key
                .path()
                .strip_prefix(key.shelf())
                .and_then(|rest| rest.strip_prefix('/'));
            let name = name.expect("the file stands on its shelf");
            assert_eq!(name.len(), 30);
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            );
            assert_eq!(key.shelf().len(), "v1/e3".len());
        }
    }

    #[test]
    fn the_longest_key_is_accepted_and_a_longer_one_is_not() {
        let longest = "é".repeat(MAX_KEY_LEN / 2);
        assert!(Key::new(&longest).is_ok());
        let longer = longest + "a";
        assert_eq!(
            Key::new(&longer),
            Err(KeyTooLong {
                len: MAX_KEY_LEN + 1
            })
        );
    }
}
