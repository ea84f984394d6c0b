//! Eviction: removing the oldest files when their total size exceeds the bound.

use super::key::PREFIX;
use crate::directory::private::PrivateDirectory;
use std::io;

/// Removes the oldest files until three quarters of `max_kept` are left. Files without the cache's prefix
/// are not its own and stay.
pub(super) fn make_room(directory: &PrivateDirectory, max_kept: u64) -> io::Result<()> {
    let mut files = directory.files_by_age()?;
    files.retain(|(_, name)| name.starts_with(PREFIX));
    remove_oldest(&files, max_kept, |name| directory.remove(name));
    Ok(())
}

/// Removes from `files`, which are lengths and names, oldest first.
fn remove_oldest(files: &[(u64, String)], max_kept: u64, remove: impl Fn(&str) -> io::Result<()>) {
    let mut total: u64 = files.iter().map(|(length, _)| length).sum();
    if total <= max_kept {
        return;
    }
    for (length, name) in files {
        if total <= max_kept / 4 * 3 {
            break;
        }
        let _ = remove(name);
        total -= length;
    }
}
