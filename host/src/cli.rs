//! The command line: one file for each subcommand, and what the subcommands share.

mod abort;
mod activity;
mod args;
mod backend;
mod bindgen;
mod code_cache;
mod color;
mod completions;
mod componentize;
mod compose;
mod console;
mod deadline;
mod engine;
mod exit;
mod graph;
mod heap;
mod inspect;
mod invoke;
mod last_words;
mod log;
mod output;
mod panics;
mod phases;
mod precompile;
mod remedy;
mod run;
mod serve;
mod signals;
mod start;

use activity::Activity;
use args::BoundArgs;
use clap::{Parser, Subcommand};
use color::ColorChoice;
use deadline::Budget;
use exit::UsageError;
use heap::Heap;
use phases::Phases;
use std::{panic, path::Path, process::ExitCode, time::Instant};
use wit_host::untrusted::Name;

/// Composes WebAssembly components over WIT interfaces and runs them, each with its own authority.
#[derive(Parser)]
#[command(name = "wit-host", version, propagate_version = true)]
struct Cli {
    /// Print each phase of the work and its time.
    #[arg(short, long, global = true, display_order = 100)]
    verbose: bool,
    /// Use colours in messages and help. `auto` uses them on a terminal, unless `NO_COLOR` is set.
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        global = true,
        display_order = 100
    )]
    color: ColorChoice,
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
    Serve(Box<serve::Serve>),
    Invoke(invoke::Invoke),
    Precompile(precompile::Precompile),
    Completions(completions::Completions),
    #[command(hide = true)]
    Man(completions::Man),
}

/// Counts all that the command allocates, and bounds it.
#[global_allocator]
static HEAP: Heap = Heap;

/// Runs the command and reports its errors. The process ends at once when a bound is reached.
pub fn main() -> ExitCode {
    let started = Instant::now();
    abort::report_as_errors();
    match deadline::watch_over(move || exec(started)) {
        Ok(code) => code,
        Err(error) => exit::fail(&anyhow::Error::from(error).context("failed to start")),
    }
}

fn exec(started: Instant) -> ExitCode {
    let last_panic = panics::silence();
    match panic::catch_unwind(|| dispatch(started)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => exit::fail(&error),
        Err(_) => exit::fail(&last_panic.defect()),
    }
}

fn dispatch(started: Instant) -> anyhow::Result<ExitCode> {
    ColorChoice::of_arguments(std::env::args_os()).apply();
    let Cli {
        verbose,
        color,
        bounds,
        command,
    } = Cli::try_parse().map_err(unparsed)?;
    color.apply();
    if let Some(file) = command.file() {
        Activity::set_subject(file);
    }
    let budget = Budget::new(started, bounds.enforce()?);
    if !matches!(
        command,
        Command::Run(_) | Command::Invoke(_) | Command::Serve(_)
    ) {
        bounds.refuse_plugs()?;
    }
    let mut phases = Phases::new(verbose, budget);
    match command {
        Command::Bindgen(command) => command.exec(&mut phases),
        Command::Componentize(command) => command.exec(&mut phases),
        Command::Compose(command) => command.exec(&mut phases),
        Command::Inspect(command) => command.exec(&mut phases),
        Command::Run(command) => command.exec(&mut phases, &bounds),
        Command::Serve(command) => command.exec(&mut phases, bounds),
        Command::Invoke(command) => command.exec(&mut phases, &bounds),
        Command::Precompile(command) => command.exec(&mut phases),
        Command::Completions(command) => command.exec(),
        Command::Man(command) => command.exec(),
    }
}

/// Shows the help, or the mistake in the arguments. An argument can come from a script or be the name
/// of a file, so it is escaped as a stranger's text is.
fn unparsed(error: clap::Error) -> anyhow::Error {
    if !error.use_stderr() {
        error.exit();
    }
    let arguments =
        std::env::args_os().map(|argument| Name(argument.to_string_lossy()).to_string());
    match Cli::try_parse_from(arguments) {
        Err(error) => error.exit(),
        Ok(_) => {
            let message = "an argument is not UTF-8, or holds characters that are not visible";
            UsageError(message.to_owned()).into()
        }
    }
}

impl Command {
    /// The first file of the command line.
    fn file(&self) -> Option<&Path> {
        match self {
            Self::Bindgen(command) => Some(command.file()),
            Self::Componentize(command) => Some(command.file()),
            Self::Compose(command) => Some(command.file()),
            Self::Inspect(command) => Some(command.file()),
            Self::Run(command) => Some(command.file()),
            Self::Serve(command) => Some(command.file()),
            Self::Invoke(command) => Some(command.file()),
            Self::Precompile(command) => Some(command.file()),
            Self::Completions(_) | Self::Man(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
