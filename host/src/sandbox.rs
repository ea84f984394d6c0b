//! What one component may reach.

pub(crate) mod authority;
pub(crate) mod input;
pub(crate) mod output;
mod stderr_lines;

use crate::{
    directory::granted::{GrantedDirectory, GuestMadeLink, Refused},
    names::part::PartName,
    sandbox::authority::Grant,
    sandbox::input::Input,
    sandbox::output::{Output, OutputName},
    untrusted::Name,
};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    FsPerms, WasiCtx, WasiCtxBuilder, WasiView,
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p1::WasiP1Ctx,
    p2::bindings::filesystem::preopens::Host as _,
};

/// How many random bytes a guest may ask for at a time.
pub(crate) const MAX_RANDOM: u64 = 64 << 20;

/// The authority of one component: its directories, environment, arguments and standard streams.
///
/// Nothing is granted by default: no directory, no variable, no argument, and the standard streams
/// are empty. Clocks and randomness are there for everyone; the network is for nobody.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    args: Vec<String>,
    env: Vec<(String, String)>,
    preopens: Vec<Preopen>,
    stdin: Input,
    stdout: Output,
    stderr: Output,
}

/// A directory of the host and the name that the guest sees it under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preopen {
    /// Where it is on the host.
    pub host: PathBuf,
    /// What the guest calls it.
    pub guest: String,
    /// What the guest may do below it.
    pub access: Access,
}

impl Preopen {
    /// A directory in which everything may be done.
    pub fn read_write(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            guest: guest.into(),
            access: Access::ReadWrite,
        }
    }

    /// A directory that may be read.
    pub fn read_only(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self {
            access: Access::ReadOnly,
            ..Self::read_write(host, guest)
        }
    }
}

impl Preopen {
    /// What is granted, in words, and where it really is.
    fn resolved(&self) -> String {
        match GrantedDirectory::open(&self.host) {
            Ok(opened) if is_told_by(&opened.path, &self.host) => self.to_string(),
            Ok(opened) => format!("{self}, which is `{}`", Name(opened.path.display())),
            Err(Refused::Link(link)) => format!("{self}, which is refused: {link}"),
            // Not there yet, it may be made before the program runs.
            Err(Refused::Io(_)) => self.to_string(),
        }
    }
}

/// Whether a path shows by itself where it leads.
fn is_told_by(resolved: &Path, path: &Path) -> bool {
    std::path::absolute(path).is_ok_and(|path| path == resolved)
}

impl fmt::Display for Preopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            guest,
            access,
        } = self;
        let access = match access {
            Access::ReadOnly => "to read",
            Access::ReadWrite => "to read and write",
        };
        let host = Name(host.display());
        write!(f, "directory `{host}` as `{}`, {access}", Name(guest))
    }
}

/// What may be done in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Files can be listed and read.
    ReadOnly,
    /// Files can also be made, changed and removed.
    ReadWrite,
}

/// The sandboxes of all parts of a composition.
#[derive(Debug, Clone, Default)]
pub struct Sandboxes {
    /// The socket's: the component that is run.
    pub consumer: Sandbox,
    /// The plugs', by name. A plug that is missing here has an empty one.
    pub plugs: BTreeMap<PartName, Sandbox>,
    /// Where operations on files wait for the system, for all parts.
    pub file_operations: FileOperations,
}

/// Where an operation on a file or a directory waits that blocks: the system offers no other way to
/// open, read and write them.
///
/// Opening a FIFO that nobody else opens, or reading from a file system that has gone away, can take
/// for ever. On the calling thread nothing can end that but the end of the process, not even
/// [`Limits::timeout`](crate::Limits::timeout).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FileOperations {
    /// On the thread that runs the instance, and all others that run on the same thread wait too. It
    /// is what a command wants: an operation on a small file takes a tenth or less of the time.
    #[default]
    OnCallingThread,
    /// On threads that Tokio has for it (`spawn_blocking`), while the calling thread runs other
    /// instances. It is what a server wants.
    OnOtherThreads,
}

/// Why a sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum SandboxError {
    /// A directory that is to be granted cannot be opened.
    #[error("failed to open directory `{}` for `{part}`; make it first, or name another one", Name(.host.display()))]
    Preopen {
        part: PartName,
        host: PathBuf,
        source: wasmtime::Error,
    },
    /// A link leads to a directory that is to be granted, and a program could have made the link.
    #[error(
        "failed to open directory `{}` for `{part}`{}",
        Name(.host.display()), leads_to(.directory)
    )]
    Link {
        part: PartName,
        host: PathBuf,
        /// The directory that it leads to, if that is there.
        directory: Option<PathBuf>,
        source: GuestMadeLink,
    },
    /// The directory was replaced while it was opened.
    #[error("failed to open directory `{}` for `{part}`: it was replaced meanwhile", Name(.host.display()))]
    Replaced { part: PartName, host: PathBuf },
    /// A sandbox was given for a part that the composition does not have.
    #[error("no plug is named `{name}`")]
    NoSuchPlug { name: PartName },
}

/// The remedy for a link.
fn leads_to(directory: &Option<PathBuf>) -> String {
    match directory {
        Some(directory) => format!(
            "; to grant what the link leads to, name that directory itself: `{}`",
            Name(directory.display())
        ),
        None => String::new(),
    }
}

impl Sandboxes {
    /// How many directories a part is granted at most.
    pub(crate) fn most_directories(&self) -> usize {
        let plugs = self.plugs.values();
        let counts = plugs.map(|sandbox| sandbox.preopens.len());
        counts.fold(self.consumer.preopens.len(), usize::max)
    }

    /// Whether any part is granted a directory in which it can make, change or remove files.
    pub fn grant_writing(&self) -> bool {
        std::iter::once(&self.consumer)
            .chain(self.plugs.values())
            .any(|sandbox| sandbox.writable_directories().next().is_some())
    }
}

impl Sandbox {
    /// A sandbox in which nothing is granted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an argument. The first one is the program's name by custom.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable, in the place of an earlier value.
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

    /// Passes on what the component writes to standard error line by line, each marked with `name`.
    pub fn mark_stderr(self, name: PartName) -> Self {
        self.stderr(Output::marked_lines(name))
    }

    /// The directories of the host in which files can be made, changed and removed.
    pub(crate) fn writable_directories(&self) -> impl Iterator<Item = &Path> {
        let writable = |preopen: &&Preopen| preopen.access == Access::ReadWrite;
        let writable = self.preopens.iter().filter(writable);
        writable.map(|preopen| preopen.host.as_path())
    }

    /// What an import of this kind gives here, in words.
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
            // Who may end the program is not a matter of sandboxes, and to know what a stream that
            // is granted is connected to comes with it.
            Grant::Exit | Grant::TerminalStdin | Grant::TerminalStdout | Grant::TerminalStderr => {
                Vec::new()
            }
        }
    }

    /// Opens what is granted to a consumer, which may be a core module.
    pub(crate) fn open(
        &self,
        part: &PartName,
        file_operations: FileOperations,
    ) -> Result<WasiP1Ctx, SandboxError> {
        let (mut builder, opened) = self.builder(part, file_operations)?;
        let mut wasi = builder.build_p1();
        self.expect_opened(part, wasi.ctx().ctx, &opened)?;
        Ok(wasi)
    }

    /// Opens what is granted to a plug, which has no handles of its own.
    pub(crate) fn open_as_plug(
        &self,
        part: &PartName,
        file_operations: FileOperations,
    ) -> Result<WasiCtx, SandboxError> {
        let (mut builder, opened) = self.builder(part, file_operations)?;
        let mut wasi = builder.build();
        self.expect_opened(part, &mut wasi, &opened)?;
        Ok(wasi)
    }

    /// The engine opens a directory by its path. That it is the one that was looked at, is seen
    /// afterwards.
    fn expect_opened(
        &self,
        part: &PartName,
        wasi: &mut WasiCtx,
        opened: &[GrantedDirectory],
    ) -> Result<(), SandboxError> {
        if opened.is_empty() {
            return Ok(());
        }
        let mut table = ResourceTable::new();
        let mut files = WasiFilesystemCtxView {
            ctx: wasi.filesystem(),
            table: &mut table,
        };
        let granted = files.get_directories().unwrap_or_default();
        for (index, preopen) in self.preopens.iter().enumerate() {
            let found = granted
                .get(index)
                .and_then(|(found, _)| table.get(found).ok());
            let is_same = match (found, opened.get(index)) {
                (Some(Descriptor::Dir(found)), Some(opened)) => {
                    opened.is(&found.dir).unwrap_or(false)
                }
                _ => false,
            };
            if !is_same {
                return Err(SandboxError::Replaced {
                    part: part.clone(),
                    host: preopen.host.clone(),
                });
            }
        }
        Ok(())
    }

    fn builder(
        &self,
        part: &PartName,
        file_operations: FileOperations,
    ) -> Result<(WasiCtxBuilder, Vec<GrantedDirectory>), SandboxError> {
        let mut wasi = WasiCtx::builder();
        // It is copied into each directory as that is opened, so it comes first.
        wasi.allow_blocking_current_thread(file_operations == FileOperations::OnCallingThread);
        wasi.args(&self.args)
            .envs(&self.env)
            .max_random_size(MAX_RANDOM);
        let mut opened = Vec::new();
        for Preopen {
            host,
            guest,
            access,
        } in &self.preopens
        {
            let permissions = match access {
                Access::ReadOnly => FsPerms::ReadOnly,
                Access::ReadWrite => FsPerms::ReadWrite,
            };
            let failed = |source| SandboxError::Preopen {
                part: part.clone(),
                host: host.clone(),
                source,
            };
            let directory = GrantedDirectory::open(host).map_err(|refused| match refused {
                Refused::Io(error) => failed(error.into()),
                Refused::Link(source) => SandboxError::Link {
                    part: part.clone(),
                    host: host.clone(),
                    directory: host.canonicalize().ok(),
                    source,
                },
            })?;
            wasi.preopened_dir(&directory.path, guest, permissions)
                .map_err(failed)?;
            opened.push(directory);
        }
        self.stdin.define(&mut wasi);
        self.stdout.define(&mut wasi, OutputName::Stdout);
        self.stderr.define(&mut wasi, OutputName::Stderr);
        Ok((wasi, opened))
    }
}
