//! Consumers composed with the bridge, on the key-value storage of Wasmtime: in its crate, and in the stock command
//! where `scripts/wasmtime` has installed it.
//!
//! `TORTURE=1` installs the command.

use super::{expect_success, plug, unexpected};
use crate::{
    guests::{Guest, trial},
    stock_engine,
    torture::is_long,
};
use libtest_mimic::{Failed, Trial};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// One trial for each consumer, and one for a bucket that is missing, with each way to run them.
pub fn trials() -> Vec<Trial> {
    let ways: [(&str, Run, Option<String>); 2] = [
        ("crate", in_crate, None),
        ("command", command, missing_command()),
    ];
    let tests: [(&str, Guest, Test); 4] = [
        ("rust-consumer", Guest::RustConsumer, prints_the_demo),
        ("cpp-consumer", Guest::CppConsumer, prints_the_demo),
        ("conformance", Guest::Conformance, conforms),
        ("missing-bucket", Guest::RustConsumer, missing_bucket),
    ];
    let mut trials = Vec::new();
    for (way, run, missing) in ways {
        for (test, consumer, holds) in tests {
            let missing = missing.clone().or_else(|| consumer.missing_toolchain());
            let name = format!("bridge::wasmtime::{way}::{test}");
            trials.push(trial(name, missing, move || {
                let directory = tempfile::tempdir()?;
                let composed = directory.path().join("composed.wasm");
                compose(consumer, &composed)?;
                holds(&composed, run)
            }));
        }
    }
    trials
}

/// Runs a program with the variable `CACHE_BUCKET`, if it is given, and these arguments.
type Run = fn(program: &Path, bucket: Option<&str>, arguments: &[&str]) -> Result<Output, Failed>;

/// Runs a program in this way and checks its output.
type Test = fn(program: &Path, run: Run) -> Result<(), Failed>;

fn prints_the_demo(program: &Path, run: Run) -> Result<(), Failed> {
    let output = run(program, None, &[])?;
    let transcript = include_str!("../../demo.transcript");
    let is_as_expected = output.status.success() && output.stderr.is_empty();
    if is_as_expected && output.stdout == transcript.as_bytes() {
        Ok(())
    } else {
        Err(unexpected(transcript, &output))
    }
}

fn conforms(program: &Path, run: Run) -> Result<(), Failed> {
    let arguments = ["--seed", "1", "--size", "1000"];
    crate::conformance::all_pass(&run(program, None, &arguments)?)
}

fn missing_bucket(program: &Path, run: Run) -> Result<(), Failed> {
    let output = run(program, Some("nowhere"), &[])?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let message =
        "keyvalue-bridge: failed to open the bucket `nowhere`: the host has no such bucket; ";
    if output.status.code() == Some(1) && stderr.starts_with(message) {
        Ok(())
    } else {
        Err(unexpected(message, &output))
    }
}

/// Composes a consumer, the bridge, and the older name of the interface.
fn compose(consumer: Guest, into: &Path) -> Result<(), Failed> {
    let draft = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/keyvalue-bridge/draft.wat"
    );
    expect_success(
        crate::wit_host_command()
            .arg("compose")
            .arg(consumer.path()?)
            .arg(plug("cache", Guest::KeyvalueBridge)?)
            .arg(format!("--plug={draft}"))
            .arg("-o")
            .arg(into),
    )
}

fn in_crate(program: &Path, bucket: Option<&str>, arguments: &[&str]) -> Result<Output, Failed> {
    stock_engine::run(program, bucket, None, arguments)
}

fn command(program: &Path, bucket: Option<&str>, arguments: &[&str]) -> Result<Output, Failed> {
    let path = if is_long() {
        wasmtime(&[])
    } else {
        wasmtime(&["check"])
    };
    let mut command = Command::new(path?);
    command.args(["run", "-S", "keyvalue"]);
    if let Some(bucket) = bucket {
        command.arg(format!("--env=CACHE_BUCKET={bucket}"));
    }
    Ok(command.arg(program).args(arguments).output()?)
}

/// The reason why the command is not tried here; `None` if it is. Its build takes too long for every run of the tests
/// on a clean machine.
fn missing_command() -> Option<String> {
    if is_long() {
        None
    } else {
        wasmtime(&["check"]).err()
    }
}

/// The path of the command, which `scripts/wasmtime` prints, or its error.
fn wasmtime(arguments: &[&str]) -> Result<PathBuf, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/wasmtime");
    let output = Command::new(script).args(arguments).output();
    let output = output.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout).into())
    } else {
        Err(text(&output.stderr).replacen("error: ", "", 1))
    }
}
