//! Bounds on what a program may use.

use std::{fmt, time::Duration};

/// How much a guest may pass to the host in one call, in bytes.
pub(crate) const MAX_PASSED: usize = 128 << 20;

/// What a program may use at most, all its parts together. Where it is several instances, an
/// [`Allowance`](crate::Allowance) holds their sums.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a call into the program may take, waiting included. `None` is for ever.
    ///
    /// Code is stopped within 20 ms of it, a wait for the host at once; only a host call that
    /// blocks its thread, such as reading a FIFO, is beyond it. Needs
    /// [`RuntimeOptions::interruptible`](crate::RuntimeOptions).
    pub timeout: Option<Duration>,
    /// How many steps it may take, about one per instruction of its own code. What the host does for
    /// it in a call costs nothing, however long it takes: that is [`timeout`](Self::timeout)'s to
    /// bound. Needs [`RuntimeOptions::fuel`](crate::RuntimeOptions). `None` is any number.
    pub fuel: Option<u64>,
    /// Bytes of linear memory, the sum of all memories.
    pub memory: usize,
    /// Elements of tables, the sum of all tables.
    pub table_elements: usize,
    /// Core instances, and as many tables and memories, of each instance of a program. A Python
    /// component has about forty.
    pub instances: usize,
    /// Handles to host resources, such as open files and streams, at a time; and as many resources
    /// that calls have returned and that are not released.
    pub handles: usize,
    /// Bytes that the host may hold for streams on files and for directories that are listed:
    /// 64 KiB for each that is open. One more is refused with `insufficient-memory`. A plain module
    /// has none.
    pub streams: usize,
    /// Bytes that the result of a call by [`Instance::invoke`](crate::Instance::invoke) may take on
    /// the host. It is held there as a tree of values, in which a byte of a `list<u8>` takes 40.
    pub result: usize,
}

impl Default for Limits {
    /// No bound on time; 2 GiB of memory and room in everything else for any program that is meant
    /// well.
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

/// A growth that was refused, because a limit would have been passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What was to grow.
    pub what: Growing,
    /// What all of them together would have had: bytes or elements.
    pub wanted: usize,
    /// The limit.
    pub limit: usize,
}

/// What a program can have more of as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growing {
    /// Linear memory, in bytes.
    Memory,
    /// Tables, in elements.
    Tables,
    /// What the host holds for open streams, in bytes.
    Streams,
    /// Handles to host resources, such as open files, and resources that calls have returned.
    Handles,
}

impl Growing {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Tables, Self::Streams, Self::Handles];

    /// Where it is in [`ALL`](Self::ALL).
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
