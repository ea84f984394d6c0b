//! The authority that is granted to one component.

pub(crate) mod authority;
pub(crate) mod error;
pub(crate) mod input;
pub(crate) mod open;
pub(crate) mod output;
pub(crate) mod parts;
pub(crate) mod preopen;
mod stderr_lines;

use crate::{
    names::part::PartName,
    sandbox::authority::Grant,
    sandbox::input::Input,
    sandbox::output::{Output, OutputName},
    sandbox::preopen::{Access, Preopen},
    untrusted::Name,
};
use std::path::Path;

/// The authority of one component: its directories, environment, arguments and standard streams.
///
/// Nothing is granted by default: no directory, no variable, no argument, and the standard streams
/// are empty. Every component has clocks and randomness; none has the network.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    args: Vec<String>,
    env: Vec<(String, String)>,
    preopens: Vec<Preopen>,
    stdin: Input,
    stdout: Output,
    stderr: Output,
}

impl Sandbox {
    /// A sandbox in which nothing is granted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an argument. By convention, the first one is the name of the program.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable, or replaces its earlier value.
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        match self.env.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.env.push((key, value)),
        }
        self
    }

    /// Grants a directory. It is opened when a program is instantiated.
    pub fn preopen(mut self, preopen: Preopen) -> Self {
        self.preopens.push(preopen);
        self
    }

    /// Grants an input as standard input.
    pub fn stdin(mut self, input: Input) -> Self {
        self.stdin = input;
        self
    }

    /// Grants an output as standard output.
    pub fn stdout(mut self, output: Output) -> Self {
        self.stdout = output;
        self
    }

    /// Grants an output as standard error.
    pub fn stderr(mut self, output: Output) -> Self {
        self.stderr = output;
        self
    }

    /// Grants this process's standard input.
    pub fn inherit_stdin(self) -> Self {
        self.stdin(Input::inherited())
    }

    /// Grants this process's standard output.
    pub fn inherit_stdout(self) -> Self {
        self.stdout(Output::inherited())
    }

    /// Grants this process's standard error.
    pub fn inherit_stderr(self) -> Self {
        self.stderr(Output::inherited())
    }

    /// Grants this process's standard error line by line, each line marked with `name`.
    pub fn mark_stderr(self, name: PartName) -> Self {
        self.stderr(Output::marked_lines(name))
    }

    /// The directories of the host in which files can be made, changed and removed.
    pub(crate) fn writable_directories(&self) -> impl Iterator<Item = &Path> {
        let writable = |preopen: &&Preopen| preopen.access == Access::ReadWrite;
        let writable = self.preopens.iter().filter(writable);
        writable.map(|preopen| preopen.host.as_path())
    }

    /// Descriptions of the things that an import of this kind can reach in this sandbox, one for each.
    pub(crate) fn grants(&self, grant: Grant) -> Vec<String> {
        match grant {
            Grant::Preopens => self.preopens.iter().map(Preopen::resolved).collect(),
            Grant::Environment => {
                let variables = self
                    .env
                    .iter()
                    .map(|(key, _)| format!("variable `{}`", Name(key)));
                let arguments = match self.args.len() {
                    0 => None,
                    1 => Some("1 argument".to_owned()),
                    count => Some(format!("{count} arguments")),
                };
                variables.chain(arguments).collect()
            }
            Grant::Stdin => self.stdin.granted().into_iter().collect(),
            Grant::Stdout => {
                let granted = self.stdout.granted(OutputName::Stdout);
                granted.into_iter().collect()
            }
            Grant::Stderr => {
                let granted = self.stderr.granted(OutputName::Stderr);
                granted.into_iter().collect()
            }
            // A sandbox does not grant the end of the program. The grant of a stream includes the
            // knowledge whether the stream is a terminal.
            Grant::Exit | Grant::TerminalStdin | Grant::TerminalStdout | Grant::TerminalStderr => {
                Vec::new()
            }
        }
    }
}
