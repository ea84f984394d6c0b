//! The faults, by name.
//!
//! A mistake that every use of the cache would reveal is made only where one check looks: with
//! values of at least a page ([`is_long`]), or with keys that cannot be file names.

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident = $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        const FAULTS: &[(&str, Fault)] = &[$(($name, Fault::$fault),)*];
    };
}

faults! {
    /// A correct cache.
    None = "none",

    // The length of a key.
    RefusesEmptyKey = "refuses-empty-key",
    /// Only the limit of `delete` is one less.
    RefusesToDeleteLongestKey = "refuses-to-delete-longest-key",
    /// Only one of ASCII.
    SetsTooLongKey = "sets-too-long-key",
    /// Only one of ASCII: it answers that it found nothing.
    GetsTooLongKey = "gets-too-long-key",
    /// Only one of ASCII: it answers that it found nothing.
    DeletesTooLongKey = "deletes-too-long-key",
    CountsCharacters = "counts-characters",
    /// It answers `runtime-error` and stores the value under the beginning of the key.
    CutsRefusedKey = "cuts-refused-key",

    // The entry that a key names.
    FoldsCase = "folds-case",
    ComposesAccents = "composes-accents",
    TrimsKey = "trims-key",
    ResolvesPath = "resolves-path",
    TurnsBackslash = "turns-backslash",
    /// A value is written to `NUL` or another device of the system, and lost.
    OpensDevice = "opens-device",
    EndsKeyAtNul = "ends-key-at-nul",
    StripsControlCharacters = "strips-control-characters",
    StripsInvisibleCharacters = "strips-invisible-characters",
    /// Characters of four bytes are not supported.
    KnowsOnlyThreeBytes = "knows-only-three-bytes",
    ComparesBeginnings = "compares-beginnings",
    TakesHashForKey = "takes-hash-for-key",
    ReadsNumbers = "reads-numbers",
    /// A value stored under a reserved word is lost.
    StumblesOverReservedWord = "stumbles-over-reserved-word",
    DecodesPercent = "decodes-percent",
    DeletesByWildcard = "deletes-by-wildcard",
    DeletesByBeginning = "deletes-by-beginning",

    // The bytes that are kept.
    TakesEmptyForAbsent = "takes-empty-for-absent",
    EmptiesOneByte = "empties-one-byte",
    RemovesBackslashes = "removes-backslashes",
    TrimsValue = "trims-value",
    TranslatesLineEnds = "translates-line-ends",
    EndsValueAtNul = "ends-value-at-nul",
    EndsValueAtControlZ = "ends-value-at-control-z",
    DecodesUtf8 = "decodes-utf8",
    StripsByteOrderMark = "strips-byte-order-mark",
    /// The last byte of a value that fills its blocks is lost.
    LosesEndOfFullBlocks = "loses-end-of-full-blocks",
    /// The last byte of a value that is one longer than its chunks of 64 KiB is lost.
    LosesByteAfterChunk = "loses-byte-after-chunk",
    /// Values of 1 MiB to 2 MiB are damaged.
    DamagesSizeClass = "damages-size-class",
    HoldsTwoMebibytes = "holds-two-mebibytes",

    // Absent and deleted entries.
    /// For a key that cannot be a file name.
    FailsToFindNothing = "fails-to-find-nothing",
    /// For a key that cannot be a file name.
    DeletesNothing = "deletes-nothing",
    /// `get` returns a long value even after it was deleted.
    ReadsDeleted = "reads-deleted",
    /// A long value can be deleted twice.
    DeletesTwice = "deletes-twice",
    /// A long value can be read once.
    ReadsOnce = "reads-once",

    // Replacement. The fault occurs if the old value is long.
    /// A value of the same length is taken for the same value.
    SkipsSameLength = "skips-same-length",
    /// A shorter value overwrites only the beginning of the old one.
    KeepsTail = "keeps-tail",
    /// A longer value is cut to the length of the old one.
    KeepsLength = "keeps-length",
    /// A deleted key stays deleted.
    BuriesKey = "buries-key",
    /// `delete` restores the value that was replaced.
    DeletesOneVersion = "deletes-one-version",

    /// From the 257th entry on, a new one is also stored in the first.
    SharesSlot = "shares-slot",
    /// Every 16th `set` of a key is lost.
    WrapsVersion = "wraps-version",

    // Time to live.
    /// With a long value, 0 means no ttl.
    ZeroIsForever = "zero-is-forever",
    /// Over a long value, a `set` with 0 is skipped.
    ZeroIsSkipped = "zero-is-skipped",
    CountsTtlInSignedNumber = "counts-ttl-in-signed-number",
    /// A new entry with a long value has no ttl.
    IgnoresTtl = "ignores-ttl",
    /// A new entry lives for a second at most.
    CapsTtl = "caps-ttl",
    /// A new entry with a long value and without a ttl lives a second.
    DefaultsTtl = "defaults-ttl",
    DeletesExpired = "deletes-expired",
    /// A key stays expired.
    BuriesExpired = "buries-expired",
    /// Expiry restores a long value that was replaced.
    ExpiresOneVersion = "expires-one-version",
    /// Every `get` restarts the ttl.
    SlidesTtl = "slides-ttl",
    KeepsTtlForNone = "keeps-ttl-for-none",
    /// Only if the old value is short.
    KeepsNoneForTtl = "keeps-none-for-ttl",
    KeepsLongerTtl = "keeps-longer-ttl",
    KeepsShorterTtl = "keeps-shorter-ttl",
    /// The timer of a deleted entry ends the next one.
    LeavesTimer = "leaves-timer",
}

impl Fault {
    /// Reads the fault from `FAULT`. The error lists the faults.
    pub fn from_environment() -> Result<Self, String> {
        let text = std::env::var("FAULT").unwrap_or_default();
        let known = FAULTS.iter().find(|(name, _)| *name == text);
        known.map(|(_, fault)| *fault).ok_or_else(|| {
            let names: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
            format!(
                "there is no fault `{text}`; set `FAULT` to one of: {}",
                names.join(" ")
            )
        })
    }
}

/// `true` for a value of at least a page.
pub fn is_long(value: &[u8]) -> bool {
    value.len() >= 4096
}
