//! Opening what a sandbox grants, when a program is instantiated.

use super::{
    Sandbox,
    error::SandboxError,
    output::OutputName,
    preopen::{Access, Preopen},
};
use crate::{
    directory::granted::{GrantedDirectory, Refused},
    names::part::PartName,
};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    FsPerms, WasiCtx, WasiCtxBuilder, WasiView,
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p1::WasiP1Ctx,
    p2::bindings::filesystem::preopens::Host as _,
};

/// The largest number of random bytes that a guest can ask for at a time.
pub(crate) const MAX_RANDOM: u64 = 64 << 20;

/// The threads that operations on files and directories block. Systems offer no other way to open, read
/// and write files.
///
/// An operation can block forever: for example, opening a FIFO that no other process opens, or reading
/// from a file system that does not respond. If it blocks the calling thread, only the end of the
/// process stops it; not even [`Limits::timeout`](crate::Limits::timeout) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FileOperations {
    /// The thread that runs the instance. Other instances on that thread wait too. It suits a command,
    /// because an operation on a small file then takes a tenth of the time or less.
    #[default]
    OnCallingThread,
    /// The threads of Tokio's `spawn_blocking`. The calling thread runs other instances meanwhile. It
    /// suits a server.
    OnOtherThreads,
}

impl Sandbox {
    /// Opens the grants of a consumer, which may be a core module.
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

    /// Opens the grants of a plug, which has no table of handles of its own.
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

    /// Checks that the engine, which opens a directory by its path, has opened the directory that was
    /// checked before.
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
        // Each directory copies this setting when it is opened.
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
                .map_err(|error| failed(error.into()))?;
            opened.push(directory);
        }
        self.stdin.define(&mut wasi);
        self.stdout.define(&mut wasi, OutputName::Stdout);
        self.stderr.define(&mut wasi, OutputName::Stderr);
        Ok((wasi, opened))
    }
}
