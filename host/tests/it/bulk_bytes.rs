//! Byte lists that are carried as strings: the fast form of a composition does what the plain form does.
//!
//! `TORTURE=1` makes a hundred thousand calls (F19). A violation names the `TORTURE_SEED` and the case.

mod component;
mod forms;
mod hostile;
mod interfaces;
mod neighbours;
mod reports;
mod values;

use libtest_mimic::Trial;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test(
        "bulk::random_interfaces_mean_the_same",
        interfaces::mean_the_same,
    )];
    trials.extend(hostile::trials());
    trials.extend(neighbours::trials());
    trials.extend(reports::trials());
    trials
}
