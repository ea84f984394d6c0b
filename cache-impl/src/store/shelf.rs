//! One subdirectory of entries: what stands in it, and what may go.
//!
//! What cannot be read or removed is passed over, for the next look to try again.
//!
//! Another process may replace any file between a look at it and its removal. What was just set
//! is then lost, which a cache may do; nothing wrong is served.

use crate::clock::Timestamp;
use crate::directory::{Directory, DirectoryError, File, Status};
use crate::entry::{MAX_PREFIX_LEN, Prefix};
use crate::key::is_entry_name;
use crate::store::replace::TEMP_PREFIX;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Nobody takes longer to write a file.
const STALE_AFTER: u32 = 60 * 60;

/// How many entries are looked into at a time, at random: while a quarter of them has expired, it
/// pays to go on.
const SAMPLE: usize = 32;

/// How many samples one look takes at most.
const MOST_SAMPLES: usize = 32;

/// A subdirectory and the names in it. Those that are not ours are left alone.
pub(super) struct Shelf<D> {
    directory: D,
    names: Vec<String>,
}

impl<D: Directory> Shelf<D> {
    pub(super) fn open(root: &D, path: &str) -> Result<Self, DirectoryError> {
        let directory = root.enter(path)?;
        let names = directory.names()?;
        Ok(Self { directory, names })
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Removes the temporary files that nobody writes any more. `now` is by the same clock as the
    /// files' dates; a date after it says nothing.
    pub(super) fn sweep_temps(&self, now: Timestamp) {
        let is_stale = |status: Status| status.modified.is_longer_ago_than(STALE_AFTER, now);
        for name in &self.names {
            if name.starts_with(TEMP_PREFIX) && self.directory.status(name).is_ok_and(is_stale) {
                remove(&self.directory, name);
            }
        }
    }

    /// Removes expired entries, as far as samples find them. `random` is where to begin.
    pub(super) fn sweep_expired(&self, now: Timestamp, random: u64) {
        let start = (random as usize).checked_rem(self.names.len());
        let (before, after) = self.names.split_at(start.unwrap_or_default());
        let mut names = after.iter().chain(before);
        for _ in 0..MOST_SAMPLES {
            let mut swept = 0;
            for name in names.by_ref().take(SAMPLE) {
                if self.is_expired(name, now) && remove(&self.directory, name) {
                    swept += 1;
                }
            }
            if 4 * swept < SAMPLE {
                break;
            }
        }
    }

    fn is_expired(&self, name: &str, now: Timestamp) -> bool {
        if !is_entry_name(name) {
            return false;
        }
        let mut start = Vec::new();
        let file = self.directory.open(name);
        file.is_ok_and(|file| file.read(0, MAX_PREFIX_LEN, &mut start).is_ok())
            && Prefix::decode(&start).is_some_and(|prefix| prefix.is_expired(now))
    }

    /// Weighs all entries but the one named `spared`. `now` is by the same clock as the files'
    /// dates.
    pub(super) fn weigh(self, spared: Option<&str>, now: Timestamp) -> Contents<D> {
        let mut contents = Contents {
            directory: self.directory,
            entries: Vec::new(),
            bytes: 0,
        };
        for name in self.names {
            if is_entry_name(&name)
                && spared != Some(name.as_str())
                && let Ok(status) = contents.directory.status(&name)
            {
                contents.bytes = contents.bytes.saturating_add(status.size);
                contents.entries.push(Weighed {
                    name,
                    len: status.size,
                    set_at: plausible(status.modified, now),
                });
            }
        }
        contents
    }
}

/// The entries of a subdirectory, and how much they hold.
pub(super) struct Contents<D> {
    directory: D,
    entries: Vec<Weighed>,
    bytes: u64,
}

struct Weighed {
    name: String,
    len: u64,
    set_at: Timestamp,
}

impl<D: Directory> Contents<D> {
    /// The size of all of them.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes the oldest until at least so many bytes are freed, or nothing is left. Returns how
    /// many are left.
    pub(super) fn evict(self, excess: u64) -> u64 {
        let keep = self.bytes.saturating_sub(excess);
        let limit = self.age_limit(excess);
        let mut left = self.bytes;
        for due in [Ordering::Less, Ordering::Equal] {
            for entry in &self.entries {
                if left > keep
                    && entry.set_at.cmp(&limit) == due
                    && remove(&self.directory, &entry.name)
                {
                    left -= entry.len;
                }
            }
        }
        left
    }

    /// The last moment before which no more than `excess` bytes were set, found digit by digit: a
    /// sort or a heap would cost the guest 2 KB.
    fn age_limit(&self, excess: u64) -> Timestamp {
        let set_before = |moment| {
            let older = self.entries.iter().filter(|entry| entry.set_at < moment);
            older.fold(0, |sum: u64, entry| sum.saturating_add(entry.len))
        };
        let mut limit = 0;
        for digit in (0..u64::BITS).rev() {
            let later = limit | 1 << digit;
            if set_before(Timestamp::from_nanos(later)) <= excess {
                limit = later;
            }
        }
        Timestamp::from_nanos(limit)
    }
}

/// Files from the future go first: a wrong clock dated them, and what it wrote is a miss until then.
fn plausible(modified: Timestamp, now: Timestamp) -> Timestamp {
    if now.is_longer_ago_than(STALE_AFTER, modified) {
        Timestamp::from_nanos(0)
    } else {
        modified
    }
}

/// Removes a file, and tells whether it is gone.
fn remove(directory: &impl Directory, name: &str) -> bool {
    let removed = directory.remove_file(name);
    matches!(removed, Ok(()) | Err(DirectoryError::NotFound))
}
