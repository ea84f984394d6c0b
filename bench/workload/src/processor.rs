//! Work for the processor alone.

/// The number of primes below 10,000, by a sieve: loops, branches, and memory that fits into a
/// first-level cache.
pub fn spin() -> usize {
    const END: usize = 10_000;
    let mut is_prime = [true; END];
    for number in 2..END {
        if is_prime[number] {
            for multiple in (number * number..END).step_by(number) {
                is_prime[multiple] = false;
            }
        }
    }
    is_prime[2..].iter().filter(|&&prime| prime).count()
}
