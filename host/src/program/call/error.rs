//! Why a call gave no result.

use crate::{
    program::{command::Outcome, exports::Function},
    store::{ending::Ended, limits::Refusal},
    untrusted::Name,
};
use std::fmt::{self, Write as _};
use wasmtime::component;

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum CallError {
    /// Nothing of that name is exported.
    #[error("no exported function is named `{}`; exported {}", Name(.name), all(.candidates))]
    NoSuchFunction {
        name: String,
        candidates: Vec<Function>,
    },
    /// Several interfaces have such a function.
    #[error("several functions are named `{}`; name one in full: {}", Name(.name), full_names(.candidates))]
    Ambiguous {
        name: String,
        candidates: Vec<Function>,
    },
    /// Too few or too many arguments.
    #[error(
        "`{}` takes {expected} arguments and was given {given}; its type is `{}`",
        Name(.function), Name(.signature)
    )]
    WrongCount {
        function: String,
        expected: usize,
        given: usize,
        signature: String,
    },
    /// An argument is not of its type.
    #[error(
        "argument {position} of `{}`, `{}`, is not of type `{}`; {}",
        Name(.function), Name(.text), Name(.expected), Name(.reason)
    )]
    WrongArgument {
        function: String,
        position: usize,
        text: String,
        expected: String,
        reason: String,
    },
    /// Its result is of a type that there are no values for, or that WAVE cannot write, so it was not
    /// called.
    #[error(
        "failed to call `{}`: a result of type `{}` cannot be written in WAVE",
        Name(.function),
        Name(.result)
    )]
    UnsupportedResult { function: String, result: String },
    /// A handle was passed on or released before, or is another instance's.
    #[error("`{}` is not a handle of this instance", Name(.handle))]
    NoSuchHandle { handle: String },
    /// Its result has more handles than the instance may keep with those that it has, so all of them
    /// were dropped. The instance can be used further.
    #[error("the result of `{}` cannot be kept: {refusal}", Name(.function))]
    TooManyHandles { function: String, refusal: Refusal },
    /// Its result is larger than [`Limits::result`](crate::Limits) allows. The instance cannot be
    /// used any more.
    #[error("the result of `{}` takes more than {} MiB on the host, where an element of a list takes at least {} bytes", Name(.function), .limit >> 20, size_of::<component::Val>())]
    TooLarge { function: String, limit: usize },
    /// The call did not return. The instance cannot be used any more.
    #[error("`{}` did not return", Name(.function))]
    Ended { function: String, outcome: Outcome },
}

impl CallError {
    pub(crate) fn ended(function: String, ended: Ended) -> Self {
        Self::Ended {
            function,
            outcome: ended.into(),
        }
    }
}

fn all(functions: &[Function]) -> String {
    match functions {
        [] => "is none at all".to_owned(),
        functions => format!(
            "are {}",
            list(functions, |function| {
                format!(
                    "`{}: {}`",
                    Name(function.full_name()),
                    Name(&function.signature)
                )
            })
        ),
    }
}

fn full_names(functions: &[Function]) -> String {
    list(functions, |function| {
        format!("`{}`", Name(function.full_name()))
    })
}

/// Functions beyond these are counted, not listed.
const MAX_LISTED: usize = 50;

fn list(functions: &[Function], show: impl Fn(&Function) -> String) -> String {
    let listed = functions.iter().take(MAX_LISTED).map(show);
    let mut list = listed.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = functions.len().checked_sub(MAX_LISTED) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

/// As much of an argument as tells which one it is.
pub(super) fn shown(value: impl fmt::Display) -> String {
    const LONGEST: usize = 60;

    /// Stops what writes to it where it is full.
    struct Beginning {
        text: String,
        left: usize,
    }

    impl fmt::Write for Beginning {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for c in text.chars() {
                self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
                self.text.push(c);
            }
            Ok(())
        }
    }

    let mut beginning = Beginning {
        text: String::new(),
        left: LONGEST,
    };
    if write!(beginning, "{value}").is_err() {
        beginning.text.push('…');
    }
    beginning.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_listed_up_to_a_bound() {
        let named = |count: usize| {
            let function = |number| Function {
                interface: None,
                name: format!("f{number}\n"),
                signature: "func()".to_owned(),
            };
            let error = CallError::NoSuchFunction {
                name: "g\x1b".to_owned(),
                candidates: (0..count).map(function).collect(),
            };
            error.to_string()
        };
        assert_eq!(
            named(1),
            r"no exported function is named `g\u{1b}`; exported are `f0\u{a}: func()`"
        );
        assert!(named(MAX_LISTED).ends_with(r"`f49\u{a}: func()`"));
        assert!(named(250_000).ends_with(r"`f49\u{a}: func()` and 249950 more"));
    }

    #[test]
    fn an_argument_is_shown_up_to_a_bound() {
        assert_eq!(shown("é".repeat(60)), "é".repeat(60));
        assert_eq!(shown("é".repeat(61)), "é".repeat(60) + "…");
        let large = crate::Value::Bytes(vec![0; 1 << 20]);
        assert_eq!(shown(large).chars().count(), 61);
    }
}
