//! Errors of setting up a sandbox.

use crate::{
    directory::granted::GuestMadeLink,
    names::part::PartName,
    untrusted::{Name, quoted_names},
};
use std::{error::Error, path::PathBuf};

/// An error of setting up the sandboxes of a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A directory that is to be granted cannot be opened.
    #[error("failed to open directory `{}` for `{part}`; make it first, or name another one", Name(.host.display()))]
    Preopen {
        /// The part that would receive the grant.
        part: PartName,
        /// The path of the directory on the host.
        host: PathBuf,
        /// The system's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The path of a directory that is to be granted contains a link that a program could have made.
    #[error(
        "failed to open directory `{}` for `{part}`{}",
        Name(.host.display()), remedy_for_link(.directory)
    )]
    Link {
        /// The part that would receive the grant.
        part: PartName,
        /// The path of the grant on the host.
        host: PathBuf,
        /// The directory that the path leads to; `None` if it does not exist.
        directory: Option<PathBuf>,
        /// The link.
        source: GuestMadeLink,
    },
    /// Another directory took the place of the granted one while it was opened.
    #[error("failed to open directory `{}` for `{part}`: it was replaced meanwhile", Name(.host.display()))]
    Replaced {
        /// The part that would receive the grant.
        part: PartName,
        /// The path of the directory on the host.
        host: PathBuf,
    },
    /// There is a sandbox for a plug that the program does not have.
    #[error("no plug is named `{name}`{}", existing(.plugs))]
    NoSuchPlug {
        /// The name of that plug.
        name: PartName,
        /// The plugs of the program.
        plugs: Vec<PartName>,
    },
}

fn remedy_for_link(directory: &Option<PathBuf>) -> String {
    match directory {
        Some(directory) => format!(
            "; to grant what the link leads to, name that directory itself: `{}`",
            Name(directory.display())
        ),
        None => String::new(),
    }
}

fn existing(plugs: &[PartName]) -> String {
    match plugs {
        [] => "; the program has no plugs".to_owned(),
        [only] => format!("; the only plug is `{only}`"),
        plugs => format!("; the plugs are {}", quoted_names(plugs)),
    }
}
