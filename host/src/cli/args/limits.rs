//! `--timeout`, `--fuel`, `--max-memory`: how much a program may use.

use bytesize::ByteSize;
use std::time::Duration;
use wit_host::Limits;

/// Limits. What has no flag is bounded too, generously.
#[derive(clap::Args)]
pub struct LimitArgs {
    /// Stop the program after this time, waiting included: `500ms`, `10s`, `2m`.
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Limits")]
    pub timeout: Option<Duration>,
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
    pub fn limits(&self) -> Limits {
        Limits {
            timeout: self.timeout,
            fuel: self.fuel,
            memory: usize::try_from(self.max_memory.as_u64()).unwrap_or(usize::MAX),
            ..Limits::default()
        }
    }
}

fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text)
        .map_err(|_| "write a number and a unit, such as `500ms` or `10s`")
}

fn parse_size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse()
        .map_err(|_| "write a number and a unit, such as `64MiB` or `1GB`")
}
