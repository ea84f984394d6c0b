//! Whether a file or a directory is this user's alone.

use std::fs::Metadata;

/// Why somebody else could have written what stands there; `None` if only this user could.
#[cfg(unix)]
pub(crate) fn why_not_own(found: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() != rustix::process::geteuid().as_raw() {
        Some("it belongs to another user")
    } else if found.mode() & 0o022 != 0 {
        Some("others may write it")
    } else {
        None
    }
}

#[cfg(not(unix))]
pub(crate) fn why_not_own(_: &Metadata) -> Option<&'static str> {
    Some("this system cannot tell")
}
