//! An open directory that only this user can write to or replace.
//!
//! Its path is walked one name at a time; each name is looked up in an open directory that has been
//! checked. Files are then opened through the descriptor of the directory, so the checked directory is
//! the one that is used, even if its path is renamed meanwhile.

#[cfg(not(unix))]
#[path = "private/unsupported.rs"]
mod system;
#[cfg(unix)]
#[path = "private/unix.rs"]
mod system;

pub(crate) use system::{PrivateDirectory, path_of_open};

use std::io;

/// An error of opening a private directory.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The directory cannot be created or opened.
    Io(io::Error),
    /// Another user could write to it or replace it; the text says how.
    NotOwn(String),
}

impl<E: Into<io::Error>> From<E> for Unusable {
    fn from(error: E) -> Self {
        Self::Io(error.into())
    }
}
