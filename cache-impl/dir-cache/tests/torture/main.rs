//! Fault injection: thousands of counted faults that a cache on a directory has to survive.
//!
//! `cargo test` runs a short form of these tests, `TORTURE=1` a long form of the same code.
//! `TORTURE_SEED` repeats a run: all random choices depend on the seed alone.

mod clock_jumps;
mod count;
mod crowd;
mod damage;
mod disk;
mod failing_operations;
mod faulty;
mod holdings;
mod hostile_headers;
mod hostile_keys;
mod meanwhile;
mod model;
mod pauses;
mod scarcity;
mod scenario;
mod steps;
mod stops;
#[cfg(unix)]
mod strange_files;
#[cfg(unix)]
mod strangers;
mod world;

use count::{Count, Scale};
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

type Torture = fn(&Scale, &mut Count);

const TORTURES: &[(&str, &str, Torture)] = &[
    ("F2", "a directory operation fails", failing_operations::run),
    ("F3", "a process stops, or the power fails", stops::run),
    ("F4", "an entry is damaged", damage::run),
    ("F5", "a header is hostile", hostile_headers::run),
    #[cfg(unix)]
    (
        "F6",
        "no regular file stands at an entry's path",
        strange_files::run,
    ),
    ("F7", "a key is hostile", hostile_keys::run),
    ("F9", "the disk is full, read-only or gone", scarcity::run),
    #[cfg(target_os = "linux")]
    (
        "F9",
        "the same from the operating system",
        scarcity::run_in_children,
    ),
    ("F10", "the clock jumps", clock_jumps::run),
    ("F11", "a random program runs against a map", model::run),
    ("bound", "stores share it, and some are killed", crowd::run),
    (
        "bound",
        "stores share it, and pause at any time",
        pauses::run,
    ),
    (
        "bound",
        "stores share it, and others act during a set",
        meanwhile::run,
    ),
    ("S1–S3", "a call takes more steps than it needs", steps::run),
];

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(outcome) = scarcity::child() {
        return outcome;
    }
    let scale = Scale::from_environment();
    println!("{scale}");
    let trials = TORTURES.iter().map(|&(fault, what, torture)| {
        let scale = scale.clone();
        let run = move || {
            let mut count = Count::default();
            torture(&scale, &mut count);
            println!("{fault} {what}: {count}");
            count.verdict()
        };
        Trial::test(format!("{fault} {what}"), run)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
