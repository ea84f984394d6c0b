//! Bounds on what a program may use.

use std::{collections::HashMap, fmt, time::Duration};
use wasmtime::ResourceLimiter;

/// How much a guest may pass to the host in one call, in bytes.
pub(crate) const MAX_PASSED: usize = 128 << 20;
/// How many random bytes a guest may ask for at a time.
pub(crate) const MAX_RANDOM: u64 = 64 << 20;

/// What a program may use at most, all its parts together.
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
    /// Core instances, and as many tables and memories. A Python component has about forty.
    pub instances: usize,
    /// Handles to host resources, such as open files and streams, at a time.
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
        }
    }
}

/// Keeps one store within its [`Limits`].
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: Budget,
    tables: Budget,
    streams: Budget,
    /// What each open stream holds, by its handle.
    held: HashMap<u32, usize>,
    instances: usize,
    last_refusal: Option<Refusal>,
}

#[derive(Debug)]
struct Budget {
    used: usize,
    limit: usize,
}

impl Budget {
    /// What is used after a growth, if that is allowed, and otherwise what it would have been.
    fn grow(&mut self, from: usize, to: usize) -> Result<(), usize> {
        let wanted = (self.used - from.min(self.used)).saturating_add(to);
        if wanted > self.limit {
            return Err(wanted);
        }
        self.used = wanted;
        Ok(())
    }
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: Budget {
                used: 0,
                limit: limits.memory,
            },
            tables: Budget {
                used: 0,
                limit: limits.table_elements,
            },
            streams: Budget {
                used: 0,
                limit: limits.streams,
            },
            held: HashMap::new(),
            instances: limits.instances,
            last_refusal: None,
        }
    }

    /// The last growth that was refused: mostly what a trap that follows is about.
    pub(crate) fn last_refusal(&self) -> Option<Refusal> {
        self.last_refusal
    }

    /// Whether one more stream may hold so many bytes.
    pub(crate) fn has_room_for_stream(&mut self, bytes: usize) -> bool {
        let has_room = self.grow(Growing::Streams, 0, bytes, None);
        if has_room {
            self.streams.used -= bytes;
        }
        has_room
    }

    /// Counts what an open stream holds, until it is released.
    pub(crate) fn hold_for_stream(&mut self, handle: u32, bytes: usize) {
        self.streams.used += bytes;
        self.held.insert(handle, bytes);
    }

    /// Counts no more what a stream held, if it was counted.
    pub(crate) fn release_stream(&mut self, handle: u32) {
        self.streams.used -= self.held.remove(&handle).unwrap_or(0);
    }

    fn grow(&mut self, what: Growing, from: usize, to: usize, maximum: Option<usize>) -> bool {
        // Past its own maximum it fails anyway, and then it must not be counted.
        if maximum.is_some_and(|maximum| to > maximum) {
            return false;
        }
        let budget = match what {
            Growing::Memory => &mut self.memory,
            Growing::Tables => &mut self.tables,
            Growing::Streams => &mut self.streams,
        };
        let limit = budget.limit;
        match budget.grow(from, to) {
            Ok(()) => true,
            Err(wanted) => {
                self.last_refusal = Some(Refusal {
                    what,
                    wanted,
                    limit,
                });
                false
            }
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(Growing::Memory, current, desired, maximum))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(Growing::Tables, current, desired, maximum))
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(memory: usize) -> Limiter {
        Limiter::new(&Limits {
            memory,
            ..Limits::default()
        })
    }

    #[test]
    fn memories_share_one_budget() {
        let mut limiter = limiter(100);
        assert!(limiter.grow(Growing::Memory, 0, 60, None));
        assert!(limiter.grow(Growing::Memory, 0, 40, None));
        assert!(!limiter.grow(Growing::Memory, 60, 61, None));
        let refusal = Refusal {
            what: Growing::Memory,
            wanted: 101,
            limit: 100,
        };
        assert_eq!(limiter.last_refusal(), Some(refusal));
        assert!(limiter.grow(Growing::Tables, 0, 10, None));
    }

    #[test]
    fn what_a_stream_held_is_given_back_once_and_only_if_it_was_counted() {
        let mut limiter = Limiter::new(&Limits {
            streams: 100,
            ..Limits::default()
        });
        assert!(limiter.has_room_for_stream(60));
        limiter.hold_for_stream(7, 60);
        assert!(!limiter.has_room_for_stream(41));
        let refusal = Refusal {
            what: Growing::Streams,
            wanted: 101,
            limit: 100,
        };
        assert_eq!(limiter.last_refusal(), Some(refusal));
        limiter.release_stream(8);
        assert!(!limiter.has_room_for_stream(41));
        limiter.release_stream(7);
        limiter.release_stream(7);
        assert!(limiter.has_room_for_stream(100));
    }

    #[test]
    fn a_growth_past_its_own_maximum_is_not_counted() {
        let mut limiter = limiter(100);
        assert!(!limiter.grow(Growing::Memory, 0, 90, Some(50)));
        assert!(limiter.grow(Growing::Memory, 0, 100, None));
        assert_eq!(limiter.last_refusal(), None);
    }
}
