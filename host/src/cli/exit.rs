//! Exit codes, and how errors and outcomes are shown.

use super::{
    console::{error, note, note_below, say},
    remedy,
};
use std::{error::Error, process::ExitCode};
use wit_host::{CallError, ComposeError, Frame, Outcome, Trap, untrusted::Message};

/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The program took longer than it may.
pub const TIMEOUT: u8 = 124;
/// The host failed to do what it was asked to do.
pub const HOST: u8 = 125;
/// The program trapped.
pub const TRAP: u8 = 134;

/// The number of calls of a backtrace that are shown; the others are counted. A recursion counts as
/// one call.
const MAX_FRAMES: usize = 20;

/// A mistake on the command line that clap cannot find.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Shows an error and its causes, and gives the exit code that belongs to it.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    show_error(error);
    ExitCode::from(if is_usage(error) { USAGE } else { HOST })
}

/// Shows an error and its causes, each with the flag that helps against it.
pub fn show_error(shown: &anyhow::Error) {
    error(with_remedy(shown.as_ref()));
    for cause in shown.chain().skip(1) {
        let cause = Message(with_remedy(cause)).to_string();
        say(format_args!(
            "  caused by: {}",
            cause.trim_end().replace('\n', "\n    ")
        ));
    }
}

fn with_remedy(error: &(dyn Error + 'static)) -> String {
    match remedy::of(error) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
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
    let is_wrong_composition = matches!(
        error.downcast_ref(),
        Some(ComposeError::SameName { .. } | ComposeError::IdleVirtualization { .. })
    );
    is_wrong_call || is_wrong_composition || error.is::<UsageError>()
}

/// Gives the exit code of a program, and shows how it ended if it did not exit by itself.
pub fn report(outcome: &Outcome) -> ExitCode {
    ExitCode::from(match outcome {
        Outcome::Exited(code) => exit_code(*code),
        Outcome::Trapped(trap) => {
            report_trap(trap);
            TRAP
        }
        Outcome::TimedOut(timed_out) => {
            error(timed_out);
            TIMEOUT
        }
    })
}

/// The exit code of a process is one byte. A note marks a code that the host uses too, and one that
/// does not fit into a byte.
fn exit_code(code: i32) -> u8 {
    match u8::try_from(code) {
        Ok(code) => {
            if [USAGE, TIMEOUT, HOST, TRAP].contains(&code) {
                note(format_args!(
                    "the program itself ended with exit code {code}"
                ));
            }
            code
        }
        Err(_) => {
            // Preview1 has no negative codes.
            let code = code.cast_unsigned();
            note(format_args!(
                "the program itself ended with exit code {code}, which is passed on as {}",
                u8::MAX
            ));
            u8::MAX
        }
    }
}

fn report_trap(trap: &Trap) {
    match trap.refusal.and_then(remedy::of_refusal) {
        Some(remedy) => error(format_args!("{trap}; {remedy}")),
        None => error(trap),
    }
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
        note_below("build it without stripping names to see them here");
    }
}
