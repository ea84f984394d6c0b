//! The bridge to key-value storage, `examples/keyvalue-bridge`: on the host of this repository with a store in
//! memory, and composed, on the storage of Wasmtime.

mod composed;

use crate::guests::Guest;
use libtest_mimic::{Failed, Trial};
use std::process::{Command, Output};

/// The trials.
pub fn trials() -> Vec<Trial> {
    let trial =
        |name: &str, run: fn() -> Result<(), Failed>| Trial::test(format!("bridge::{name}"), run);
    let mut trials = vec![
        trial("conforms", conforms),
        trial("a_missing_bucket_is_named_once", missing_bucket),
        trial("a_failing_store_is_reported_once", failing_store),
        trial("values_of_other_programs_are_missing", foreign_values),
        trial("without_a_store_it_is_refused", no_store),
    ];
    trials.extend(composed::trials());
    trials
}

const SET: &str = "set(\"key\", [7], none)";
const GET: &str = "get(\"key\")";
const REFUSED: &str = "err(runtime-error)\nerr(runtime-error)\n";

/// Runs all checks, including the one with the largest value.
fn conforms() -> Result<(), Failed> {
    let output = crate::wit_host_command()
        .arg("run")
        .arg(Guest::Conformance.path()?)
        .arg(plug("cache", Guest::KeyvalueBridge)?)
        .arg(plug("store", Guest::MemoryStore)?)
        .args(["--", "--seed", "1", "--size", "1000"])
        .output()?;
    crate::conformance::all_pass(&output)
}

fn missing_bucket() -> Result<(), Failed> {
    for (flag, message) in [
        (
            "--env=CACHE_BUCKET=nowhere",
            "failed to open the bucket `nowhere`: the host has no such bucket",
        ),
        (
            "--env=store=FAULT=open",
            "failed to open the default bucket: access is denied",
        ),
    ] {
        let remedy = "name one that exists, for example with `--env CACHE_BUCKET=default`";
        let line = format!("keyvalue-bridge: {message}; {remedy}\n");
        expect(&[flag, SET, GET], REFUSED, &line)?;
    }
    expect(&["--env=CACHE_BUCKET=", SET, GET], "ok\nok([7])\n", "")
}

/// The message of the store contains a line break and a control sequence of a terminal.
fn failing_store() -> Result<(), Failed> {
    let line = "keyvalue-bridge: the store failed: no space left??[31mon the disk\n";
    expect(&["--env=store=FAULT=calls", SET, GET], REFUSED, line)
}

fn foreign_values() -> Result<(), Failed> {
    let results = "ok\nerr(not-found-error)\nerr(not-found-error)\n";
    let calls = [SET, GET, "delete(\"key\")"];
    expect(
        &[&["--env=store=FAULT=foreign"], &calls[..]].concat(),
        results,
        "",
    )
}

/// The host itself provides no key-value storage.
fn no_store() -> Result<(), Failed> {
    let output = crate::wit_host_command()
        .arg("run")
        .arg(Guest::RustConsumer.path()?)
        .arg(plug("cache", Guest::KeyvalueBridge)?)
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let message =
        "plug `cache` imports `wasi:keyvalue/store@0.2.0-draft2`, which no plug after it exports";
    if output.status.code() == Some(125) && output.stdout.is_empty() && stderr.contains(message) {
        Ok(())
    } else {
        Err(unexpected(message, &output))
    }
}

/// Expects exactly these results of calls of the bridge on the store in memory, and exactly this text on standard
/// error.
fn expect(arguments: &[&str], results: &str, stderr: &str) -> Result<(), Failed> {
    let output = crate::wit_host_command()
        .arg("invoke")
        .arg(Guest::KeyvalueBridge.path()?)
        .arg(plug("store", Guest::MemoryStore)?)
        .args(arguments)
        .output()?;
    if output.stdout == results.as_bytes() && output.stderr == stderr.as_bytes() {
        Ok(())
    } else {
        Err(unexpected(&format!("{results}{stderr}"), &output))
    }
}

fn plug(name: &str, guest: Guest) -> Result<String, Failed> {
    Ok(format!("--plug={name}={}", guest.path()?.display()))
}

fn expect_success(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    if output.status.success() && output.stderr.is_empty() {
        Ok(())
    } else {
        Err(unexpected("success", &output))
    }
}

fn unexpected(expected: &str, output: &Output) -> Failed {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!(
        "expected {expected}\nfound {}\n{stdout}{stderr}",
        output.status
    )
    .into()
}
