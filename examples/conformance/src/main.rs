#![doc = include_str!("../README.md")]

mod arguments;
mod cache;
mod check;
mod checks;
mod letters;
mod side_by_side;

use arguments::{Arguments, Settings, Task};
use cache::Cache;
use check::{Check, Finding, Running};
use std::process::ExitCode;

mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "consumer" });
}

fn main() -> ExitCode {
    let outcome = Arguments::parse(std::env::args().skip(1)).and_then(run);
    outcome.unwrap_or_else(|message| {
        eprintln!("error: {message}");
        ExitCode::FAILURE
    })
}

fn run(Arguments { task, settings }: Arguments) -> Result<ExitCode, String> {
    let checks = checks::all(&settings);
    match task {
        Task::Help => print!("{}", arguments::HELP),
        Task::List => checks.iter().for_each(|check| println!("{}", check.name)),
        Task::Check { only } => return check(&checks, &settings, only.as_deref()),
    }
    Ok(ExitCode::SUCCESS)
}

fn check(checks: &[Check], settings: &Settings, only: Option<&str>) -> Result<ExitCode, String> {
    let start = |(number, check): (usize, &Check)| {
        let prefix = format!("conformance-{}-{number:02}-", settings.seed);
        (check.name, check.start(Cache::new(prefix)))
    };
    let only = only.unwrap_or_default();
    let chosen = checks
        .iter()
        .enumerate()
        .filter(|(_, check)| check.name.contains(only));
    let running: Vec<(&str, Running)> = chosen.map(start).collect();
    if running.is_empty() {
        return Err(format!(
            "no check has `{only}` in its name; `--list` names them all"
        ));
    }

    println!("seed {}", settings.seed);
    let (mut passed, mut failed) = (0, 0);
    side_by_side::run(running, |name, Finding { verdict, misses }| match verdict {
        Ok(()) => {
            passed += 1;
            match misses {
                0 => println!("ok   {name}"),
                _ => println!("ok   {name} ({misses} times an entry was forgotten)"),
            }
        }
        Err(facts) => {
            failed += 1;
            println!("FAIL {name}: {facts}");
        }
    });
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
