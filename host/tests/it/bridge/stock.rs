//! Consumers composed with the bridge, on the key-value storage of the stock `wasmtime`.

use super::{expect_success, plug, unexpected};
use crate::guests::{Guest, trial};
use libtest_mimic::{Failed, Trial};
use std::{path::PathBuf, process::Command};
use tempfile::TempDir;

/// One trial for each consumer, and one for a bucket that is missing.
pub fn trials() -> Vec<Trial> {
    let wasmtime = missing_wasmtime();
    let trial = |name: &str, consumer: Guest, run: fn(Stock) -> Result<(), Failed>| {
        let missing = wasmtime.clone().or_else(|| consumer.missing_toolchain());
        trial(format!("bridge::wasmtime::{name}"), missing, move || {
            run(Stock::compose(consumer)?)
        })
    };
    vec![
        trial("rust-consumer", Guest::RustConsumer, prints_the_demo),
        trial("cpp-consumer", Guest::CppConsumer, prints_the_demo),
        trial("conformance", Guest::Conformance, conforms),
        trial(
            "a_missing_bucket_is_named",
            Guest::RustConsumer,
            missing_bucket,
        ),
    ]
}

fn prints_the_demo(stock: Stock) -> Result<(), Failed> {
    let output = expect_success(&mut stock.run(&[])?)?;
    let transcript = include_str!("../../demo.transcript");
    if output.stdout == transcript.as_bytes() {
        Ok(())
    } else {
        Err(unexpected(transcript, &output))
    }
}

fn conforms(stock: Stock) -> Result<(), Failed> {
    let arguments = ["--seed", "1", "--size", "1000"];
    crate::conformance::all_pass(&stock.run(&[])?.args(arguments).output()?)
}

fn missing_bucket(stock: Stock) -> Result<(), Failed> {
    let output = stock.run(&["--env=CACHE_BUCKET=nowhere"])?.output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let message =
        "keyvalue-bridge: failed to open the bucket `nowhere`: the host has no such bucket; ";
    if output.status.code() == Some(1) && stderr.starts_with(message) {
        Ok(())
    } else {
        Err(unexpected(message, &output))
    }
}

/// A consumer, composed with the bridge and with the older name of the storage.
struct Stock {
    directory: TempDir,
}

impl Stock {
    fn compose(consumer: Guest) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let stock = Self { directory };
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
                .arg(stock.path()),
        )?;
        Ok(stock)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("linked.wasm")
    }

    fn run(&self, flags: &[&str]) -> Result<Command, Failed> {
        let mut command = Command::new(wasmtime().map_err(|reason| format!("error: {reason}"))?);
        command
            .args(["run", "-S", "keyvalue"])
            .args(flags)
            .arg(self.path());
        Ok(command)
    }
}

/// The reason why the stock `wasmtime` is not used here; `None` if it is. A continuous integration machine must have
/// it.
fn missing_wasmtime() -> Option<String> {
    match std::env::var_os("CI") {
        Some(_) => None,
        None => wasmtime().err(),
    }
}

/// The path of the stock `wasmtime`, or what to do to have it.
fn wasmtime() -> Result<PathBuf, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/wasmtime");
    let output = Command::new(script).arg("check").output();
    let output = output.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout).into())
    } else {
        Err(text(&output.stderr)
            .trim_start_matches("error: ")
            .to_owned())
    }
}
