//! Work for the processor only.

/// Sorts 1,000 numbers: branches, calls, and loops with a body.
pub fn sort() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut numbers = [0; 1000];
    for number in &mut numbers {
        state = state.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        *number = state;
    }
    numbers.sort_unstable();
    numbers[500]
}

/// The number of primes below 10,000: a very tight loop, in which any added instruction is measurable.
pub fn sieve() -> usize {
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
