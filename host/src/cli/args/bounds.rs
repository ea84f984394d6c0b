//! `--timeout`, `--max-host-memory`: the bounds on the command, for any input.

use super::limits::{parse_duration, parse_size};
use crate::cli::{deadline, heap};
use bytesize::ByteSize;
use std::time::Duration;

/// The bounds that every subcommand has.
#[derive(clap::Args)]
pub struct BoundArgs {
    /// Stop after this time, such as `500ms`, `10s` or `2m`. It includes preparation and waiting.
    ///
    /// Without this flag only the preparation is bounded, to five minutes.
    #[arg(
        long,
        value_name = "DUR",
        value_parser = parse_duration,
        global = true,
        help_heading = "Limits"
    )]
    timeout: Option<Duration>,
    /// Stop when the host itself has allocated more than this, such as `512MiB`.
    ///
    /// The linear memories of programs are bounded by `--max-memory`. Compiled code that is mapped from
    /// a file does not count.
    #[arg(
        long,
        value_name = "SIZE",
        default_value_t = heap::DEFAULT,
        value_parser = parse_size,
        global = true,
        help_heading = "Limits"
    )]
    max_host_memory: ByteSize,
}

impl BoundArgs {
    /// Applies the bounds to this process, and returns the time that the program has.
    pub fn enforce(&self) -> Option<Duration> {
        heap::allow(self.max_host_memory);
        if let Some(timeout) = self.timeout {
            deadline::prepare(timeout);
        }
        self.timeout
    }
}
