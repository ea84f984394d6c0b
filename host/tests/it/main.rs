//! All integration tests of the host, in one binary: golden cases, which are folders of files, and
//! the matrix of every consumer on every provider.
//!
//! `BLESS=1 cargo test -p wit-host --test it` rewrites the golden transcripts.

mod conformance;
mod golden;
mod guests;
mod matrix;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = golden::trials()
        .into_iter()
        .chain(matrix::trials())
        .chain(conformance::trials())
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// The command under test.
fn wit_host() -> &'static str {
    env!("CARGO_BIN_EXE_wit-host")
}
