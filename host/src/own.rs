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

/// Why somebody else could put another file or directory in the place of one in this directory:
/// `None` if only this user and the administrator could.
#[cfg(unix)]
pub(crate) fn why_replaceable(directory: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    const STICKY: u32 = 0o1000;
    let is_trusted = [0, rustix::process::geteuid().as_raw()].contains(&directory.uid());
    // Where the group may write by default, each user has a group of their own.
    let is_own_group = directory.gid() == rustix::process::getegid().as_raw();
    let others = if is_own_group { 0o002 } else { 0o022 };
    if !is_trusted {
        Some("it belongs to another user")
    } else if directory.mode() & others != 0 && directory.mode() & STICKY == 0 {
        Some("others may write it")
    } else {
        None
    }
}

#[cfg(not(unix))]
pub(crate) fn why_replaceable(_: &Metadata) -> Option<&'static str> {
    Some("this system cannot tell")
}
