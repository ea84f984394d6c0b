//! `--fuel`, `--max-memory`: how much a program may use.

use bytesize::ByteSize;
use std::time::Duration;
use wit_host::Limits;

/// Limits. What has no flag is bounded too, generously.
#[derive(clap::Args)]
pub struct LimitArgs {
    /// Stop the program after this many steps, about one per instruction.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub fuel: Option<u64>,
    /// Refuse the program more memory than this, all its components together: `64MiB`, `1GB`.
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "2GiB",
        value_parser = parse_size,
        help_heading = "Limits"
    )]
    max_memory: ByteSize,
}

impl LimitArgs {
    /// The limits of a program that has this much time.
    pub fn limits(&self, timeout: Option<Duration>) -> Limits {
        Limits {
            timeout,
            fuel: self.fuel,
            memory: usize::try_from(self.max_memory.as_u64()).unwrap_or(usize::MAX),
            ..Limits::default()
        }
    }
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text)
        .map_err(|_| "write a number and a unit, such as `500ms` or `10s`")
}

pub(super) fn parse_size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse()
        .map_err(|_| "write a number and a unit, such as `64MiB` or `1GB`")
}
