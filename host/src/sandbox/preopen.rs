//! Directories that a sandbox grants.

use crate::{
    directory::granted::{GrantedDirectory, Refused},
    untrusted::Name,
};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A directory of the host that is granted to a guest. It is opened when a program is instantiated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preopen {
    /// The path of the directory on the host. A relative path starts at the current directory of the
    /// process.
    pub host: PathBuf,
    /// The path of the directory in the guest.
    pub guest: String,
    /// The access of the guest to everything below the directory.
    pub access: Access,
}

impl Preopen {
    /// Grants a directory with this access.
    pub fn new(host: impl Into<PathBuf>, guest: impl Into<String>, access: Access) -> Self {
        Self {
            host: host.into(),
            guest: guest.into(),
            access,
        }
    }

    /// Grants a directory in which the guest may make, change and remove files.
    pub fn read_write(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self::new(host, guest, Access::ReadWrite)
    }

    /// Grants a directory in which the guest may list and read files.
    pub fn read_only(host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        Self::new(host, guest, Access::ReadOnly)
    }

    /// A description of the grant, with the resolved path if it differs from the given one.
    pub(super) fn resolved(&self) -> String {
        match GrantedDirectory::open(&self.host) {
            Ok(opened) if is_absolute_form(&opened.path, &self.host) => self.to_string(),
            Ok(opened) => format!("{self}, which is `{}`", Name(opened.path.display())),
            Err(Refused::Link(link)) => format!("{self}, which is refused: {link}"),
            // The directory does not exist yet, but may be made before the program runs.
            Err(Refused::Io(_)) => self.to_string(),
        }
    }
}

/// `true` if `resolved` is the absolute form of `path`, so that no link is involved.
fn is_absolute_form(resolved: &Path, path: &Path) -> bool {
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

/// The access of a guest to a granted directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Files can be listed and read.
    ReadOnly,
    /// Files can also be made, changed and removed.
    ReadWrite,
}
