//! An abort of the process: said, and not a signal. The standard library and the engine abort where a
//! stack is exhausted, whatever thread it belongs to, after a line of their own.

/// Ends the process with words of the host's own where it would abort.
#[cfg(unix)]
pub fn explain() {
    #[expect(unsafe_code, reason = "handlers of signals are the system's")]
    // SAFETY: an action of zeros is a valid one, with no flags and an empty mask; the handler has the
    // signature that an action without `SA_SIGINFO` calls, and does only what a handler may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_abort as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // Where it fails, an abort stays a signal.
        libc::sigaction(libc::SIGABRT, &action, std::ptr::null_mut());
    }
}

#[cfg(not(unix))]
pub fn explain() {}

#[cfg(unix)]
extern "C" fn on_abort(_: libc::c_int) {
    use super::{exit::HOST, last_words};
    if is_on_signal_stack() {
        let why = "it is nested too deeply for the stack of the host";
        last_words::end_unfinished(HOST, format_args!("{why}"));
    }
    let why = "`wit-host` aborted, which is a defect of it; please report it";
    last_words::end_unfinished(HOST, format_args!("{why}"));
}

/// Whoever aborts because a stack is exhausted runs on another one: that of signals.
#[cfg(unix)]
fn is_on_signal_stack() -> bool {
    #[expect(unsafe_code, reason = "only the system knows")]
    // SAFETY: a stack of zeros is a valid place to be written to, and nothing is changed.
    unsafe {
        let mut stack: libc::stack_t = std::mem::zeroed();
        libc::sigaltstack(std::ptr::null(), &mut stack) == 0
            && stack.ss_flags & libc::SS_ONSTACK != 0
    }
}
