//! Checks that no other user can write to a file or directory, or replace the entries of a directory.
//!
//! They read owner and mode. A POSIX access control list is visible in the mode: its group bits
//! are the most that the list allows to named users and groups. Access control lists of other kinds,
//! such as those of NFS 4 and macOS, are not seen.

use std::fs::Metadata;

/// Returns the reason why another user could have written a file or directory, or `None` if only this
/// user could.
#[cfg(unix)]
pub(crate) fn why_others_can_write(found: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() == rustix::process::geteuid().as_raw() {
        why_mode_lets_others_write(found.mode())
    } else {
        Some("it belongs to another user")
    }
}

#[cfg(not(unix))]
pub(crate) fn why_others_can_write(_: &Metadata) -> Option<&'static str> {
    Some("this system does not tell who can write it")
}

/// Returns the reason why another user could replace an entry of this directory, or `None` if only
/// this user and the administrator could.
///
/// A group counts as other users, even the group that is named after the user, because its members can
/// change. With the sticky bit, as in `/tmp`, other users can add names, but cannot change names of
/// this user or the administrator.
#[cfg(unix)]
pub(crate) fn why_others_can_replace(directory: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    const STICKY: u32 = 0o1000;
    if !is_trusted(directory.uid()) {
        Some("it belongs to another user")
    } else if directory.mode() & STICKY == 0 {
        why_mode_lets_others_write(directory.mode())
    } else {
        None
    }
}

/// `true` for this user and for the administrator, against whom nothing can be protected.
#[cfg(unix)]
pub(crate) fn is_trusted(user: u32) -> bool {
    [0, rustix::process::geteuid().as_raw()].contains(&user)
}

#[cfg(unix)]
fn why_mode_lets_others_write(mode: u32) -> Option<&'static str> {
    if mode & 0o002 != 0 {
        Some("other users may write it")
    } else if mode & 0o020 != 0 {
        Some("its group may write it")
    } else {
        None
    }
}
