//! Errors of setting up a sandbox.

use crate::{directory::granted::GuestMadeLink, names::part::PartName, untrusted::Name};
use std::path::PathBuf;

/// Why a sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum SandboxError {
    /// A directory that is to be granted cannot be opened.
    #[error("failed to open directory `{}` for `{part}`; make it first, or name another one", Name(.host.display()))]
    Preopen {
        part: PartName,
        host: PathBuf,
        source: wasmtime::Error,
    },
    /// A link leads to a directory that is to be granted, and a program could have made the link.
    #[error(
        "failed to open directory `{}` for `{part}`{}",
        Name(.host.display()), leads_to(.directory)
    )]
    Link {
        part: PartName,
        host: PathBuf,
        /// The directory that it leads to, if that is there.
        directory: Option<PathBuf>,
        source: GuestMadeLink,
    },
    /// The directory was replaced while it was opened.
    #[error("failed to open directory `{}` for `{part}`: it was replaced meanwhile", Name(.host.display()))]
    Replaced { part: PartName, host: PathBuf },
    /// A sandbox was given for a part that the composition does not have.
    #[error("no plug is named `{name}`")]
    NoSuchPlug { name: PartName },
}

/// The remedy for a link.
fn leads_to(directory: &Option<PathBuf>) -> String {
    match directory {
        Some(directory) => format!(
            "; to grant what the link leads to, name that directory itself: `{}`",
            Name(directory.display())
        ),
        None => String::new(),
    }
}
