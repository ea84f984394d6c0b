//! The operations of a directory that the store needs, so that one engine runs on WASI, on the
//! operating system and on the wrappers of tests.

#[cfg(not(target_family = "wasm"))]
mod native;

#[cfg(not(target_family = "wasm"))]
pub use native::{NativeDirectory, NativeFile};

use crate::clock::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use thiserror::Error;

/// A directory and everything below it.
///
/// Paths are relative, `/` separates their parts, and no path leads outside.
pub trait Directory {
    /// An open file.
    type File: File;

    /// Opens a file for reading, without waiting for another process and without following a
    /// symbolic link at the end of `path`.
    ///
    /// If `path` is not a readable regular file, this call fails with
    /// [`DirectoryError::Unreadable`], or else the first [`File::read`] fails.
    fn open(&self, path: &str) -> Result<Self::File, DirectoryError>;

    /// Creates a new file for writing. There is no other way to write, so a file that already
    /// exists is never written to.
    fn create(&self, path: &str) -> Result<Self::File, DirectoryError>;

    /// Moves a file, in one step, to a path where nothing stands or anything but a directory.
    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError>;

    /// Removes anything that is not a directory.
    fn remove_file(&self, path: &str) -> Result<(), DirectoryError>;

    /// Creates a directory.
    fn create_directory(&self, path: &str) -> Result<(), DirectoryError>;

    /// Removes an empty directory.
    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError>;

    /// Writes the names that a directory holds back to the disk; `.` is this directory.
    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError>;

    /// The names in this directory itself, in no order, without those that are not Unicode.
    fn names(&self) -> Result<Vec<String>, DirectoryError>;

    /// The directory at `path`, which may not be a symbolic link.
    fn enter(&self, path: &str) -> Result<Self, DirectoryError>
    where
        Self: Sized;

    /// The status of a file, without opening it; [`DirectoryError::Unreadable`] if it is not a
    /// regular file.
    fn status(&self, path: &str) -> Result<Status, DirectoryError>;
}

/// The properties of a file that are known without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The length, in bytes.
    pub size: u64,
    /// The time of the last write, by the clock of the system that holds the files.
    pub modified: Timestamp,
}

/// An open file, closed when dropped.
pub trait File {
    /// The length of the file, in bytes.
    fn size(&self) -> Result<u64, DirectoryError>;

    /// Appends the bytes at `offset` to `bytes`: at most `len` of them, fewer at the end of the
    /// file or when the host gives fewer at a time, and none only at the end.
    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError>;

    /// Writes all of `bytes` at `offset`.
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError>;

    /// Writes the file's contents back to the disk.
    fn sync(&self) -> Result<(), DirectoryError>;
}

/// The failure of an operation on a [`Directory`] or a [`File`].
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// Nothing stands at the path, or a directory on the way is missing.
    #[error("nothing stands there")]
    NotFound,

    /// Something already stands at the path of a new file or directory.
    #[error("something stands there already")]
    AlreadyExists,

    /// A directory stands at a path where none can be used.
    #[error("a directory stands there")]
    IsDirectory,

    /// The path does not hold a regular file, or this process may not read it.
    #[error("no readable file stands there")]
    Unreadable,

    /// Any other failure: full, read-only, failing, out of handles.
    #[error("{0}")]
    Failed(Cause),
}

/// The system's description of a failure.
///
/// It is an [`io::Error`](std::io::Error), except on WebAssembly: there the engine has no standard
/// library and no guest shows the cause, so the type is empty and adds nothing to a guest's size.
#[cfg(not(target_family = "wasm"))]
pub type Cause = std::io::Error;
/// The system's description of a failure: on WebAssembly, nothing.
#[cfg(target_family = "wasm")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the directory failed")]
pub struct Cause;
