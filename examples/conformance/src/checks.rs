//! All checks, an area a file.
//!
//! A check does only what its rule is about: the keys and values of all others are lower-case
//! letters, digits and hyphens. So one mistake of a cache is one `FAIL`.

mod absence;
mod entries;
mod key_length;
mod keys;
mod random_program;
mod replacement;
mod sizes;
mod ttl;
mod values;

use crate::arguments::Settings;
use crate::check::Check;

/// The length of a value that a cache may well treat in another way than a short one.
const LONG: usize = 5_000;

/// In the order in which they are reported; those that wait come last.
pub fn all(settings: &Settings) -> Vec<Check> {
    [
        key_length::checks(),
        keys::checks(),
        values::checks(),
        sizes::checks(settings.max_value),
        absence::checks(),
        replacement::checks(),
        entries::checks(settings.size),
        random_program::checks(settings.seed, settings.size),
        ttl::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
