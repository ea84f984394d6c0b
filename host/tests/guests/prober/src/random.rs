use crate::Report;
use wasip2::random::{insecure, insecure_seed, random};

pub fn probe(report: &mut Report) {
    let differs = random::get_random_bytes(16) != random::get_random_bytes(16)
        && random::get_random_u64() != random::get_random_u64()
        && insecure::get_insecure_random_bytes(16) != insecure::get_insecure_random_bytes(16)
        && insecure::get_insecure_random_u64() != insecure::get_insecure_random_u64()
        && insecure_seed::insecure_seed() != (0, 0);
    let outcome = if differs { "shared" } else { crate::NOTHING };
    report.tell_each(
        "random/random",
        &["get-random-bytes", "get-random-u64"],
        outcome,
    );
    report.tell_each(
        "random/insecure",
        &["get-insecure-random-bytes", "get-insecure-random-u64"],
        outcome,
    );
    report.tell_each("random/insecure-seed", &["insecure-seed"], outcome);
}
