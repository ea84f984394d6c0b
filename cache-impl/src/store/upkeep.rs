//! When a shelf is looked after: in the course of a `set` into it, and seldom.
//!
//! A look costs as much as the shelf has entries, so a shelf is looked at again when about as many
//! have been set into it, or as many bytes as the bound can wait for. In between, a `set` only
//! counts. Each process counts for itself, and begins at random, so that of many that live for
//! one `set` each, one in a while takes a look.

use super::shelf::Shelf;
use super::{Error, Store};
use crate::clock::{Clock, Timestamp};
use crate::directory::Directory;
use crate::key::{Key, SHELVES, shelf};
use crate::max_bytes::MaxBytes;
use core::sync::atomic::{AtomicU64, Ordering};

/// What a `set` brings a look nearer by. What never expires leaves no litter but the temporary
/// file of a process that was killed.
const LASTING: u64 = 1;
const EXPIRING: u64 = 16;

/// No look before this many expiring entries, however few there are.
const FEWEST_SETS: u64 = 64;

/// How much is left, shelf by shelf, until the next look.
#[derive(Debug)]
pub(super) struct Upkeep {
    max_bytes: Option<MaxBytes>,
    seed: u64,
    left: [Left; SHELVES],
}

#[derive(Debug)]
struct Left {
    sets: AtomicU64,
    bytes: AtomicU64,
}

impl Upkeep {
    pub(super) fn new(seed: u64) -> Self {
        let left = core::array::from_fn(|number| Left {
            sets: AtomicU64::new(scatter(seed, number) % (EXPIRING * FEWEST_SETS)),
            bytes: AtomicU64::new(0),
        });
        Self {
            seed,
            max_bytes: None,
            left,
        }
    }

    pub(super) fn bound(&mut self, max_bytes: MaxBytes) {
        self.max_bytes = Some(max_bytes);
        for (number, left) in self.left.iter().enumerate() {
            let bytes = scatter(!self.seed, number) % bytes_at_once(max_bytes);
            left.bytes.store(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn max_bytes(&self) -> Option<MaxBytes> {
        self.max_bytes
    }

    /// Counts a `set`, and tells whether it is time for a look.
    fn is_due(&self, key: &Key, expires: Timestamp, entry_len: u64) -> bool {
        let left = &self.left[usize::from(key.shelf_number())];
        let weight = if expires == Timestamp::MAX {
            LASTING
        } else {
            EXPIRING
        };
        let sets_are_due = take(&left.sets, weight);
        let bytes_are_due = self.max_bytes.is_some() && take(&left.bytes, entry_len);
        sets_are_due || bytes_are_due
    }

    /// Begins to count anew, towards the next look at a shelf of so many entries.
    fn looked_at(&self, shelf_number: u8, entries: usize) {
        let left = &self.left[usize::from(shelf_number)];
        let sets = EXPIRING * FEWEST_SETS.max(entries as u64);
        left.sets.store(sets, Ordering::Relaxed);
        if let Some(max_bytes) = self.max_bytes {
            let bytes = bytes_at_once(max_bytes);
            left.bytes.store(bytes, Ordering::Relaxed);
        }
    }
}

/// How much one process sets into one shelf before it looks: all shelves together, a quarter of
/// the bound, which is the quarter that a look leaves free.
fn bytes_at_once(max_bytes: MaxBytes) -> u64 {
    (max_bytes.get() / 4 / SHELVES as u64).max(1)
}

/// Takes what there is up to `amount`, and tells whether nothing is left.
fn take(left: &AtomicU64, amount: u64) -> bool {
    // Two threads may take the same: a look then comes later.
    let rest = left.load(Ordering::Relaxed).saturating_sub(amount);
    left.store(rest, Ordering::Relaxed);
    rest == 0
}

/// A number as good as random for each shelf: the finalizer of MurmurHash3.
fn scatter(seed: u64, shelf_number: usize) -> u64 {
    let number = seed.wrapping_add(shelf_number as u64);
    let number = (number ^ number >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ number >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ number >> 33
}

impl<D: Directory, C: Clock> Store<D, C> {
    /// To be called after each `set`, which has succeeded whether or not its shelf could be
    /// looked after.
    pub(super) fn keep_up(&self, key: &Key, expires: Timestamp, entry_len: u64) {
        if self.upkeep.is_due(key, expires, entry_len) {
            // Before the look, so that one that fails is not repeated by each `set` that follows.
            self.upkeep.looked_at(key.shelf_number(), 0);
            let _ = self.look_after(key);
        }
    }

    fn look_after(&self, key: &Key) -> Result<(), Error> {
        let shelf = Shelf::open(&self.directory, &shelf(key.shelf_number()))?;
        // By the clock that dates the files, which need not be ours, this is now.
        let set = self.directory.status(key.path())?;
        shelf.sweep_temps(set.modified);
        shelf.sweep_expired(self.clock.now(), self.temp_names.taken());
        self.upkeep.looked_at(key.shelf_number(), shelf.len());

        match self.upkeep.max_bytes() {
            Some(max_bytes) => self.make_room(max_bytes, key, set, shelf),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets_until_due(upkeep: &Upkeep, expires: Timestamp, entry_len: u64) -> usize {
        let key = Key::new("key").expect("a short key");
        upkeep.looked_at(key.shelf_number(), 0);
        let sets = 1..;
        sets.take_while(|_| !upkeep.is_due(&key, expires, entry_len))
            .count()
            + 1
    }

    const SOON: Timestamp = Timestamp::from_nanos(1);

    #[test]
    fn expiring_entries_bring_a_look_sooner_than_lasting_ones() {
        let upkeep = Upkeep::new(0);
        assert_eq!(sets_until_due(&upkeep, SOON, u64::MAX), 64);
        assert_eq!(sets_until_due(&upkeep, Timestamp::MAX, u64::MAX), 1024);
    }

    #[test]
    fn a_fuller_shelf_is_looked_at_less_often() {
        let upkeep = Upkeep::new(0);
        let key = Key::new("key").expect("a short key");
        upkeep.looked_at(key.shelf_number(), 1000);
        let sets = (0..).take_while(|_| !upkeep.is_due(&key, SOON, 0)).count();
        assert_eq!(sets, 999);
    }

    #[test]
    fn under_a_bound_a_look_comes_before_the_free_quarter_is_used() {
        let mut upkeep = Upkeep::new(0);
        upkeep.bound(MaxBytes::new(4 * 256 * 1000).expect("a bound"));
        assert_eq!(sets_until_due(&upkeep, Timestamp::MAX, 100), 10);
        assert_eq!(sets_until_due(&upkeep, Timestamp::MAX, 999), 2);
        assert_eq!(sets_until_due(&upkeep, Timestamp::MAX, u64::MAX), 1);
    }

    #[test]
    fn processes_of_one_set_each_take_a_look_once_in_a_while() {
        let key = Key::new("key").expect("a short key");
        let look = |seed| Upkeep::new(scatter(0, seed)).is_due(&key, SOON, 0);
        let looks = (0..10_000).filter(|seed| look(*seed)).count();
        assert!((100..250).contains(&looks), "{looks} of 10000");
    }
}
