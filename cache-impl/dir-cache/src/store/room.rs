//! How the store keeps to its bound: before a file is written, the oldest entries of few
//! subdirectories go.
//!
//! A `set` that looks first announces itself, by a temporary file whose name tells its size and by
//! the figure of its subdirectory, and then reads what others have announced. So of two that want
//! the same room, one at least knows of the other. Whatever else is announced counts as if it were
//! written. Where it leaves no room, nothing is written.
//!
//! A `set` into a subdirectory looks by chance, in proportion to its size. So however many
//! processes there are, what was set into a subdirectory since anybody looked is the same in the
//! mean, and in all of them together it hardly varies: a sixth of the bound, with a standard
//! deviation of a hundredth. A look leaves a quarter free for it.
//!
//! The touched subdirectory pays for what it takes, down to three quarters of an equal share.
//! That is all there is to it while values are small. What a large value takes beyond that is
//! paid by the fullest others, so that a value may be as large as the bound; the work is in
//! proportion to what was set.

use super::shelf::{Contents, Shelf};
use super::tally::Tally;
use super::temp::Temp;
use super::{Error, Store};
use crate::clock::{Clock, Timestamp};
use crate::directory::{Directory, DirectoryError};
use crate::key::{Key, SHELVES, shelf};
use crate::max_bytes::{BLOCK_LEN, MaxBytes};

/// How many subdirectories that nobody has weighed yet one look weighs, so that an existing store
/// becomes known bit by bit.
const WEIGHED_AT_ONCE: usize = 16;

/// Whether a `set` of so many blocks is to look. `random` is a number of its own.
pub(super) fn is_due(max_bytes: MaxBytes, blocks: u64, random: u64) -> bool {
    let sixth_of_a_share = (max_bytes.get() / 6 / SHELVES as u64).max(1);
    random % sixth_of_a_share < blocks * BLOCK_LEN
}

impl<D: Directory, C: Clock> Store<D, C> {
    /// Makes room for an entry of `key`, which is to be written to `temp` and then takes the place
    /// of an earlier one. `touched` is the subdirectory of both, and `now` is by the same clock as
    /// the files' dates.
    ///
    /// False if all that may go has gone, and there still is none.
    pub(super) fn make_room(
        &self,
        max_bytes: MaxBytes,
        key: &Key,
        temp: &Temp,
        touched: Shelf<D>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let levels = Levels::new(max_bytes, temp.blocks());
        let number = key.shelf_number();
        let mut tally = Tally::open(&self.directory)?;
        let contents = touched.weigh(key.name(), now);

        tally.record(number, contents.blocks());
        // As it is only a hint, what cannot be published is no reason to fail.
        let _ = tally.publish();
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
        let has_room = tally.total() <= levels.max;
        if !has_room {
            let without = tally.blocks(number).unwrap_or_default();
            tally.record(number, without.saturating_sub(temp.blocks()));
        }
        let _ = tally.publish();
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
                Ok(shelf) => {
                    weighed += 1;
                    shelf.sweep_temps(now);
                    let is_touched = number == key.shelf_number();
                    let spared = if is_touched { key.name() } else { "" };
                    let contents = shelf.weigh(spared, now);
                    levels.settle(tally, number, contents, untouchable);
                }
                Err(DirectoryError::NotFound) => tally.record(number, 0),
                Err(_) => {}
            }
        }
    }
}

/// How far to evict, in blocks.
struct Levels {
    /// What all files together may have.
    max: u64,
    /// What they are to have at most after a look that found more. 0 for an entry that leaves less
    /// free than may be unknown: then everything is weighed.
    target: u64,
    /// What each subdirectory may keep whatever the others have, while that is enough.
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

    /// Evicts from a subdirectory what is too much in the store and in it.
    fn settle<D: Directory>(
        &self,
        tally: &mut Tally<D>,
        number: u8,
        contents: Contents<D>,
        untouchable: u64,
    ) {
        tally.record(number, contents.blocks());
        let excess = tally.total().saturating_sub(self.target);
        let surplus = contents.evictable().saturating_sub(untouchable);
        let left = contents.evict(excess.min(surplus));
        tally.record(number, left);
    }
}
