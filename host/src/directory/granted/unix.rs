//! Granted directories on Unix: links are checked before they are followed.

use super::{GuestMadeLink, Refused};
use crate::directory::walk::{Identity, Place, Steps};
use rustix::{
    fs::{Access, AtFlags, accessat},
    io::Errno,
};
use std::{
    fs::File,
    io,
    path::{Component, Path, PathBuf},
};

/// An open directory and its path.
pub(crate) struct GrantedDirectory {
    directory: File,
    /// The path of the directory, without links.
    pub(crate) path: PathBuf,
}

impl GrantedDirectory {
    /// Opens the directory at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, Refused> {
        let mut place = if path.is_absolute() {
            Place::root()?
        } else {
            Place::working_directory()?
        };
        let mut steps = Steps::of(path);
        while let Some(step) = steps.next() {
            let Err(error) = place.enter(&step) else {
                continue;
            };
            let Ok(target) = place.target_of(&step) else {
                return Err(error.into());
            };
            steps.follow(&target)?;
            if !stays_below(&target) && is_writable(&place) {
                let link = place.path.join(step);
                return Err(GuestMadeLink { link, target }.into());
            }
        }
        Ok(Self {
            directory: place.open()?,
            path: place.path,
        })
    }

    /// `true` if `other` is the same directory.
    pub(crate) fn is(&self, other: &File) -> io::Result<bool> {
        let own = Identity::of(&self.directory.metadata()?);
        Ok(own == Identity::of(&other.metadata()?))
    }
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

fn is_writable(place: &Place) -> bool {
    let access = Access::WRITE_OK;
    // Only a clear refusal by the system counts as not writable.
    !matches!(
        accessat(&place.directory, ".", access, AtFlags::EACCESS),
        Err(Errno::ACCESS | Errno::ROFS | Errno::PERM)
    )
}

/// `true` if a link with this target leads to nothing above the directory that holds the link.
fn stays_below(target: &Path) -> bool {
    target
        .components()
        .all(|step| matches!(step, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    fn refused(path: &Path) -> Option<GuestMadeLink> {
        match GrantedDirectory::open(path) {
            Err(Refused::Link(link)) => Some(link),
            _ => None,
        }
    }

    #[test]
    fn a_link_out_of_a_writable_directory_is_refused_anywhere_in_the_path() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        fs::create_dir_all(root.join("grant/sub")).expect("directories");
        fs::create_dir_all(root.join("secret/deep")).expect("directories");
        for (name, target) in [
            ("out", "../secret"),
            ("absolute", root.join("secret").to_str().expect("text")),
            ("hidden", "sub/../../secret"),
            ("chain", "out"),
        ] {
            symlink(target, root.join("grant").join(name)).expect("a link");
            let path = root.join("grant").join(name);
            assert!(refused(&path).is_some(), "{name}");
            assert!(refused(&path.join("deep")).is_some(), "{name}/deep");
        }
        let link = refused(&root.join("grant/chain/deep")).expect("refused");
        assert_eq!(link.link, root.join("grant/out"));
        assert_eq!(link.target, Path::new("../secret"));
    }

    #[test]
    fn a_link_that_stays_below_is_followed_and_the_resolved_path_is_kept() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        fs::create_dir_all(root.join("private/tmp/a")).expect("directories");
        symlink("private/tmp", root.join("tmp")).expect("a link");
        symlink("./tmp/a", root.join("a")).expect("a link");
        for (path, resolved) in [
            ("tmp", "private/tmp"),
            ("tmp/a/..", "private/tmp"),
            ("a", "private/tmp/a"),
            ("private/./tmp/../tmp/", "private/tmp"),
        ] {
            let opened = GrantedDirectory::open(&root.join(path)).expect(path);
            assert_eq!(opened.path, root.join(resolved), "{path}");
            let other = File::open(root.join(resolved)).expect("a directory");
            assert!(opened.is(&other).expect("a status"), "{path}");
            let root = File::open(&root).expect("a directory");
            assert!(!opened.is(&root).expect("a status"), "{path}");
        }
    }

    #[test]
    fn anything_but_a_directory_is_an_error() {
        let root = tempfile::tempdir().expect("a directory");
        fs::write(root.path().join("file"), b"").expect("a file");
        symlink("loop", root.path().join("loop")).expect("a link");
        for name in ["file", "missing", "loop", "file/x", ""] {
            let path = root
                .path()
                .join(name)
                .join(if name.is_empty() { "x" } else { "" });
            assert!(
                matches!(GrantedDirectory::open(&path), Err(Refused::Io(_))),
                "{name}"
            );
        }
    }
}
