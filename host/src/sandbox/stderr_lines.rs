//! The standard error of a plug: whole lines, marked with its name.
//!
//! The plug cannot remove the mark or write a line without one: control characters except newlines and
//! tabs are escaped, and so are bytes that are not UTF-8.

use crate::{names::part::PartName, untrusted::Text};
use std::{
    fmt::Write as _,
    io::{self, Write},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// The length, in bytes, from which a line is written in several pieces.
const MAX_LINE: usize = 4096;

/// Writes lines to the standard error of this process, each as `[name] line`.
#[derive(Clone)]
pub(crate) struct StderrLines(Arc<Mutex<Line>>);

struct Line {
    mark: String,
    unfinished: Vec<u8>,
}

impl StderrLines {
    pub(crate) fn new(name: &PartName) -> Self {
        Self(Arc::new(Mutex::new(Line {
            mark: format!("[{name}] "),
            unfinished: Vec::new(),
        })))
    }
}

impl Line {
    fn push(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, is_whole) = match piece.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (piece, false),
            };
            for chunk in line.chunks(MAX_LINE) {
                self.unfinished.extend_from_slice(chunk);
                if self.unfinished.len() >= MAX_LINE {
                    self.write(whole_characters(&self.unfinished), out)?;
                }
            }
            if is_whole {
                self.write(self.unfinished.len(), out)?;
            }
        }
        Ok(())
    }

    /// Writes the first `count` bytes as a line with its mark, in one call, so that lines of several
    /// parts do not mix.
    fn write(&mut self, count: usize, out: &mut impl Write) -> io::Result<()> {
        let line = format!("{}{}\n", self.mark, escaped(&self.unfinished[..count]));
        self.unfinished.drain(..count);
        out.write_all(line.as_bytes())
    }

    /// Writes the unfinished line.
    fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        match self.unfinished.len() {
            0 => Ok(()),
            count => self.write(count, out),
        }
    }
}

/// The number of bytes that remain without an incomplete character at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    let chunks = bytes.utf8_chunks();
    let tail = chunks.last().map_or(&[][..], |last| last.invalid());
    let is_beginning = str::from_utf8(tail).is_err_and(|error| error.error_len().is_none());
    bytes.len() - if is_beginning { tail.len() } else { 0 }
}

/// The escaped form of a line without its newline.
fn escaped(line: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in line.utf8_chunks() {
        // Writing to a string cannot fail.
        let _ = write!(shown, "{}", Text(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

impl Drop for Line {
    fn drop(&mut self) {
        // If standard error is closed, the error cannot be reported anywhere.
        let _ = self.finish(&mut io::stderr());
    }
}

impl IsTerminal for StderrLines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for StderrLines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for StderrLines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Poll::Ready(line.push(bytes, &mut io::stderr()).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(io::stderr().flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(pieces: &[&[u8]]) -> String {
        let mut line = Line {
            mark: "[cache] ".to_owned(),
            unfinished: Vec::new(),
        };
        let mut out = Vec::new();
        for piece in pieces {
            line.push(piece, &mut out).expect("writing to memory");
        }
        line.finish(&mut out).expect("writing to memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn lines_are_marked_however_they_arrive() {
        assert_eq!(marked(&[b"a\nb\n"]), "[cache] a\n[cache] b\n");
        assert_eq!(marked(&[b"a", b"b\n", b"c"]), "[cache] ab\n[cache] c\n");
        assert_eq!(marked(&[b"\n\n"]), "[cache] \n[cache] \n");
    }

    #[test]
    fn a_plug_cannot_take_its_mark_away() {
        for (bytes, shown) in [
            (&b"\rerror: x\x1b[K"[..], r"\u{d}error: x\u{1b}[K"),
            (
                b"\x1b[1A\x1b[2K\x08\x0b\x0c",
                r"\u{1b}[1A\u{1b}[2K\u{8}\u{b}\u{c}",
            ),
            (b"\x1b]0;t\x07\0\x7f", r"\u{1b}]0;t\u{7}\u{0}\u{7f}"),
            (b"\xc2\x9b2J\xc2\x85", r"\u{9b}2J\u{85}"),
            (b"\x9b2J\xff\xe2\x80", r"\x9b2J\xff\xe2\x80"),
            (
                "\u{202e}\u{2028}\u{200b}".as_bytes(),
                r"\u{202e}\u{2028}\u{200b}",
            ),
            ("a\tb é 日".as_bytes(), "a\tb é 日"),
        ] {
            let expected = format!("[cache] {shown}\n");
            assert_eq!(marked(&[bytes]), expected);
            assert_eq!(marked(&[bytes, b"\n"]), expected);
            let bytes: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(marked(&bytes), expected, "byte by byte");
        }
    }

    #[test]
    fn a_character_is_whole_wherever_a_line_is_cut() {
        for filled in MAX_LINE - 4..=MAX_LINE {
            let line = ["x".repeat(filled).as_str(), "\u{9b}🦀\u{202e}é"].concat();
            let shown = marked(&[line.as_bytes()]);
            assert!(!shown.contains("\\x"), "{filled}");
            let unmarked = shown.replace("[cache] ", "").replace('\n', "");
            assert_eq!(unmarked, Text(&line).to_string());
        }
    }

    #[test]
    fn every_line_has_its_mark_whatever_is_written() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..300 {
            let telling = [
                b"\n\r\x1b\x9b",
                "\u{9b}".as_bytes(),
                b"x",
                b"\xf0\x9f",
                b"\xa6\x80",
            ];
            let pieces = (0..rng.usize(..40)).map(|_| match rng.u8(..4) {
                0 => vec![rng.u8(..); rng.usize(..MAX_LINE)],
                _ => rng.choice(telling).expect("a piece").to_vec(),
            });
            let pieces: Vec<Vec<u8>> = pieces.collect();
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let shown = marked(&pieces);
            assert!(
                shown
                    .split_terminator('\n')
                    .all(|line| line.starts_with("[cache] "))
            );
            assert!(
                !shown
                    .chars()
                    .any(|c| c.is_control() && c != '\n' && c != '\t')
            );
        }
    }

    #[test]
    fn a_line_without_end_is_held_only_up_to_its_bound() {
        let text = marked(&[&vec![b'x'; 3 * MAX_LINE]]);
        assert_eq!(text.lines().count(), 3);
    }
}
