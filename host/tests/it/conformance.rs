//! The conformance component: every provider passes all checks, and every check can fail.

mod faults;

use crate::{
    engines::{self, ENGINES},
    guests::{Guest, trial},
    providers::{PROVIDERS, Provider},
};
use faults::FAULTS;
use libtest_mimic::{Failed, Trial};
use std::{
    collections::BTreeSet,
    fmt::Display,
    process::{Child, Output, Stdio},
    sync::{Mutex, PoisonError},
};
use wit_host::Engine;

/// Arguments of a short run, which is long enough to catch every fault.
const SMALL: [&str; 6] = ["--seed", "1", "--size", "1000", "--max-value", "4MiB"];
/// The number of runs that are started ahead, because a run mostly waits for entries to expire.
const AHEAD: usize = 8;

/// One trial per provider and engine, and one per fault.
pub fn trials() -> Vec<Trial> {
    let providers = PROVIDERS.into_iter().flat_map(|provider| {
        let on = |link: &str, isolated: &[String], engine: Engine| {
            let room = engines::path("conformance", engine);
            let name = format!("{room}::{}{link}", provider.name);
            let flags = isolated.iter().cloned();
            let flags: Vec<String> = flags.chain(engines::flag(engine)).collect();
            let conforms = move || conforms(&provider, &flags, engine);
            trial(name, provider.missing_toolchain(), conforms)
        };
        let isolated: Vec<String> = provider.isolate_arguments().collect();
        let mut trials = Vec::new();
        for engine in ENGINES {
            trials.push(on("", &[], engine));
            if !isolated.is_empty() {
                trials.push(on("::isolated", &isolated, engine));
            }
        }
        trials
    });
    let faults = FAULTS.iter().enumerate().map(|(number, &(fault, check))| {
        let name = format!("conformance::faults::{fault}");
        Trial::test(name, move || is_caught(number, check))
    });
    let mut trials: Vec<Trial> = providers.collect();
    trials.extend(faults);
    trials.extend([
        Trial::test(
            "conformance::cache-impl-with-every-variable-set",
            conforms_with_variables,
        ),
        Trial::test("conformance::without_a_fault", without_a_fault),
        Trial::test(
            "conformance::every_check_has_a_fault",
            every_check_has_a_fault,
        ),
        Trial::test("conformance::every_fault_is_tried", every_fault_is_tried),
        Trial::test("conformance::the_same_seed_gives_the_same_calls", same_seed),
        Trial::test("conformance::one_check_can_be_run", one_check),
        Trial::test(
            "conformance::mistyped_arguments_are_refused",
            mistyped_arguments,
        ),
    ]);
    trials
}

/// The operations of the random program, which every provider runs and a map checks (F11).
pub fn operations() -> &'static str {
    match std::env::var_os("TORTURE") {
        Some(_) => "100000",
        None => "1000",
    }
}

/// Runs all checks. On the compiler that includes the one with the largest value.
fn conforms(provider: &Provider, flags: &[String], engine: Engine) -> Result<(), Failed> {
    let load = match engine {
        Engine::Interpreter => vec!["--size", "200", "--max-value", "1MiB"],
        _ => vec!["--size", operations()],
    };
    let store = tempfile::tempdir()?;
    let output = crate::wit_host_command()
        .arg("run")
        .arg(Guest::Conformance.path()?)
        .args(provider.arguments(store.path())?)
        .args(flags)
        .args(["--", "--seed", "1"])
        .args(load)
        .output()?;
    all_pass(&output)
}

/// Runs all checks with `CACHE_FSYNC`, `CACHE_MAX_BYTES` and `CACHE_DIR` set.
fn conforms_with_variables() -> Result<(), Failed> {
    let store = tempfile::tempdir()?;
    let output = crate::wit_host_command()
        .arg("run")
        .arg(Guest::Conformance.path()?)
        .arg(format!(
            "--plug=cache={}",
            Guest::CacheImpl.path()?.display()
        ))
        .arg(format!("--dir=cache={}::/data", store.path().display()))
        .args([
            "--env=cache=CACHE_DIR=/data/kept/here",
            "--env=cache=CACHE_FSYNC=full",
            "--env=cache=CACHE_MAX_BYTES=1000000000",
            "--",
        ])
        .args(SMALL)
        .output()?;
    all_pass(&output)
}

fn without_a_fault() -> Result<(), Failed> {
    all_pass(&start("none", &SMALL)?.wait_with_output()?)
}

/// Expects that exactly the check for this fault fails.
fn is_caught(number: usize, check: &str) -> Result<(), Failed> {
    let output = with_fault(number)?.wait_with_output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let failures: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("FAIL "))
        .collect();
    let caught = matches!(failures[..], [failure] if failure.starts_with(&format!("{check}: ")));
    let passed = stdout
        .lines()
        .filter(|line| line.starts_with("ok   "))
        .count();
    let closes = stdout.ends_with(&format!("\n{passed} passed, 1 failed\n"));
    if caught && closes && output.status.code() == Some(1) {
        Ok(())
    } else {
        Err(unexpected(
            format!("`{check}` to fail and no other"),
            &output,
        ))
    }
}

fn every_check_has_a_fault() -> Result<(), Failed> {
    let output = start("none", &["--list"])?.wait_with_output()?;
    let stdout = String::from_utf8(output.stdout)?;
    same_names(
        &stdout.lines().collect(),
        &FAULTS.iter().map(|(_, check)| *check).collect(),
    )
}

/// The error of the faulty cache for an unknown fault lists its faults; all of them are tried.
fn every_fault_is_tried() -> Result<(), Failed> {
    let output = start("?", &["--only", "sizes: 1 MiB"])?.wait_with_output()?;
    let stderr = String::from_utf8(output.stderr)?;
    let names = stderr
        .lines()
        .find_map(|line| Some(line.split_once("one of: ")?.1));
    let mut names: BTreeSet<&str> = names.unwrap_or_default().split(' ').collect();
    names.remove("none");
    same_names(&names, &FAULTS.iter().map(|(fault, _)| *fault).collect())
}

/// Two runs with the same seed report the same wrong value.
fn same_seed() -> Result<(), Failed> {
    let arguments = ["--seed", "77", "--size", "2000", "--only", "random program"];
    let first = start("wraps-version", &arguments)?;
    let second = start("wraps-version", &arguments)?.wait_with_output()?;
    let first = first.wait_with_output()?;
    if first.stdout == second.stdout && first.stdout.starts_with(b"seed 77\nFAIL random program") {
        Ok(())
    } else {
        let expected = format!(
            "what another run printed:\n{}",
            String::from_utf8(first.stdout)?
        );
        Err(unexpected(expected, &second))
    }
}

fn one_check() -> Result<(), Failed> {
    let arguments = ["--seed", "1", "--only", "values: one byte is a value"];
    let output = start("none", &arguments)?.wait_with_output()?;
    let expected = "seed 1\nok   values: one byte is a value\n1 passed, 0 failed\n";
    if output.status.success() && output.stdout == expected.as_bytes() {
        Ok(())
    } else {
        Err(unexpected(expected, &output))
    }
}

fn mistyped_arguments() -> Result<(), Failed> {
    for (arguments, message) in [
        (
            &["--sed"][..],
            "error: there is no `--sed`; `--help` shows what there is\n",
        ),
        (
            &["--only", "x?"],
            "error: no check has `x?` in its name; `--list` names them all\n",
        ),
    ] {
        let output = start("none", arguments)?.wait_with_output()?;
        let exited = output.status.code() == Some(1) && output.stdout.is_empty();
        if !exited || output.stderr != message.as_bytes() {
            return Err(unexpected(message, &output));
        }
    }
    Ok(())
}

/// The run with the fault `number` of [`FAULTS`]; an earlier trial may have started it.
fn with_fault(number: usize) -> Result<Child, Failed> {
    static STARTED: Mutex<Vec<Option<Child>>> = Mutex::new(Vec::new());
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let end = FAULTS.len().min(number + AHEAD);
    if started.len() <= number {
        started.resize_with(number, || None);
    }
    for (fault, _) in FAULTS.get(started.len()..end).unwrap_or_default() {
        started.push(Some(start(fault, &SMALL)?));
    }
    match started.get_mut(number).and_then(Option::take) {
        Some(child) => Ok(child),
        None => start(FAULTS[number].0, &SMALL),
    }
}

fn start(fault: &str, arguments: &[&str]) -> Result<Child, Failed> {
    let child = crate::wit_host_command()
        .arg("run")
        .arg(Guest::Conformance.path()?)
        .arg(format!(
            "--plug=faulty-cache={}",
            Guest::FaultyCache.path()?.display()
        ))
        .arg(format!("--env=faulty-cache=FAULT={fault}"))
        .arg("--")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(child)
}

pub fn all_pass(output: &Output) -> Result<(), Failed> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let closes = stdout.ends_with(&format!("\n{} passed, 0 failed\n", FAULTS.len()));
    if output.status.success() && closes && is_silent(&output.stderr) {
        Ok(())
    } else {
        Err(unexpected("all checks to pass", output))
    }
}

/// `true` if nothing was reported, except that a cache of the host warns about a key that is too long, which
/// the checks try.
fn is_silent(stderr: &[u8]) -> bool {
    let text = String::from_utf8_lossy(stderr);
    text.lines().all(|line| {
        line.starts_with("warning: the cache `") && line.ends_with("a key has at most 4096")
    })
}

fn same_names(found: &BTreeSet<&str>, tried: &BTreeSet<&str>) -> Result<(), Failed> {
    if found == tried {
        return Ok(());
    }
    let untried: Vec<_> = found.difference(tried).collect();
    let unknown: Vec<_> = tried.difference(found).collect();
    Err(format!("not in `FAULTS`: {untried:?}; only in `FAULTS`: {unknown:?}").into())
}

fn unexpected(expected: impl Display, output: &Output) -> Failed {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!(
        "expected {expected}\nfound {}\n{stdout}{stderr}",
        output.status
    )
    .into()
}
