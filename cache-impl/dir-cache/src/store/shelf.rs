//! One subdirectory of entries: its files, and the choice of those to remove.
//!
//! A file that cannot be read or removed is skipped; the next look tries it again.
//!
//! Another process may replace any file between a look at it and its removal. The value just set is
//! then lost, which a cache may do; no wrong value is served.

use crate::clock::Timestamp;
use crate::directory::{Directory, DirectoryError, File, Status};
use crate::entry::{MAX_PREFIX_LEN, Prefix};
use crate::key::is_entry_name;
use crate::max_bytes::blocks_of;
use crate::store::temp::{announced_blocks, is_temp_name};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The age in seconds, since the last write, at which a temporary file counts as a dead process's.
/// A process that is merely that slow finds its file removed, and writes it again.
const STALE_AFTER: u32 = 60;

/// The error of a clock, in seconds, above which its dates are ignored.
const WRONG_BY: u32 = 60 * 60;

/// The number of entries in a random sample: while a quarter of a sample has expired, another
/// sample is worth its cost.
const SAMPLE: usize = 32;

/// The maximal number of samples that one look takes.
const MOST_SAMPLES: usize = 32;

/// A subdirectory and the names in it. Names that are not the store's are left alone.
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

    /// The number of names.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The status of one of its files.
    pub(super) fn status(&self, name: &str) -> Result<Status, DirectoryError> {
        self.directory.status(name)
    }

    /// Removes stale temporary files. `now` is by the clock that dates the files. A file dated as
    /// far in the future is stale too: that clock was set back after its last write.
    ///
    /// A file that has gone by then stays listed, because it may be an entry now.
    pub(super) fn sweep_temps(&mut self, now: Timestamp) {
        let is_stale = |Status { modified, .. }| {
            modified.is_longer_ago_than(STALE_AFTER, now)
                || now.is_longer_ago_than(STALE_AFTER, modified)
        };
        let directory = &self.directory;
        self.names.retain(|name| {
            let is_swept = is_temp_name(name) && directory.status(name).is_ok_and(is_stale);
            !(is_swept && directory.remove_file(name).is_ok())
        });
    }

    /// Removes the expired entries that samples find. `random` selects the first entry.
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

    /// Weighs all entries except the one named `spared`, and the files under temporary names. `now`
    /// is by the clock that dates the files.
    pub(super) fn weigh(self, spared: &str, now: Timestamp) -> Contents<D> {
        let mut contents = Contents {
            directory: self.directory,
            entries: Vec::new(),
            evictable: 0,
            temporary: 0,
        };
        for name in self.names {
            let is_temp = is_temp_name(&name);
            if name == spared || !is_temp && !is_entry_name(&name) {
                continue;
            }
            let status = contents.directory.status(&name).ok();
            let blocks = status.map_or(0, |status| blocks_of(status.size));
            if is_temp {
                // A temporary file that is gone may have become an entry after the listing.
                contents.temporary = contents
                    .temporary
                    .saturating_add(blocks.max(announced_blocks(&name)));
            } else if let Some(status) = status {
                contents.evictable = contents.evictable.saturating_add(blocks);
                contents.entries.push(Weighed {
                    name,
                    blocks,
                    set_at: plausible(status.modified, now),
                });
            }
        }
        contents
    }
}

/// The contents of a subdirectory, in blocks.
pub(super) struct Contents<D> {
    directory: D,
    entries: Vec<Weighed>,
    evictable: u64,
    temporary: u64,
}

struct Weighed {
    name: String,
    blocks: u64,
    set_at: Timestamp,
}

impl<D: Directory> Contents<D> {
    /// The blocks of all weighed files.
    pub(super) fn blocks(&self) -> u64 {
        self.evictable.saturating_add(self.temporary)
    }

    /// The blocks of the evictable files.
    pub(super) fn evictable(&self) -> u64 {
        self.evictable
    }

    /// Removes the oldest files until at least `excess` blocks are freed, or no evictable file is
    /// left. Returns the number of blocks freed.
    pub(super) fn evict(self, excess: u64) -> u64 {
        let limit = self.age_limit(excess);
        let mut freed: u64 = 0;
        for due in [Ordering::Less, Ordering::Equal] {
            for entry in &self.entries {
                if freed < excess
                    && entry.set_at.cmp(&limit) == due
                    && remove(&self.directory, &entry.name)
                {
                    freed = freed.saturating_add(entry.blocks);
                }
            }
        }
        freed
    }

    /// The latest time before which no more than `excess` blocks were set, found digit by digit: a
    /// sort or a heap would add 2 KB to the guest.
    fn age_limit(&self, excess: u64) -> Timestamp {
        let set_before = |moment| {
            let older = self.entries.iter().filter(|entry| entry.set_at < moment);
            older.fold(0, |sum: u64, entry| sum.saturating_add(entry.blocks))
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

/// Files from the future go first: a wrong clock dated them, and their entries are misses until then.
fn plausible(modified: Timestamp, now: Timestamp) -> Timestamp {
    if now.is_longer_ago_than(WRONG_BY, modified) {
        Timestamp::from_nanos(0)
    } else {
        modified
    }
}

/// Removes a file; returns `true` if it is gone.
fn remove(directory: &impl Directory, name: &str) -> bool {
    let removed = directory.remove_file(name);
    matches!(removed, Ok(()) | Err(DirectoryError::NotFound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::NativeDirectory;
    use alloc::borrow::ToOwned;
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::{Duration, SystemTime};
    use tempfile::TempDir;

    const NOW: Timestamp = Timestamp::from_parts(1_000_000, 0);

    /// A shelf with files of these first digits, sizes in bytes and ages in seconds.
    fn shelf(files: &[(&str, u64, u64)]) -> TempDir {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("shelf")).expect("a directory");
        for (name, len, age) in files {
            let file = File::create(root.path().join("shelf").join(full(name))).expect("a file");
            file.set_len(*len).expect("a length");
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
            file.set_modified(modified).expect("a date");
        }
        root
    }

    fn full(name: &str) -> String {
        let mut name = name.to_owned();
        while !name.starts_with("tmp-") && name.len() < 30 {
            name.push('0');
        }
        name
    }

    fn open(root: &TempDir) -> Shelf<NativeDirectory> {
        let root = NativeDirectory::open(root.path()).expect("a directory");
        Shelf::open(&root, "shelf").expect("a shelf")
    }

    fn is_left(root: &TempDir, name: &str) -> bool {
        Path::new(root.path())
            .join("shelf")
            .join(full(name))
            .exists()
    }

    #[test]
    fn a_shelf_is_as_long_as_it_has_names() {
        assert_eq!(open(&shelf(&[])).len(), 0);
        let root = shelf(&[("a", 1, 1), ("b", 1, 1), ("tmp-x", 1, 1)]);
        assert_eq!(open(&root).len(), 3);
    }

    #[test]
    fn entries_count_whole_blocks_and_temporary_files_what_they_announce() {
        let root = shelf(&[
            ("a", 1, 1),
            ("b", 4096, 1),
            ("c", 4097, 1),
            ("empty", 0, 1),
            ("tmp-0123456789abcdef-00000009", 4097, 1),
            ("tmp-0123456789abcdee-00000001", 4097, 1),
        ]);
        fs::write(root.path().join("shelf/notes"), [0; 5000]).expect("a file");
        let contents = open(&root).weigh("", NOW);
        assert_eq!((contents.evictable(), contents.blocks()), (4, 4 + 9 + 2));
        let contents = open(&root).weigh(&full("c"), NOW);
        assert_eq!((contents.evictable(), contents.blocks()), (2, 2 + 9 + 2));
    }

    #[test]
    fn a_temporary_file_that_is_renamed_after_the_listing_counts_and_one_that_is_swept_does_not() {
        let temps = [
            ("tmp-0123456789abcdef-00000009", 0, 1),
            ("tmp-0123456789abcdee-00000004", 0, 61),
        ];
        let root = shelf(&temps);
        let mut listed = open(&root);
        let path = root.path().join("shelf");
        fs::rename(path.join(temps[0].0), path.join(full("a"))).expect("renamed");
        listed.sweep_temps(NOW);
        assert!(!path.join(temps[1].0).exists());
        let contents = listed.weigh("", NOW);
        assert_eq!((contents.evictable(), contents.blocks()), (0, 9));
    }

    #[test]
    fn as_many_of_the_oldest_go_as_have_to() {
        let files = [("a", 5000, 10), ("b", 1, 30), ("c", 1, 20), ("d", 1, 40)];
        for (excess, freed, survivors) in [
            (0, 0, "abcd"),
            (1, 1, "abc"),
            (2, 2, "ac"),
            (3, 3, "a"),
            (4, 5, ""),
            (100, 5, ""),
        ] {
            let root = shelf(&files);
            assert_eq!(open(&root).weigh("", NOW).evict(excess), freed, "{excess}");
            for (name, ..) in files {
                assert_eq!(
                    is_left(&root, name),
                    survivors.contains(name),
                    "{name}, {excess}"
                );
            }
        }
    }

    #[test]
    fn of_those_set_at_the_same_moment_no_more_go_than_have_to() {
        let root = shelf(&[("a", 1, 10), ("b", 1, 10), ("c", 1, 10), ("d", 1, 20)]);
        assert_eq!(open(&root).weigh("", NOW).evict(2), 2);
        assert!(!is_left(&root, "d"));
        let left = ["a", "b", "c"].map(|name| usize::from(is_left(&root, name)));
        assert_eq!(left.iter().sum::<usize>(), 2);
    }

    #[test]
    fn what_is_being_written_is_never_evicted() {
        let root = shelf(&[("a", 1, 10), ("tmp-0123456789abcdef-00000009", 1, 20)]);
        assert_eq!(open(&root).weigh("", NOW).evict(100), 1);
        assert!(is_left(&root, "tmp-0123456789abcdef-00000009"));
        assert!(!is_left(&root, "a"));
    }

    #[test]
    fn what_is_dated_an_hour_ahead_is_the_oldest() {
        let ahead = |seconds: u64| {
            let root = shelf(&[("a", 1, 900_000), ("b", 1, 0)]);
            let now = Timestamp::from_parts(1_000_000 - seconds, 0);
            open(&root).weigh("", now).evict(1);
            (is_left(&root, "a"), is_left(&root, "b"))
        };
        assert_eq!(ahead(60 * 60), (false, true));
        assert_eq!(ahead(60 * 60 + 1), (true, false));
    }
}
