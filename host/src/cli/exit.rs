//! Exit codes, and how errors are shown.

use std::process::ExitCode;

/// The command line asks for something that makes no sense.
pub const USAGE: u8 = 2;
/// The host could not do what it was asked.
pub const HOST: u8 = 125;
/// The guest trapped.
pub const TRAP: u8 = 134;

/// A mistake on the command line that the parser of arguments cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// An error on its way out of the process.
pub struct Failure(anyhow::Error);

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl Failure {
    /// Shows the error and its causes, and gives the exit code that belongs to it.
    pub fn report(self) -> ExitCode {
        eprintln!("error: {}", self.0);
        for cause in self.0.chain().skip(1) {
            eprintln!(
                "  caused by: {}",
                cause.to_string().trim_end().replace('\n', "\n    ")
            );
        }
        ExitCode::from(if self.0.is::<UsageError>() {
            USAGE
        } else {
            HOST
        })
    }
}
