//! The schedule of upkeep: a `set` looks after its shelf, rarely.
//!
//! A look costs as much as the shelf has entries, so the next look comes after about as many
//! `set`s, or, under a bound, at random. Any other `set` only counts. Each process counts for
//! itself from a random start, so that among many processes that live for one `set` each, one looks
//! now and then.

use super::room;
use super::shelf::Shelf;
use super::tally::Tally;
use super::temp::Temp;
use super::{Error, Store};
use crate::clock::{Clock, Timestamp};
use crate::directory::Directory;
use crate::key::{Key, SHELVES};
use crate::max_bytes::MaxBytes;
use core::sync::atomic::{AtomicU64, Ordering};

/// The steps by which a `set` brings the next look nearer. Entries that never expire leave no
/// litter except the temporary file of a killed process.
const LASTING: u64 = 1;
const EXPIRING: u64 = 16;

/// The minimal number of expiring entries between two looks, for shelves with fewer entries.
const FEWEST_SETS: u64 = 64;

/// The steps left until the next look, for each shelf.
#[derive(Debug)]
pub(super) struct Upkeep {
    max_bytes: Option<MaxBytes>,
    sets_left: [AtomicU64; SHELVES],
}

impl Upkeep {
    pub(super) fn new(seed: u64) -> Self {
        let sets_left = core::array::from_fn(|number| {
            let random = scatter(seed.wrapping_add(number as u64));
            AtomicU64::new(random % (EXPIRING * FEWEST_SETS))
        });
        Self {
            max_bytes: None,
            sets_left,
        }
    }

    pub(super) fn bound(&mut self, max_bytes: MaxBytes) {
        self.max_bytes = Some(max_bytes);
    }

    pub(super) fn max_bytes(&self) -> Option<MaxBytes> {
        self.max_bytes
    }

    /// Counts a `set` by way of `temp`; returns `true` if a look is due.
    fn is_due(&self, key: &Key, expires: Timestamp, temp: &Temp) -> bool {
        let weight = if expires == Timestamp::MAX {
            LASTING
        } else {
            EXPIRING
        };
        let sets_are_due = take(&self.sets_left[usize::from(key.shelf_number())], weight);
        let random = scatter(!temp.number());
        let bytes_are_due = |max_bytes| room::is_due(max_bytes, temp.blocks(), random);
        sets_are_due || self.max_bytes.is_some_and(bytes_are_due)
    }

    /// Restarts the count towards the next look at a shelf with `entries` entries.
    fn looked_at(&self, shelf_number: u8, entries: usize) {
        let sets = EXPIRING * FEWEST_SETS.max(entries as u64);
        self.sets_left[usize::from(shelf_number)].store(sets, Ordering::Relaxed);
    }
}

/// Subtracts up to `amount`; returns `true` if nothing is left.
fn take(left: &AtomicU64, amount: u64) -> bool {
    // Two threads may subtract from the same number: a look then comes later.
    let rest = left.load(Ordering::Relaxed).saturating_sub(amount);
    left.store(rest, Ordering::Relaxed);
    rest == 0
}

/// A pseudo-random number for each number: the finalizer of MurmurHash3.
fn scatter(number: u64) -> u64 {
    let number = (number ^ number >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ number >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ number >> 33
}

impl<D: Directory, C: Clock> Store<D, C> {
    /// Runs the upkeep of a `set`, which calls it before it writes to `temp`; returns `true` if
    /// there is room.
    ///
    /// Without a bound this cannot fail: a `set` succeeds even if the look at its shelf fails. A
    /// bound that cannot be kept is an error.
    pub(super) fn keep_up(
        &self,
        key: &Key,
        temp: &Temp,
        expires: Timestamp,
    ) -> Result<bool, Error> {
        if !self.upkeep.is_due(key, expires, temp) {
            return Ok(true);
        }
        // Before the look, so that the `set`s that follow do not repeat one that fails.
        self.upkeep.looked_at(key.shelf_number(), 0);
        let has_room = self.look_after(key, temp);
        match self.upkeep.max_bytes() {
            Some(_) => has_room,
            None => Ok(true),
        }
    }

    fn look_after(&self, key: &Key, temp: &Temp) -> Result<bool, Error> {
        // The figures are read before the files are listed: see `Tally::record`.
        let bound = self.upkeep.max_bytes();
        let bound = bound.map(|max_bytes| (max_bytes, Tally::open(&self.directory)));
        let mut shelf = Shelf::open(&self.directory, key.shelf())?;
        // The current time by the clock that dates the files, which need not be `self.clock`.
        let now = shelf.status(temp.name())?.modified;
        shelf.sweep_temps(now);
        shelf.sweep_expired(self.clock.now(), temp.number());
        self.upkeep.looked_at(key.shelf_number(), shelf.len());

        match bound {
            Some((max_bytes, tally)) => self.make_room(max_bytes, tally?, key, temp, shelf, now),
            None => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::temp::TempNames;

    const SOON: Timestamp = Timestamp::from_nanos(1);

    fn key() -> Key<'static> {
        Key::new("key").expect("a short key")
    }

    fn temp() -> Temp {
        TempNames::new(0).next(key().shelf(), 100)
    }

    fn sets_until_due(upkeep: &Upkeep, expires: Timestamp) -> usize {
        let sets = 1..10_000;
        sets.take_while(|_| !upkeep.is_due(&key(), expires, &temp()))
            .count()
            + 1
    }

    #[test]
    fn expiring_entries_bring_a_look_sooner_than_lasting_ones() {
        let upkeep = Upkeep::new(0);
        upkeep.looked_at(key().shelf_number(), 0);
        assert_eq!(sets_until_due(&upkeep, SOON), 64);
        upkeep.looked_at(key().shelf_number(), 0);
        assert_eq!(sets_until_due(&upkeep, Timestamp::MAX), 1024);
    }

    #[test]
    fn a_fuller_shelf_is_looked_at_less_often() {
        let upkeep = Upkeep::new(0);
        upkeep.looked_at(key().shelf_number(), 1000);
        assert_eq!(sets_until_due(&upkeep, SOON), 1000);
    }

    #[test]
    fn each_shelf_counts_for_itself() {
        let upkeep = Upkeep::new(0);
        let number = key().shelf_number();
        upkeep.looked_at(number, 0);
        upkeep.looked_at(number ^ 1, 1000);
        assert_eq!(sets_until_due(&upkeep, SOON), 64);
    }

    #[test]
    fn processes_of_one_set_each_take_a_look_once_in_a_while() {
        let look = |seed| Upkeep::new(scatter(seed)).is_due(&key(), SOON, &temp());
        let looks = (0..10_000).filter(|seed| look(*seed)).count();
        assert!((100..250).contains(&looks), "{looks} of 10000");
    }

    #[test]
    fn under_a_bound_the_chance_of_a_look_is_in_proportion_to_the_size() {
        let mut upkeep = Upkeep::new(0);
        // A sixth of a share is ten blocks.
        upkeep.bound(MaxBytes::new(6 * 256 * 10 * 4096).expect("a bound"));
        for (len, expected) in [(1, 1000), (4096, 1000), (4097, 2000), (40_960, 10_000)] {
            let names = TempNames::new(7);
            let look = |_| {
                upkeep.looked_at(key().shelf_number(), 0);
                upkeep.is_due(&key(), Timestamp::MAX, &names.next(key().shelf(), len))
            };
            let looks = (0..10_000).map(look).filter(|looks| *looks).count();
            assert!(
                looks.abs_diff(expected) < 100,
                "{looks} of 10000 for {len} bytes"
            );
        }
    }
}
