//! Bounds on the resources of a program.

use std::{fmt, time::Duration};

/// The largest size of the values that a guest passes to the host in one call, in bytes.
pub(crate) const MAX_PASSED: usize = 128 << 20;

/// Bounds on the resources of a program; each bound holds for all its parts together. Several instances
/// can share their bounds through an [`Allowance`](crate::Allowance).
///
/// Each field has a method of the same name that sets it:
///
/// ```
/// use std::time::Duration;
/// use wit_host::Limits;
///
/// let limits = Limits::new().memory(64 << 20).timeout(Duration::from_secs(1));
/// assert_eq!(limits.memory, 64 << 20);
/// assert_eq!(limits.fuel, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest duration of a call into the program, including the time that it waits; `None` is
    /// unbounded.
    ///
    /// Code that computes is stopped at most 20 ms after that time. A wait for the host is stopped at
    /// once. A host call that blocks its thread, such as opening a FIFO, is not stopped. This needs
    /// [`RuntimeOptions::interruptible`](crate::RuntimeOptions::interruptible).
    pub timeout: Option<Duration>,
    /// The number of steps of an instance, about one for each instruction of its code; `None` is
    /// unbounded. The host's work in a call costs no fuel; [`timeout`](Self::timeout) bounds it. This
    /// needs [`RuntimeOptions::fuel`](crate::RuntimeOptions::fuel).
    pub fuel: Option<u64>,
    /// The size of all linear memories together, in bytes.
    pub memory: usize,
    /// The number of elements of all tables together.
    pub table_elements: usize,
    /// The number of core instances in one instance of a program. The same number bounds its tables,
    /// and its memories. A component written in Python has about forty core instances.
    pub instances: usize,
    /// The number of open handles to host resources, such as files and streams. The same number bounds
    /// the resources that calls have returned and that are not released.
    pub handles: usize,
    /// The size of the host's buffers for streams on files and for directories that are being listed,
    /// in bytes: 64 KiB for each open one. Opening one more fails with `insufficient-memory`. A core
    /// module has no such streams.
    pub streams: usize,
    /// The size on the host of the result of a call, in bytes. The host holds a result as a tree of
    /// values, in which a byte of a `list<u8>` takes 40 bytes.
    ///
    /// The engine has one budget for a call. So while a function with a large result runs, the
    /// arguments of each call to its imports are bounded by the budget for the result, instead of by
    /// 128 MiB.
    pub result: usize,
}

impl Limits {
    /// The default limits.
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
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets [`table_elements`](Self#structfield.table_elements).
    pub fn table_elements(mut self, elements: usize) -> Self {
        self.table_elements = elements;
        self
    }

    /// Sets [`instances`](Self#structfield.instances).
    pub fn instances(mut self, instances: usize) -> Self {
        self.instances = instances;
        self
    }

    /// Sets [`handles`](Self#structfield.handles).
    pub fn handles(mut self, handles: usize) -> Self {
        self.handles = handles;
        self
    }

    /// Sets [`streams`](Self#structfield.streams).
    pub fn streams(mut self, bytes: usize) -> Self {
        self.streams = bytes;
        self
    }

    /// Sets [`result`](Self#structfield.result).
    pub fn result(mut self, bytes: usize) -> Self {
        self.result = bytes;
        self
    }
}

impl Default for Limits {
    /// No bound on time and fuel, 2 GiB of linear memory, 1,048,576 elements of tables, 1000 instances,
    /// 10,000 handles, 64 MiB of streams, and 3 GiB for a result.
    fn default() -> Self {
        Self {
            timeout: None,
            fuel: None,
            memory: 2 << 30,
            table_elements: 1 << 20,
            instances: 1000,
            handles: 10_000,
            streams: 64 << 20,
            result: 3 << 30,
        }
    }
}

/// A growth that was refused because it would have exceeded a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The resource that was to grow.
    pub what: Growing,
    /// The sum after the growth, in the unit of the resource.
    pub wanted: usize,
    /// The limit, in the same unit.
    pub limit: usize,
}

/// A resource that can grow while a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Growing {
    /// Linear memory, in bytes.
    Memory,
    /// Tables, in elements.
    Tables,
    /// The host's buffers for open streams, in bytes.
    Streams,
    /// Handles to host resources, such as open files, and resources that calls have returned.
    Handles,
}

impl Growing {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Tables, Self::Streams, Self::Handles];

    /// The position in [`ALL`](Self::ALL).
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            wanted,
            limit,
        } = self;
        match what {
            Growing::Memory => write!(
                f,
                "{wanted} bytes of memory were asked for, and {limit} are allowed"
            ),
            Growing::Tables => write!(
                f,
                "{wanted} table elements were asked for, and {limit} are allowed"
            ),
            Growing::Streams => write!(
                f,
                "open streams would have held {wanted} bytes on the host, and {limit} are allowed"
            ),
            Growing::Handles => write!(
                f,
                "{wanted} handles to resources would have been open, and {limit} are allowed"
            ),
        }
    }
}
