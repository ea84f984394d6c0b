//! The authority that imports carry.
//!
//! In WASI 0.2, authority consists of handles, and of the few interfaces that return the first handles.
//! Interfaces that only define resources do nothing without a handle, so all parts of a composition
//! share them. Every part has clocks and randomness.

use crate::names::{external::ExternName, interface::InterfaceName, wasi::Wasi};
use std::fmt;

/// The authority that an import gives to a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authority {
    /// No authority of its own: all parts of a composition share the interface.
    Shared,
    /// Each part has its own instance, which reaches what its [`Sandbox`](crate::Sandbox) grants.
    Granted(Grant),
    /// The network. The host links it for the consumer and refuses every address.
    Network,
    /// The host does not provide the interface; a plug or the embedder satisfies the import.
    Foreign,
}

/// An interface of WASI 0.2 that gives authority to the part that imports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grant {
    /// `wasi:filesystem/preopens`: the granted directories.
    Preopens,
    /// `wasi:cli/environment`: environment variables and arguments.
    Environment,
    /// `wasi:cli/stdin`: standard input.
    Stdin,
    /// `wasi:cli/stdout`: standard output.
    Stdout,
    /// `wasi:cli/stderr`: standard error.
    Stderr,
    /// `wasi:cli/exit`: ending the program with an exit code. It has an effect only for the consumer; a
    /// plug that calls it is stopped as by a trap.
    Exit,
    /// `wasi:cli/terminal-stdin`: the knowledge whether standard input is a terminal.
    TerminalStdin,
    /// `wasi:cli/terminal-stdout`: the knowledge whether standard output is a terminal.
    TerminalStdout,
    /// `wasi:cli/terminal-stderr`: the knowledge whether standard error is a terminal.
    TerminalStderr,
}

impl Authority {
    /// Classifies an import, for example `wasi:filesystem/preopens@0.2.6`.
    ///
    /// Unknown interfaces, names that are not names of interfaces, and WASI of another version than 0.2
    /// are [`Foreign`](Self::Foreign).
    pub fn of_import(name: &ExternName) -> Self {
        let known = name
            .interface()
            .and_then(|name| Some((Wasi::of(name)?, name)));
        match known {
            Some((Wasi::V0_2, name)) => Self::of_wasi_0_2(name),
            None => Self::Foreign,
        }
    }

    /// Classifies a name. A name without a version stands for every version that the host provides.
    pub(crate) fn of_interface(name: &InterfaceName) -> Self {
        match name.version() {
            Some(_) => Self::of_import(&name.clone().into()),
            None => Self::of_wasi_0_2(name),
        }
    }

    /// Classifies an interface of WASI 0.2 without regard to its version.
    fn of_wasi_0_2(name: &InterfaceName) -> Self {
        if name.namespace() != "wasi" {
            return Self::Foreign;
        }
        match (name.package(), name.interface()) {
            ("io", "error" | "poll" | "streams")
            | ("clocks", "monotonic-clock" | "wall-clock")
            | ("random", "random" | "insecure" | "insecure-seed")
            | ("filesystem", "types")
            | ("cli", "terminal-input" | "terminal-output") => Self::Shared,
            ("filesystem", "preopens") => Self::Granted(Grant::Preopens),
            ("cli", "environment") => Self::Granted(Grant::Environment),
            ("cli", "stdin") => Self::Granted(Grant::Stdin),
            ("cli", "stdout") => Self::Granted(Grant::Stdout),
            ("cli", "stderr") => Self::Granted(Grant::Stderr),
            ("cli", "exit") => Self::Granted(Grant::Exit),
            ("cli", "terminal-stdin") => Self::Granted(Grant::TerminalStdin),
            ("cli", "terminal-stdout") => Self::Granted(Grant::TerminalStdout),
            ("cli", "terminal-stderr") => Self::Granted(Grant::TerminalStderr),
            (
                "sockets",
                "network" | "instance-network" | "ip-name-lookup" | "tcp" | "tcp-create-socket"
                | "udp" | "udp-create-socket",
            ) => Self::Network,
            _ => Self::Foreign,
        }
    }

    /// `true` if the host itself can satisfy the import.
    pub fn is_provided_by_host(self) -> bool {
        self != Self::Foreign
    }
}

impl Grant {
    /// All grants.
    pub const ALL: [Self; 9] = [
        Self::Preopens,
        Self::Environment,
        Self::Stdin,
        Self::Stdout,
        Self::Stderr,
        Self::Exit,
        Self::TerminalStdin,
        Self::TerminalStdout,
        Self::TerminalStderr,
    ];

    /// The last part of the interface's name, as in `NAME:grant/<interface>`.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Preopens => "preopens",
            Self::Environment => "environment",
            Self::Stdin => "stdin",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Exit => "exit",
            Self::TerminalStdin => "terminal-stdin",
            Self::TerminalStdout => "terminal-stdout",
            Self::TerminalStderr => "terminal-stderr",
        }
    }
}

/// The grants whose handles are passed in calls of a shared interface, so that a component that
/// exports the interface in place of the host can use them. A pollable only reports that something is
/// ready, so `wasi:io/poll` passes none.
pub(crate) fn handles_passed_by(interface: &ExternName) -> &'static [Grant] {
    let Some(name) = interface.interface() else {
        return &[];
    };
    if name.is("wasi", "filesystem", "types") {
        &[Grant::Preopens]
    } else if name.is("wasi", "io", "streams") {
        &[Grant::Preopens, Grant::Stdin, Grant::Stdout, Grant::Stderr]
    } else {
        &[]
    }
}

/// Writes a short description of the things that a component can reach through the interface.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preopens => "directories",
            Self::Environment => "environment and arguments",
            Self::Stdin => "standard input",
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
            Self::Exit => "ending the program",
            Self::TerminalStdin => "whether standard input is a terminal",
            Self::TerminalStdout => "whether standard output is a terminal",
            Self::TerminalStderr => "whether standard error is a terminal",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_foreign() {
        for name in [
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:filesystem/preopens@0.3.0",
            "wasi:filesystem/preopens",
            "wasi:filesystem/preopens@0.20.0",
            "wasi:filesystem/preopens@0.2",
            "wasi:filesystem/preopens@0.2.0-rc.1",
            "wasi:filesystem:preopens@0.2.0",
            "wasi:filesystem/preopens/x@0.2.0",
            "other:filesystem/types@0.2.0",
            "run",
        ] {
            assert_eq!(
                Authority::of_import(&name.into()),
                Authority::Foreign,
                "{name}"
            );
        }
    }

    #[test]
    fn each_interface_of_wasi_has_the_authority_that_its_handles_give() {
        let of = |name: &str| Authority::of_import(&format!("wasi:{name}@0.2.6").into());
        let granted = [
            ("filesystem/preopens", Grant::Preopens),
            ("cli/environment", Grant::Environment),
            ("cli/stdin", Grant::Stdin),
            ("cli/stdout", Grant::Stdout),
            ("cli/stderr", Grant::Stderr),
            ("cli/exit", Grant::Exit),
            ("cli/terminal-stdin", Grant::TerminalStdin),
            ("cli/terminal-stdout", Grant::TerminalStdout),
            ("cli/terminal-stderr", Grant::TerminalStderr),
        ];
        for (name, grant) in granted {
            assert_eq!(of(name), Authority::Granted(grant), "{name}");
            assert_eq!(name.split('/').next_back(), Some(grant.interface()));
        }
        assert_eq!(granted.map(|(_, grant)| grant), Grant::ALL);
        for name in [
            "network",
            "instance-network",
            "ip-name-lookup",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ] {
            assert_eq!(of(&format!("sockets/{name}")), Authority::Network, "{name}");
        }
        for name in [
            "io/error",
            "io/poll",
            "io/streams",
            "clocks/monotonic-clock",
            "clocks/wall-clock",
            "random/random",
            "random/insecure",
            "random/insecure-seed",
            "filesystem/types",
            "cli/terminal-input",
            "cli/terminal-output",
        ] {
            assert_eq!(of(name), Authority::Shared, "{name}");
        }
    }

    #[test]
    fn a_name_without_a_version_means_any_that_the_host_provides() {
        let of = |name: &str| Authority::of_interface(&name.parse().expect(name));
        for name in ["wasi:io/poll", "wasi:io/poll@0.2.0", "wasi:io/poll@0.2.9"] {
            assert_eq!(of(name), Authority::Shared, "{name}");
        }
        for name in ["wasi:io/poll@0.3.0", "test:io/poll", "wasi:io/polls"] {
            assert_eq!(of(name), Authority::Foreign, "{name}");
        }
    }

    #[test]
    fn only_what_is_foreign_is_not_provided_by_the_host() {
        assert!(!Authority::Foreign.is_provided_by_host());
        for authority in [
            Authority::Shared,
            Authority::Granted(Grant::Preopens),
            Authority::Network,
        ] {
            assert!(authority.is_provided_by_host(), "{authority:?}");
        }
    }
}
