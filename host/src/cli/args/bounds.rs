//! `--timeout`, `--max-host-memory`: the bounds on the command, for any input.

use super::{
    limits::{parse_duration, parse_size},
    of_part::{OfPart, of_program},
};
use crate::cli::{deadline, exit::UsageError, heap};
use bytesize::ByteSize;
use std::time::Duration;

/// The bounds that every subcommand has.
#[derive(clap::Args)]
pub struct BoundArgs {
    /// Stop after this time, such as `500ms`, `10s` or `2m`. It includes preparation and waiting.
    ///
    /// Without this flag only the preparation is bounded, to five minutes.
    ///
    /// With NAME, a call of that isolated plug fails after this time.
    #[arg(
        long = "timeout",
        value_name = "[NAME=]DUR",
        value_parser = |text: &str| OfPart::parse(text, parse_duration),
        global = true,
        help_heading = "Limits"
    )]
    pub(super) timeouts: Vec<OfPart<Duration>>,
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
    pub fn enforce(&self) -> Result<Option<Duration>, UsageError> {
        heap::allow(self.max_host_memory);
        let timeout = of_program("--timeout", &self.timeouts)?.copied();
        if let Some(timeout) = timeout {
            deadline::prepare(timeout);
        }
        Ok(timeout)
    }

    /// Refuses times for isolated plugs, in a command that has none.
    pub fn refuse_plugs(&self) -> Result<(), UsageError> {
        let mut named = self.timeouts.iter().filter_map(|one| one.part.as_ref());
        match named.next() {
            None => Ok(()),
            Some(name) => Err(UsageError(format!(
                "`--timeout {name}=…`: only `run`, `invoke` and `serve` have isolated plugs; leave out `{name}=`"
            ))),
        }
    }
}
