//! F5: any bytes as the start of an entry's file. A decoded prefix is within bounds, and one that
//! vouches for a value has, byte for byte, the bytes that would be written.

#![no_main]

use dir_cache::Timestamp;
use dir_cache::entry::{MAX_PREFIX_LEN, MAX_VALUE_LEN, Prefix, encode_prefix};
use dir_cache::key::Key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(prefix) = Prefix::decode(bytes) else {
        return;
    };
    assert!(prefix.value_len() <= MAX_VALUE_LEN);
    assert!(prefix.value_offset() <= bytes.len().min(MAX_PREFIX_LEN));
    assert_eq!(
        prefix.entry_len(),
        prefix.value_offset() as u64 + prefix.value_len()
    );

    let field = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let [created, expires] = [field(24), field(32)].map(Timestamp::from_nanos);
    for now in [created, expires, Timestamp::from_nanos(0), Timestamp::MAX] {
        assert!(!(prefix.is_live(now) && prefix.is_expired(now)));
        assert!(!prefix.is_live(now) || created <= now && now <= expires);
    }

    // A fuzzer does not find a checksum, so the entry gets the right one and is then read back.
    let (before, value) = bytes.split_at(prefix.value_offset());
    let Ok(key) = std::str::from_utf8(&before[48..]) else {
        return;
    };
    let key = Key::new(key).expect("decoded, so within bounds");
    assert!(prefix.belongs_to(&key));
    let mut written = encode_prefix(&key, value, created, expires);
    written.extend_from_slice(value);
    let again = Prefix::decode(&written).expect("what is encoded is decoded");
    assert!(again.belongs_to(&key) && again.vouches_for(value));
    assert!(!prefix.vouches_for(value) || written == bytes);
});
