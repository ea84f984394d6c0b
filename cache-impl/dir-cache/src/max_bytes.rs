//! The bound on the size of a store.

use core::num::NonZeroU64;
use core::str::FromStr;
use thiserror::Error;

/// A bound on what the files of a store occupy on the disk, in bytes.
///
/// A file counts as whole blocks of 4,096 bytes, as most file systems store it. So a value of one
/// byte counts as 4,096 bytes, which is also the lowest bound. Directories do not count: they take
/// about 1 MiB on ext4, and some 64 bytes for each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxBytes(NonZeroU64);

impl MaxBytes {
    /// A bound of 4,096 bytes or more; `None` for less, because no entry fits into it.
    pub const fn new(bytes: u64) -> Option<Self> {
        match NonZeroU64::new(bytes) {
            Some(bytes) if bytes.get() >= BLOCK_LEN => Some(Self(bytes)),
            _ => None,
        }
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The number of blocks that fit into the bound.
    pub(crate) const fn blocks(self) -> u64 {
        self.get() / BLOCK_LEN
    }
}

/// The unit in which file systems allocate, in bytes. (Most others use a smaller unit, or store
/// small files more densely: then less is occupied than is counted.)
pub(crate) const BLOCK_LEN: u64 = 4096;

/// The number of blocks that a file of `len` bytes occupies.
pub(crate) const fn blocks_of(len: u64) -> u64 {
    len.div_ceil(BLOCK_LEN)
}

/// The text is not a number of bytes, or the number is less than a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a number of bytes from 4096; say how many in digits, such as `1000000000`")]
pub struct NotANumberOfBytes;

impl FromStr for MaxBytes {
    type Err = NotANumberOfBytes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The standard parser would also accept a sign.
        let bytes = text.bytes().try_fold(0_u64, |bytes, digit| {
            let digit = digit.wrapping_sub(b'0');
            let valid = digit < 10;
            bytes
                .checked_mul(10)?
                .checked_add(digit.into())
                .filter(|_| valid)
        });
        bytes.and_then(Self::new).ok_or(NotANumberOfBytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_of_bytes() {
        assert_eq!("1000000".parse().map(MaxBytes::get), Ok(1_000_000));
        assert_eq!("4096".parse().map(MaxBytes::get), Ok(4096));
        assert_eq!(
            "18446744073709551615".parse().map(MaxBytes::get),
            Ok(u64::MAX)
        );
    }

    #[test]
    fn nonsense_is_refused_and_never_guessed() {
        for text in [
            "",
            "0",
            "4095",
            "-1",
            "+1",
            "1e9",
            "1 ",
            "1_000",
            "1G",
            "0x10",
            "1.5",
            "18446744073709551616",
            "unlimited",
        ] {
            assert_eq!(text.parse::<MaxBytes>(), Err(NotANumberOfBytes), "{text:?}");
        }
    }
}
