//! Every consumer with every provider, composed ahead, plugged at run time and isolated: all print the
//! same transcript.

use crate::{
    engines::{self, ENGINES},
    guests::{Guest, trial},
    providers::{PROVIDERS, Provider},
};
use libtest_mimic::{Failed, Trial};
use std::{path::Path, process::Command};
use wit_host::Engine;

const CONSUMERS: [Guest; 2] = [Guest::RustConsumer, Guest::CppConsumer];
const WAYS: [(&str, Way); 3] = [
    ("composed", composed),
    ("plugged", plugged),
    ("isolated", isolated),
];
pub const TRANSCRIPT: &str = include_str!("../demo.transcript");

/// Links a consumer and a provider, runs them, and compares what they print.
type Way = fn(consumer: &Path, provider: &Provider, engine: Engine) -> Result<(), Failed>;

/// One trial for each pair, way of linking and engine.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for consumer in CONSUMERS {
        for provider in PROVIDERS {
            let missing = consumer
                .missing_toolchain()
                .or_else(|| provider.missing_toolchain());
            for &(way, test) in ways(&provider) {
                for engine in ENGINES {
                    let pair = format!("{}::{}", consumer.name(), provider.name);
                    let name = format!("{}::{pair}::{way}", engines::path("matrix", engine));
                    let run = move || test(&consumer.path()?, &provider, engine);
                    trials.push(trial(name, missing.clone(), run));
                }
            }
        }
    }
    trials
}

/// The ways to link a provider. One in the host cannot be composed into a file, and one without plugs has
/// nothing to isolate.
fn ways(provider: &Provider) -> impl Iterator<Item = &'static (&'static str, Way)> {
    let is_possible = |way: &str| match way {
        "composed" => provider.is_portable(),
        "isolated" => provider.isolate_arguments().next().is_some(),
        _ => true,
    };
    WAYS.iter().filter(move |(way, _)| is_possible(way))
}

/// In the portable form all parts share one authority, so the directory is granted to all of them.
fn composed(consumer: &Path, provider: &Provider, engine: Engine) -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    let store = tempfile::tempdir()?;
    let linked = work.path().join("linked.wasm");
    let compose = crate::wit_host_command()
        .arg("compose")
        .arg(consumer)
        .args(provider.plugs()?)
        .arg("-o")
        .arg(&linked)
        .output()?;
    expect_success(&compose)?;
    expect_transcript(
        crate::wit_host_command()
            .arg("run")
            .args(engines::flag(engine))
            .arg(&linked)
            .arg(format!("--dir={}::/cache", store.path().display())),
    )
}

/// With plugs, a directory is granted to the cache only.
fn plugged(consumer: &Path, provider: &Provider, engine: Engine) -> Result<(), Failed> {
    let store = tempfile::tempdir()?;
    expect_transcript(
        crate::wit_host_command()
            .arg("run")
            .args(engines::flag(engine))
            .arg(consumer)
            .args(provider.arguments(store.path())?),
    )
}

/// With each plug in a store of its own.
fn isolated(consumer: &Path, provider: &Provider, engine: Engine) -> Result<(), Failed> {
    let store = tempfile::tempdir()?;
    expect_transcript(
        crate::wit_host_command()
            .arg("run")
            .args(engines::flag(engine))
            .arg(consumer)
            .args(provider.arguments(store.path())?)
            .args(provider.isolate_arguments()),
    )
}

fn expect_transcript(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    expect_success(&output)?;
    let transcript = String::from_utf8_lossy(&output.stdout);
    if transcript == TRANSCRIPT {
        Ok(())
    } else {
        Err(format!("--- expected\n{TRANSCRIPT}\n--- actual\n{transcript}").into())
    }
}

fn expect_success(output: &std::process::Output) -> Result<(), Failed> {
    if output.status.success() && output.stderr.is_empty() {
        Ok(())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}, with on standard error:\n{stderr}", output.status).into())
    }
}
