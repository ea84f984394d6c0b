//! Work for the processor only, as functions of a core module.

use std::hint::black_box;
use workload::{sieve, sort};

/// Sorts 1,000 numbers.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the host finds the function by this name")]
pub extern "C" fn sort_numbers() {
    black_box(sort());
}

/// Counts the primes below 10,000.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the host finds the function by this name")]
pub extern "C" fn find_primes() {
    black_box(sieve());
}
