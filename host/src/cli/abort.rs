//! An exhausted stack and an abort: said, and not a signal, which would look like a trap.

#[cfg(unix)]
use super::{exit::HOST, heap, last_words};

/// Ends the process with words of the host's own where it would abort, or where a stack is exhausted.
#[cfg(unix)]
pub fn explain() {
    on(
        libc::SIGABRT,
        on_abort as extern "C" fn(libc::c_int) as _,
        0,
    );
    // What is written past a limit on the size of files is to be an error of that write.
    on(libc::SIGXFSZ, libc::SIG_IGN, 0);
    // The engine's handler comes before this one, and keeps the faults of programs to itself.
    #[cfg(target_os = "linux")]
    on(
        libc::SIGSEGV,
        on_fault as extern "C" fn(libc::c_int, *const libc::siginfo_t, *const libc::c_void) as _,
        libc::SA_SIGINFO | libc::SA_ONSTACK,
    );
}

#[cfg(not(unix))]
pub fn explain() {}

/// Where it fails, the signal means what it meant.
#[cfg(unix)]
fn on(signal: libc::c_int, handler: libc::sighandler_t, flags: libc::c_int) {
    #[expect(unsafe_code, reason = "handlers of signals are the system's")]
    // SAFETY: an action of zeros is a valid one, with an empty mask. The handlers above have the
    // signatures that their flags ask for, and do only what a handler may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

#[cfg(unix)]
extern "C" fn on_abort(_: libc::c_int) {
    let why = if heap::was_refused() {
        "the system has no more memory for it"
    } else {
        "`wit-host` aborted, which is a defect of it; please report it"
    };
    last_words::end_unfinished(HOST, format_args!("{why}"));
}

/// How far from the end of the stack an access may be that was to go there, in bytes.
#[cfg(target_os = "linux")]
const NEAR: usize = 64 << 10;

#[cfg(target_os = "linux")]
extern "C" fn on_fault(
    signal: libc::c_int,
    info: *const libc::siginfo_t,
    context: *const libc::c_void,
) {
    #[expect(unsafe_code, reason = "only the system knows")]
    // SAFETY: the system gives a handler with `SA_SIGINFO` both, for as long as it runs.
    let (address, stack) = unsafe { ((*info).si_addr() as usize, stack_pointer(context)) };
    if stack.is_some_and(|stack| address.abs_diff(stack) <= NEAR) {
        let why = "it is nested too deeply for the stack of the host";
        last_words::end_unfinished(HOST, format_args!("{why}"));
    }
    // Anything else is a defect that the system tells by the signal, which comes again.
    on(signal, libc::SIG_DFL, 0);
}

/// Where the stack ended that the fault was on, on the architectures that have been tried.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the system gives a bare pointer")]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(unused_variables, reason = "it is not looked at")
)]
// SAFETY: for whoever calls it: the context is one that the system gave to a handler.
unsafe fn stack_pointer(context: *const libc::c_void) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: that is what the system gives.
    return unsafe {
        let context = &*context.cast::<libc::ucontext_t>();
        usize::try_from(context.uc_mcontext.gregs[libc::REG_RSP as usize]).ok()
    };
    #[cfg(target_arch = "aarch64")]
    // SAFETY: that is what the system gives.
    return unsafe {
        let context = &*context.cast::<libc::ucontext_t>();
        usize::try_from(context.uc_mcontext.sp).ok()
    };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::explain;
    use std::{env, hint::black_box, process::Command};

    /// Set in the process that is to end.
    const WAY: &str = "WIT_HOST_TEST_ABORT";

    #[test]
    fn an_exhausted_stack_is_said_and_is_no_signal() {
        assert_eq!(
            ending("overflow"),
            (
                Some(125),
                "error: failed to start: it is nested too deeply for the stack of the host"
                    .to_owned()
            )
        );
    }

    #[test]
    fn any_other_abort_is_a_defect_and_no_signal() {
        let (code, words) = ending("abort");
        assert_eq!(code, Some(125));
        assert!(words.contains("defect"), "{words}");
    }

    /// How a process ends, and its last line.
    fn ending(way: &str) -> (Option<i32>, String) {
        let output = Command::new(env::current_exe().expect("the path of this test"))
            .args(["--exact", "cli::abort::tests::ends", "--nocapture"])
            .env(WAY, way)
            .output()
            .expect("it runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = words.lines().last().unwrap_or_default();
        (output.status.code(), last.to_owned())
    }

    /// Ends, where it is told to.
    #[test]
    fn ends() {
        match env::var(WAY).as_deref() {
            Ok("overflow") => {
                explain();
                black_box(deeper(0));
            }
            Ok(_) => {
                explain();
                std::process::abort();
            }
            Err(_) => {}
        }
    }

    fn deeper(depth: u64) -> u64 {
        let frame = black_box([depth; 100]);
        if frame[0] == u64::MAX {
            return 0;
        }
        deeper(depth + 1) + black_box(frame)[1]
    }
}
