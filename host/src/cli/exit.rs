//! Exit codes, and how errors and outcomes are shown.

use super::{console::say, remedy};
use std::process::ExitCode;
use wit_host::{CallError, Frame, Outcome, Trap, untrusted::Message};

/// The command line asks for something that makes no sense.
pub const USAGE: u8 = 2;
/// The program took longer than it may.
pub const TIMEOUT: u8 = 124;
/// The host could not do what it was asked.
pub const HOST: u8 = 125;
/// The program trapped.
pub const TRAP: u8 = 134;

/// Calls beyond these are counted, not shown; a recursion counts as one.
const MAX_FRAMES: usize = 20;

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
        match remedy::of(&self.0) {
            Some(remedy) => say(format_args!("error: {}; {remedy}", self.0)),
            None => say(format_args!("error: {}", self.0)),
        }
        for cause in self.0.chain().skip(1) {
            let cause = Message(cause).to_string();
            say(format_args!(
                "  caused by: {}",
                cause.trim_end().replace('\n', "\n    ")
            ));
        }
        ExitCode::from(if is_usage(&self.0) { USAGE } else { HOST })
    }
}

fn is_usage(error: &anyhow::Error) -> bool {
    let is_wrong_call = matches!(
        error.downcast_ref(),
        Some(
            CallError::NoSuchFunction { .. }
                | CallError::Ambiguous { .. }
                | CallError::WrongCount { .. }
                | CallError::WrongArgument { .. }
                | CallError::NoSuchHandle { .. }
        )
    );
    is_wrong_call || error.is::<UsageError>()
}

/// Shows how a program ended, unless it ended by itself, and gives the exit code.
pub fn report(outcome: &Outcome) -> ExitCode {
    ExitCode::from(match outcome {
        Outcome::Exited(code) => exit_code(*code),
        Outcome::Trapped(trap) => {
            report_trap(trap);
            TRAP
        }
        Outcome::TimedOut(timed_out) => {
            say(format_args!("error: {timed_out}"));
            TIMEOUT
        }
    })
}

/// A process can say one byte. What the program said itself is told apart from what the host says
/// with the same code, and from what cannot be said.
fn exit_code(code: i32) -> u8 {
    match u8::try_from(code) {
        Ok(code) => {
            if [USAGE, TIMEOUT, HOST, TRAP].contains(&code) {
                say(format_args!(
                    "note: the program itself ended with exit code {code}"
                ));
            }
            code
        }
        Err(_) => {
            // Preview1 has no negative codes.
            let code = code.cast_unsigned();
            say(format_args!(
                "note: the program itself ended with exit code {code}, which is passed on as {}",
                u8::MAX
            ));
            u8::MAX
        }
    }
}

fn report_trap(trap: &Trap) {
    say(format_args!("error: {trap}"));
    let runs: Vec<&[Frame]> = trap.frames.chunk_by(PartialEq::eq).collect();
    for run in runs.iter().take(MAX_FRAMES) {
        match run {
            [frame] => say(format_args!("  in {frame}")),
            [frame, ..] => say(format_args!("  in {frame}, {} times", run.len())),
            [] => {}
        }
    }
    match runs.len().saturating_sub(MAX_FRAMES) {
        0 => {}
        more => say(format_args!("  and {more} more calls")),
    }
    if trap.frames.iter().any(Frame::is_nameless) {
        say(format_args!(
            "  note: build it without stripping names to see them here"
        ));
    }
}
