//! Directories, read entry by entry.
//!
//! The engine reads all entries when a listing starts, and asks the system about each: with a
//! million files that is hundreds of megabytes and a host call of seconds, for each listing.

use super::{Context, LISTING, charged, dropped};
use crate::store::state::State;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use std::io;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime_wasi::{
    WasiView,
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p2::{
        FsResult,
        bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode},
    },
};

/// A directory that is being read.
struct Listing(Dir);

/// Defines `directory-entry-stream` and the functions that make and read one.
pub(super) fn define(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.resource(
        "directory-entry-stream",
        ResourceType::host::<Listing>(),
        |mut store, handle| dropped::<Listing>(&mut store, handle).map(drop),
    )?;
    types.func_wrap(
        "[method]descriptor.read-directory",
        |mut store: Context<'_>, (directory,): (Resource<Descriptor>,)| {
            charged(&mut store, LISTING, |files| open(files, &directory))
        },
    )?;
    types.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: Context<'_>, (listing,): (Resource<Listing>,)| {
            let listing = store.data_mut().ctx().table.get_mut(&listing)?;
            Ok((listing.next(),))
        },
    )
}

fn open(
    files: &mut WasiFilesystemCtxView<'_>,
    directory: &Resource<Descriptor>,
) -> FsResult<Resource<Listing>> {
    let directory = match files.table.get(directory)? {
        Descriptor::Dir(directory) => directory,
        Descriptor::File(_) => return Err(ErrorCode::NotDirectory.into()),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(&*directory.dir, ".", flags, Mode::empty());
    let directory = directory.and_then(Dir::new).map_err(io::Error::from)?;
    Ok(files.table.push(Listing(directory))?)
}

impl Listing {
    fn next(&mut self) -> Result<Option<DirectoryEntry>, ErrorCode> {
        loop {
            let Some(entry) = self.0.read() else {
                return Ok(None);
            };
            let entry = entry.map_err(io::Error::from)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not tell by the way.
                FileType::Unknown => {
                    let directory = self.0.fd().map_err(io::Error::from)?;
                    let status = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
                    let status = status.map_err(io::Error::from)?;
                    FileType::from_raw_mode(status.st_mode)
                }
                kind => kind,
            };
            let name = name.to_str().map_err(|_| ErrorCode::IllegalByteSequence)?;
            return Ok(Some(DirectoryEntry {
                type_: told(kind),
                name: name.to_owned(),
            }));
        }
    }
}

/// A pipe and a socket are not told apart, as they are not by the engine's `stat` either.
fn told(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::Fifo | FileType::Socket | FileType::Unknown => DescriptorType::Unknown,
    }
}
