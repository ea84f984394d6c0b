//! Standard output and standard error: what the host itself says goes through here, and nothing in it
//! reaches a terminal that would make it do something.

use anyhow::Context;
use std::{
    fmt::Display,
    io::{self, Write},
};
use wit_host::untrusted::{Message, Text};

/// Writes text to standard output. What is in it of a guest's has been escaped where it was put in;
/// this is for what was forgotten.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    write_to_stdout(Text(text).to_string().as_bytes())
}

/// Writes bytes to standard output. A reader that has seen enough is no error.
pub fn write_to_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write to standard output"),
    }
}

/// Writes a message to standard error, at once. Its lines after the first begin with a space. Where
/// nobody can hear it, it is left unsaid.
pub fn say(message: impl Display) {
    let _ = io::stderr().write_all(format!("{}\n", Message(message)).as_bytes());
}
