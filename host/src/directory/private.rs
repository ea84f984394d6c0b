//! A directory that this user alone can write to or replace, held open.
//!
//! It is reached one name at a time, each looked up in a directory that is open and has been
//! checked. Everything in it is then reached through its descriptor, so what was checked is what is
//! used, whatever is renamed meanwhile.

#[cfg(not(unix))]
#[path = "private/unsupported.rs"]
mod system;
#[cfg(unix)]
#[path = "private/unix.rs"]
mod system;

pub(crate) use system::{PrivateDirectory, path_of_open};

use std::io;

/// Why a directory is not used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// It cannot be made or opened.
    Io(io::Error),
    /// Somebody else could write to it or replace it, in words.
    NotOwn(String),
}

impl<E: Into<io::Error>> From<E> for Unusable {
    fn from(error: E) -> Self {
        Self::Io(error.into())
    }
}
