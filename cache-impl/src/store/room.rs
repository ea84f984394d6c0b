//! How the store keeps to its bound: the oldest entries of few subdirectories go.
//!
//! A look leaves a quarter of the bound free, and that is what one process may set between its
//! looks, so a store with one process never holds more than the bound when a `set` returns. Each
//! further process may be a quarter further on at worst.
//!
//! The touched subdirectory pays for what it takes, down to three quarters of an equal share.
//! That is all there is to it while values are small. What a large value takes beyond that is
//! paid by the fullest others, so that a value may be as large as the bound; the work is in
//! proportion to what was set.

use super::shelf::Shelf;
use super::tally::{TALLY_PATH, Tally, UNKNOWN};
use super::{Error, Store};
use crate::clock::Clock;
use crate::directory::{Directory, DirectoryError, File, Status};
use crate::durability::Durability;
use crate::key::{Key, SHELVES, shelf};
use crate::max_bytes::MaxBytes;

/// How many subdirectories that nobody has weighed yet one look weighs, so that an existing store
/// becomes known bit by bit.
const WEIGHED_AT_ONCE: usize = 16;

impl<D: Directory, C: Clock> Store<D, C> {
    /// Makes room around the entry of `key`, which was just set to a file of this status and stays.
    /// `touched` is the subdirectory that it stands in.
    pub(super) fn make_room(
        &self,
        max_bytes: MaxBytes,
        key: &Key,
        set: Status,
        touched: Shelf<D>,
    ) -> Result<(), Error> {
        let levels = Levels::new(max_bytes, set);
        let file = self.directory.open_to_update(TALLY_PATH).ok();
        let found = file.as_ref().and_then(Tally::read);
        let is_found = found.is_some();
        let mut tally = found.unwrap_or_else(Tally::unknown);
        let mut seen = [false; SHELVES];

        let mut number = key.shelf_number();
        levels.settle(&mut tally, number, touched, Some(key.name()));
        for count in 0.. {
            seen[usize::from(number)] = true;
            let Some((fullest, bytes)) = tally.fullest(&seen, key.shelf_number()) else {
                break;
            };
            let is_known = bytes != UNKNOWN || count >= WEIGHED_AT_ONCE;
            if is_known && tally.total() <= levels.target {
                break;
            }
            number = fullest;
            match Shelf::open(&self.directory, &shelf(number)) {
                Ok(shelf) => levels.settle(&mut tally, number, shelf, None),
                Err(DirectoryError::NotFound) => tally.record(number, 0),
                Err(_) => {}
            }
        }
        match file {
            Some(file) if is_found => Ok(file.write(0, &tally.encode())?),
            // Not synchronised in any mode: it is only a hint.
            _ => self.put(key, TALLY_PATH, tally.encode(), &[], Durability::None),
        }
    }
}

/// How far to evict.
struct Levels {
    /// What all entries together are to have at most.
    target: u64,
    /// What each subdirectory may keep whatever the others have.
    untouchable: u64,
    set: Status,
}

impl Levels {
    fn new(max_bytes: MaxBytes, set: Status) -> Self {
        let target = max_bytes.get() - max_bytes.get() / 4;
        let share = target.saturating_sub(set.size) / SHELVES as u64;
        Self {
            target,
            untouchable: share - share / 4,
            set,
        }
    }

    /// Weighs a subdirectory, and evicts from it what is too much in the store and in it.
    fn settle<D: Directory>(
        &self,
        tally: &mut Tally,
        number: u8,
        shelf: Shelf<D>,
        spared: Option<&str>,
    ) {
        let contents = shelf.weigh(spared, self.set.modified);
        let spared = spared.map_or(0, |_| self.set.size);
        tally.record(number, contents.bytes().saturating_add(spared));

        let excess = tally.total().saturating_sub(self.target);
        let surplus = contents.bytes().saturating_sub(self.untouchable);
        let left = contents.evict(excess.min(surplus));
        tally.record(number, left.saturating_add(spared));
    }
}
