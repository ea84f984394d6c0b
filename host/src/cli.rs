//! The command line: one file per subcommand, and what they share.

mod abort;
mod activity;
mod args;
mod bindgen;
mod code_cache;
mod completions;
mod componentize;
mod compose;
mod console;
mod deadline;
mod exit;
mod heap;
mod inspect;
mod invoke;
mod last_words;
mod output;
mod panics;
mod phases;
mod precompile;
mod remedy;
mod run;

use activity::Activity;
use args::BoundArgs;
use clap::{Parser, Subcommand};
use deadline::Budget;
use exit::{Failure, UsageError};
use heap::Heap;
use phases::Phases;
use std::{panic, path::Path, process::ExitCode, time::Instant};
use wit_host::untrusted::Name;

/// Composes WebAssembly components over WIT interfaces and runs them, each with its own authority.
#[derive(Parser)]
#[command(name = "wit-host", version, propagate_version = true)]
struct Cli {
    /// Show the phases of the work with their times.
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(flatten)]
    bounds: BoundArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bindgen(bindgen::Bindgen),
    Componentize(componentize::Componentize),
    Compose(compose::Compose),
    Inspect(inspect::Inspect),
    Run(run::Run),
    Invoke(invoke::Invoke),
    Precompile(precompile::Precompile),
    Completions(completions::Completions),
    #[command(hide = true)]
    Man(completions::Man),
}

/// Everything that the command allocates is counted, and bounded.
#[global_allocator]
static HEAP: Heap = Heap;

/// Parses, dispatches, and says what went wrong; ends the process where a bound is reached.
pub fn main() -> ExitCode {
    let started = Instant::now();
    abort::explain();
    match deadline::watch_over(move || exec(started)) {
        Ok(code) => code,
        Err(error) => Failure::from(anyhow::Error::from(error).context("failed to start")).report(),
    }
}

fn exec(started: Instant) -> ExitCode {
    let last_panic = panics::silence();
    match panic::catch_unwind(|| dispatch(started)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => Failure::from(error).report(),
        Err(_) => Failure::from(last_panic.defect()).report(),
    }
}

fn dispatch(started: Instant) -> anyhow::Result<ExitCode> {
    let Cli {
        verbose,
        bounds,
        command,
    } = Cli::try_parse().map_err(unparsed)?;
    if let Some(file) = command.file() {
        Activity::set_subject(file);
    }
    let budget = Budget::new(started, bounds.enforce());
    let mut phases = Phases::new(verbose, budget);
    match command {
        Command::Bindgen(command) => command.exec(&mut phases),
        Command::Componentize(command) => command.exec(&mut phases),
        Command::Compose(command) => command.exec(&mut phases),
        Command::Inspect(command) => command.exec(&mut phases),
        Command::Run(command) => command.exec(&mut phases),
        Command::Invoke(command) => command.exec(&mut phases),
        Command::Precompile(command) => command.exec(&mut phases),
        Command::Completions(command) => command.exec(),
        Command::Man(command) => command.exec(),
    }
}

/// Shows help, or what is wrong with the arguments. What was typed may come from a script or from the
/// name of a file, so it is shown as any other text of a stranger.
fn unparsed(error: clap::Error) -> anyhow::Error {
    if !error.use_stderr() {
        error.exit();
    }
    let arguments =
        std::env::args_os().map(|argument| Name(argument.to_string_lossy()).to_string());
    match Cli::try_parse_from(arguments) {
        Err(error) => error.exit(),
        Ok(_) => {
            let message = "an argument is not UTF-8, or holds characters that do not show";
            UsageError(message.to_owned()).into()
        }
    }
}

impl Command {
    /// The file that it was given first.
    fn file(&self) -> Option<&Path> {
        match self {
            Self::Bindgen(command) => Some(command.file()),
            Self::Componentize(command) => Some(command.file()),
            Self::Compose(command) => Some(command.file()),
            Self::Inspect(command) => Some(command.file()),
            Self::Run(command) => Some(command.file()),
            Self::Invoke(command) => Some(command.file()),
            Self::Precompile(command) => Some(command.file()),
            Self::Completions(_) | Self::Man(_) => None,
        }
    }
}
