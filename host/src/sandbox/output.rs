//! Standard output and standard error of a part.

use super::stderr_lines::StderrLines;
use crate::names::part::PartName;
use std::{
    fmt,
    io::{self, Write},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    WasiCtxBuilder,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError, StreamResult},
};

/// The destination of the standard output or the standard error of a part.
#[derive(Debug, Clone, Default)]
pub struct Output(Target);

#[derive(Debug, Clone, Default)]
enum Target {
    #[default]
    Discarded,
    Inherited,
    Captured(Capture),
    Writer(WriterOutput),
    Marked(PartName),
}

/// One of the two output streams.
#[derive(Debug, Clone, Copy)]
pub(super) enum OutputName {
    Stdout,
    Stderr,
}

impl Output {
    /// No destination: the bytes are discarded.
    pub fn discarded() -> Self {
        Self(Target::Discarded)
    }

    /// The stream of this process that has the same name.
    pub fn inherited() -> Self {
        Self(Target::Inherited)
    }

    /// A buffer in memory, from which the embedder reads.
    pub fn captured(capture: &Capture) -> Self {
        Self(Target::Captured(capture.clone()))
    }

    /// A writer. It is called on the thread that runs the instance, which waits for it; a writer that
    /// blocks should therefore be behind a channel. An error of the writer is an error of the part's
    /// stream. After [`BrokenPipe`](io::ErrorKind::BrokenPipe) the stream is closed.
    pub fn writer(writer: impl Write + Send + 'static) -> Self {
        Self(Target::Writer(WriterOutput(Arc::new(Mutex::new(writer)))))
    }

    /// The standard error of this process. Each line is marked with `name`, as `[name] line`, and its
    /// control characters are escaped.
    pub fn marked_lines(name: PartName) -> Self {
        Self(Target::Marked(name))
    }

    pub(super) fn define(&self, wasi: &mut WasiCtxBuilder, name: OutputName) {
        match (&self.0, name) {
            (Target::Discarded, _) => {}
            (Target::Inherited, OutputName::Stdout) => {
                wasi.inherit_stdout();
            }
            (Target::Inherited, OutputName::Stderr) => {
                wasi.inherit_stderr();
            }
            (Target::Captured(capture), name) => {
                define(wasi, name, Direct(capture.clone()));
            }
            (Target::Writer(writer), name) => define(wasi, name, Direct(writer.clone())),
            (Target::Marked(part), name) => define(wasi, name, StderrLines::new(part)),
        }
    }

    /// A description of the grant; `None` if the bytes are discarded.
    pub(super) fn granted(&self, name: OutputName) -> Option<String> {
        match &self.0 {
            Target::Discarded => None,
            Target::Inherited => Some(name.to_string()),
            Target::Captured(capture) => Some(format!(
                "{name}, captured in memory up to {} bytes",
                capture.limit()
            )),
            Target::Writer(_) => Some(format!("{name}, to a writer of the host")),
            Target::Marked(part) => Some(format!("{name}, as lines marked `[{part}]`")),
        }
    }
}

impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
        })
    }
}

fn define(wasi: &mut WasiCtxBuilder, name: OutputName, stream: impl StdoutStream + 'static) {
    match name {
        OutputName::Stdout => wasi.stdout(stream),
        OutputName::Stderr => wasi.stderr(stream),
    };
}

/// A bounded buffer that parts write to and the embedder reads. Clones share the buffer, and several
/// streams can write to it.
///
/// A write that exceeds the bound fails with an error of the part's stream. The bytes that fit are
/// kept. Further bytes are refused until the embedder [takes](Self::take) the contents.
///
/// ```
/// use wit_host::{Capture, Output, Sandbox};
///
/// let output = Capture::new(1 << 20);
/// let sandbox = Sandbox::new().stdout(Output::captured(&output));
/// // … run it; then
/// assert_eq!(output.take(), b"");
/// ```
#[derive(Clone)]
pub struct Capture(Arc<Mutex<Captured>>);

struct Captured {
    bytes: Vec<u8>,
    limit: usize,
    is_cut: bool,
}

impl Capture {
    /// An empty buffer for at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Captured {
            bytes: Vec::new(),
            limit,
            is_cut: false,
        })))
    }

    /// The bound, in bytes.
    pub fn limit(&self) -> usize {
        self.lock().limit
    }

    /// A copy of the bytes in the buffer: those that were written and not taken.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// Removes the bytes from the buffer and returns them, which makes room for more.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().bytes)
    }

    /// `true` if a write has failed because the buffer was full.
    pub fn is_cut(&self) -> bool {
        self.lock().is_cut
    }

    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let captured = self.lock();
        f.debug_struct("Capture")
            .field("bytes", &captured.bytes.len())
            .field("limit", &captured.limit)
            .field("is_cut", &captured.is_cut)
            .finish()
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut captured = self.lock();
        let room = captured.limit - captured.bytes.len();
        if room == 0 && !bytes.is_empty() {
            captured.is_cut = true;
            let message = format!(
                "the output is captured up to {} bytes, and the buffer is full",
                captured.limit
            );
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
        let written = bytes.len().min(room);
        captured.bytes.extend_from_slice(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone)]
struct WriterOutput(Arc<Mutex<dyn Write + Send>>);

impl fmt::Debug for WriterOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriterOutput")
    }
}

impl Write for WriterOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.flush()
    }
}

/// A stream that writes immediately, on the calling thread.
#[derive(Clone)]
struct Direct<W>(W);

/// The largest write that is accepted at a time, in bytes.
const PIECE: usize = 64 << 10;

impl<W: Write + Clone + Send + Sync + Unpin + 'static> StdoutStream for Direct<W> {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl<W> IsTerminal for Direct<W> {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl<W: Write + Send + 'static> OutputStream for Direct<W> {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.0.write_all(&bytes).map_err(failed)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.0.flush().map_err(failed)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PIECE)
    }
}

fn failed(error: io::Error) -> StreamError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => StreamError::Closed,
        _ => StreamError::LastOperationFailed(error.into()),
    }
}

impl<W: Send + 'static> Pollable for Direct<W> {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

impl<W: Write + Unpin> AsyncWrite for Direct<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_keeps_what_fits_and_refuses_the_rest() {
        let capture = Capture::new(5);
        let mut writer = capture.clone();
        writer.write_all(b"abc").expect("it fits");
        assert!(!capture.is_cut());
        let error = writer.write_all(b"def").expect_err("it does not fit");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(capture.is_cut());
        assert_eq!(capture.bytes(), b"abcde");
        assert_eq!(capture.take(), b"abcde");
        writer.write_all(b"fg").expect("there is room again");
        assert_eq!(capture.bytes(), b"fg");
    }
}
