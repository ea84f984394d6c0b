//! A key has 0 to 4,096 bytes.

use crate::cache::Cache;
use crate::check::{Check, Verdict};

const LONGEST: usize = 4096;

pub fn checks() -> Vec<Check> {
    vec![
        Check::new("key length: the empty string is a key", empty),
        Check::new("key length: 4,096 bytes are a key", longest),
        Check::new("key length: `set` refuses 4,097 bytes", too_long_to_set),
        Check::new("key length: `get` refuses 4,097 bytes", too_long_to_get),
        Check::new(
            "key length: `delete` refuses 4,097 bytes",
            too_long_to_delete,
        ),
        Check::new(
            "key length: bytes are counted, not characters",
            bytes_not_characters,
        ),
        Check::new(
            "key length: a refused key leaves other entries alone",
            refused_and_not_cut,
        ),
    ]
}

fn empty(cache: &Cache) -> Verdict {
    cache.set("", "value", None)?;
    cache.expect("", "value")?;
    cache.delete("")
}

fn longest(cache: &Cache) -> Verdict {
    for character in ["k", "é", "語語語é", "😀"] {
        let key = filled(cache, character, LONGEST);
        cache.set(&key, "value", None)?;
        cache.expect(&key, "value")?;
        cache.delete(&key)?;
    }
    Ok(())
}

fn too_long_to_set(cache: &Cache) -> Verdict {
    cache.expect_set_to_fail(&filled(cache, "k", LONGEST + 1))
}

fn too_long_to_get(cache: &Cache) -> Verdict {
    cache.expect_get_to_fail(&filled(cache, "k", LONGEST + 1))
}

fn too_long_to_delete(cache: &Cache) -> Verdict {
    cache.expect_delete_to_fail(&filled(cache, "k", LONGEST + 1))
}

fn bytes_not_characters(cache: &Cache) -> Verdict {
    for character in ["é", "語", "😀"] {
        let key = filled(cache, character, LONGEST + character.len());
        cache.expect_set_to_fail(&key)?;
        cache.expect_get_to_fail(&key)?;
        cache.expect_delete_to_fail(&key)?;
    }
    Ok(())
}

/// Checks that `set` and `delete` of a key that is too long do not act on its beginning.
fn refused_and_not_cut(cache: &Cache) -> Verdict {
    let too_long = filled(cache, "k", LONGEST + 1);
    let beginnings = [LONGEST, 1024, 255].map(|length| &too_long[..length]);
    for key in beginnings {
        cache.set(key, "value", None)?;
    }
    // Other checks test that both calls fail.
    let _ = cache.set(&too_long, "refused", None);
    let _ = cache.delete(&too_long);
    for key in beginnings {
        cache.expect(key, "value")?;
    }
    Ok(())
}

/// A key of `length` bytes that no other check uses, with as much of `text` as fits.
fn filled(cache: &Cache, text: &str, length: usize) -> String {
    let mut key = cache.key("");
    while key.len() + text.len() <= length {
        key.push_str(text);
    }
    let rest = length - key.len();
    // The padding goes to the front, so that the last character is one of `text`.
    format!("{}{key}", "k".repeat(rest))
}
