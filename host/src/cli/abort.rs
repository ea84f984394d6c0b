//! Reports an exhausted stack and an abort as errors. A process that dies of a signal would look like a
//! program that trapped.

#[cfg(unix)]
use super::{exit::HOST, heap, last_words};

/// Makes the process end with an error message where it would abort, or where a stack is exhausted.
#[cfg(unix)]
pub fn report_as_errors() {
    on(
        libc::SIGABRT,
        on_abort as extern "C" fn(libc::c_int) as _,
        0,
    );
    // A write past a limit on the size of files is then an error of that write.
    on(libc::SIGXFSZ, libc::SIG_IGN, 0);
    // The engine installs its handler later. It handles the faults of programs, and passes on others.
    #[cfg(target_os = "linux")]
    on(
        libc::SIGSEGV,
        on_fault as extern "C" fn(libc::c_int, *const libc::siginfo_t, *const libc::c_void) as _,
        libc::SA_SIGINFO | libc::SA_ONSTACK,
    );
}

#[cfg(not(unix))]
pub fn report_as_errors() {}

/// If it fails, the signal keeps its effect.
#[cfg(unix)]
fn on(signal: libc::c_int, handler: libc::sighandler_t, flags: libc::c_int) {
    #[expect(unsafe_code, reason = "handlers of signals are the system's")]
    // SAFETY: an action of zeros is valid, with an empty mask. The handlers above have the signatures
    // that their flags ask for, and call only what is allowed in a handler.
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
        "`wit-host` aborted, which is a defect; please report it"
    };
    last_words::end_unfinished(HOST, format_args!("{why}"));
}

/// The largest distance, in bytes, between the stack pointer and an access that counts as an access to
/// the stack.
#[cfg(target_os = "linux")]
const NEAR: usize = 64 << 10;

#[cfg(target_os = "linux")]
extern "C" fn on_fault(
    signal: libc::c_int,
    info: *const libc::siginfo_t,
    context: *const libc::c_void,
) {
    #[expect(unsafe_code, reason = "the system gives bare pointers")]
    // SAFETY: the system passes both to a handler with `SA_SIGINFO`, and they are valid while it runs.
    let (address, stack) = unsafe { ((*info).si_addr() as usize, stack_pointer(context)) };
    if stack.is_some_and(|stack| address.abs_diff(stack) <= NEAR) {
        let why = "it is nested too deeply for the stack of the host";
        last_words::end_unfinished(HOST, format_args!("{why}"));
    }
    // Any other fault is a defect. The signal comes again, and the system reports it.
    on(signal, libc::SIG_DFL, 0);
}

/// The stack pointer at the fault, on the architectures on which this has been tested.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the system gives a bare pointer")]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(unused_variables, reason = "it is not read on these architectures")
)]
// SAFETY: the caller passes the context that the system has passed to a handler.
unsafe fn stack_pointer(context: *const libc::c_void) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the context is a `ucontext_t` on this system.
    return unsafe {
        let context = &*context.cast::<libc::ucontext_t>();
        usize::try_from(context.uc_mcontext.gregs[libc::REG_RSP as usize]).ok()
    };
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the context is a `ucontext_t` on this system.
    return unsafe {
        let context = &*context.cast::<libc::ucontext_t>();
        usize::try_from(context.uc_mcontext.sp).ok()
    };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::report_as_errors;
    use std::{env, hint::black_box, process::Command};

    /// Set in the process that is to end.
    const WAY: &str = "WIT_HOST_TEST_ABORT";

    #[test]
    fn an_exhausted_stack_is_an_error_and_not_a_signal() {
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
    fn any_other_abort_is_a_defect_and_not_a_signal() {
        let (code, words) = ending("abort");
        assert_eq!(code, Some(125));
        assert!(words.contains("defect"), "{words}");
    }

    /// The exit code and the last line of a process that ends in this way.
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

    /// Ends the process if the variable is set.
    #[test]
    fn ends() {
        match env::var(WAY).as_deref() {
            Ok("overflow") => {
                report_as_errors();
                black_box(deeper(0));
            }
            Ok(_) => {
                report_as_errors();
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
