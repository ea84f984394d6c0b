//! The programs in `host/examples/` that provide a cache print what every other cache makes the consumer
//! print.

use crate::guests::Guest;
use libtest_mimic::{Failed, Trial};
use std::process::Command;

/// The trials.
pub fn trials() -> Vec<Trial> {
    ["typed_functions", "cache_backend"]
        .map(|example| Trial::test(format!("examples::{example}"), move || runs(example)))
        .into()
}

fn runs(example: &str) -> Result<(), Failed> {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--quiet", "--example", example, "--"])
        .arg(Guest::RustConsumer.path()?)
        .output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && stdout == crate::matrix::TRANSCRIPT {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{stdout}{stderr}", output.status).into())
}
