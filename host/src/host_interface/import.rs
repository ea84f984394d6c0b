//! A function that a part imports from a host interface.

use crate::names::{external::ExternName, part::PartName};
use std::error::Error;

/// The place of a host function: the part that imports it, and its names.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) part: PartName,
    pub(crate) interface: ExternName,
    pub(crate) function: String,
}

impl Import {
    /// The trap of a call that failed for this reason.
    pub(crate) fn trap(&self, reason: String) -> wasmtime::Error {
        wasmtime::Error::new(Failed {
            interface: self.interface.clone(),
            function: self.function.clone(),
            reason,
        })
    }

    /// The trap of a call whose function returned an error.
    pub(crate) fn trap_of(&self, error: &(dyn Error + 'static)) -> wasmtime::Error {
        self.trap(in_words(error))
    }
}

/// A call that failed or returned a result of another type. It has no source, so a trap shows this
/// message itself.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the host interface `{interface}` failed in `{function}`: {reason}")]
struct Failed {
    interface: ExternName,
    function: String,
    reason: String,
}

/// The message of an error, followed by the messages of its causes.
pub(crate) fn in_words(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let words: Vec<String> = causes.map(ToString::to_string).collect();
    words.join(": ")
}
