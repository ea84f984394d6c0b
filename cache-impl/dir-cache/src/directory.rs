//! What the store asks of a directory, so that one engine runs on WASI, on the operating system
//! and on whatever a test puts in between.

#[cfg(not(target_family = "wasm"))]
mod native;

#[cfg(not(target_family = "wasm"))]
pub use native::{NativeDirectory, NativeFile};

use crate::clock::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use thiserror::Error;

/// A directory, and all that is below it.
///
/// Paths are relative, `/` separates their parts, and no path leads outside.
pub trait Directory {
    /// An open file.
    type File: File;

    /// Opens a file for reading, without waiting for anybody and without following a symbolic
    /// link at the end of `path`.
    ///
    /// What may not be read or is not a regular file is [`DirectoryError::Unreadable`], or else
    /// fails at the first [`File::read`].
    fn open(&self, path: &str) -> Result<Self::File, DirectoryError>;

    /// Makes a new file for writing. This is the only way to write: nothing is ever written to a file
    /// that was there before.
    fn create(&self, path: &str) -> Result<Self::File, DirectoryError>;

    /// Moves a file, in one step, to where nothing stands or anything but a directory.
    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError>;

    /// Removes whatever is not a directory.
    fn remove_file(&self, path: &str) -> Result<(), DirectoryError>;

    /// Makes a directory.
    fn create_directory(&self, path: &str) -> Result<(), DirectoryError>;

    /// Removes an empty directory.
    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError>;

    /// Writes back to the disk which names a directory holds; `.` is this one.
    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError>;

    /// The names in this directory itself, in no order, without those that are not Unicode.
    fn names(&self) -> Result<Vec<String>, DirectoryError>;

    /// The directory that stands at `path`, and is no symbolic link.
    fn enter(&self, path: &str) -> Result<Self, DirectoryError>
    where
        Self: Sized;

    /// What is known of a file without opening it; [`DirectoryError::Unreadable`] if it is no
    /// regular file.
    fn status(&self, path: &str) -> Result<Status, DirectoryError>;
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Its length, in bytes.
    pub size: u64,
    /// When it was last written to, by the clock of whoever holds the files.
    pub modified: Timestamp,
}

/// An open file, closed when dropped.
pub trait File {
    /// The length of the file, in bytes.
    fn size(&self) -> Result<u64, DirectoryError>;

    /// Appends to `bytes` what stands at `offset`: at most `len` bytes, fewer at the end of the
    /// file or when the host gives fewer at a time, and none only at the end.
    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError>;

    /// Writes all of `bytes` at `offset`.
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError>;

    /// Writes the file's contents back to the disk.
    fn sync(&self) -> Result<(), DirectoryError>;
}

/// Why a [`Directory`] or a [`File`] did not do what it was asked.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// Nothing stands at the path, or a directory on the way is missing.
    #[error("nothing stands there")]
    NotFound,

    /// Something stands where something new was to be made.
    #[error("something stands there already")]
    AlreadyExists,

    /// A directory stands where none can be used.
    #[error("a directory stands there")]
    IsDirectory,

    /// What was to be opened is not a regular file, or not for us to read.
    #[error("no readable file stands there")]
    Unreadable,

    /// All else: full, read-only, failing, out of handles.
    #[error("{0}")]
    Failed(Cause),
}

/// What the system said about a failure.
///
/// It is an [`io::Error`](std::io::Error), except on WebAssembly: there the engine has no standard
/// library, and no guest shows the cause, so it holds nothing and makes no guest larger.
#[cfg(not(target_family = "wasm"))]
pub type Cause = std::io::Error;
/// What the system said about a failure: on WebAssembly, nothing.
#[cfg(target_family = "wasm")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the directory failed")]
pub struct Cause;
