//! Traps, explained: which part, which function, why.

use crate::{
    compose::layout::{Layout, LikeAdapters},
    names::part::PartName,
    sandbox::open::MAX_RANDOM,
    store::limits::Refusal,
    untrusted::Name,
    untrusted::demangle::Demangled,
};
use std::fmt;
use wasmtime::{FrameInfo, WasmBacktrace, component::ResourceTableError};

/// A trap, and where it came from. Everything in the store is lost.
pub struct Trap {
    /// The part that was running, where that is known.
    pub part: Option<PartName>,
    /// Why it stopped, in words; they may quote the guest.
    pub reason: String,
    /// A limit that was reached before, and mostly is what the trap is about.
    pub refusal: Option<Refusal>,
    /// The calls that led there, the innermost first.
    pub frames: Vec<Frame>,
    /// What the engine said. To show it is not bounded: its backtrace demangles the guest's names
    /// whatever they expand to. `{}` and `{:?}` of the trap and of its frames are bounded.
    pub source: wasmtime::Error,
}

/// One call of a backtrace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The part that the function belongs to.
    pub part: Option<PartName>,
    /// Its name as the binary has it, which may be mangled; `None` where the binary carries no
    /// names. Shown with `{}` the frame has it demangled, escaped, and cut where it is long.
    pub function: Option<String>,
    /// Its index in its core module.
    pub index: u32,
    /// Where in the binary of the part, in bytes.
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
        // Which side has broken the rules of a call between two parts, the calls do not tell.
        let is_between_parts =
            calls.first().is_some_and(|frame| is_adapter(frame, layout)) && !is_interrupt(&source);
        let frames: Vec<Frame> = calls
            .iter()
            .filter(|frame| !is_adapter(frame, layout))
            .map(|frame| Frame::of(frame, layout))
            .collect();
        let reason = reason(&source, max_passed);
        Self {
            part: match is_between_parts {
                true => None,
                false => frames.iter().find_map(|frame| frame.part.clone()),
            },
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

    /// Whether more was passed between guest and host than a call may pass.
    pub(crate) fn passes_too_much(&self) -> bool {
        is_passing_too_much(&self.source.root_cause().to_string())
    }

    /// Whether it was the program that failed, in its code or as its memories and tables were filled,
    /// and not the engine that refused it.
    pub(crate) fn is_of_program(&self) -> bool {
        let backtrace = self.source.downcast_ref::<WasmBacktrace>();
        backtrace.is_some_and(|backtrace| !backtrace.frames().is_empty())
            || self.source.is::<wasmtime::Trap>()
    }

    /// Whether the deadline stopped it.
    pub(crate) fn is_interrupt(&self) -> bool {
        is_interrupt(&self.source)
    }
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
            offset: place.map(|(_, offset)| offset),
        }
    }

    /// Whether there is no name to show.
    pub fn is_nameless(&self) -> bool {
        self.function.is_none()
    }
}

/// Between two parts stands code that the engine made, which passes arguments on. It imports the
/// flags of both instances. A module of a part that imports by the same name stands in the binary,
/// where code of the engine does not.
fn is_adapter(frame: &FrameInfo, layout: &Layout) -> bool {
    let is_of_part = |offset| layout.is_like_adapter(offset);
    !frame.module_offset().is_some_and(is_of_part)
        && frame
            .module()
            .imports()
            .any(|import| import.module() == LikeAdapters::MODULE)
}

/// What the engine tells by words alone, and what that means to whoever wrote the guest. The golden
/// cases `run/limits/copying` and `randomness` fail when its words change.
fn meaning(words: &str, max_passed: usize) -> Option<String> {
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
        return meaning(&words, max_passed).unwrap_or(words);
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
