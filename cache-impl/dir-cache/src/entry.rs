//! The bytes of an entry's file, as pure functions.
//!
//! | offset | bytes | meaning, integers little-endian |
//! |-------:|------:|---------------------------------|
//! |      0 |     8 | magic                           |
//! |      8 |     4 | format version                  |
//! |     12 |     4 | length of the key               |
//! |     16 |     8 | length of the value             |
//! |     24 |     8 | created at, [`Timestamp`]       |
//! |     32 |     8 | expires at, [`Timestamp`]       |
//! |     40 |     8 | XXH64 of all the other bytes    |
//! |     48 |     k | key                             |
//! | 48 + k |     v | value                           |
//!
//! Everything that describes the value comes first: one read of [`MAX_PREFIX_LEN`] bytes shows
//! whether the value can be served and how large it is, and includes a small value.

use crate::clock::Timestamp;
use crate::format::FORMAT;
use crate::key::{Key, MAX_KEY_LEN};
use alloc::vec::Vec;
use core::hash::Hasher;
use twox_hash::XxHash64;

/// The largest value, in bytes: every implementation of the interface has to hold such a value, and
/// a header cannot make a reader allocate more. (Wasmtime traps a guest that passes the host more
/// than 128 MiB at a time, so a larger value could be set and never be read.)
pub const MAX_VALUE_LEN: u64 = 64 << 20;

/// The header and the longest key, in bytes.
pub const MAX_PREFIX_LEN: usize = HEADER_LEN + MAX_KEY_LEN;

const HEADER_LEN: usize = CHECKSUM_AT + 8;
const CHECKSUM_AT: usize = 40;

/// Not text; a transfer as text changes its line end, which makes the damage visible.
const MAGIC: [u8; 8] = *b"\x93cache\r\n";

/// Encodes the bytes before the value: header and key.
///
/// The type of `key` bounds its length; [`Prefix::decode`] refuses an entry whose value has more
/// than [`MAX_VALUE_LEN`] bytes.
pub fn encode_prefix(key: &Key, value: &[u8], created: Timestamp, expires: Timestamp) -> Vec<u8> {
    let key = key.text().as_bytes();
    let mut prefix = Vec::with_capacity(HEADER_LEN + key.len());
    prefix.extend(MAGIC);
    prefix.extend(FORMAT.to_le_bytes());
    prefix.extend((key.len() as u32).to_le_bytes());
    prefix.extend((value.len() as u64).to_le_bytes());
    prefix.extend(created.as_nanos().to_le_bytes());
    prefix.extend(expires.as_nanos().to_le_bytes());
    prefix.extend(checksum(&prefix, key, value).to_le_bytes());
    prefix.extend(key);
    prefix
}

/// The length of the result of [`encode_prefix`].
pub(crate) fn prefix_len(key: &Key) -> u64 {
    (HEADER_LEN + key.text().len()) as u64
}

/// The decoded bytes before the value: plausible, but not yet verified.
#[derive(Debug, Clone, Copy)]
pub struct Prefix<'a> {
    described: &'a [u8],
    checksum: u64,
    key: &'a [u8],
    value_len: u64,
    created: Timestamp,
    expires: Timestamp,
}

impl<'a> Prefix<'a> {
    /// Decodes the start of a file, which may continue with any part of the value.
    ///
    /// `None` if this is not an entry of this format, its key is cut short, or a length is out of
    /// bounds.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (described, rest) = bytes.split_at_checked(CHECKSUM_AT)?;
        let (checksum, rest) = rest.split_first_chunk()?;

        let (magic, fields) = described.split_first_chunk()?;
        let (format, fields) = fields.split_first_chunk()?;
        let (key_len, fields) = fields.split_first_chunk()?;
        let (value_len, fields) = fields.split_first_chunk()?;
        let (created, fields) = fields.split_first_chunk()?;
        let (expires, _) = fields.split_first_chunk()?;

        if *magic != MAGIC || u32::from_le_bytes(*format) != FORMAT {
            return None;
        }
        let key_len = usize::try_from(u32::from_le_bytes(*key_len)).ok()?;
        let value_len = u64::from_le_bytes(*value_len);
        if key_len > MAX_KEY_LEN || value_len > MAX_VALUE_LEN {
            return None;
        }
        Some(Self {
            described,
            checksum: u64::from_le_bytes(*checksum),
            key: rest.get(..key_len)?,
            value_len,
            created: Timestamp::from_nanos(u64::from_le_bytes(*created)),
            expires: Timestamp::from_nanos(u64::from_le_bytes(*expires)),
        })
    }

    /// The offset of the value: the length of header and key, in bytes. At most [`MAX_PREFIX_LEN`].
    pub fn value_offset(&self) -> usize {
        HEADER_LEN + self.key.len()
    }

    /// The length of the value, in bytes. At most [`MAX_VALUE_LEN`].
    pub fn value_len(&self) -> u64 {
        self.value_len
    }

    /// The length of the whole file, in bytes.
    pub fn entry_len(&self) -> u64 {
        self.value_offset() as u64 + self.value_len
    }

    /// `true` if this is the entry of `key`, byte for byte.
    pub fn belongs_to(&self, key: &Key) -> bool {
        self.key == key.text().as_bytes()
    }

    /// `true` if the entry may be served at `now`: it was created by then and has not expired.
    ///
    /// A wrong clock wrote an entry from the future, so its expiry is wrong as well.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.created <= now && (now < self.expires || self.expires == Timestamp::MAX)
    }

    /// `true` if the entry has expired: it may never be served again, unless a clock is wrong.
    ///
    /// An entry from the future is neither live nor expired: the wrong clock may be this one.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.created <= now && !self.is_live(now)
    }

    /// `true` if this prefix and `value` are, byte for byte, the bytes that were written.
    pub fn vouches_for(&self, value: &[u8]) -> bool {
        self.value_len == value.len() as u64
            && self.checksum == checksum(self.described, self.key, value)
    }
}

fn checksum(described: &[u8], key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    hasher.write(described);
    hasher.write(key);
    hasher.write(value);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: Timestamp = Timestamp::from_nanos(1_000);
    const EXPIRES: Timestamp = Timestamp::from_nanos(2_000);

    fn key(text: &str) -> Key<'_> {
        Key::new(text).expect("a short key")
    }

    fn encode(text: &str, value: &[u8]) -> Vec<u8> {
        let mut entry = encode_prefix(&key(text), value, CREATED, EXPIRES);
        entry.extend_from_slice(value);
        entry
    }

    /// The value that a reader of these bytes would serve for the key.
    fn served<'a>(entry: &'a [u8], text: &str, now: Timestamp) -> Option<&'a [u8]> {
        let prefix = Prefix::decode(entry)?;
        let value = &entry[prefix.value_offset()..];
        let served = prefix.belongs_to(&key(text)) && prefix.is_live(now);
        (served && prefix.vouches_for(value)).then_some(value)
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let longest = "k".repeat(MAX_KEY_LEN);
        for text in ["", "key", "\0/../é", &longest] {
            for value in [&b""[..], b"v", &[0xff; 10_000]] {
                let entry = encode(text, value);
                let prefix = Prefix::decode(&entry).expect("an entry");
                assert_eq!(prefix.entry_len(), entry.len() as u64);
                assert_eq!(prefix.value_len(), value.len() as u64);
                assert_eq!(served(&entry, text, CREATED), Some(value));
            }
        }
    }

    #[test]
    fn the_bytes_never_change_between_releases() {
        let entry = encode("key", b"value");
        let mut expected = Vec::from(*b"\x93cache\r\n\x01\0\0\0\x03\0\0\0\x05\0\0\0\0\0\0\0");
        expected.extend(*b"\xe8\x03\0\0\0\0\0\0\xd0\x07\0\0\0\0\0\0");
        expected.extend(*b"\x37\x7d\x12\x33\x4f\xa5\x64\xdd");
        expected.extend(*b"keyvalue");
        assert_eq!(entry, expected);
    }

    #[test]
    fn an_entry_lives_from_its_creation_to_its_expiry() {
        let entry = encode("key", b"value");
        let at = |nanos| served(&entry, "key", Timestamp::from_nanos(nanos)).is_some();
        assert_eq!(
            [at(0), at(999), at(1_000), at(1_999)],
            [false, false, true, true]
        );
        assert_eq!([at(2_000), at(2_001), at(u64::MAX)], [false, false, false]);
    }

    #[test]
    fn an_entry_from_the_future_is_not_expired() {
        let entry = encode("key", b"value");
        let prefix = Prefix::decode(&entry).expect("an entry");
        let at = |nanos| prefix.is_expired(Timestamp::from_nanos(nanos));
        assert_eq!([at(999), at(1_999), at(2_000)], [false, false, true]);
    }

    #[test]
    fn what_never_expires_lives_to_the_end_of_time() {
        let entry = encode_prefix(&key("key"), b"", CREATED, Timestamp::MAX);
        assert!(served(&entry, "key", Timestamp::MAX).is_some());
    }

    #[test]
    fn an_entry_belongs_to_its_key_alone() {
        let entry = encode("key", b"value");
        for other in ["", "ke", "keyv", "Key", "key\0"] {
            assert_eq!(served(&entry, other, CREATED), None);
        }
    }

    #[test]
    fn an_entry_cut_short_anywhere_is_refused() {
        let entry = encode("key", b"value");
        for len in 0..entry.len() {
            assert_eq!(served(&entry[..len], "key", CREATED), None, "{len} bytes");
        }
    }

    #[test]
    fn an_entry_with_any_bit_flipped_is_refused() {
        let entry = encode("key", b"value");
        for bit in 0..8 * entry.len() {
            let mut flipped = entry.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(served(&flipped, "key", CREATED), None, "bit {bit}");
        }
    }

    #[test]
    fn lengths_out_of_bounds_are_refused() {
        let with = |at: usize, bytes: &[u8]| {
            let mut entry = encode("key", b"value");
            entry[at..at + bytes.len()].copy_from_slice(bytes);
            Prefix::decode(&entry).is_some()
        };
        let (key_len, value_len) = (12, 16);
        assert!(with(value_len, &MAX_VALUE_LEN.to_le_bytes()));
        assert!(!with(value_len, &(MAX_VALUE_LEN + 1).to_le_bytes()));
        assert!(!with(value_len, &u64::MAX.to_le_bytes()));
        assert!(!with(key_len, &(MAX_KEY_LEN as u32 + 1).to_le_bytes()));
        assert!(!with(key_len, &u32::MAX.to_le_bytes()));
    }

    #[test]
    fn other_formats_are_refused() {
        let mut entry = encode("key", b"value");
        entry[8] = 2;
        assert!(Prefix::decode(&entry).is_none());
        assert!(Prefix::decode(&[0; 100]).is_none());
        assert!(Prefix::decode(b"").is_none());
    }
}
