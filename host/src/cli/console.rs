//! Standard output and standard error. All that the host itself prints passes through this file, which
//! escapes what a terminal would obey.

use super::{color::Label, deadline};
use anstream::AutoStream;
use anyhow::Context;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, BufWriter, Write},
};
use wit_host::untrusted::{JsonWriter, Message, Text};

/// Writes text to standard output while it is generated. Reports escape a guest's text themselves;
/// this escapes once more, in case one of them forgets to.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    to_stdout(|out| write!(out, "{}", Text(text)))
}

/// Writes a line of JSON to standard output while it is generated.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    to_stdout(|out| {
        serde_json::to_writer(JsonWriter(&mut *out), value)?;
        out.write_all(b"\n")
    })
}

/// Writes indented JSON to standard output while it is generated.
pub fn print_pretty_json(value: &impl Serialize) -> anyhow::Result<()> {
    to_stdout(|out| {
        serde_json::to_writer_pretty(JsonWriter(&mut *out), value)?;
        out.write_all(b"\n")
    })
}

/// Writes bytes to standard output, unescaped.
pub fn write_to_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    to_stdout(|out| out.write_all(bytes))
}

/// Standard output. The time that its reader takes does not count as the host's.
struct Stdout(io::Stdout);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        deadline::wait_for_reader(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        deadline::wait_for_reader(|| self.0.flush())
    }
}

/// A reader that closes the pipe early is not an error.
fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = BufWriter::with_capacity(64 << 10, Stdout(io::stdout()));
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("failed to write to standard output"),
    }
}

/// Writes an error to standard error.
pub fn error(message: impl Display) {
    write_to_stderr(format!("{} {}\n", Label::Error, Message(message)));
}

/// Writes a warning to standard error.
pub fn warning(message: impl Display) {
    write_to_stderr(format!("{} {}\n", Label::Warning, Message(message)));
}

/// Writes a note to standard error.
pub fn note(message: impl Display) {
    write_to_stderr(format!("{} {}\n", Label::Note, Message(message)));
}

/// Writes a note that belongs to the message before it.
pub fn note_below(message: impl Display) {
    write_to_stderr(format!("  {} {}\n", Label::Note, Message(message)));
}

/// Writes a message without a label to standard error. Its lines after the first begin with a space.
pub fn say(message: impl Display) {
    write_to_stderr(format!("{}\n", Message(message)));
}

/// Writes whole lines at once, so that those of several threads do not mix. If standard error is
/// closed, nothing is written.
fn write_to_stderr(lines: String) {
    let _ = AutoStream::always(io::stderr()).write_all(lines.as_bytes());
}
