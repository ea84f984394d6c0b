//! Settings of isolated plugs.

use crate::{names::part::PartName, store::limits::Limits};
use std::{error::Error, fmt, sync::Arc, time::Duration};

/// The way in which a plug is isolated: its own limits, its instances, and the consequences of a call
/// that fails.
///
/// [`Part::isolate`](crate::Part::isolate) links a plug in a store of its own. A call of the plug that
/// traps, exceeds a limit or exits is then an error of that call, and the plug is instantiated anew for
/// the next one. Everything that its instance held in memory is lost; its files stay.
///
/// An instance is also lost if the caller ends during a call: its time or its fuel is used up, or its future is
/// dropped. Callers that share a plug can so make it lose what it holds in memory.
///
/// ```
/// use std::time::Duration;
/// use wit_host::{Isolation, Restarts};
///
/// let isolation = Isolation::new()
///     .timeout(Duration::from_secs(1))
///     .memory(64 << 20)
///     .restarts(Restarts::new(5, Duration::from_secs(60)))
///     .on_trap("unavailable");
/// assert_eq!(isolation.instances, 1);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Isolation {
    /// The longest duration of a call of the plug, from when it has an instance; `None` is no bound but the
    /// caller's own. It also bounds the start-up code of the plug. A host call that blocks its thread is not
    /// stopped, as with [`Limits::timeout`]. It needs
    /// [`RuntimeOptions::interruptible`](crate::RuntimeOptions::interruptible).
    pub timeout: Option<Duration>,
    /// The number of steps of a call of the plug; `None` is no bound but the caller's own. The steps
    /// also count as steps of the caller. It needs [`RuntimeOptions::fuel`](crate::RuntimeOptions::fuel).
    pub fuel: Option<u64>,
    /// The size of all linear memories of one instance of the plug, in bytes; `None` is no bound but
    /// the program's.
    pub memory: Option<usize>,
    /// The largest number of instances of the plug. Several let several threads call the plug at the
    /// same time; each has a memory of its own, so a plug that keeps state in memory needs exactly one.
    pub instances: usize,
    /// The longest time that a call waits for an instance that is not busy. A call that waits longer
    /// fails.
    pub wait: Duration,
    /// The number of times that the plug is instantiated anew after calls that failed.
    pub restarts: Restarts,
    /// The case of the error that a caller gets for a call that failed, if the function returns
    /// `result<_, E>` and E is an enum or a variant with this case, without a payload. `None` stands for
    /// [`RUNTIME_ERROR`](Self::RUNTIME_ERROR) where E has it. The caller of any other function traps.
    pub on_trap: Option<String>,
    pub(crate) observer: Option<Observer>,
}

/// A function that learns of failed calls.
pub(crate) type Observer = Arc<dyn Fn(&PartName, &(dyn Error + 'static)) + Send + Sync>;

/// A bound on how often an isolated plug is instantiated anew: the plug stays down if more calls fail in
/// any period of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restarts {
    /// The number of restarts.
    pub count: u32,
    /// The period.
    pub within: Duration,
}

impl Restarts {
    /// Allows `count` restarts in any period of the length `within`.
    pub fn new(count: u32, within: Duration) -> Self {
        Self { count, within }
    }
}

impl Default for Restarts {
    /// 100 restarts in 10 seconds. A plug that fails for some of its arguments goes on serving the other
    /// calls, and a plug that fails in every call stays down after a hundred.
    fn default() -> Self {
        Self::new(100, Duration::from_secs(10))
    }
}

impl fmt::Display for Restarts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restarts = if self.count == 1 {
            "restart"
        } else {
            "restarts"
        };
        write!(f, "{} {restarts} within {:?}", self.count, self.within)
    }
}

impl Isolation {
    /// The case that a failed call returns by default.
    pub const RUNTIME_ERROR: &str = "runtime-error";

    /// The default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`timeout`](Self#structfield.timeout).
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Sets [`fuel`](Self#structfield.fuel).
    pub fn fuel(mut self, fuel: impl Into<Option<u64>>) -> Self {
        self.fuel = fuel.into();
        self
    }

    /// Sets [`memory`](Self#structfield.memory).
    pub fn memory(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.memory = bytes.into();
        self
    }

    /// Sets [`instances`](Self#structfield.instances). Zero counts as one.
    pub fn instances(mut self, instances: usize) -> Self {
        self.instances = instances.max(1);
        self
    }

    /// Sets [`wait`](Self#structfield.wait).
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets [`restarts`](Self#structfield.restarts).
    pub fn restarts(mut self, restarts: Restarts) -> Self {
        self.restarts = restarts;
        self
    }

    /// Sets [`on_trap`](Self#structfield.on_trap).
    pub fn on_trap(mut self, case: impl Into<String>) -> Self {
        self.on_trap = Some(case.into());
        self
    }

    /// Calls this function with the name of the plug and the reason, a [`PlugFailure`](crate::PlugFailure),
    /// each time that a call fails because of the plug; once, for all calls of a plug that stays down. The
    /// callers learn the reason only if they trap.
    ///
    /// The function runs on the thread that made the call, and the call waits for it.
    pub fn observe(
        mut self,
        observer: impl Fn(&PartName, &(dyn Error + 'static)) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The limits of an instance of the plug in a program with these limits.
    pub(crate) fn limits(&self, of_program: &Limits) -> Limits {
        let memory = self
            .memory
            .map_or(of_program.memory, |own| own.min(of_program.memory));
        of_program
            .clone()
            .memory(memory)
            .fuel(least(self.fuel, of_program.fuel))
            .timeout(least(self.timeout, of_program.timeout))
    }
}

/// The smaller one of two bounds.
fn least<T: Ord>(own: Option<T>, whole: Option<T>) -> Option<T> {
    match (own, whole) {
        (Some(own), Some(whole)) => Some(own.min(whole)),
        (own, whole) => own.or(whole),
    }
}

impl Default for Isolation {
    /// No limits but the program's, one instance, ten seconds of waiting for it, the default
    /// [`Restarts`], and `runtime-error`.
    fn default() -> Self {
        Self {
            timeout: None,
            fuel: None,
            memory: None,
            instances: 1,
            wait: Duration::from_secs(10),
            restarts: Restarts::default(),
            on_trap: None,
            observer: None,
        }
    }
}

impl fmt::Debug for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolation")
            .field("timeout", &self.timeout)
            .field("fuel", &self.fuel)
            .field("memory", &self.memory)
            .field("instances", &self.instances)
            .field("wait", &self.wait)
            .field("restarts", &self.restarts)
            .field("on_trap", &self.on_trap)
            .finish_non_exhaustive()
    }
}
