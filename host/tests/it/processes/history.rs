//! The history of `set` calls, and the values that a reader may still find.

use std::{
    collections::HashMap,
    fmt::{self, Display, Formatter},
    str::FromStr,
};

/// One `set`, as recorded in the stamp of its value.
#[derive(Debug, Clone)]
pub struct Set {
    key: String,
    writer: u64,
    sequence: u64,
    began: u64,
}

/// All acknowledged calls, and the end times of writers that were killed.
#[derive(Default)]
pub struct History {
    /// The time of acknowledgement, by writer and sequence number.
    ended: HashMap<(u64, u64), u64>,
    /// For each key, the acknowledged `set` that began last.
    last: HashMap<String, Set>,
    killed: HashMap<u64, u64>,
}

impl History {
    /// Records that this `set` had succeeded by this time.
    pub fn acknowledge(&mut self, set: Set, ended: u64) {
        self.ended.insert((set.writer, set.sequence), ended);
        let last = self.last.entry(set.key.clone()).or_insert(set.clone());
        if last.began < set.began {
            *last = set;
        }
    }

    /// Records that this writer had ended by this time.
    pub fn kill(&mut self, writer: u64, at: u64) {
        self.killed.insert(writer, at);
    }

    pub fn acknowledged(&self) -> usize {
        self.ended.len()
    }

    /// The number of keys that were set and were not found.
    pub fn missing(&self, found: &[Set]) -> usize {
        let is_missing = |key: &&String| found.iter().all(|set| set.key != **key);
        self.last.keys().filter(is_missing).count()
    }

    /// `true` if a reader may find this value now: it was set under its key, and no acknowledged
    /// `set` that began later has certainly replaced it.
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
