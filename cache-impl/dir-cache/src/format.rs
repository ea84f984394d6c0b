//! The format of a store: the name of the one directory that holds its entries.
//!
//! Every version of the format keeps its entries in a directory of its own, `v1`, `v2`, …, below
//! the store's root. A newer program never writes into `v1`, so an older one cannot replace an
//! entry that it does not understand. An older program that finds a higher directory refuses to
//! work: a newer one may have replaced or deleted the entries that it would serve.
//!
//! A newer program takes over a store by creating its directory first and then removing `v1`: a
//! running older program then misses, checks again before it would create `v1`, and refuses.

use alloc::string::String;
use alloc::vec::Vec;

/// The version of the format that this crate reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// The directory, below the store's root, of the entries in [`FORMAT`].
pub(crate) const FORMAT_DIRECTORY: &str = "v1";

/// The directory of the highest format above [`FORMAT`] among the names in the store's root.
pub(crate) fn newest_above_ours(names: Vec<String>) -> Option<String> {
    names
        .into_iter()
        .filter_map(|name| Some((version(&name).filter(|version| *version > FORMAT)?, name)))
        .max_by_key(|(version, _)| *version)
        .map(|(_, name)| name)
}

fn version(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('v')?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if canonical { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    fn newest(names: &[&str]) -> Option<String> {
        newest_above_ours(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn our_directory_is_named_by_our_version() {
        assert_eq!(version(FORMAT_DIRECTORY), Some(FORMAT));
    }

    #[test]
    fn a_higher_version_is_found_beside_ours() {
        assert_eq!(newest(&["v1", "v2"]), Some("v2".into()));
        assert_eq!(
            newest(&["v10", "v9", "v1", "notes.txt"]),
            Some("v10".into())
        );
    }

    #[test]
    fn our_version_and_unrelated_names_are_no_obstacle() {
        assert_eq!(newest(&[]), None);
        let others = [
            "v0",
            "v1",
            "v",
            "v02",
            "v+2",
            "V2",
            "v2x",
            "v2.bak",
            "v99999999999",
            "x",
        ];
        assert_eq!(newest(&others), None);
    }
}
