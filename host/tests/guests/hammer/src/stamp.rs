//! Values that identify their origin: a line, the stamp, and a filler that depends on it.
//!
//! A value that mixes two, is cut short or has any changed byte does not agree with its stamp.

use fastrand::Rng;
use std::{
    fmt::{self, Display, Formatter},
    hash::{DefaultHasher, Hasher},
    str::FromStr,
};

/// The most time, in nanoseconds, between a reading of the clock here and the cache's own, on an
/// overloaded machine.
const LAG: u64 = SECOND;
const SECOND: u64 = 1_000_000_000;

/// The origin of a value: the `set` that stored it.
pub struct Stamp {
    key: String,
    writer: u64,
    sequence: u64,
    set_at: u64,
    ttl: Option<u32>,
    /// The length of the filler, in words of 8 bytes. The first one is a checksum of the stamp.
    words: u64,
}

impl Stamp {
    pub fn new(key: &str, writer: u64, sequence: u64, ttl: Option<u32>, random: &mut Rng) -> Self {
        let magnitude = random.u8(..14);
        Self {
            key: key.to_owned(),
            writer,
            sequence,
            set_at: crate::now(),
            ttl,
            words: random.u64(1..=1 << magnitude),
        }
    }

    /// The stamp of a value, if every byte of the value agrees with it.
    pub fn of(value: &[u8]) -> Result<Self, String> {
        let line = value.split(|byte| *byte == b'\n').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default());
        let stamp: Self = line.parse().map_err(|_| format!("begins with `{line}`"))?;
        if stamp.bytes().eq(value.iter().copied()) {
            Ok(stamp)
        } else {
            Err(format!("{} bytes, not those of `{stamp}`", value.len()))
        }
    }

    pub fn value(&self) -> Vec<u8> {
        self.bytes().collect()
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        let line = format!("{self}\n").into_bytes();
        let mut hasher = DefaultHasher::new();
        hasher.write(&line);
        let mut filler = Rng::with_seed(hasher.finish());
        let words = (0..self.words).flat_map(move |_| filler.u64(..).to_le_bytes());
        line.into_iter().chain(words)
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn ttl(&self) -> Option<u32> {
        self.ttl
    }

    /// A value with a ttl of 0 has always expired.
    pub fn has_expired(&self, now: u64) -> bool {
        self.ttl
            .is_some_and(|ttl| ttl == 0 || now > self.set_at + u64::from(ttl) * SECOND + LAG)
    }
}

impl Display for Stamp {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Self {
            key,
            writer,
            sequence,
            set_at,
            ttl,
            words,
        } = self;
        let ttl = ttl.map_or(-1, i64::from);
        write!(f, "{key} {writer} {sequence} {set_at} {ttl} {words}")
    }
}

impl FromStr for Stamp {
    type Err = NoStamp;

    fn from_str(line: &str) -> Result<Self, NoStamp> {
        let fields: Vec<&str> = line.split(' ').collect();
        let &[key, writer, sequence, set_at, ttl, words] = fields.as_slice() else {
            return Err(NoStamp);
        };
        Ok(Self {
            key: key.to_owned(),
            writer: writer.parse()?,
            sequence: sequence.parse()?,
            set_at: set_at.parse()?,
            ttl: u32::try_from(ttl.parse::<i64>()?).ok(),
            words: words.parse()?,
        })
    }
}

/// A line that is not a stamp.
pub struct NoStamp;

impl From<std::num::ParseIntError> for NoStamp {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}
