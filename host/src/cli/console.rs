//! Standard output and standard error: what the host itself says goes through here, and nothing in it
//! reaches a terminal that would make it do something.

use anyhow::Context;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::{
    fmt::Display,
    io::{self, BufWriter, Write},
};
use wit_host::untrusted::{Json, Message, Text};

/// Writes text to standard output, as it is made. What is in it of a guest's has been escaped where it
/// was put in; this is for what was forgotten.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    to_stdout(|out| write!(out, "{}", Text(text)))
}

/// Writes a line of JSON to standard output, as it is made.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    to_stdout(|out| {
        value.serialize(&mut Serializer::with_formatter(&mut *out, EscapingStrings))?;
        out.write_all(b"\n")
    })
}

/// Escapes in strings what JSON allows there and a terminal should not get.
struct EscapingStrings;

impl Formatter for EscapingStrings {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write!(out, "{}", Json(fragment))
    }
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

/// Writes a message to standard error, at once. Its lines after the first begin with a space. Where
/// nobody can hear it, it is left unsaid.
pub fn say(message: impl Display) {
    let _ = io::stderr().write_all(format!("{}\n", Message(message)).as_bytes());
}
