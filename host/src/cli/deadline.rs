//! The last resort against a guest that blocks this process.

use super::{console::say, exit::TIMEOUT};
use std::{thread, time::Duration};

/// What a program that can be stopped in order is given to stop.
const GRACE: Duration = Duration::from_millis(150);

/// Ends the process when a call has not ended by then. A host call that blocks its thread, such as
/// reading a FIFO that nobody writes, can be stopped in no other way.
pub fn enforce(timeout: Option<Duration>) {
    let Some(timeout) = timeout else { return };
    thread::spawn(move || {
        thread::sleep(timeout + GRACE);
        say(format_args!(
            "error: the program was blocked in a host call, and was not done within {timeout:?}"
        ));
        std::process::exit(TIMEOUT.into());
    });
}
