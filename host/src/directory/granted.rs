//! Opening a directory that is granted to a part.
//!
//! A guest that may write to a directory can put a symbolic link there and wait until a user grants the
//! path of that link to a guest: if `data/cache` has become a link to `../../home`, granting
//! `data/cache` would grant `home`. So a link on the path of a granted directory is followed only in
//! two cases. In the first, the link is harmless: its target stays below the directory that holds the
//! link, as in `/tmp -> private/tmp`. In the second, no guest can have made the link: this user cannot
//! write to the directory that holds it, as with `/var` for everybody except the administrator. Any
//! other link is refused; the user can grant its target by its own path instead.
//!
//! The path is walked through open directories, so the directory that was checked is the one that is
//! opened.

#[cfg(not(unix))]
#[path = "granted/unsupported.rs"]
mod system;
#[cfg(unix)]
#[path = "granted/unix.rs"]
mod system;

pub(crate) use system::GrantedDirectory;

use crate::untrusted::Name;
use std::{io, path::PathBuf};

/// A symbolic link on the path of a granted directory. A guest could have made it, so it is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is a symbolic link to `{}`, and a program that could write to its directory could have made it",
    Name(.link.display()), Name(.target.display())
)]
#[non_exhaustive]
pub struct GuestMadeLink {
    /// The path of the link, without links before it.
    pub link: PathBuf,
    /// The target of the link, as it is written in the link.
    pub target: PathBuf,
}

/// An error of opening a directory that is to be granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Link(#[from] GuestMadeLink),
}
