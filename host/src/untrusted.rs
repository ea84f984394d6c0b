//! Escaping of text from untrusted files, so that it is safe to print.
//!
//! Names, paths and messages from a guest's file can contain any character of Unicode: escape sequences
//! that move a terminal's cursor, newlines that forge lines, marks that reverse the direction of
//! writing. Errors and reports keep such text unchanged in their fields, and their `Display` escapes it
//! through this module. Code that prints the fields itself does the same:
//!
//! ```
//! use wit_host::untrusted::{Name, Text};
//!
//! assert_eq!(Name("a\x1b[2K\nerror: b").to_string(), r"a\u{1b}[2K\u{a}error: b");
//! assert_eq!(Text("a\x1b[2K\n\tb").to_string(), "a\\u{1b}[2K\n\tb");
//! ```
//!
//! Control characters, characters that change the direction of writing, invisible characters, and line
//! and paragraph separators are escaped, each as `\u{…}` with its number in hexadecimal. A backslash is
//! not escaped.

pub(crate) mod demangle;
mod quoted;

pub use quoted::quoted_names;

use std::{
    fmt::{self, Display, Formatter, Write},
    io,
};

/// The largest length of a [`Name`] that is shown, in characters; no path is longer.
pub const MAX_NAME: usize = 4096;

/// A name, or other text that belongs on one line: newlines and tabs are escaped too. Text that is
/// longer than [`MAX_NAME`] is cut and ends with `…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<T>(pub T);

/// Text of several lines: newlines and tabs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<T>(pub T);

/// An error message, possibly of another library that quotes its input. A newline is kept only before
/// a space, which is how parsers lay out the source that they point at; so a message cannot forge a line
/// that begins like the caller's own. Tabs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<T>(pub T);

/// JSON: characters that JSON allows in a string but a terminal should not receive are escaped in the
/// way of JSON, so the value does not change.
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
        // If no characters are left, the cut has stopped the writer.
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

/// `true` if a terminal or a reader could take a character for another one, or not notice it.
///
/// The `{:?}` of the standard library escapes these characters: control and format characters,
/// separators other than the space, and unassigned code points. A combining mark is visible after
/// another character.
fn is_treacherous(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    if is_blank(c) {
        return true;
    }
    // A letter comes first, so that a combining mark has something to combine with.
    let mut behind = [b'x', 0, 0, 0, 0];
    let length = 1 + c.encode_utf8(&mut behind[1..]).len();
    match str::from_utf8(&behind[..length]) {
        Ok(text) => text.escape_debug().nth(2).is_some(),
        Err(_) => true,
    }
}

/// Letters and marks that are invisible: those of Unicode's `Default_Ignorable_Code_Point` whose
/// category does not say so, and the empty Braille pattern.
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

/// A writer that escapes the text for a terminal.
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
            // These stand between values; inside strings the serializer has escaped them.
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

/// Writes a text in few pieces: a new piece starts only at a character that must be escaped.
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

/// A writer that passes on `left` characters and fails at the next one.
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
    fn characters_that_a_terminal_obeys_or_hides_are_escaped() {
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
    fn visible_characters_are_kept() {
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
    fn newlines_are_kept_in_text_and_in_front_of_a_space_in_messages() {
        assert_eq!(Name("a\n\tb").to_string(), r"a\u{a}\u{9}b");
        assert_eq!(Text("a\n\tb").to_string(), "a\n\tb");
        let message = "no `x\nerror: y`\n  --> a\r\n    1 |\tb";
        let shown = "no `x\\u{a}error: y`\n  --> a\\u{d}\n    1 |\tb";
        assert_eq!(Message(message).to_string(), shown);
    }

    #[test]
    fn a_name_that_is_too_long_is_cut() {
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

    /// Tries every character of Unicode: the output has no control character and no white space but
    /// the space.
    #[test]
    fn no_treacherous_character_gets_through() {
        for c in ('\0'..=char::MAX).filter(|c| *c != '\n' && *c != '\t') {
            let shown = Text(c).to_string();
            let is_itself = shown.chars().eq([c]);
            assert_eq!(is_itself, !is_treacherous(c));
            assert!(!(is_itself && c.is_control()), "{c:?}");
            assert!(!(is_itself && c.is_whitespace() && c != ' '), "{c:?}");
        }
    }
}
