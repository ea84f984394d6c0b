//! Standard output and standard error: what the host itself says goes through here, and nothing in it
//! reaches a terminal that would make it do something.

use super::deadline;
use anyhow::Context;
use serde::Serialize;
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
        serde_json::to_writer(EscapingJson(&mut *out), value)?;
        out.write_all(b"\n")
    })
}

/// Writes JSON to standard output for people to read, as it is made.
pub fn print_pretty_json(value: &impl Serialize) -> anyhow::Result<()> {
    to_stdout(|out| {
        serde_json::to_writer_pretty(EscapingJson(&mut *out), value)?;
        out.write_all(b"\n")
    })
}

/// Escapes what JSON allows in strings and a terminal should not get.
struct EscapingJson<W>(W);

impl<W: Write> Write for EscapingJson<W> {
    /// The serializer never splits a character.
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(json).map_err(|_| io::ErrorKind::InvalidData)?;
        write!(self.0, "{}", Json(text))?;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes bytes to standard output.
pub fn write_to_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    to_stdout(|out| out.write_all(bytes))
}

/// Standard output, whose reader may take its time.
struct Stdout(io::Stdout);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        deadline::wait_for_reader(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        deadline::wait_for_reader(|| self.0.flush())
    }
}

/// A reader that has seen enough is not an error.
fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = BufWriter::with_capacity(64 << 10, Stdout(io::stdout()));
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
