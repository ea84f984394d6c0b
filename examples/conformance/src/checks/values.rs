//! A value is any bytes, or none.
//!
//! The 256 byte values are divided among the checks, so that a failing check names the kind of
//! bytes that a cache does not keep.

use crate::cache::Cache;
use crate::check::{Check, Verdict};

pub fn checks() -> Vec<Check> {
    vec![
        Check::new("values: no bytes are a value", empty),
        Check::new("values: one byte is a value", one_byte),
        Check::new("values: printable characters are kept", printable),
        Check::new("values: spaces at the ends are kept", spaces),
        Check::new("values: line ends are kept", line_ends),
        Check::new("values: NUL bytes are kept", nul),
        Check::new("values: control bytes are kept", control_bytes),
        Check::new("values: bytes that are not UTF-8 are kept", not_utf8),
        Check::new("values: a byte order mark is kept", byte_order_mark),
    ]
}

fn empty(cache: &Cache) -> Verdict {
    come_back(cache, &[b""])
}

fn one_byte(cache: &Cache) -> Verdict {
    come_back(cache, &[b"a", b"0"])
}

fn printable(cache: &Cache) -> Verdict {
    // The space is among them, and must not be at either end here.
    let all: Vec<u8> = b"begin".iter().copied().chain(b' '..=b'~').collect();
    come_back(
        cache,
        &[
            &all,
            b"{\"a\":[1,2]}",
            b"\"quoted\"",
            b"<a>&amp;</a>",
            b"\\n\\0\\x00",
            b"%00",
        ],
    )
}

fn spaces(cache: &Cache) -> Verdict {
    come_back(cache, &[b" a", b"a ", b"  a  ", b"  "])
}

fn line_ends(cache: &Cache) -> Verdict {
    come_back(
        cache,
        &[
            b"a\nb", b"a\rb", b"a\r\nb", b"a\n\rb", b"a\n", b"a\r\n", b"\r\n", b"\n\n",
        ],
    )
}

fn nul(cache: &Cache) -> Verdict {
    come_back(cache, &[b"\0\0", b"\0a", b"a\0", b"a\0b"])
}

fn control_bytes(cache: &Cache) -> Verdict {
    let line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let all: Vec<u8> = (1..0x20)
        .filter(|byte| !line_end(byte))
        .chain([0x7f])
        .collect();
    come_back(cache, &[&all, b"a\x1ab", b"a\tb", b"a\x1b[31mb"])
}

fn not_utf8(cache: &Cache) -> Verdict {
    let all: Vec<u8> = (0x80..=0xff).collect();
    let (lone, cut, overlong, surrogate) = (b"a\xffb", b"a\xe8\xaa", b"\xc0\xaf", b"\xed\xa0\x80");
    come_back(cache, &[&all, lone, cut, overlong, surrogate, b"\xff\xfea"])
}

fn byte_order_mark(cache: &Cache) -> Verdict {
    come_back(
        cache,
        &[
            "\u{feff}a".as_bytes(),
            "\u{feff}".as_bytes(),
            "a\u{feff}".as_bytes(),
        ],
    )
}

fn come_back(cache: &Cache, values: &[&[u8]]) -> Verdict {
    for (number, value) in values.iter().enumerate() {
        let key = cache.key(&number.to_string());
        cache.set(&key, value, None)?;
        cache.expect(&key, value)?;
    }
    Ok(())
}
