//! `--fuel`, `--max-memory`: the limits of a program.

use super::of_part::{OfPart, of_program};
use crate::cli::exit::UsageError;
use bytesize::ByteSize;
use std::time::Duration;
use wit_host::Limits;

/// Limits. Resources without a flag have a default limit, which is generous.
#[derive(clap::Args)]
pub struct LimitArgs {
    /// Stop the program after this number of steps, about one for each instruction of its own code.
    ///
    /// The work of the host for the program costs no fuel. It is bounded by `--timeout`.
    ///
    /// With NAME, a call of that isolated plug fails after this number of steps.
    #[arg(
        long,
        value_name = "[NAME=]N",
        value_parser = |text: &str| OfPart::parse(text, str::parse::<u64>),
        help_heading = "Limits"
    )]
    pub(super) fuel: Vec<OfPart<u64>>,
    /// Allow the program this much linear memory, all its components together: `64MiB`, `1GB`.
    ///
    /// The default is 2GiB. With NAME, it bounds that isolated plug alone.
    #[arg(
        long,
        value_name = "[NAME=]SIZE",
        value_parser = |text: &str| OfPart::parse(text, parse_size),
        help_heading = "Limits"
    )]
    pub(super) max_memory: Vec<OfPart<ByteSize>>,
}

impl LimitArgs {
    /// The limits of a program that has `timeout`, in a host that may allocate `host_memory` bytes.
    pub fn limits(
        &self,
        timeout: Option<Duration>,
        host_memory: usize,
    ) -> Result<Limits, UsageError> {
        let limits = Limits::new();
        let memory = of_program("--max-memory", &self.max_memory)?;
        let memory = memory.map_or(limits.memory, |size| {
            usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
        });
        // A quarter of the host's memory is left for everything else.
        let result = (memory.saturating_mul(3) / 2)
            .min(host_memory / 4 * 3)
            .clamp(MIN_RESULT.min(host_memory), limits.result);
        Ok(limits
            .timeout(timeout)
            .fuel(of_program("--fuel", &self.fuel)?.copied())
            .memory(memory)
            .result(result))
    }

    /// `true` if the program is to be given fuel.
    pub fn give_fuel(&self) -> bool {
        !self.fuel.is_empty()
    }
}

/// The number of bytes that a result may take on the host even if the program has little memory: enough
/// for a `list<u8>` of 6 MB.
const MIN_RESULT: usize = 256 << 20;
/// The longest time that can be set. The clocks of all systems go far beyond it.
const MAX_DURATION: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

pub(super) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "write a number and a unit, such as `500ms` or `10s`")?;
    if duration.is_zero() {
        return Err("it must be longer than zero");
    }
    if duration > MAX_DURATION {
        return Err("it can be a hundred years at most; without the flag a program has no limit");
    }
    Ok(duration)
}

pub fn parse_size(text: &str) -> Result<ByteSize, &'static str> {
    const EXPECTED: &str = "write a number and a unit, such as `64MiB` or `1GB`";
    // The parser accepts numbers that are infinite or too large, and changes them silently.
    let number = text
        .trim_start()
        .trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    let size: ByteSize = text.parse().map_err(|_| EXPECTED)?;
    if size.as_u64() == u64::MAX {
        return Err("it must be less than 16 EiB");
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn absurd_times_are_refused() {
        for text in [
            "0s",
            "0",
            "0ms",
            "-1s",
            "1",
            "",
            " ",
            "s",
            "NaN",
            "nan s",
            "inf",
            "1e9s",
            "101y",
            "500000000000y",
            "18446744073709551615s",
            "18446744073709551616s",
            "99999999999999999999999999y",
            "1s -1s",
            "584554049253y",
            "9223372036854775807ms",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(parse_duration("1ns"), Ok(Duration::from_nanos(1)));
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(parse_duration("100y").is_ok());
    }

    #[test]
    fn absurd_sizes_are_refused() {
        for text in [
            "",
            " ",
            "-1",
            "-1MiB",
            "NaN",
            "nan MiB",
            "inf",
            "inf GB",
            "MiB",
            "1e400",
            "lots",
            "18446744073709551615",
            "99999999999999999999 EiB",
            "1 XB",
            "1 2",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(parse_size("0"), Ok(ByteSize::b(0)));
        assert_eq!(parse_size("64MiB"), Ok(ByteSize::mib(64)));
        assert_eq!(parse_size("1.5 KB"), Ok(ByteSize::b(1500)));
    }

    /// Whatever is written, there is no panic, and what is accepted can be added to the clock.
    #[test]
    fn any_text_is_a_limit_or_an_error() {
        const PIECES: [&str; 24] = [
            "0",
            "1",
            "9",
            "500000000000",
            "18446744073709551615",
            "-",
            "+",
            ".",
            " ",
            "e",
            "E9",
            "y",
            "s",
            "ms",
            "ns",
            "years",
            "m",
            "NaN",
            "inf",
            "MiB",
            "EiB",
            "GB",
            "ä",
            "_",
        ];
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..50_000 {
            let text: String = (0..random.usize(0..6))
                .map(|_| PIECES[random.usize(..PIECES.len())])
                .collect();
            if let Ok(duration) = parse_duration(&text) {
                assert!(Instant::now().checked_add(duration).is_some(), "{text}");
                assert!(!duration.is_zero(), "{text}");
            }
            if let Ok(size) = parse_size(&text) {
                assert!(size.as_u64() < u64::MAX, "{text}");
            }
        }
    }
}
