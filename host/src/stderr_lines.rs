//! The standard error of a plug: whole lines, marked with its name.

use crate::name::PartName;
use std::{
    io::{self, Write},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// A line that is longer, in bytes, is passed on in pieces.
const MAX_LINE: usize = 4096;

/// Passes lines on to this process's standard error, each as `[name] line`.
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
            for chunk in piece.chunks(MAX_LINE) {
                self.unfinished.extend_from_slice(chunk);
                if self.unfinished.ends_with(b"\n") || self.unfinished.len() >= MAX_LINE {
                    self.finish(out)?;
                }
            }
        }
        Ok(())
    }

    /// Writes mark and line at once, so that lines of several parts do not mix.
    fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.unfinished.is_empty() {
            return Ok(());
        }
        let mut line = self.mark.clone().into_bytes();
        line.append(&mut self.unfinished);
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        out.write_all(&line)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // There is nobody left to tell if standard error is gone.
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
    fn a_line_without_end_is_held_only_up_to_its_bound() {
        let text = marked(&[&vec![b'x'; 3 * MAX_LINE]]);
        assert_eq!(text.lines().count(), 3);
    }
}
