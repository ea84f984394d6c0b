//! The time of a WASI 0.2 host.

use dir_cache::{Clock, Timestamp};
use wasip2::clocks::wall_clock;

/// The clock of the WASI host.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let now = wall_clock::now();
        Timestamp::from_parts(now.seconds, now.nanoseconds)
    }
}
