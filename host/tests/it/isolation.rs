//! Isolated plugs: the price of a failure, bounds, and the programs that share one.

mod bounds;
mod hostile;
mod interface;
mod nested;
mod pools;
mod service;
mod values;

use libtest_mimic::Trial;

/// The trials.
pub fn trials() -> Vec<Trial> {
    [
        bounds::trials(),
        hostile::trials(),
        nested::trials(),
        pools::trials(),
        values::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
