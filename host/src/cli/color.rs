//! `--color`: whether the labels of messages, and the help, are coloured.

use anstream::AutoStream;
use clap::{
    ValueEnum,
    builder::styling::{AnsiColor, Style},
};
use std::{
    ffi::OsString,
    fmt, io,
    sync::atomic::{AtomicBool, Ordering},
};

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, as `NO_COLOR`, `CLICOLOR_FORCE` and `TERM` allow.
    #[default]
    Auto,
    /// On a terminal, in files and in pipes.
    Always,
    /// Never.
    Never,
}

/// `true` if messages on standard error are coloured. The environment is read once, because a message
/// may be written where no lock can be taken.
static MESSAGES_ARE_COLORED: AtomicBool = AtomicBool::new(false);

impl ColorChoice {
    /// The choice in arguments that are not parsed yet, or that cannot be parsed: the error and the
    /// help of the parser follow it too.
    pub fn of_arguments(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments = arguments.into_iter();
        let mut choice = Self::default();
        while let Some(argument) = arguments.next() {
            let value = match argument.to_str() {
                Some("--") => break,
                Some("--color") => arguments.next(),
                Some(argument) => argument.strip_prefix("--color=").map(OsString::from),
                None => None,
            };
            let value = value.as_ref().and_then(|value| value.to_str());
            if let Some(Ok(chosen)) = value.map(|value| Self::from_str(value, false)) {
                choice = chosen;
            }
        }
        choice
    }

    /// Applies the choice to everything that is printed from now on.
    pub fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        let is_colored = AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
        MESSAGES_ARE_COLORED.store(is_colored, Ordering::Relaxed);
    }
}

/// The word that a message starts with.
#[derive(Clone, Copy)]
pub enum Label {
    Error,
    Warning,
    Note,
}

impl Label {
    fn style(self) -> Style {
        let color = match self {
            Self::Error => AnsiColor::Red,
            Self::Warning => AnsiColor::Yellow,
            Self::Note => AnsiColor::Cyan,
        };
        color.on_default().bold()
    }
}

/// The label with its colon, coloured if messages are. It is written without allocating.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        };
        if MESSAGES_ARE_COLORED.load(Ordering::Relaxed) {
            let style = self.style();
            write!(f, "{style}{word}:{style:#}")
        } else {
            write!(f, "{word}:")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ColorChoice;

    #[test]
    fn the_choice_is_found_before_the_arguments_are_parsed() {
        for (line, expected) in [
            ("", ColorChoice::Auto),
            ("run --colour=never", ColorChoice::Auto),
            ("run --color", ColorChoice::Auto),
            ("run --color sometimes", ColorChoice::Auto),
            ("--color never run --nonsense", ColorChoice::Never),
            ("run x.wasm --color=always", ColorChoice::Always),
            ("--color=always run --color never", ColorChoice::Never),
            ("run x.wasm -- --color=always", ColorChoice::Auto),
        ] {
            let arguments = line.split_whitespace().map(Into::into);
            assert_eq!(ColorChoice::of_arguments(arguments), expected, "{line}");
        }
    }
}
