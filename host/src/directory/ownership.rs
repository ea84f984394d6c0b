//! Whether a file or a directory is this user's alone.
//!
//! What is asked is the mode. A POSIX access control list shows there too: what it allows at most to
//! named users and groups is the mode's group bits. Lists of other kinds, such as those of NFS 4 and
//! of macOS, are not seen.

use std::fs::Metadata;

/// Why somebody else could have written what stands there; `None` if only this user could.
#[cfg(unix)]
pub(crate) fn why_not_own(found: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() == rustix::process::geteuid().as_raw() {
        who_else_may_write(found.mode())
    } else {
        Some("it belongs to another user")
    }
}

#[cfg(not(unix))]
pub(crate) fn why_not_own(_: &Metadata) -> Option<&'static str> {
    Some("this system cannot tell")
}

/// Why somebody else could put another file or directory in the place of one in this directory:
/// `None` if only this user and the administrator could.
///
/// A group counts as others, even one that is named after the user: who is in it can change. With
/// the sticky bit, as in `/tmp`, others can add names and cannot change those of this user or the
/// administrator.
#[cfg(unix)]
pub(crate) fn why_replaceable(directory: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    const STICKY: u32 = 0o1000;
    if !is_trusted(directory.uid()) {
        Some("it belongs to another user")
    } else if directory.mode() & STICKY == 0 {
        who_else_may_write(directory.mode())
    } else {
        None
    }
}

/// Whether a user is this one or the administrator, from whom nothing can be kept.
#[cfg(unix)]
pub(crate) fn is_trusted(user: u32) -> bool {
    [0, rustix::process::geteuid().as_raw()].contains(&user)
}

#[cfg(unix)]
fn who_else_may_write(mode: u32) -> Option<&'static str> {
    if mode & 0o002 != 0 {
        Some("others may write it")
    } else if mode & 0o020 != 0 {
        Some("its group may write it")
    } else {
        None
    }
}
