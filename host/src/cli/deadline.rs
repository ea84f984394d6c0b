//! The last resort against a guest that blocks this process.

use super::{console::say, exit::TIMEOUT};
use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

/// What a program that can be stopped in order is given to stop.
const GRACE: Duration = Duration::from_millis(190);

/// Ends the process if it is not dropped in time.
pub struct Watch(#[expect(dead_code, reason = "dropping it is the message")] Sender<()>);

/// Watches over a call that may take this long. A host call that blocks its thread, such as reading
/// a FIFO that nobody writes, can be stopped in no other way than with the process.
pub fn watch(timeout: Option<Duration>) -> Option<Watch> {
    let timeout = timeout?;
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        if is_done.recv_timeout(timeout + GRACE) == Err(RecvTimeoutError::Timeout) {
            say(format_args!(
                "error: the program was blocked in a host call, and was not done within {timeout:?}"
            ));
            std::process::exit(TIMEOUT.into());
        }
    });
    Some(Watch(done))
}
