//! All checks, one area in each file.
//!
//! A check does only what its rule needs: the keys and values of all other checks are lower-case
//! letters, digits and hyphens. So one mistake of a cache causes one `FAIL`.

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

/// A length for which a cache may well use another code path than for a short value.
const LONG: usize = 5_000;

/// The checks in the order of the report; those that wait come last.
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
