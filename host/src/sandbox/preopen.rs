//! Directories that a sandbox grants.

use crate::{
    directory::granted::{GrantedDirectory, Refused},
    untrusted::Name,
};
use std::{
    fmt,
    path::{Path, PathBuf},
};

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
    pub(super) fn resolved(&self) -> String {
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
