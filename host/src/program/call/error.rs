//! Errors of calls.

use crate::{
    ending::Ended,
    program::{command::Outcome, exports::Function},
    store::limits::Refusal,
    untrusted::Name,
};
use std::fmt::{self, Write as _};
use wasmtime::component;

/// An error of a call. Unless a variant says otherwise, the function was not called, and the instance
/// can still be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The program exports no function of that name.
    #[error("no exported function is named `{}`; exported {}", Name(.name), all(.candidates))]
    NoSuchFunction {
        /// The name that was asked for.
        name: String,
        /// All functions that the program exports.
        candidates: Vec<Function>,
    },
    /// Several interfaces have such a function.
    #[error("several functions are named `{}`; name one in full: {}", Name(.name), full_names(.candidates))]
    Ambiguous {
        /// The name that was asked for.
        name: String,
        /// The functions of that name.
        candidates: Vec<Function>,
    },
    /// The call has too few or too many arguments.
    #[error(
        "`{}` takes {expected} arguments and was given {given}; its type is `{}`",
        Name(.function), Name(.signature)
    )]
    WrongCount {
        /// The full name of the function.
        function: String,
        /// The number of the function's parameters.
        expected: usize,
        /// The number of arguments.
        given: usize,
        /// The type of the function, as WIT.
        signature: String,
    },
    /// An argument does not have the type of its parameter.
    #[error(
        "argument {position} of `{}`, `{}`, is not of type `{}`; {}",
        Name(.function), Name(.text), Name(.expected), Name(.reason)
    )]
    WrongArgument {
        /// The full name of the function.
        function: String,
        /// The position of the argument, from 1.
        position: usize,
        /// The start of the argument in WAVE: at most 60 characters, then `…`. For a value with
        /// contents, such as a string or a list, that was passed to
        /// [`Instance::call`](crate::Instance::call), the text is `…` alone.
        text: String,
        /// The type of the parameter, as WIT.
        expected: String,
        /// The difference between the argument and the type, in words. They may quote the argument.
        reason: String,
    },
    /// The result has a type that [`Value`](crate::Value) or WAVE cannot express.
    #[error(
        "failed to call `{}`: a result of type `{}` cannot be written in WAVE",
        Name(.function),
        Name(.result)
    )]
    UnsupportedResult {
        /// The full name of the function.
        function: String,
        /// The type of the result, as WIT.
        result: String,
    },
    /// A handle was given away or released before, or belongs to another instance.
    #[error("`{}` is not a handle of this instance", Name(.handle))]
    NoSuchHandle {
        /// The handle as it is shown, such as `$1`.
        handle: String,
    },
    /// The function was called, and its result has more handles than the instance may keep. All handles
    /// of the result were dropped, and the instance can still be used.
    #[error("the result of `{}` cannot be kept: {refusal}", Name(.function))]
    TooManyHandles {
        /// The full name of the function.
        function: String,
        /// The limit that would have been exceeded.
        refusal: Refusal,
    },
    /// The function was called, and its result is larger than
    /// [`Limits::result`](crate::Limits::result) allows. The instance cannot be used any more.
    #[error("the result of `{}` takes more than {} MiB on the host, where an element of a list takes at least {} bytes", Name(.function), .limit >> 20, size_of::<component::Val>())]
    TooLarge {
        /// The full name of the function.
        function: String,
        /// The limit, in bytes on the host.
        limit: usize,
    },
    /// An earlier call did not return, or its future was dropped before that.
    #[error("the instance is lost, because an earlier call did not return; make a new one")]
    Lost,
    /// The function was called and did not return. The instance cannot be used any more.
    #[error("`{}` did not return", Name(.function))]
    Ended {
        /// The full name of the function, or `drop($1)` for the destructor of a resource.
        function: String,
        /// The outcome of the call.
        outcome: Outcome,
    },
}

impl CallError {
    pub(crate) fn ended(function: String, ended: Ended) -> Self {
        Self::Ended {
            function,
            outcome: ended.into(),
        }
    }
}

pub(crate) fn all(functions: &[Function]) -> String {
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

/// The largest number of functions in a message; further functions are only counted.
const MAX_LISTED: usize = 50;

fn list(functions: &[Function], show: impl Fn(&Function) -> String) -> String {
    let listed = functions.iter().take(MAX_LISTED).map(show);
    let mut list = listed.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = functions.len().checked_sub(MAX_LISTED) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

/// The start of an argument, which identifies it in a message.
pub(super) fn shown(value: impl fmt::Display) -> String {
    const LONGEST: usize = 60;

    /// A writer that fails when it has reached its bound.
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
