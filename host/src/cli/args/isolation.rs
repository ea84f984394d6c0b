//! `--isolate`, `--restarts`, `--on-trap`: plugs in stores of their own.

use super::{
    bounds::BoundArgs,
    limits::{LimitArgs, parse_duration},
    of_part::{OfPart, of_part, of_program},
};
use crate::cli::{console::warning, exit::UsageError};
use wit_host::{
    Isolation, Part, PartName, Restarts,
    untrusted::{Name, quoted_names},
};

/// Isolated plugs.
#[derive(clap::Args)]
pub struct IsolationArgs {
    /// Link the plug NAME in a store of its own. A call of it that traps, or exceeds its limits, fails
    /// alone.
    ///
    /// The host forwards the calls, which can pass values and no resources. After a failed call the plug
    /// is started afresh for the next one. The caller gets an error of the interface if there is a
    /// suitable one, and traps otherwise.
    #[arg(long = "isolate", value_name = "NAME", help_heading = "Isolation")]
    isolated: Vec<PartName>,
    /// Start an isolated plug afresh at most N times within DUR, such as `5/1m`. After that it stays
    /// down. The default is `100/10s`.
    #[arg(
        long,
        value_name = "[NAME=]N/DUR",
        value_parser = |text: &str| OfPart::parse(text, parse_restarts),
        help_heading = "Isolation"
    )]
    restarts: Vec<OfPart<Restarts>>,
    /// Answer a call that failed in the isolated plug NAME with the error CASE of the interface.
    ///
    /// It holds for functions that return `result<_, E>`, where E is an enum or a variant and has the
    /// case without a payload. The default is `runtime-error`.
    #[arg(
        long,
        value_name = "NAME=CASE",
        value_parser = parse_case_of_part,
        help_heading = "Isolation"
    )]
    on_trap: Vec<OfPart<String>>,
}

impl IsolationArgs {
    /// Isolates the plugs that are named.
    pub fn isolate(
        &self,
        consumer: &PartName,
        plugs: Vec<Part>,
        limits: &LimitArgs,
        bounds: &BoundArgs,
    ) -> Result<Vec<Part>, UsageError> {
        let all_restarts = of_program("--restarts", &self.restarts)?;
        if all_restarts.is_some() && self.isolated.is_empty() {
            let message = "`--restarts`: no plug is isolated; add `--isolate`";
            return Err(UsageError(message.to_owned()));
        }
        of_program("--on-trap", &self.on_trap)?;
        for name in &self.isolated {
            expect_plug(name, consumer, &plugs)?;
        }
        self.expect_isolated("--restarts", &self.restarts)?;
        self.expect_isolated("--on-trap", &self.on_trap)?;
        self.expect_isolated("--timeout", &bounds.timeouts)?;
        self.expect_isolated("--fuel", &limits.fuel)?;
        self.expect_isolated("--max-memory", &limits.max_memory)?;
        let isolate = |plug: Part| {
            let name = &plug.name;
            if !self.isolated.contains(name) {
                return plug;
            }
            let memory = of_part(&limits.max_memory, name);
            let isolation = Isolation::new()
                .timeout(of_part(&bounds.timeouts, name).copied())
                .fuel(of_part(&limits.fuel, name).copied())
                .memory(memory.map(|size| usize::try_from(size.as_u64()).unwrap_or(usize::MAX)))
                .restarts(
                    of_part(&self.restarts, name)
                        .or(all_restarts)
                        .copied()
                        .unwrap_or_default(),
                )
                .observe(|_, failure| warning(failure));
            let isolation = match of_part(&self.on_trap, name) {
                Some(case) => isolation.on_trap(case),
                None => isolation,
            };
            plug.isolate(isolation)
        };
        Ok(plugs.into_iter().map(isolate).collect())
    }

    /// The first plug that is to be isolated.
    pub fn first(&self) -> Option<&PartName> {
        self.isolated.first()
    }

    /// Refuses values for parts that are not isolated.
    fn expect_isolated<T>(&self, flag: &str, values: &[OfPart<T>]) -> Result<(), UsageError> {
        let mut named = values.iter().filter_map(|value| value.part.as_ref());
        match named.find(|name| !self.isolated.contains(name)) {
            None => Ok(()),
            Some(name) => Err(UsageError(format!(
                "`{flag} {name}=…`: `{name}` is not isolated; add `--isolate {name}`, or leave out `{name}=` to mean the whole program"
            ))),
        }
    }
}

fn expect_plug(name: &PartName, consumer: &PartName, plugs: &[Part]) -> Result<(), UsageError> {
    if plugs.iter().any(|plug| plug.name == *name) {
        return Ok(());
    }
    let names = quoted_names(plugs.iter().map(|plug| &plug.name));
    Err(UsageError(match plugs {
        _ if name == consumer => format!(
            "`--isolate {name}`: it is the component that runs, and only plugs can be isolated"
        ),
        [] => format!("`--isolate {name}`: there is no plug; add one with `--plug`"),
        [_] => format!("`--isolate {name}`: no plug has that name; the only plug is {names}"),
        _ => format!("`--isolate {name}`: no plug has that name; the plugs are {names}"),
    }))
}

fn parse_restarts(text: &str) -> Result<Restarts, String> {
    let (count, within) = text
        .split_once('/')
        .ok_or("write a number, `/` and a time, such as `5/1m`")?;
    let count = count
        .parse()
        .map_err(|_| format!("`{}` is not a number of restarts", Name(count)))?;
    Ok(Restarts::new(count, parse_duration(within)?))
}

fn parse_case_of_part(text: &str) -> Result<OfPart<String>, String> {
    let how = "write the name of a plug, `=` and the name of a case, such as `cache=runtime-error`";
    let parse = |case: &str| match case {
        "" => Err(how),
        case => Ok(case.to_owned()),
    };
    let case = OfPart::parse(text, parse)?;
    match case.part {
        Some(_) => Ok(case),
        None => Err(how.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_case_belongs_to_a_plug() {
        assert!(parse_case_of_part("cache=broken").is_ok());
        for text in ["", "=", "broken", "cache=", "=broken", "Cache=broken"] {
            assert!(parse_case_of_part(text).is_err(), "{text}");
        }
    }

    #[test]
    fn restarts_have_a_number_and_a_time() {
        let minute = Duration::from_secs(60);
        assert_eq!(parse_restarts("5/1m"), Ok(Restarts::new(5, minute)));
        assert_eq!(parse_restarts("0/1m"), Ok(Restarts::new(0, minute)));
        for text in [
            "",
            "5",
            "/",
            "5/",
            "/1m",
            "-1/1m",
            "5/0s",
            "5/1m/2",
            "5 /1m",
            "4294967296/1s",
        ] {
            assert!(parse_restarts(text).is_err(), "{text}");
        }
    }
}
