//! Eviction under a bound: before a file is written, the oldest entries of a few subdirectories are
//! removed.
//!
//! A *look* is the check for room that a `set` may make. It first announces its file, by a
//! temporary file whose name holds the size and by the figure of its subdirectory, and then reads
//! what others have announced. So of two that need the same room, at least one knows of the other.
//! Announced bytes count as written. If they leave no room, nothing is written.
//!
//! A `set` into a subdirectory looks at random, with a probability in proportion to its size. So
//! for any number of processes, the bytes set into a subdirectory since the last look have the same
//! mean, and their sum over all subdirectories hardly varies: a sixth of the bound, with a standard
//! deviation of a hundredth. A look leaves a quarter of the bound free for it.
//!
//! The touched subdirectory pays first, down to three quarters of an equal share; for small values
//! that is enough. For a large value the fullest others pay the rest, so a value may be as large as
//! the bound; the work is in proportion to the bytes set.

use super::shelf::{Contents, Shelf};
use super::tally::Tally;
use super::temp::Temp;
use super::{Error, Store};
use crate::clock::{Clock, Timestamp};
use crate::directory::{Directory, DirectoryError};
use crate::key::{Key, SHELVES, shelf};
use crate::max_bytes::{BLOCK_LEN, MaxBytes};

/// The maximal number of unweighed subdirectories that one look weighs, so that an existing store
/// becomes known step by step.
const WEIGHED_AT_ONCE: usize = 16;

/// `true` if a `set` of `blocks` blocks is to look. `random` is a random number for this `set` alone.
pub(super) fn is_due(max_bytes: MaxBytes, blocks: u64, random: u64) -> bool {
    let sixth_of_a_share = (max_bytes.get() / 6 / SHELVES as u64).max(1);
    random % sixth_of_a_share < blocks * BLOCK_LEN
}

impl<D: Directory, C: Clock> Store<D, C> {
    /// Makes room for an entry of `key`, which will be written to `temp` and then replace an
    /// earlier one. `touched` is the subdirectory of both, and `now` is by the clock that dates the
    /// files.
    ///
    /// Returns `false` if there is no room even after every evictable entry was removed, or if other
    /// processes were faster each time that this one tried to announce its file.
    pub(super) fn make_room(
        &self,
        max_bytes: MaxBytes,
        mut tally: Tally<D>,
        key: &Key,
        temp: &Temp,
        touched: Shelf<D>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let levels = Levels::new(max_bytes, temp.blocks());
        let number = key.shelf_number();
        let contents = touched.weigh(key.name(), now);

        tally.record(number, contents.blocks());
        // Entries are evicted even if this fails, so that a full disk gets room.
        let announced = tally.announce(number);
        tally.refresh()?;

        levels.settle(&mut tally, number, contents, levels.untouchable);
        let mut seen = [false; SHELVES];
        seen[usize::from(number)] = true;
        for untouchable in [levels.untouchable, 0] {
            self.evict_elsewhere(&levels, &mut tally, &mut seen, untouchable, key, now);
            if tally.total() <= levels.max {
                break;
            }
            seen = [false; SHELVES];
        }
        let has_room = tally.total() <= levels.max && matches!(announced, Ok(true));
        // If another process has removed the file, it no longer counts.
        if !has_room && self.directory.remove_file(temp.path()).is_ok() {
            tally.free(number, temp.blocks());
        }
        // What remains unpublished is too high: a later look weighs the subdirectory again.
        let _ = tally.publish();
        announced?;
        Ok(has_room)
    }

    /// Evicts from subdirectories that were not seen yet, the fullest first, until the target is
    /// reached or all were seen.
    fn evict_elsewhere(
        &self,
        levels: &Levels,
        tally: &mut Tally<D>,
        seen: &mut [bool; SHELVES],
        untouchable: u64,
        key: &Key,
        now: Timestamp,
    ) {
        let mut weighed = 0;
        while let Some(number) = tally.fullest(seen, key.shelf_number()) {
            let is_unknown = tally.blocks(number).is_none() && weighed < WEIGHED_AT_ONCE;
            if tally.total() <= levels.target && !is_unknown {
                break;
            }
            seen[usize::from(number)] = true;
            match Shelf::open(&self.directory, &shelf(number)) {
                Ok(mut shelf) => {
                    weighed += 1;
                    shelf.sweep_temps(now);
                    let is_touched = number == key.shelf_number();
                    let spared = if is_touched { key.name() } else { "" };
                    let contents = shelf.weigh(spared, now);
                    tally.record(number, contents.blocks());
                    levels.settle(tally, number, contents, untouchable);
                }
                Err(DirectoryError::NotFound) => tally.record(number, 0),
                Err(_) => {}
            }
        }
    }
}

/// The limits for eviction, in blocks.
struct Levels {
    /// The bound for all files together.
    max: u64,
    /// The target for all files after a look that found more. 0 for an entry that needs part of the
    /// room reserved for unknown bytes: then every subdirectory is weighed.
    target: u64,
    /// The blocks that no eviction takes from a subdirectory while there is more elsewhere.
    untouchable: u64,
}

impl Levels {
    fn new(max_bytes: MaxBytes, entry: u64) -> Self {
        let max = max_bytes.blocks();
        let target = max - max / 4;
        let share = target.saturating_sub(entry) / SHELVES as u64;
        Self {
            max,
            target: if entry > target { 0 } else { target },
            untouchable: share - share / 4,
        }
    }

    /// Evicts from a recorded subdirectory until it or the store is within its limit.
    fn settle<D: Directory>(
        &self,
        tally: &mut Tally<D>,
        number: u8,
        contents: Contents<D>,
        untouchable: u64,
    ) {
        let excess = tally.total().saturating_sub(self.target);
        let surplus = contents.evictable().saturating_sub(untouchable);
        tally.free(number, contents.evict(excess.min(surplus)));
    }
}
