//! Directories, read entry by entry.
//!
//! The engine reads all entries when a listing starts, and asks the system for the type of each. For a
//! million files that takes hundreds of megabytes, and each listing is a host call of several seconds.

use super::{Context, LISTING, dropped};
use crate::{sandbox::open::FileOperations, store::state::State};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use std::{collections::VecDeque, fs::File, io, sync::Arc};
use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime_wasi::{
    WasiView,
    filesystem::Descriptor,
    p2::bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode},
};

/// A directory that is being listed.
struct Listing {
    /// `None` while another thread reads the directory.
    directory: Option<Dir>,
    /// Entries that another thread has read.
    ahead: VecDeque<Entry>,
}

type Entry = Result<DirectoryEntry, ErrorCode>;

/// The number of entries that another thread reads at a time. Changing threads for each entry would
/// take longer than reading the entry.
const ENTRIES_AT_A_TIME: usize = 64;

/// Defines `directory-entry-stream` and the functions that make and read one.
pub(super) fn define(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.resource(
        "directory-entry-stream",
        ResourceType::host::<Listing>(),
        |mut store, handle| dropped::<Listing>(&mut store, handle).map(drop),
    )?;
    types.func_wrap_async(
        "[method]descriptor.read-directory",
        |store: Context<'_>, (directory,): (Resource<Descriptor>,)| {
            Box::new(async move { Ok((read_directory(store, directory).await?,)) })
        },
    )?;
    types.func_wrap_async(
        "[method]directory-entry-stream.read-directory-entry",
        |store: Context<'_>, (listing,): (Resource<Listing>,)| {
            Box::new(async move { Ok((read_entry(store, listing).await?,)) })
        },
    )
}

async fn read_directory(
    mut store: Context<'_>,
    directory: Resource<Descriptor>,
) -> wasmtime::Result<Result<Resource<Listing>, ErrorCode>> {
    let state = store.data_mut();
    let directory = match state.ctx().table.get(&directory)? {
        Descriptor::Dir(directory) => directory.dir.clone(),
        Descriptor::File(_) => return Ok(Err(ErrorCode::NotDirectory)),
    };
    if !state.limiter.reserve_stream(LISTING) {
        return Ok(Err(ErrorCode::InsufficientMemory));
    }
    let opened = match state.file_operations {
        FileOperations::OnCallingThread => open(&directory),
        FileOperations::OnOtherThreads => on_other_thread(move || open(&directory)).await.flatten(),
    };
    let state = store.data_mut();
    let listing = opened.map(|directory| Listing {
        directory: Some(directory),
        ahead: VecDeque::new(),
    });
    match listing.map(|listing| state.ctx().table.push(listing)) {
        Ok(Ok(listing)) => {
            state.limiter.open_stream(listing.rep(), LISTING);
            Ok(Ok(listing))
        }
        Ok(Err(full)) => {
            state.limiter.unreserve_stream(LISTING);
            Err(full.into())
        }
        Err(error) => {
            state.limiter.unreserve_stream(LISTING);
            Ok(Err(error.into()))
        }
    }
}

async fn read_entry(
    mut store: Context<'_>,
    resource: Resource<Listing>,
) -> wasmtime::Result<Result<Option<DirectoryEntry>, ErrorCode>> {
    let state = store.data_mut();
    let operations = state.file_operations;
    let listing = state.ctx().table.get_mut(&resource)?;
    if let Some(entry) = listing.ahead.pop_front() {
        return Ok(entry.map(Some));
    }
    // The directory is missing if the call that read it was dropped before it ended.
    let Some(mut directory) = listing.directory.take() else {
        return Ok(Err(ErrorCode::Io));
    };
    let (directory, mut entries) = match operations {
        FileOperations::OnCallingThread => {
            let entry = next(&mut directory).transpose();
            (directory, VecDeque::from_iter(entry))
        }
        FileOperations::OnOtherThreads => {
            let read = on_other_thread(move || {
                let entries = read_some(&mut directory);
                (directory, entries)
            });
            match read.await {
                Ok(read) => read,
                Err(error) => return Ok(Err(error.into())),
            }
        }
    };
    let entry = entries.pop_front().transpose();
    let listing = store.data_mut().ctx().table.get_mut(&resource)?;
    listing.directory = Some(directory);
    listing.ahead = entries;
    Ok(entry)
}

async fn on_other_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)
}

fn open(directory: &Arc<File>) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(&**directory, ".", flags, Mode::empty());
    Ok(directory.and_then(Dir::new)?)
}

/// Reads up to [`ENTRIES_AT_A_TIME`] entries. It stops earlier after an error or at the end.
fn read_some(directory: &mut Dir) -> VecDeque<Entry> {
    let mut entries = VecDeque::new();
    while entries.len() < ENTRIES_AT_A_TIME {
        let Some(entry) = next(directory).transpose() else {
            break;
        };
        let is_error = entry.is_err();
        entries.push_back(entry);
        if is_error {
            break;
        }
    }
    entries
}

fn next(directory: &mut Dir) -> Result<Option<DirectoryEntry>, ErrorCode> {
    loop {
        let Some(entry) = directory.read() else {
            return Ok(None);
        };
        let entry = entry.map_err(io::Error::from)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems do not report the type of an entry with its name.
            FileType::Unknown => {
                let directory = directory.fd().map_err(io::Error::from)?;
                let status = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
                let status = status.map_err(io::Error::from)?;
                FileType::from_raw_mode(status.st_mode)
            }
            kind => kind,
        };
        let name = name.to_str().map_err(|_| ErrorCode::IllegalByteSequence)?;
        return Ok(Some(DirectoryEntry {
            type_: descriptor_type(kind),
            name: name.to_owned(),
        }));
    }
}

/// A pipe and a socket have the same type, as in the engine's `stat`.
fn descriptor_type(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::Fifo | FileType::Socket | FileType::Unknown => DescriptorType::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_thread_reads_every_entry_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let count = 2 * ENTRIES_AT_A_TIME + 3;
        for number in 0..count {
            std::fs::write(directory.path().join(number.to_string()), "").expect("a file");
        }
        let opened = File::open(directory.path()).expect("it is there");
        let mut opened = open(&Arc::new(opened)).expect("it can be read");
        let mut names = Vec::new();
        loop {
            let entries = read_some(&mut opened);
            assert!(entries.len() <= ENTRIES_AT_A_TIME);
            if entries.is_empty() {
                break;
            }
            names.extend(
                entries
                    .into_iter()
                    .map(|entry| entry.expect("an entry").name),
            );
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
