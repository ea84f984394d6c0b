//! Explanations of traps: the part, the calls, and the reason.

use crate::{
    compose::{
        bulk_bytes::REFUSALS,
        layout::{Layout, LikeAdapters},
    },
    ending::plug_failure::OutOfFuelInPlug,
    names::part::PartName,
    sandbox::open::MAX_RANDOM,
    store::limits::Refusal,
    untrusted::Name,
    untrusted::demangle::Demangled,
};
use std::fmt;
use wasmtime::{FrameInfo, WasmBacktrace, component::ResourceTableError};

/// A trap: an error that stopped a part. The instance cannot be used any more.
#[non_exhaustive]
pub struct Trap {
    /// The part that was running; `None` if it is not known, or if the trap happened in a call between
    /// two parts.
    pub part: Option<PartName>,
    /// The reason of the trap, in words. They may quote the guest.
    pub reason: String,
    /// The last growth that a limit refused before the trap, if there is one. It is usually the cause,
    /// because most programs abort when a growth of memory is refused.
    pub refusal: Option<Refusal>,
    /// The calls that led to the trap, the innermost first.
    pub frames: Vec<Frame>,
    /// The engine's error. It is not shown: its backtrace demangles the names in the guest without a
    /// bound on their length.
    source: wasmtime::Error,
}

/// One call of a backtrace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The part that the function belongs to; `None` if it is not known.
    pub part: Option<PartName>,
    /// The name of the function in the binary, which may be mangled; `None` if the binary has no name
    /// for it. `Display` of the frame writes it demangled, escaped and cut.
    pub function: Option<String>,
    /// The index of the function in its core module.
    pub index: u32,
    /// The position of the instruction in the binary of the part, in bytes.
    pub offset: Option<usize>,
}

impl Trap {
    pub(crate) fn explain(
        source: wasmtime::Error,
        refusal: Option<Refusal>,
        layout: &Layout,
        max_passed: usize,
    ) -> Self {
        let calls = source
            .downcast_ref::<WasmBacktrace>()
            .map(|backtrace| backtrace.frames())
            .unwrap_or_default();
        // The backtrace does not show which of the two parts violated the rules of a call between them.
        let is_between_parts =
            calls.first().is_some_and(|frame| is_adapter(frame, layout)) && !is_interrupt(&source);
        let frames: Vec<Frame> = calls
            .iter()
            .filter(|frame| !is_adapter(frame, layout))
            .map(|frame| Frame::of(frame, layout))
            .collect();
        let refusal_of_guard = frames.first().and_then(refusal_of_guard);
        let reason = match refusal_of_guard {
            Some(words) => words.to_owned(),
            None => reason(&source, max_passed),
        };
        let part = match is_between_parts {
            true => None,
            false => frames.iter().find_map(|frame| frame.part.clone()),
        };
        let frames = frames.into_iter().filter(|frame| !frame.is_guard());
        let frames = frames.collect();
        Self {
            part,
            reason: match is_between_parts {
                true => {
                    format!("what one part passed to another could not be taken over: {reason}")
                }
                false => reason,
            },
            refusal,
            frames,
            source,
        }
    }

    /// The trap of a plug that called `exit`: only the consumer can end the program.
    pub(crate) fn of_exit(plug: PartName, code: i32) -> Self {
        let reason =
            format!("it called `exit` with code {code}, and only the consumer can end the program");
        Self {
            part: Some(plug),
            source: wasmtime::Error::msg(reason.clone()),
            reason,
            refusal: None,
            frames: Vec::new(),
        }
    }

    /// `true` if a call passed more data between guest and host than is allowed.
    pub(crate) fn passes_too_much(&self) -> bool {
        is_passing_too_much(&self.source.root_cause().to_string())
    }

    /// `true` if the program failed, in its code or while its memories and tables were initialized;
    /// `false` if the engine refused to instantiate it.
    pub(crate) fn is_of_program(&self) -> bool {
        let backtrace = self.source.downcast_ref::<WasmBacktrace>();
        backtrace.is_some_and(|backtrace| !backtrace.frames().is_empty())
            || self.source.is::<wasmtime::Trap>()
    }

    /// `true` if the deadline stopped the program.
    pub(crate) fn is_interrupt(&self) -> bool {
        is_interrupt(&self.source)
    }

    /// The isolated plug in which the fuel was used up, if it was used up in one.
    pub(crate) fn out_of_fuel_in(&self) -> Option<&PartName> {
        let in_plug = self.source.downcast_ref::<OutOfFuelInPlug>();
        in_plug.map(|in_plug| &in_plug.plug)
    }

    pub(crate) fn into_engine_error(self) -> wasmtime::Error {
        self.source
    }
}

/// The reason for which a guard of bytes carried as strings refused what the part passed.
fn refusal_of_guard(frame: &Frame) -> Option<&'static str> {
    let function = frame.function.as_deref().filter(|_| frame.is_guard())?;
    let mut refusals = REFUSALS.iter();
    refusals.find_map(|(name, words)| (*name == function).then_some(*words))
}

fn is_interrupt(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref(), Some(wasmtime::Trap::Interrupt))
}

impl Frame {
    fn of(frame: &FrameInfo, layout: &Layout) -> Self {
        let place = frame
            .module_offset()
            .and_then(|offset| layout.part_at(offset));
        Self {
            part: place.map(|(part, _)| part.clone()),
            function: frame.func_name().map(str::to_owned),
            index: frame.func_index(),
            offset: place.and_then(|(_, offset)| offset),
        }
    }

    /// `true` for code that the composer has added to the part.
    fn is_guard(&self) -> bool {
        self.part.is_some() && self.offset.is_none()
    }

    /// `true` if the binary has no name for the function.
    pub fn is_nameless(&self) -> bool {
        self.function.is_none()
    }
}

/// `true` for a frame of an adapter, which the engine generates to pass arguments between two parts. An
/// adapter imports the flags of both instances. A module of a part can have imports of the same names,
/// but it has a position in the binary, and an adapter does not.
fn is_adapter(frame: &FrameInfo, layout: &Layout) -> bool {
    let is_of_part = |offset| layout.is_like_adapter(offset);
    !frame.module_offset().is_some_and(is_of_part)
        && frame
            .module()
            .imports()
            .any(|import| import.module() == LikeAdapters::MODULE)
}

/// Explains errors that the engine reports only as text. The golden cases `run/limits/copying` and
/// `randomness` fail if that text changes.
fn explained(words: &str, max_passed: usize) -> Option<String> {
    if is_passing_too_much(words) {
        let most = max_passed >> 20;
        return Some(format!(
            "it passes more than {most} MiB to the host in one call"
        ));
    }
    if words.starts_with("requested len") {
        let most = MAX_RANDOM >> 20;
        return Some(format!(
            "it asks for more than {most} MiB of random bytes at a time"
        ));
    }
    None
}

fn is_passing_too_much(words: &str) -> bool {
    words.starts_with("too much data is being copied")
}

fn reason(error: &wasmtime::Error, max_passed: usize) -> String {
    use wasmtime::Trap as Code;
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return "it holds as many handles to files, streams and timers as it may".to_owned();
    }
    let Some(code) = error.downcast_ref::<Code>() else {
        let words = error.root_cause().to_string();
        return explained(&words, max_passed).unwrap_or(words);
    };
    let words = match code {
        Code::UnreachableCodeReached => {
            "it reached `unreachable`, as code does that aborts: a panic, a failed assertion"
        }
        Code::StackOverflow => "its call stack is exhausted, as by a recursion without end",
        Code::MemoryOutOfBounds => "it touched memory outside of its own",
        Code::TableOutOfBounds => "it called or touched a table entry that does not exist",
        Code::IndirectCallToNull => "it called a function pointer that is null",
        Code::BadSignature => "it called a function pointer of another type",
        Code::IntegerDivisionByZero => "it divided an integer by zero",
        Code::IntegerOverflow => "an integer operation overflowed",
        Code::BadConversionToInteger => "it converted a float that no integer can be",
        Code::OutOfFuel => "it has used up its fuel",
        Code::Interrupt => "its time is up",
        other => return other.to_string(),
    };
    words.to_owned()
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "`{part}` trapped: {}", Name(&self.reason))?,
            None => write!(f, "trapped: {}", Name(&self.reason))?,
        }
        if let Some(refusal) = &self.refusal {
            write!(f, "; before that, {refusal}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trap")
            .field("part", &self.part)
            .field("reason", &self.reason)
            .field("refusal", &self.refusal)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Trap {}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(part) = &self.part {
            write!(f, "`{part}`: ")?;
        }
        match &self.function {
            Some(function) => write!(f, "{}", Name(Demangled(function)))?,
            None => write!(f, "function {}", self.index)?,
        }
        match self.offset {
            Some(offset) => write!(f, " at {offset:#x}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trap_and_its_frames_escape_the_guests_text() {
        let hostile = "a\x1b[2K\nerror: b\u{202e}";
        let frame = Frame {
            part: None,
            function: Some(hostile.to_owned()),
            index: 0,
            offset: Some(16),
        };
        let trap = Trap {
            part: Some(PartName::consumer()),
            reason: hostile.to_owned(),
            refusal: None,
            frames: Vec::new(),
            source: wasmtime::Error::msg(hostile),
        };
        let escaped = r"a\u{1b}[2K\u{a}error: b\u{202e}";
        assert_eq!(frame.to_string(), format!("{escaped} at 0x10"));
        assert_eq!(trap.to_string(), format!("`consumer` trapped: {escaped}"));
    }
}
