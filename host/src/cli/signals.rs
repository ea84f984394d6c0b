//! Signals to a server.

use std::io;
use tracing::info;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUPs: the server is to read its files again. Systems other than Unix have none.
pub struct Hangups(#[cfg(unix)] Signal);

#[cfg(unix)]
pub fn hangups() -> io::Result<Hangups> {
    signal(SignalKind::hangup()).map(Hangups)
}

#[cfg(not(unix))]
pub fn hangups() -> io::Result<Hangups> {
    Ok(Hangups())
}

impl Hangups {
    /// Waits for the next one. `None` if there is none any more.
    #[cfg(unix)]
    pub async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }

    #[cfg(not(unix))]
    pub async fn next(&mut self) -> Option<()> {
        None
    }
}

/// Waits until the server is to end: for SIGTERM or SIGINT.
#[cfg(unix)]
pub fn ended() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("the server ends");
    })
}

/// Waits until the server is to end: for Ctrl-C.
#[cfg(not(unix))]
pub fn ended() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
        info!("the server ends");
    })
}
