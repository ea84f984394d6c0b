//! The choice of the granted directory that holds the cache: a pure function.

use alloc::string::String;
use alloc::vec::Vec;

/// A directory that was granted as `D`, and the path from it to the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place<'a, D> {
    /// The granted directory.
    pub(crate) grant: D,
    /// The directories on the path down from it; empty if it is the cache's own.
    pub(crate) below: Vec<&'a str>,
    /// The guest's name for the place.
    pub(crate) name: String,
}

/// A one-line message for the user: the reason why there is no place, and a remedy.
pub(crate) type Complaint = String;

/// Joins the parts of a complaint. Formatting would add 8 KB to the guest.
pub(crate) fn complain(parts: &[&str]) -> Complaint {
    let mut complaint = Complaint::new();
    for part in parts {
        complaint.push_str(part);
    }
    complaint
}

/// Finds the place for the cache: the path in `CACHE_DIR`, at or below a grant, else the grant
/// named `/cache`, else the only grant.
pub(crate) fn find<D>(
    cache_dir: Option<&str>,
    grants: Vec<(D, String)>,
) -> Result<Place<'_, D>, Complaint> {
    match cache_dir {
        Some(wanted) => at_or_below(wanted, grants),
        None => by_default(grants),
    }
}

fn at_or_below<D>(wanted: &str, grants: Vec<(D, String)>) -> Result<Place<'_, D>, Complaint> {
    let way: Vec<_> = parts(wanted).collect();
    let places = grants.into_iter().filter_map(|(grant, name)| {
        let depth = parts(&name).count();
        let (above, below) = way.split_at_checked(depth)?;
        let contains = parts(&name).eq(above.iter().copied());
        contains.then(|| Place {
            grant,
            below: below.to_vec(),
            name: wanted.into(),
        })
    });
    let nearest = places.min_by_key(|place| place.below.len());
    nearest.filter(|_| !way.contains(&"..")).ok_or_else(|| {
        let trouble = "` names no granted directory and nothing in one; ";
        let remedy = "grant it, for example with `--dir ./store::";
        complain(&["`CACHE_DIR=", wanted, trouble, remedy, wanted, "`"])
    })
}

fn by_default<D>(grants: Vec<(D, String)>) -> Result<Place<'static, D>, Complaint> {
    let count = grants.len();
    let is_default = |name: &str| count == 1 || parts(name).eq(["cache"]);
    let chosen = grants.into_iter().find(|(_, name)| is_default(name));
    let place = chosen.map(|(grant, name)| Place {
        grant,
        below: Vec::new(),
        name,
    });
    place.ok_or_else(|| {
        let complaint = match count {
            0 => {
                "no directory to keep entries in; \
                 grant one to this component, for example with `--dir NAME=./store::/cache` if it is the plug NAME"
            }
            _ => {
                "several directories are granted and none is `/cache`; \
                 name the one to keep entries in, for example with `--env CACHE_DIR=/store`"
            }
        };
        complaint.into()
    })
}

/// `/a/b`, `a/b`, `./a/b/` and `a//b` are the same place: a guest has no current directory.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    /// The number of the chosen grant, and the path down from it.
    fn found(cache_dir: Option<&str>, grants: &[&str]) -> Option<(usize, String)> {
        let grants = grants.iter().map(|&name| name.into()).enumerate().collect();
        let place = find(cache_dir, grants).ok()?;
        Some((place.grant, place.below.join("/")))
    }

    fn complaint(cache_dir: Option<&str>, grants: &[&str]) -> Complaint {
        let grants = grants.iter().map(|&name| ((), name.into())).collect();
        find(cache_dir, grants).expect_err("no place")
    }

    #[test]
    fn the_only_grant_holds_the_cache_whatever_its_name() {
        assert_eq!(found(None, &["/data"]), Some((0, "".into())));
        assert_eq!(found(None, &["."]), Some((0, "".into())));
    }

    #[test]
    fn the_grant_named_cache_goes_before_others() {
        assert_eq!(found(None, &["/data", "/cache"]), Some((1, "".into())));
        assert_eq!(found(None, &["/", "cache/"]), Some((1, "".into())));
    }

    #[test]
    fn the_variable_goes_before_everything() {
        assert_eq!(
            found(Some("/data"), &["/cache", "/data"]),
            Some((1, "".into()))
        );
        assert_eq!(
            found(Some("/data/a//b/"), &["/cache", "/data"]),
            Some((1, "a/b".into()))
        );
        assert_eq!(
            found(Some("data/a"), &["/", "/data"]),
            Some((1, "a".into()))
        );
        assert_eq!(found(Some("/a"), &["."]), Some((0, "a".into())));
        assert_eq!(found(Some("/"), &["/cache", "/"]), Some((1, "".into())));
    }

    #[test]
    fn the_variable_cannot_leave_the_grants() {
        for outside in [
            "/",
            "/data",
            "/cach",
            "/cachet",
            "/cache/../etc",
            "..",
            "/etc/cache",
        ] {
            assert_eq!(found(Some(outside), &["/cache"]), None, "{outside}");
        }
    }

    #[test]
    fn a_complaint_is_one_line_that_ends_in_a_remedy() {
        for complaint in [
            complaint(None, &[]),
            complaint(None, &["/a", "/b"]),
            complaint(Some("/x"), &["/a"]),
        ] {
            let (_, remedy) = complaint.split_once("; ").expect("a remedy");
            assert!(remedy.contains("for example with `--"), "{complaint}");
            assert!(!complaint.contains('\n'), "{complaint}");
        }
        let named = complaint(Some("/x"), &[]);
        assert!(
            named.ends_with(&format!("`--dir ./store::{}`", "/x")),
            "{named}"
        );
    }
}
