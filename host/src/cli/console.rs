//! Standard output and standard error.

use anyhow::Context;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, BufWriter, Write},
};

/// Writes text to standard output, as it is made.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    to_stdout(|out| write!(out, "{text}"))
}

/// Writes a line of JSON to standard output, as it is made.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    to_stdout(|out| {
        serde_json::to_writer(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Writes JSON to standard output for people to read, as it is made.
pub fn print_pretty_json(value: &impl Serialize) -> anyhow::Result<()> {
    to_stdout(|out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Writes bytes to standard output.
pub fn write_to_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    to_stdout(|out| out.write_all(bytes))
}

/// A reader that has seen enough is not an error.
fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = BufWriter::with_capacity(64 << 10, io::stdout());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write to standard output"),
    }
}

/// Writes a line to standard error. Where nobody can hear it, it is left unsaid.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
