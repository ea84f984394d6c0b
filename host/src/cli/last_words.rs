//! Ends the process at once, from any thread and in any state: from the allocator, from a signal
//! handler, while the command is blocked. Nothing is allocated, no lock is taken, no destructor runs.

use super::{activity::Activity, color::Label};
use std::{
    fmt::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Writes an error to standard error and ends the process. If several threads call this, only the
/// first one writes.
pub fn end(code: u8, words: fmt::Arguments<'_>) -> ! {
    static ENDING: AtomicBool = AtomicBool::new(false);
    if ENDING.swap(true, Ordering::Relaxed) {
        // The first thread needs a hundredth of this time, unless this is its own signal handler.
        thread::sleep(Duration::from_secs(1));
        exit(code);
    }
    let mut line = Line::new();
    // A message that does not fit is cut.
    let _ = writeln!(line, "{} {words}", Label::Error);
    line.write_to_stderr();
    exit(code)
}

/// Ends the process while a phase of the work is unfinished, and names that phase.
pub fn end_unfinished(code: u8, why: fmt::Arguments<'_>) -> ! {
    match Activity::current() {
        Some(activity) => end(code, format_args!("failed to {activity}: {why}")),
        None => end(code, format_args!("failed to start: {why}")),
    }
}

/// A line of text on the stack.
struct Line {
    bytes: [u8; Self::SIZE],
    length: usize,
}

impl Line {
    /// The number of bytes that a ready pipe accepts at once: `PIPE_BUF` of POSIX.
    const SIZE: usize = 512;

    fn new() -> Self {
        Self {
            bytes: [0; Self::SIZE],
            length: 0,
        }
    }

    /// Writes the line if that does not block. Errors are ignored, because nothing can be done about them.
    #[cfg(unix)]
    fn write_to_stderr(&self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: 10_000_000,
        };
        let stderr = std::io::stderr();
        let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
        if poll(&mut ready, Some(&timeout)) == Ok(1) && ready[0].revents().contains(PollFlags::OUT)
        {
            let _ = rustix::io::write(&stderr, &self.bytes[..self.length]);
        }
    }

    #[cfg(not(unix))]
    fn write_to_stderr(&self) {
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
        // After a newline in the middle, the line can be one byte longer than that.
        let end = text.floor_char_boundary(room.saturating_sub(self.length));
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
        let written = std::str::from_utf8(&line.bytes[..line.length]).expect("whole characters");
        assert_eq!(
            written.trim_end(),
            format!("x{}", "ä".repeat(Line::SIZE / 2 - 1))
        );
        assert!(written.ends_with("ä\n") && written.len() <= Line::SIZE);
    }

    #[test]
    fn a_full_line_takes_no_more() {
        let mut line = Line::new();
        for text in ["x".repeat(Line::SIZE).as_str(), "\n", "more", "\n"] {
            line.write_str(text).expect("it is cut");
        }
        assert_eq!(line.length, Line::SIZE);
        assert!(line.bytes.ends_with(b"x\n"));
    }
}
