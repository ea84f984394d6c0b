//! Values of random lower-case letters, which follow from a name.
//!
//! A piece that is lost, doubled or out of place shows, and no second copy is needed to see it.

use fastrand::Rng;
use std::iter::repeat_with;

/// `length` letters that no other `name` has.
pub fn letters(name: u64, length: usize) -> Vec<u8> {
    endless(name).take(length).collect()
}

/// Where `found` stops to be what `letters(name, length)` makes.
pub fn difference(name: u64, length: usize, found: &[u8]) -> Option<usize> {
    let mut both = found.iter().zip(endless(name).take(length));
    both.position(|(byte, letter)| *byte != letter)
        .or_else(|| (found.len() != length).then(|| found.len().min(length)))
}

fn endless(name: u64) -> impl Iterator<Item = u8> {
    let mut random = Rng::with_seed(name);
    // A letter from each byte and not from each number: the largest values have millions.
    let bytes = repeat_with(move || random.u64(..).to_le_bytes()).flatten();
    bytes.map(|byte| b'a' + byte % 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_found_where_it_is() {
        let mut value = letters(1, 1000);
        assert_eq!(difference(1, 1000, &value), None);
        assert_eq!(difference(1, 1001, &value), Some(1000));
        assert_eq!(difference(1, 999, &value), Some(999));
        value[600] = b'A';
        assert_eq!(difference(1, 1000, &value), Some(600));
    }
}
