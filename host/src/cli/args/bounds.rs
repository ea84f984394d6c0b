//! `--timeout`, `--max-host-memory`: how much the command may use, for whatever input.

use super::limits::{parse_duration, parse_size};
use crate::cli::{deadline, heap};
use bytesize::ByteSize;
use std::time::Duration;

/// Bounds that every subcommand has.
#[derive(clap::Args)]
pub struct BoundArgs {
    /// Stop after this time, preparation and waiting included: `500ms`, `10s`, `2m`.
    ///
    /// Without it, preparation alone is stopped, after five minutes.
    #[arg(
        long,
        value_name = "DUR",
        value_parser = parse_duration,
        global = true,
        help_heading = "Limits"
    )]
    timeout: Option<Duration>,
    /// Stop when the host itself has allocated more than this, for whatever it does: `512MiB`.
    ///
    /// Memories of programs have `--max-memory`. Compiled code that is mapped does not count.
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
    /// Puts them in force, and gives the time that the program has.
    pub fn enforce(&self) -> Option<Duration> {
        heap::allow(self.max_host_memory);
        if let Some(timeout) = self.timeout {
            deadline::prepare(timeout);
        }
        self.timeout
    }
}
