//! What can go wrong, by name.
//!
//! A mistake that every use of the cache would show is made only where one check looks: with values
//! of a page and more ([`is_long`]), or with keys that no file could have as its name.

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
    /// It is `delete` alone whose limit is one less.
    RefusesToDeleteLongestKey = "refuses-to-delete-longest-key",
    /// One of ASCII.
    SetsTooLongKey = "sets-too-long-key",
    /// One of ASCII: it answers that it found nothing.
    GetsTooLongKey = "gets-too-long-key",
    /// One of ASCII: it answers that it found nothing.
    DeletesTooLongKey = "deletes-too-long-key",
    CountsCharacters = "counts-characters",
    /// It answers `runtime-error` and stores the value under the beginning of the key.
    CutsRefusedKey = "cuts-refused-key",

    // Which entry a key names.
    FoldsCase = "folds-case",
    ComposesAccents = "composes-accents",
    TrimsKey = "trims-key",
    ResolvesPath = "resolves-path",
    TurnsBackslash = "turns-backslash",
    /// A value goes where the system sends what is written to `NUL` and the like.
    OpensDevice = "opens-device",
    EndsKeyAtNul = "ends-key-at-nul",
    StripsControlCharacters = "strips-control-characters",
    StripsInvisibleCharacters = "strips-invisible-characters",
    /// It knows no characters of four bytes.
    KnowsOnlyThreeBytes = "knows-only-three-bytes",
    ComparesBeginnings = "compares-beginnings",
    TakesHashForKey = "takes-hash-for-key",
    ReadsNumbers = "reads-numbers",
    /// What is stored under a reserved word is lost.
    StumblesOverReservedWord = "stumbles-over-reserved-word",
    DecodesPercent = "decodes-percent",
    DeletesByWildcard = "deletes-by-wildcard",
    DeletesByBeginning = "deletes-by-beginning",

    // Which bytes are kept.
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

    // What is absent, and what was deleted.
    /// For a key that no file could have as its name.
    FailsToFindNothing = "fails-to-find-nothing",
    /// For a key that no file could have as its name.
    DeletesNothing = "deletes-nothing",
    /// `get` gives a long value also after it was deleted.
    ReadsDeleted = "reads-deleted",
    /// A long value can be deleted twice.
    DeletesTwice = "deletes-twice",
    /// A long value can be read once.
    ReadsOnce = "reads-once",

    // Replacement. It is the old value that has to be long.
    /// A value of the same length is taken for the same value.
    SkipsSameLength = "skips-same-length",
    /// A shorter value is written over the beginning of the old.
    KeepsTail = "keeps-tail",
    /// A longer value is cut to the length of the old.
    KeepsLength = "keeps-length",
    /// A deleted key stays deleted.
    BuriesKey = "buries-key",
    /// `delete` uncovers the value that was replaced.
    DeletesOneVersion = "deletes-one-version",

    /// From the 257th entry on, a new one is also stored in the first.
    SharesSlot = "shares-slot",
    /// Every 16th `set` of a key is lost.
    WrapsVersion = "wraps-version",

    // Time to live.
    /// With a long value, 0 is no ttl.
    ZeroIsForever = "zero-is-forever",
    /// Over a long value, a `set` with 0 is skipped.
    ZeroIsSkipped = "zero-is-skipped",
    CountsTtlInSignedNumber = "counts-ttl-in-signed-number",
    /// A new entry with a long value has no ttl.
    IgnoresTtl = "ignores-ttl",
    /// A new entry lives no longer than a second.
    CapsTtl = "caps-ttl",
    /// A new entry with a long value and without a ttl lives a second.
    DefaultsTtl = "defaults-ttl",
    DeletesExpired = "deletes-expired",
    /// A key stays expired.
    BuriesExpired = "buries-expired",
    /// Expiry uncovers a long value that was replaced.
    ExpiresOneVersion = "expires-one-version",
    /// Every `get` starts the ttl again.
    SlidesTtl = "slides-ttl",
    KeepsTtlForNone = "keeps-ttl-for-none",
    /// Only the short value that was there counts.
    KeepsNoneForTtl = "keeps-none-for-ttl",
    KeepsLongerTtl = "keeps-longer-ttl",
    KeepsShorterTtl = "keeps-shorter-ttl",
    /// The timer of a deleted entry ends the next one.
    LeavesTimer = "leaves-timer",
}

impl Fault {
    /// The error says which faults there are.
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

/// A page and more.
pub fn is_long(value: &[u8]) -> bool {
    value.len() >= 4096
}
