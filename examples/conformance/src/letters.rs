//! Values of random lower-case letters, which depend only on a name.
//!
//! A lost, doubled or misplaced piece is detected without a second copy of the value.

use fastrand::Rng;
use std::iter::repeat_with;

/// `length` letters, different for every `name`.
pub fn letters(name: u64, length: usize) -> Vec<u8> {
    endless(name).take(length).collect()
}

/// The first offset at which `found` differs from `letters(name, length)`.
pub fn difference(name: u64, length: usize, found: &[u8]) -> Option<usize> {
    let mut both = found.iter().zip(endless(name).take(length));
    both.position(|(byte, letter)| *byte != letter)
        .or_else(|| (found.len() != length).then(|| found.len().min(length)))
}

fn endless(name: u64) -> impl Iterator<Item = u8> {
    let mut random = Rng::with_seed(name);
    // One letter per byte, not per random number: the largest values have millions.
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
