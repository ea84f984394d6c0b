//! Standard input of a part.

use bytes::Bytes;
use std::{
    fmt,
    future::poll_fn,
    io::{self, Read},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Waker, ready},
    thread,
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::mpsc,
};
use wasmtime_wasi::{
    WasiCtxBuilder,
    cli::{IsTerminal, StdinStream},
    p2::{InputStream, Pollable, StreamError, StreamResult, pipe::MemoryInputPipe},
};

/// The standard input of a part.
#[derive(Debug, Clone, Default)]
pub struct Input(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    Empty,
    Inherited,
    Bytes(Arc<[u8]>),
    Reader(ReaderInput),
}

impl Input {
    /// An empty input.
    pub fn empty() -> Self {
        Self(Source::Empty)
    }

    /// The standard input of this process.
    pub fn inherited() -> Self {
        Self(Source::Inherited)
    }

    /// Bytes in memory. Each instance reads all of them, from a copy of its own.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Source::Bytes(bytes.into().into()))
    }

    /// A reader. A thread of its own reads it, up to 192 KiB ahead of the part. The thread starts when
    /// the part first asks for its standard input. It ends at the end of the input, at the first error,
    /// or, after the instance is dropped, when the current read returns.
    ///
    /// All clones of the sandbox share one input: no instance gets bytes that another instance has
    /// read.
    pub fn reader(reader: impl Read + Send + 'static) -> Self {
        Self(Source::Reader(ReaderInput(Arc::new(Shared {
            reader: Mutex::new(Some(Box::new(reader))),
            pieces: OnceLock::new(),
        }))))
    }

    pub(super) fn define(&self, wasi: &mut WasiCtxBuilder) {
        match &self.0 {
            Source::Empty => {}
            Source::Inherited => {
                wasi.inherit_stdin();
            }
            Source::Bytes(bytes) => {
                wasi.stdin(MemoryInputPipe::new(bytes.to_vec()));
            }
            Source::Reader(reader) => {
                wasi.stdin(reader.clone());
            }
        }
    }

    /// A description of the grant; `None` for an empty input.
    pub(super) fn granted(&self) -> Option<String> {
        match &self.0 {
            Source::Empty => None,
            Source::Inherited => Some("standard input".to_owned()),
            Source::Bytes(bytes) => {
                Some(format!("{} bytes in memory as standard input", bytes.len()))
            }
            Source::Reader(_) => Some("a reader of the host as standard input".to_owned()),
        }
    }
}

#[derive(Clone)]
struct ReaderInput(Arc<Shared>);

struct Shared {
    /// The reader, until a thread takes it.
    reader: Mutex<Option<Box<dyn Read + Send>>>,
    /// The pieces that all streams on this input share. The input needs no task in an event loop, so it
    /// can be read in one event loop after another.
    pieces: OnceLock<Mutex<Pieces>>,
}

impl fmt::Debug for ReaderInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReaderInput")
    }
}

impl ReaderInput {
    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        let Shared { reader, pieces } = &*self.0;
        let pieces = pieces.get_or_init(|| {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
            Mutex::new(Pieces::of(reader))
        });
        pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for ReaderInput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for ReaderInput {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

impl InputStream for ReaderInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut pieces = self.pieces();
        match pieces.poll_fill(&mut Context::from_waker(Waker::noop())) {
            // No bytes are there yet; `ready` waits for them.
            Poll::Pending => Ok(Bytes::new()),
            Poll::Ready(Ok(false)) => Err(StreamError::Closed),
            Poll::Ready(Ok(true)) => Ok(Bytes::copy_from_slice(pieces.take(size))),
            Poll::Ready(Err(error)) => Err(StreamError::LastOperationFailed(error.into())),
        }
    }
}

impl Pollable for ReaderInput {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let input = self.clone();
        Box::pin(poll_fn(move |context| input.pieces().poll_ready(context)))
    }
}

impl AsyncRead for ReaderInput {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pieces = self.pieces();
        if ready!(pieces.poll_fill(context))? {
            buffer.put_slice(pieces.take(buffer.remaining()));
        }
        Poll::Ready(Ok(()))
    }
}

/// The size of a read, in bytes.
const PIECE: usize = 64 << 10;

/// The pieces that a thread reads.
struct Pieces {
    pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    /// The number of bytes of the current piece that the part has read.
    done: usize,
    /// An error that occurred while the part was not reading.
    failed: Option<io::Error>,
}

impl Pieces {
    fn of(reader: Option<Box<dyn Read + Send>>) -> Self {
        let (sender, pieces) = mpsc::channel(1);
        if let Some(mut reader) = reader {
            let failed = sender.clone();
            let read = move || {
                loop {
                    let mut piece = vec![0; PIECE];
                    let piece = match reader.read(&mut piece) {
                        Ok(0) => break,
                        Ok(count) => {
                            piece.truncate(count);
                            Ok(piece)
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => Err(error),
                    };
                    let is_last = piece.is_err();
                    if sender.blocking_send(piece).is_err() || is_last {
                        break;
                    }
                }
            };
            if let Err(error) = thread::Builder::new().spawn(read) {
                // The channel has room, because nothing has been sent.
                let _ = failed.try_send(Err(error));
            }
        }
        Self {
            pieces,
            piece: Vec::new(),
            done: 0,
            failed: None,
        }
    }
}

impl Pieces {
    /// Gets a piece that the part has not read completely. `false` at the end of the input.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        while self.done == self.piece.len() {
            match ready!(self.pieces.poll_recv(context)) {
                None => return Poll::Ready(Ok(false)),
                Some(piece) => self.piece = piece?,
            }
            self.done = 0;
        }
        Poll::Ready(Ok(true))
    }

    /// Waits until the next read does not have to wait. An error is kept for that read.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Err(error) = ready!(self.poll_fill(context)) {
            self.failed = Some(error);
        }
        Poll::Ready(())
    }

    /// Takes at most `size` bytes of the piece, which then count as read.
    fn take(&mut self, size: usize) -> &[u8] {
        let start = self.done;
        self.done += size.min(self.piece.len() - start);
        &self.piece[start..self.done]
    }
}
