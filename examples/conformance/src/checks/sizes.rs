//! Values of all sizes, up to the 64 MiB that work everywhere.

use crate::cache::Cache;
use crate::check::{Check, Verdict};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

pub fn checks(max_value: usize) -> Vec<Check> {
    vec![
        Check::new(
            "sizes: powers of two from 4 bytes to 32 KiB, and a byte around each",
            powers_of_two,
        ),
        Check::new("sizes: 64 KiB, and a byte around it", around_64_kib),
        Check::new("sizes: 1 MiB", |cache| comes_back(cache, MIB)),
        Check::new(
            "sizes: the largest value that works everywhere",
            move |cache| comes_back(cache, max_value),
        ),
    ]
}

fn powers_of_two(cache: &Cache) -> Verdict {
    let powers = (2..=15).map(|exponent| 1 << exponent);
    powers
        .flat_map(|size| [size - 1, size, size + 1])
        .try_for_each(|size| comes_back(cache, size))
}

fn around_64_kib(cache: &Cache) -> Verdict {
    let sizes = [64 * KIB - 1, 64 * KIB, 64 * KIB + 1];
    sizes
        .into_iter()
        .try_for_each(|size| comes_back(cache, size))
}

/// Checks one value at a time, without a second copy of it: a guest may have little memory.
fn comes_back(cache: &Cache, size: usize) -> Verdict {
    let key = cache.key(&size.to_string());
    cache.set_letters(&key, size as u64, size, None)?;
    cache.expect_letters(&key, size as u64, size)?;
    cache.delete_unless_forgotten(&key)
}
