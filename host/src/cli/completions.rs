use super::{Cli, console::write_to_stdout};
use clap::CommandFactory;
use std::process::ExitCode;

/// Print a completion script for a shell.
#[derive(clap::Args)]
pub struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

impl Completions {
    pub fn exec(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "wit-host", &mut script);
        write_to_stdout(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the manual page.
#[derive(clap::Args)]
pub struct Man {}

impl Man {
    pub fn exec(self) -> anyhow::Result<ExitCode> {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        write_to_stdout(&page)?;
        Ok(ExitCode::SUCCESS)
    }
}
