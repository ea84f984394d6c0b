//! Ending the process at once, from any thread and in any state: in the allocator, in a handler of a
//! signal, while the command is blocked. Nothing is allocated, no lock is taken, no destructor runs.

use super::activity::Activity;
use std::{
    fmt::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Says why on standard error and ends the process. Where several threads come here, the first one
/// speaks.
pub fn end(code: u8, words: fmt::Arguments<'_>) -> ! {
    static ENDING: AtomicBool = AtomicBool::new(false);
    if ENDING.swap(true, Ordering::Relaxed) {
        // The first one needs a hundredth of this, unless this one has interrupted it.
        thread::sleep(Duration::from_secs(1));
        exit(code);
    }
    let mut line = Line::new();
    // What does not fit is cut off.
    let _ = writeln!(line, "error: {words}");
    line.say();
    exit(code)
}

/// The same for work that was not finished, with what it was.
pub fn end_unfinished(code: u8, why: fmt::Arguments<'_>) -> ! {
    match Activity::current() {
        Some(activity) => end(code, format_args!("failed to {activity}: {why}")),
        None => end(code, format_args!("failed to start: {why}")),
    }
}

/// A line on the stack.
struct Line {
    bytes: [u8; Self::SIZE],
    length: usize,
}

impl Line {
    /// A pipe that is ready takes this much at once: `PIPE_BUF` of POSIX.
    const SIZE: usize = 512;

    fn new() -> Self {
        Self {
            bytes: [0; Self::SIZE],
            length: 0,
        }
    }

    /// Writes the line where that does not block. Where nobody can hear it, it is left unsaid.
    #[cfg(unix)]
    fn say(&self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let patience = Timespec {
            tv_sec: 0,
            tv_nsec: 10_000_000,
        };
        let stderr = std::io::stderr();
        let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
        if poll(&mut ready, Some(&patience)) == Ok(1) && ready[0].revents().contains(PollFlags::OUT)
        {
            let _ = rustix::io::write(&stderr, &self.bytes[..self.length]);
        }
    }

    #[cfg(not(unix))]
    fn say(&self) {
        use std::io::Write;
        let _ = std::io::stderr().write_all(&self.bytes[..self.length]);
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The last byte stays free for the end of the line.
        let room = if text == "\n" {
            Self::SIZE
        } else {
            Self::SIZE - 1
        };
        let end = text.floor_char_boundary(room - self.length);
        let written = self.length + end;
        self.bytes[self.length..written].copy_from_slice(&text.as_bytes()[..end]);
        self.length = written;
        Ok(())
    }
}

#[cfg(unix)]
fn exit(code: u8) -> ! {
    #[expect(
        unsafe_code,
        reason = "the standard library's `exit` runs handlers, which may wait for a lock that this thread holds"
    )]
    // SAFETY: `_exit` takes any number, may be called in any state, and does not return.
    unsafe {
        libc::_exit(code.into())
    }
}

#[cfg(not(unix))]
fn exit(code: u8) -> ! {
    std::process::exit(code.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_between_characters_and_keeps_its_end() {
        let mut line = Line::new();
        let long = "ä".repeat(Line::SIZE);
        writeln!(line, "x{long}").expect("it is cut");
        let said = std::str::from_utf8(&line.bytes[..line.length]).expect("whole characters");
        assert_eq!(
            said.trim_end(),
            format!("x{}", "ä".repeat(Line::SIZE / 2 - 1))
        );
        assert!(said.ends_with("ä\n") && said.len() <= Line::SIZE);
    }
}
