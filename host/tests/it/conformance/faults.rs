//! Each mistake of the faulty cache, and the check that catches it.

pub const FAULTS: &[(&str, &str)] = &[
    ("refuses-empty-key", "key length: the empty string is a key"),
    (
        "refuses-to-delete-longest-key",
        "key length: 4,096 bytes are a key",
    ),
    ("sets-too-long-key", "key length: `set` refuses 4,097 bytes"),
    ("gets-too-long-key", "key length: `get` refuses 4,097 bytes"),
    (
        "deletes-too-long-key",
        "key length: `delete` refuses 4,097 bytes",
    ),
    (
        "counts-characters",
        "key length: bytes are counted, not characters",
    ),
    (
        "cuts-refused-key",
        "key length: a refused key leaves other entries alone",
    ),
    ("folds-case", "keys: upper and lower case are different"),
    (
        "composes-accents",
        "keys: composed and decomposed accents are different",
    ),
    ("trims-key", "keys: spaces and dots at the ends count"),
    ("resolves-path", "keys: steps of a path are not taken"),
    ("turns-backslash", "keys: slash and backslash are different"),
    ("opens-device", "keys: names of devices are keys"),
    ("ends-key-at-nul", "keys: a NUL ends nothing"),
    (
        "strips-control-characters",
        "keys: control characters count",
    ),
    (
        "strips-invisible-characters",
        "keys: invisible characters count",
    ),
    (
        "knows-only-three-bytes",
        "keys: characters of four bytes are different",
    ),
    (
        "compares-beginnings",
        "keys: the last byte of a long key counts",
    ),
    (
        "takes-hash-for-key",
        "keys: the hash of a key is another key",
    ),
    ("reads-numbers", "keys: numbers are text"),
    (
        "stumbles-over-reserved-word",
        "keys: words that a language reserves are keys",
    ),
    (
        "decodes-percent",
        "keys: percent signs and plus signs stand for themselves",
    ),
    ("deletes-by-wildcard", "keys: `delete` takes no wildcards"),
    (
        "deletes-by-beginning",
        "keys: `delete` leaves keys that begin alike",
    ),
    ("takes-empty-for-absent", "values: no bytes are a value"),
    ("empties-one-byte", "values: one byte is a value"),
    (
        "removes-backslashes",
        "values: printable characters are kept",
    ),
    ("trims-value", "values: spaces at the ends are kept"),
    ("translates-line-ends", "values: line ends are kept"),
    ("ends-value-at-nul", "values: NUL bytes are kept"),
    ("ends-value-at-control-z", "values: control bytes are kept"),
    ("decodes-utf8", "values: bytes that are not UTF-8 are kept"),
    (
        "strips-byte-order-mark",
        "values: a byte order mark is kept",
    ),
    (
        "loses-end-of-full-blocks",
        "sizes: powers of two from 4 bytes to 32 KiB, and a byte around each",
    ),
    (
        "loses-byte-after-chunk",
        "sizes: 64 KiB, and a byte around it",
    ),
    ("damages-size-class", "sizes: 1 MiB"),
    (
        "holds-two-mebibytes",
        "sizes: the largest value that works everywhere",
    ),
    (
        "fails-to-find-nothing",
        "absence: `get` of a key that was never set finds nothing",
    ),
    (
        "deletes-nothing",
        "absence: `delete` of a key that was never set finds nothing",
    ),
    ("reads-deleted", "absence: a deleted entry is gone"),
    ("deletes-twice", "absence: a second `delete` finds nothing"),
    ("reads-once", "absence: reading an entry leaves it there"),
    (
        "skips-same-length",
        "replacement: by a value of the same length",
    ),
    ("keeps-tail", "replacement: by a shorter value"),
    ("keeps-length", "replacement: by a longer value"),
    (
        "buries-key",
        "replacement: a deleted entry can be set again",
    ),
    (
        "deletes-one-version",
        "replacement: `delete` brings no earlier value back",
    ),
    ("shares-slot", "entries: many keep their own values"),
    (
        "wraps-version",
        "random program: the cache agrees with a map",
    ),
    ("zero-is-forever", "ttl: 0 leaves no entry"),
    ("zero-is-skipped", "ttl: 0 takes the earlier entry away"),
    (
        "counts-ttl-in-signed-number",
        "ttl: the longest does not overflow",
    ),
    ("ignores-ttl", "ttl: an entry is gone after its seconds"),
    (
        "caps-ttl",
        "ttl: an entry is there before its seconds are over",
    ),
    ("defaults-ttl", "ttl: an entry without one stays"),
    (
        "deletes-expired",
        "ttl: `delete` of an expired entry finds nothing",
    ),
    ("buries-expired", "ttl: an expired entry can be set again"),
    (
        "expires-one-version",
        "ttl: an expired entry brings no earlier value back",
    ),
    ("slides-ttl", "ttl: reading does not prolong it"),
    ("keeps-ttl-for-none", "ttl: none takes an earlier one away"),
    ("keeps-none-for-ttl", "ttl: one takes the place of none"),
    (
        "keeps-longer-ttl",
        "ttl: a shorter takes the place of a longer",
    ),
    (
        "keeps-shorter-ttl",
        "ttl: a longer takes the place of a shorter",
    ),
    ("leaves-timer", "ttl: `delete` takes it away with the entry"),
];
