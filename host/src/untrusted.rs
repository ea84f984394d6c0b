//! The one place where text that a stranger wrote is made fit to be shown.
//!
//! Names, paths and messages from a guest's file can hold anything that UTF-8 can: escape sequences
//! that move a terminal's cursor, newlines that start lines of their own, marks that turn the
//! direction of writing. Errors and reports keep such text as it is in their fields; their
//! `Display` shows it through this module. Who prints the fields uses it too:
//!
//! ```
//! use wit_host::untrusted::{Name, Text};
//!
//! assert_eq!(Name("a\x1b[2K\nerror: b").to_string(), r"a\u{1b}[2K\u{a}error: b");
//! assert_eq!(Text("a\x1b[2K\n\tb").to_string(), "a\\u{1b}[2K\n\tb");
//! ```
//!
//! Escaped are control characters, what changes the direction of writing, what is invisible, and
//! line and paragraph separators, each as `\u{…}` with its number in hexadecimal. A backslash stays
//! as it is.

pub(crate) mod demangle;

use std::{
    fmt::{self, Display, Formatter, Write},
    io,
};

/// The length, in characters, up to which a [`Name`] is shown; no path is longer.
pub const MAX_NAME: usize = 4096;

/// A name or anything else that belongs on one line: newlines and tabs are escaped too. What is
/// longer than [`MAX_NAME`] is cut, and ends with `…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<T>(pub T);

/// Text of several lines: newlines and tabs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<T>(pub T);

/// An error message, also one of another library that quotes what it complains about. A newline
/// stays only in front of a space, as parsers lay out what they point at; so no line can be forged
/// that begins as those of the caller do. Tabs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<T>(pub T);

/// JSON: what JSON allows in a string and a terminal should not get is escaped as JSON does it, so
/// it stays the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A writer of JSON that escapes what is written to it as [`Json`] does, for a serializer whose
/// output is not to be held in memory. Each piece that is written holds whole characters.
#[derive(Debug)]
pub struct JsonWriter<W>(pub W);

impl<T: Display> Name<T> {
    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        let mut line = Cut {
            out: Escaping {
                out: &mut *out,
                keeps_lines: false,
            },
            left: MAX_NAME,
        };
        let written = write!(line, "{}", self.0);
        // With nothing left it is the cut that has stopped the writer.
        if written.is_err() && line.left == 0 {
            return out.write_char('…');
        }
        written
    }
}

impl<T: Display> Display for Name<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if f.width().is_none() {
            return self.write(f);
        }
        let mut line = String::new();
        self.write(&mut line)?;
        f.pad(&line)
    }
}

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut out = Escaping {
            out: f,
            keeps_lines: true,
        };
        write!(out, "{}", self.0)
    }
}

impl<T: Display> Display for Message<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let message = self.0.to_string();
        let mut lines = message.split('\n');
        Text(lines.next().unwrap_or_default()).fmt(f)?;
        for line in lines {
            f.write_str(if line.starts_with(' ') {
                "\n"
            } else {
                r"\u{a}"
            })?;
            Text(line).fmt(f)?;
        }
        Ok(())
    }
}

impl<T: Display> Display for Json<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(JsonWriter(f), "{}", self.0)
    }
}

/// Whether a character is one that does not show as itself.
///
/// What the standard library's `{:?}` escapes is that: control and format characters, separators
/// other than the space, and what is not assigned. A mark that combines with the character before
/// it does show.
fn is_treacherous(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    if is_blank(c) {
        return true;
    }
    // Behind another character, so that a combining mark has one to combine with.
    let mut behind = [b'x', 0, 0, 0, 0];
    let length = 1 + c.encode_utf8(&mut behind[1..]).len();
    match str::from_utf8(&behind[..length]) {
        Ok(text) => text.escape_debug().nth(2).is_some(),
        Err(_) => true,
    }
}

/// Letters and marks that are drawn as nothing: Unicode's `Default_Ignorable_Code_Point` as far as
/// its categories do not tell, and the empty Braille pattern.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Escapes what is written to it.
struct Escaping<W> {
    out: W,
    keeps_lines: bool,
}

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_replaced(&mut self.out, text, |out, c| match c {
            '\n' | '\t' if self.keeps_lines => out.write_char(c),
            _ => write!(out, "{}", c.escape_unicode()),
        })
    }
}

impl<W: Write> Write for JsonWriter<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_replaced(&mut self.0, text, |out, c| match c {
            // Between values; in strings the serializer has escaped them.
            '\n' | '\t' => out.write_char(c),
            _ => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .try_for_each(|unit| write!(out, "\\u{unit:04x}")),
        })
    }
}

impl<W: io::Write> io::Write for JsonWriter<W> {
    /// A serializer never splits a character.
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(json).map_err(|_| io::ErrorKind::InvalidData)?;
        write!(self.0, "{}", Json(text))?;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes a text in as few pieces as there are treacherous characters in it.
fn write_replaced<W: Write>(
    out: &mut W,
    text: &str,
    mut replace: impl FnMut(&mut W, char) -> fmt::Result,
) -> fmt::Result {
    let mut written = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| is_treacherous(*c)) {
        out.write_str(&text[written..at])?;
        replace(out, c)?;
        written = at + c.len_utf8();
    }
    out.write_str(&text[written..])
}

/// Takes so many characters, and stops its writer at the next.
pub(crate) struct Cut<W> {
    pub(crate) out: W,
    pub(crate) left: usize,
}

impl<W: Write> Write for Cut<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text.char_indices().nth(self.left) {
            None => {
                self.left -= text.chars().count();
                self.out.write_str(text)
            }
            Some((end, _)) => {
                self.left = 0;
                self.out.write_str(&text[..end])?;
                Err(fmt::Error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_hides_is_escaped() {
        for (text, shown) in [
            ("\0\x07\x08\r\x1b\x7f", r"\u{0}\u{7}\u{8}\u{d}\u{1b}\u{7f}"),
            ("\u{80}\u{9b}2J\u{9f}", r"\u{80}\u{9b}2J\u{9f}"),
            ("\u{61c}\u{200e}\u{200f}", r"\u{61c}\u{200e}\u{200f}"),
            (
                "\u{202a}\u{202e}\u{2066}\u{2069}",
                r"\u{202a}\u{202e}\u{2066}\u{2069}",
            ),
            (
                "\u{ad}\u{200b}\u{200d}\u{2060}\u{feff}",
                r"\u{ad}\u{200b}\u{200d}\u{2060}\u{feff}",
            ),
            (
                "\u{34f}\u{3164}\u{fe0f}\u{e0041}\u{e0101}",
                r"\u{34f}\u{3164}\u{fe0f}\u{e0041}\u{e0101}",
            ),
            ("\u{2028}\u{2029}\u{85}", r"\u{2028}\u{2029}\u{85}"),
            ("\u{a0}\u{3000}", r"\u{a0}\u{3000}"),
        ] {
            assert_eq!(Name(text).to_string(), shown);
            assert_eq!(Text(text).to_string(), shown);
        }
    }

    #[test]
    fn what_shows_as_itself_stays() {
        for text in [
            "a b",
            r"C:\u\a",
            "日本語",
            "naïve",
            "e\u{301}",
            "नमस्ते",
            "שלום",
            "🦀",
            "'\"`$",
        ] {
            assert_eq!(Name(text).to_string(), text);
            assert_eq!(Text(text).to_string(), text);
            assert_eq!(Json(text).to_string(), text);
        }
    }

    #[test]
    fn only_text_has_lines() {
        assert_eq!(Name("a\n\tb").to_string(), r"a\u{a}\u{9}b");
        assert_eq!(Text("a\n\tb").to_string(), "a\n\tb");
        let message = "no `x\nerror: y`\n  --> a\r\n    1 |\tb";
        let shown = "no `x\\u{a}error: y`\n  --> a\\u{d}\n    1 |\tb";
        assert_eq!(Message(message).to_string(), shown);
    }

    #[test]
    fn a_name_is_cut_where_it_is_too_long() {
        let long = |length: usize| "日".repeat(length);
        assert_eq!(Name(long(MAX_NAME)).to_string(), long(MAX_NAME));
        assert_eq!(Name(long(MAX_NAME + 1)).to_string(), long(MAX_NAME) + "…");
        let pieces = format_args!("{}{}", long(MAX_NAME), "x").to_string();
        assert!(Name(pieces).to_string().ends_with("日…"));
        assert_eq!(format!("{:4}|", Name("a\n")), r"a\u{a}|");
        assert_eq!(format!("{:8}|", Name("a\n")), r"a\u{a}  |");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({ "a\u{9b}\u{202e}": "\u{1b}\n\u{7f}\u{e0041}" });
        let shown = Json(&value).to_string();
        assert!(shown.is_ascii() && !shown.contains('\x7f'), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"),
            value
        );
    }

    /// Every character there is, in a name: what comes out has no control character and nothing that
    /// is invisible by its category.
    #[test]
    fn no_character_gets_through_that_is_treacherous() {
        for c in ('\0'..=char::MAX).filter(|c| *c != '\n' && *c != '\t') {
            let shown = Text(c).to_string();
            let is_itself = shown.chars().eq([c]);
            assert_eq!(is_itself, !is_treacherous(c));
            assert!(!(is_itself && c.is_control()), "{c:?}");
            assert!(!(is_itself && c.is_whitespace() && c != ' '), "{c:?}");
        }
    }
}
