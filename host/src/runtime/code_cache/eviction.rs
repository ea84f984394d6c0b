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

/// Removes the oldest of `files`, which are lengths and names, oldest first.
fn remove_oldest(files: &[(u64, String)], max_kept: u64, remove: impl Fn(&str) -> io::Result<()>) {
    let mut total: u64 = files.iter().map(|(length, _)| length).sum();
    if total <= max_kept {
        return;
    }
    for (length, name) in files {
        if total <= max_kept / 4 * 3 {
            break;
        }
        match remove(name) {
            Ok(()) => total -= length,
            // Another process has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => total -= length,
            // It stays, so newer files are removed instead.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// The names that eviction selects from four files of 100 bytes, if 200 bytes may be kept.
    fn removed(result: impl Fn(&str) -> io::Result<()>) -> Vec<String> {
        let files = ["a", "b", "c", "d"].map(|name| (100, name.to_owned()));
        let asked = RefCell::new(Vec::new());
        remove_oldest(&files, 200, |name| {
            asked.borrow_mut().push(name.to_owned());
            result(name)
        });
        asked.into_inner()
    }

    #[test]
    fn the_oldest_go_until_three_quarters_are_left() {
        assert_eq!(removed(|_| Ok(())), ["a", "b", "c"]);
    }

    #[test]
    fn a_file_that_stays_still_counts() {
        let fails_for_a = |name: &str| match name {
            "a" => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Ok(()),
        };
        assert_eq!(removed(fails_for_a), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_file_that_another_process_has_removed_does_not_count() {
        let missing = |_: &str| Err(io::ErrorKind::NotFound.into());
        assert_eq!(removed(missing), ["a", "b", "c"]);
    }
}
