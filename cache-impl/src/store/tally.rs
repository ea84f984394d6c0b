//! How much each subdirectory held when it was last weighed: a file beside them.
//!
//! It is a hint, shared by all processes that have a bound, and overwritten in place: a rename over
//! a file that was just written makes some file systems wait for the disk. When two write it at a time, one
//! figure stays older than it need be, until that subdirectory is weighed again. Damage is
//! corrected in the same way.

use crate::directory::File;
use crate::key::SHELVES;
use alloc::vec::Vec;

/// The file, relative to the store's directory.
pub(super) const TALLY_PATH: &str = "v1/tally";

const TALLY_LEN: usize = SHELVES * size_of::<u64>();

/// The figure of a subdirectory that nobody has weighed yet.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// How much each subdirectory held, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally([u64; SHELVES]);

impl Tally {
    /// A tally that knows nothing.
    pub(super) fn unknown() -> Self {
        Self([UNKNOWN; SHELVES])
    }

    /// What the file says; `None` if it makes no sense.
    pub(super) fn read(file: &impl File) -> Option<Self> {
        let mut bytes = Vec::new();
        file.read(0, TALLY_LEN + 1, &mut bytes).ok()?;
        Self::decode(&bytes)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (figures, rest) = bytes.as_chunks();
        let figures: &[_; SHELVES] = figures.try_into().ok()?;
        let tally = Self(figures.map(u64::from_le_bytes));
        rest.is_empty().then_some(tally)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        self.0.map(u64::to_le_bytes).as_flattened().to_vec()
    }

    pub(super) fn record(&mut self, shelf_number: u8, bytes: u64) {
        self.0[usize::from(shelf_number)] = bytes;
    }

    /// What is known to be held, all in all.
    pub(super) fn total(&self) -> u64 {
        let known = self.0.iter().filter(|figure| **figure != UNKNOWN);
        known.fold(0, |sum, figure| sum.saturating_add(*figure))
    }

    /// The fullest subdirectory that was not seen yet, from `after` on and round, and its figure;
    /// those that nobody has weighed go before all.
    pub(super) fn fullest(&self, seen: &[bool; SHELVES], after: u8) -> Option<(u8, u64)> {
        let round = (1..SHELVES).map(|step| after.wrapping_add(step as u8));
        let unseen = round.filter(|number| !seen[usize::from(*number)]);
        let figures = unseen.map(|number| (number, self.0[usize::from(number)]));
        // The first among equals, where `max_by_key` takes the last.
        figures.rev().max_by_key(|(_, bytes)| *bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(figures: &[(u8, u64)]) -> Tally {
        let mut tally = Tally([0; SHELVES]);
        for (number, bytes) in figures {
            tally.record(*number, *bytes);
        }
        tally
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let tally = tally(&[(0, 1), (7, u64::MAX - 1), (255, 3)]);
        assert_eq!(Tally::decode(&tally.encode()), Some(tally));
    }

    #[test]
    fn a_tally_of_another_length_says_nothing() {
        let bytes = tally(&[]).encode();
        for other in [&bytes[1..], &[&bytes[..], b"x"].concat(), b""] {
            assert_eq!(Tally::decode(other), None);
        }
    }

    #[test]
    fn the_total_is_of_what_is_known_and_cannot_overflow() {
        assert_eq!(Tally::unknown().total(), 0);
        assert_eq!(tally(&[(1, 7), (2, 8), (3, UNKNOWN)]).total(), 15);
        assert_eq!(tally(&[(1, u64::MAX - 1), (2, 5)]).total(), u64::MAX);
    }

    #[test]
    fn the_fullest_comes_first_and_each_once() {
        let tally = tally(&[(3, 10), (9, 30), (200, 20), (5, UNKNOWN)]);
        let mut seen = [false; SHELVES];
        let mut order = Vec::new();
        while let Some((number, _)) = tally.fullest(&seen, 100) {
            seen[usize::from(number)] = true;
            order.push(number);
        }
        assert_eq!(order[..5], [5, 9, 200, 3, 101]);
        assert_eq!(order.len(), SHELVES - 1, "all but the one to begin after");
    }
}
