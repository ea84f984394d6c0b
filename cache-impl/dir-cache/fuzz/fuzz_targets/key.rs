//! F7: any text as a key. Its path has the one valid form, depends on the text alone, and differs
//! from the paths of similar keys.

#![no_main]

use dir_cache::key::{Key, MAX_KEY_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(key) = Key::new(text) else {
        assert!(text.len() > MAX_KEY_LEN);
        return;
    };
    let is_hex = |part: &str, len| {
        part.len() == len
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let parts: Vec<_> = key.path().split('/').collect();
    assert!(matches!(*parts, ["v1", shelf, name] if is_hex(shelf, 2) && is_hex(name, 30)));
    assert_eq!(key.shelf(), &key.path()[..5]);
    assert_eq!(Key::new(text).as_ref(), Ok(&key));

    for other in [
        text.to_lowercase(),
        text.to_uppercase(),
        text.trim().into(),
        format!("{text}/"),
    ] {
        let aliases = Key::new(&other).is_ok_and(|other| other.path() == key.path());
        assert_eq!(aliases, other == text);
    }
});
