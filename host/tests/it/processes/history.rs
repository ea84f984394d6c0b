//! What was set, by whom and when, and which of it may still be there.

use std::{
    collections::HashMap,
    fmt::{self, Display, Formatter},
    str::FromStr,
};

/// One `set`, as its stamp tells of it.
#[derive(Debug, Clone)]
pub struct Set {
    key: String,
    writer: u64,
    sequence: u64,
    began: u64,
}

/// All that was acknowledged, and the end of those who can set no more.
#[derive(Default)]
pub struct History {
    /// By writer and sequence.
    ended: HashMap<(u64, u64), u64>,
    /// By key, the acknowledged `set` that began last.
    last: HashMap<String, Set>,
    killed: HashMap<u64, u64>,
}

impl History {
    /// Takes down that this `set` had succeeded by then.
    pub fn acknowledge(&mut self, set: Set, ended: u64) {
        self.ended.insert((set.writer, set.sequence), ended);
        let last = self.last.entry(set.key.clone()).or_insert(set.clone());
        if last.began < set.began {
            *last = set;
        }
    }

    /// Takes down that this writer was no more by then.
    pub fn kill(&mut self, writer: u64, at: u64) {
        self.killed.insert(writer, at);
    }

    pub fn acknowledged(&self) -> usize {
        self.ended.len()
    }

    /// How many keys were set and are not among those that were found.
    pub fn missing(&self, found: &[Set]) -> usize {
        let is_missing = |key: &&String| found.iter().all(|set| set.key != **key);
        self.last.keys().filter(is_missing).count()
    }

    /// Whether a reader may find this now: what was set under its key and not replaced, for sure,
    /// by a `set` that began after.
    pub fn expect(&self, found: &Set) -> Result<(), String> {
        let ended = self.ended.get(&(found.writer, found.sequence));
        let Some(&ended) = ended.or_else(|| self.killed.get(&found.writer)) else {
            return Err(format!("found `{found}`, which nobody has set"));
        };
        match self.last.get(&found.key) {
            Some(last) if last.began > ended => Err(format!(
                "found `{found}`, which had ended at {ended}, before the acknowledged `{last}` began"
            )),
            _ => Ok(()),
        }
    }
}

impl FromStr for Set {
    type Err = String;

    fn from_str(stamp: &str) -> Result<Self, String> {
        let fields: Vec<&str> = stamp.split(' ').collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse().ok());
        let set = || {
            Some(Self {
                key: (*fields.first()?).to_owned(),
                writer: number(1)?,
                sequence: number(2)?,
                began: number(3)?,
            })
        };
        set().ok_or_else(|| format!("`{stamp}` is no stamp"))
    }
}

impl Display for Set {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Self {
            key,
            writer,
            sequence,
            began,
        } = self;
        write!(f, "{key} {writer} {sequence} {began}")
    }
}
