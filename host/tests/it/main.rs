//! All integration tests of the host, in one binary: golden cases, which are folders of files, and
//! the matrix of every consumer on every provider.
//!
//! `BLESS=1 cargo test -p wit-host --test it` rewrites the golden transcripts.

mod authority;
mod bless;
mod bridge;
mod bulk_bytes;
mod cache_component;
mod certificates;
mod code_cache;
mod conformance;
mod count;
mod embedding;
mod engines;
mod examples;
mod golden;
mod guests;
mod hand_over;
mod host_caches;
mod host_interfaces;
mod hostile;
mod instances;
mod interposing;
mod isolation;
mod limits;
mod matrix;
mod passed_values;
mod processes;
mod providers;
mod pty;
mod readme;
mod recipes;
mod redis;
mod refusals;
mod rooms;
mod stock_engine;
mod structure;
mod tampered;
mod terminal;
mod torture;
mod traps;

use libtest_mimic::{Arguments, Trial};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = golden::trials()
        .into_iter()
        .chain(bless::trials())
        .chain(embedding::trials())
        .chain(instances::trials())
        .chain(hand_over::trials())
        .chain(passed_values::trials())
        .chain(engines::trials())
        .chain(limits::trials())
        .chain(matrix::trials())
        .chain(conformance::trials())
        .chain(bridge::trials())
        .chain(bulk_bytes::trials())
        .chain(authority::trials())
        .chain(code_cache::trials())
        .chain(tampered::trials())
        .chain(torture::trials())
        .chain(processes::trials())
        .chain(refusals::trials())
        .chain(host_interfaces::trials())
        .chain(host_caches::trials())
        .chain(examples::trials())
        .chain(hostile::trials())
        .chain(traps::trials())
        .chain(interposing::trials())
        .chain(isolation::trials())
        .chain(cache_component::trials())
        .chain(redis::trials())
        .chain(rooms::trials())
        .chain(recipes::trials())
        .chain(structure::trials())
        .chain(terminal::trials())
        .chain(pty::trials())
        .chain(readme::trials())
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// The path of the command under test.
fn wit_host() -> &'static str {
    env!("CARGO_BIN_EXE_wit-host")
}

/// The command under test. Its code cache is kept between runs of the tests, separate from the user's
/// own.
fn wit_host_command() -> Command {
    let mut command = Command::new(wit_host());
    command
        .env("XDG_CACHE_HOME", code_cache())
        .env_remove("CLICOLOR_FORCE");
    command
}

fn code_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-cache")
}
