//! Values of lower-case letters, each letter a function of its position.
//!
//! A piece that is lost, doubled or out of place shows, and no second copy is needed to see it.

use crate::random::mix;

/// `length` letters that no other `name` has.
pub fn letters(name: u64, length: usize) -> Vec<u8> {
    (0..length).map(|position| letter(name, position)).collect()
}

/// Where `found` stops to be what `letters(name, length)` makes.
pub fn difference(name: u64, length: usize, found: &[u8]) -> Option<usize> {
    let differs = |(position, byte): (usize, &u8)| *byte != letter(name, position);
    match found.iter().take(length).enumerate().position(differs) {
        None if found.len() != length => Some(found.len().min(length)),
        difference => difference,
    }
}

fn letter(name: u64, position: usize) -> u8 {
    b'a' + (mix(mix(name).wrapping_add(position as u64)) % 16) as u8
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
