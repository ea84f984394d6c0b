//! The command line: one file per subcommand, and what they share.

mod args;
mod bindgen;
mod code_cache;
mod completions;
mod componentize;
mod compose;
mod console;
mod deadline;
mod exit;
mod inspect;
mod invoke;
mod output;
mod panics;
mod phases;
mod precompile;
mod remedy;
mod run;

use clap::{Parser, Subcommand};
use exit::Failure;
use phases::Phases;
use std::{panic, process::ExitCode};

/// Composes WebAssembly components over WIT interfaces and runs them, each with its own authority.
#[derive(Parser)]
#[command(name = "wit-host", version, propagate_version = true)]
struct Cli {
    /// Show the phases of the work with their times.
    #[arg(short, long, global = true)]
    verbose: bool,
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

/// Parses, dispatches, and says what went wrong.
pub fn main() -> ExitCode {
    let last_panic = panics::silence();
    match panic::catch_unwind(dispatch) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => Failure::from(error).report(),
        Err(_) => Failure::from(last_panic.defect()).report(),
    }
}

fn dispatch() -> anyhow::Result<ExitCode> {
    let Cli { verbose, command } = Cli::parse();
    let mut phases = Phases::new(verbose);
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
