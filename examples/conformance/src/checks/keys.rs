//! A key names its own entry and nothing else.
//!
//! Most rules are checked on keys that some storage, language or protocol treats as equal. Keys
//! that are difficult only without a prefix (`..`, `CON`) have none.

use crate::cache::Cache;
use crate::check::{Check, Verdict};

pub fn checks() -> Vec<Check> {
    vec![
        Check::new("keys: upper and lower case are different", case),
        Check::new(
            "keys: composed and decomposed accents are different",
            accents,
        ),
        Check::new("keys: spaces and dots at the ends count", ends),
        Check::new("keys: steps of a path are not taken", path_steps),
        Check::new("keys: slash and backslash are different", backslash),
        Check::new("keys: names of devices are keys", devices),
        Check::new("keys: a NUL ends nothing", nul),
        Check::new("keys: control characters count", control_characters),
        Check::new("keys: invisible characters count", invisible_characters),
        Check::new("keys: characters of four bytes are different", four_bytes),
        Check::new("keys: the last byte of a long key counts", last_byte),
        Check::new("keys: the hash of a key is another key", hashes),
        Check::new("keys: numbers are text", numbers),
        Check::new(
            "keys: words that a language reserves are keys",
            reserved_words,
        ),
        Check::new(
            "keys: percent signs and plus signs stand for themselves",
            percent,
        ),
        Check::new("keys: `delete` takes no wildcards", wildcards),
        Check::new(
            "keys: `delete` leaves keys that begin alike",
            common_beginnings,
        ),
    ]
}

fn case(cache: &Cache) -> Verdict {
    are_different(
        cache,
        [
            "key", "Key", "KEY", "é", "É", "ß", "SS", "ss", "i", "I", "ı", "İ",
        ],
    )
}

fn accents(cache: &Cache) -> Verdict {
    are_different(
        cache,
        [
            "caf\u{e9}",
            "cafe\u{301}",
            "cafe",
            "\u{c5}",
            "\u{212b}",
            "A\u{30a}",
            "\u{fb01}",
            "fi",
        ],
    )
}

fn ends(cache: &Cache) -> Verdict {
    are_different(
        cache,
        ["key", "key.", "key..", "key ", "key  ", "key. ", "key ."],
    )?;
    each_has_its_own(cache, &[" ", "  ", " .", ". ", " key"])
}

fn path_steps(cache: &Cache) -> Verdict {
    are_different(
        cache,
        [
            "/b", "//b", "/b/", "/./b", "/b/.", "/a/../b", "/../b", "/a/b", "/a/b/..", "/a",
        ],
    )?;
    each_has_its_own(
        cache,
        &[".", "..", "/", "./", "../", "../..", "/..", "/etc/passwd"],
    )
}

fn backslash(cache: &Cache) -> Verdict {
    are_different(cache, ["a/b", "a\\b", "a\\\\b", "a\\/b"])?;
    each_has_its_own(cache, &["\\", "\\\\", "C:\\b", "C:/b", "C:b", "b"])
}

fn devices(cache: &Cache) -> Verdict {
    each_has_its_own(
        cache,
        &[
            "CON",
            "PRN",
            "AUX",
            "NUL",
            "NUL.txt",
            "COM1",
            "LPT1",
            "CONIN$",
            "-",
            "~",
            "/dev/null",
        ],
    )
}

fn nul(cache: &Cache) -> Verdict {
    are_different(cache, ["key", "key\0", "key\0\0", "key\0a", "key\0b"])?;
    each_has_its_own(cache, &["\0", "\0\0", "\0a"])
}

fn control_characters(cache: &Cache) -> Verdict {
    let keys = (1..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    let mut keys: Vec<String> = keys.map(|character| format!("a{character}b")).collect();
    keys.extend(["ab", "a\r\nb", "a\n\nb", "a\n", "\na"].map(str::to_owned));
    are_different(cache, keys)
}

fn invisible_characters(cache: &Cache) -> Verdict {
    are_different(
        cache,
        [
            "ab",
            "a b",
            "a\u{a0}b",
            "a\u{ad}b",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{202e}b",
            "a\u{fe0f}b",
            "a\u{feff}b",
            "\u{feff}ab",
        ],
    )
}

fn four_bytes(cache: &Cache) -> Verdict {
    are_different(
        cache,
        ["😀", "😁", "😀😀", "𐐷", "\u{10ffff}", "\u{fffd}", "?", "??"],
    )
}

fn last_byte(cache: &Cache) -> Verdict {
    let long = cache.key(&"k".repeat(4000));
    each_has_its_own(cache, &[&long, &format!("{long}a"), &format!("{long}b")])
}

/// Checks keys that equal the hash of another, for storages that name entries by hash.
fn hashes(cache: &Cache) -> Verdict {
    each_has_its_own(
        cache,
        &[
            "abc",
            // The MD5, SHA-1 and SHA-256 of `abc`.
            "900150983cd24fb0d6963f7d28e17f72",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ],
    )
}

fn numbers(cache: &Cache) -> Verdict {
    each_has_its_own(
        cache,
        &[
            "0",
            "-0",
            "00",
            "0.0",
            "0x0",
            "1",
            "01",
            "+1",
            "1.0",
            "1e0",
            "true",
            "NaN",
            "9007199254740992",
            "9007199254740993",
        ],
    )
}

fn reserved_words(cache: &Cache) -> Verdict {
    each_has_its_own(
        cache,
        &[
            "__proto__",
            "constructor",
            "prototype",
            "toString",
            "hasOwnProperty",
            "length",
            "__class__",
            "null",
            "undefined",
            "None",
            "nil",
        ],
    )
}

fn percent(cache: &Cache) -> Verdict {
    are_different(
        cache,
        [
            "a/b", "a%2Fb", "a%252Fb", "a b", "a%20b", "a+b", "a%2Bb", "a%b", "%s", "%%",
        ],
    )
}

fn wildcards(cache: &Cache) -> Verdict {
    let others = ["aa", "ab", "a/b"].map(|name| cache.key(name));
    let patterns = ["*", "a*", "a?", "a[ab]", "a%", "a_"].map(|name| cache.key(name));
    delete_leaves(cache, &patterns, &others)
}

fn common_beginnings(cache: &Cache) -> Verdict {
    let others = ["aa", "a-", "a/b", "a:b", "a.b", "b"].map(|name| cache.key(name));
    delete_leaves(cache, &[cache.key("a"), cache.key("")], &others)
}

/// [`each_has_its_own`] of keys with the prefix of the check.
fn are_different(cache: &Cache, names: impl IntoIterator<Item = impl AsRef<str>>) -> Verdict {
    let keys: Vec<String> = names
        .into_iter()
        .map(|name| cache.key(name.as_ref()))
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    each_has_its_own(cache, &keys)
}

/// Sets every key before it reads any, which reveals two keys that share an entry.
fn each_has_its_own(cache: &Cache, keys: &[&str]) -> Verdict {
    for (number, key) in keys.iter().enumerate() {
        cache.set(key, format!("value-{number}"), None)?;
    }
    for (number, key) in keys.iter().enumerate() {
        cache.expect(key, format!("value-{number}"))?;
    }
    Ok(())
}

fn delete_leaves(cache: &Cache, deleted: &[String], others: &[String]) -> Verdict {
    for key in deleted.iter().chain(others) {
        cache.set(key, "value", None)?;
    }
    for key in deleted {
        cache.delete(key)?;
        cache.expect_nothing(key)?;
    }
    for key in others {
        cache.expect(key, "value")?;
    }
    Ok(())
}
