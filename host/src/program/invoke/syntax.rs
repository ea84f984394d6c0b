//! Calls as text: `name(argument, …)`.

use crate::untrusted::Name;
use std::str::FromStr;

/// A call: the name of a function and its arguments, in WAVE.
///
/// The name is bare, as in `get("k")`, or full, as in `toolkit:cache/cache@0.1.0#get("k")`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    name: String,
    arguments: Vec<String>,
}

/// An error of parsing a text that is not a [`Call`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{}` is not a call: {reason}; write `name(argument, …)` with values such as `1`, `\"text\"`, `[1, 2]`, `some(1)`",
    Name(.text)
)]
pub struct CallSyntaxError {
    text: String,
    reason: &'static str,
}

impl Call {
    /// The name of the function, as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments, as they were written.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

impl FromStr for Call {
    type Err = CallSyntaxError;

    fn from_str(text: &str) -> Result<Self, CallSyntaxError> {
        let error = |reason| CallSyntaxError {
            text: text.to_owned(),
            reason,
        };
        let (name, rest) = text
            .trim()
            .split_once('(')
            .ok_or(error("it has no parentheses"))?;
        let inside = rest
            .strip_suffix(')')
            .ok_or(error("it does not end with `)`"))?;
        if name.trim().is_empty() {
            return Err(error("it names no function"));
        }
        Ok(Self {
            name: name.trim().to_owned(),
            arguments: split_arguments(inside).map_err(error)?,
        })
    }
}

/// Splits the text at the commas outside of brackets and quotes.
fn split_arguments(text: &str) -> Result<Vec<String>, &'static str> {
    let mut arguments = Vec::new();
    let mut closers = Vec::new();
    let mut quote = None;
    let mut is_escaped = false;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if let Some(open) = quote {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                _ if c == open => quote = None,
                _ => {}
            }
            continue;
        }
        match c {
            '"' | '\'' => quote = Some(c),
            '(' => closers.push(')'),
            '[' => closers.push(']'),
            '{' => closers.push('}'),
            ')' | ']' | '}' if closers.pop() != Some(c) => return Err("its brackets do not match"),
            ',' if closers.is_empty() => {
                arguments.push(text[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    if !closers.is_empty() {
        return Err("its brackets do not match");
    }
    let last = text[start..].trim();
    if !(last.is_empty() && arguments.is_empty()) {
        arguments.push(last.to_owned());
    }
    if arguments.iter().any(String::is_empty) {
        return Err("an argument is empty");
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Result<Vec<String>, &'static str> {
        text.parse::<Call>()
            .map(|call| call.arguments)
            .map_err(|error| error.reason)
    }

    #[test]
    fn arguments_are_split_where_they_end() {
        let cases: [(&str, &[&str]); 6] = [
            ("f()", &[]),
            ("f(1)", &["1"]),
            ("f( 1 , \"a, b\" )", &["1", "\"a, b\""]),
            (
                "f([1, 2], {a: 1, b: (2, 3)}, some(4))",
                &["[1, 2]", "{a: 1, b: (2, 3)}", "some(4)"],
            ),
            (r#"f("\"),(", '\'', ',')"#, &[r#""\"),(""#, r"'\''", "','"]),
            ("toolkit:cache/cache@0.1.0#get(\"k\")", &["\"k\""]),
        ];
        for (text, expected) in cases {
            assert_eq!(
                arguments(text).as_deref(),
                Ok(&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_call_says_why() {
        for (text, reason) in [
            ("f", "it has no parentheses"),
            ("", "it has no parentheses"),
            ("(1)", "it names no function"),
            ("f(1", "it does not end with `)`"),
            ("f(1,)", "an argument is empty"),
            ("f(,1)", "an argument is empty"),
            ("f([1)", "its brackets do not match"),
            ("f(1))", "its brackets do not match"),
            ("f(\"a)", "a quote is not closed"),
        ] {
            assert_eq!(arguments(text), Err(reason), "{text}");
        }
    }
}
