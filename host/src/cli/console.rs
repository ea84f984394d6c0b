//! Standard output and standard error.

use super::deadline;
use anyhow::Context;
use std::{
    fmt::Display,
    io::{self, Write},
};

/// Writes text to standard output.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    write_to_stdout(text.to_string().as_bytes())
}

/// Writes bytes to standard output. A reader that has seen enough is no error.
pub fn write_to_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout();
    let write = || stdout.write_all(bytes).and_then(|()| stdout.flush());
    match deadline::wait_for_reader(write) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write to standard output"),
    }
}

/// Writes a line to standard error. Where nobody can hear it, it is left unsaid.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
