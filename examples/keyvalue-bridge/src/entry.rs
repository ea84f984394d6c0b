//! The name and the bytes of an entry in a bucket, as pure functions.
//!
//! The bytes are those of an entry's file in the cache on a directory: a header with the times of creation and
//! expiry and a checksum, the whole key, and the value.

use dir_cache::{
    Timestamp,
    entry::{MAX_VALUE_LEN, Prefix, encode_prefix},
    key::Key,
};

/// The name of a key's entry in its bucket.
///
/// Stores restrict their keys: some refuse an empty one, a long one, or most characters, and some ignore upper
/// and lower case. The name therefore is a hash of the key, in 38 characters that every store accepts. It has no
/// version: a newer version of this bridge replaces what this one stored, and not a copy beside it.
pub(crate) fn name(key: &Key) -> String {
    let mut name = String::from("cache-");
    // The path is `v1/e3/b0c4…`; its first part is the version of the format.
    name.extend(key.path().split('/').skip(1));
    name
}

/// Encodes an entry; `None` if the value is too large to be read back.
pub(crate) fn encode(
    key: &Key,
    value: &[u8],
    created: Timestamp,
    expires: Timestamp,
) -> Option<Vec<u8>> {
    if value.len() as u64 > MAX_VALUE_LEN {
        return None;
    }
    let mut entry = encode_prefix(key, value, created, expires);
    entry.reserve_exact(value.len());
    entry.extend_from_slice(value);
    Some(entry)
}

/// What a bucket holds under the name of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The value of that key.
    Value(Vec<u8>),
    /// An entry of that key which has expired.
    Expired,
    /// Anything else: damaged, in another format, of another key or program, or written by a clock that is
    /// ahead of this one.
    Foreign,
}

/// Decodes what a bucket holds under the name of `key`.
pub(crate) fn decode(key: &Key, mut entry: Vec<u8>, now: Timestamp) -> Stored {
    let Some(prefix) = Prefix::decode(&entry) else {
        return Stored::Foreign;
    };
    let offset = prefix.value_offset();
    if !prefix.belongs_to(key) || !prefix.vouches_for(&entry[offset..]) {
        return Stored::Foreign;
    }
    if prefix.is_expired(now) {
        return Stored::Expired;
    }
    if !prefix.is_live(now) {
        return Stored::Foreign;
    }
    entry.drain(..offset);
    Stored::Value(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dir_cache::key::MAX_KEY_LEN;

    const CREATED: Timestamp = Timestamp::from_nanos(1_000);
    const EXPIRES: Timestamp = Timestamp::from_nanos(2_000);

    fn key(text: &str) -> Key<'_> {
        Key::new(text).expect("a short key")
    }

    fn entry(text: &str, value: &[u8]) -> Vec<u8> {
        encode(&key(text), value, CREATED, EXPIRES).expect("a small value")
    }

    #[test]
    fn a_name_never_changes_between_releases() {
        assert_eq!(name(&key("")), "cache-e3b0c44298fc1c149afbf4c8996fb924");
        assert_eq!(name(&key("a")), "cache-ca978112ca1bbdcafac231b39a23dc4d");
    }

    #[test]
    fn every_key_has_a_name_that_every_store_accepts() {
        let longest = "é".repeat(MAX_KEY_LEN / 2);
        for text in ["", "\0", "..", "a/b", "$SYS.>", "*", " ", &longest] {
            let name = name(&key(text));
            let harmless = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            assert_eq!(name.len(), 38);
            assert!(name.bytes().all(|byte| harmless(byte) || byte == b'-'));
        }
    }

    #[test]
    fn a_stored_value_is_read_back() {
        for text in ["", "key", "\0/../é"] {
            for value in [&b""[..], b"v", &[0xff; 10_000]] {
                let stored = decode(&key(text), entry(text, value), CREATED);
                assert_eq!(stored, Stored::Value(value.to_vec()));
            }
        }
    }

    #[test]
    fn an_entry_expires_when_its_time_has_come() {
        let at = |nanos| {
            decode(
                &key("key"),
                entry("key", b"value"),
                Timestamp::from_nanos(nanos),
            )
        };
        assert_eq!(at(999), Stored::Foreign);
        assert_eq!(at(1_999), Stored::Value(b"value".to_vec()));
        assert_eq!(at(2_000), Stored::Expired);
    }

    #[test]
    fn an_entry_of_another_key_is_foreign() {
        let stored = decode(&key("other"), entry("key", b"value"), CREATED);
        assert_eq!(stored, Stored::Foreign);
    }

    #[test]
    fn an_entry_cut_short_or_continued_is_foreign() {
        let whole = entry("key", b"value");
        for len in 0..whole.len() {
            let stored = decode(&key("key"), whole[..len].to_vec(), CREATED);
            assert_eq!(stored, Stored::Foreign, "{len} bytes");
        }
        let continued = [&whole[..], b"\0"].concat();
        assert_eq!(decode(&key("key"), continued, CREATED), Stored::Foreign);
    }

    #[test]
    fn an_entry_with_any_bit_flipped_is_foreign() {
        let whole = entry("key", b"value");
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let stored = decode(&key("key"), flipped, CREATED);
            assert_eq!(stored, Stored::Foreign, "bit {bit}");
        }
    }

    #[test]
    fn a_value_that_could_not_be_read_back_is_not_encoded() {
        let largest = vec![0; MAX_VALUE_LEN as usize];
        assert!(encode(&key("key"), &largest, CREATED, EXPIRES).is_some());
        let larger = vec![0; MAX_VALUE_LEN as usize + 1];
        assert!(encode(&key("key"), &larger, CREATED, EXPIRES).is_none());
    }
}
