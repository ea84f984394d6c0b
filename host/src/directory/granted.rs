//! Opening a directory that is granted to a part.
//!
//! A guest that may write to a directory can put a symbolic link there and wait until a user grants
//! the path of that link to a guest: if `data/cache` has become a link to `../../home`, granting
//! `data/cache` would grant `home`. So a link on the way to a granted directory is followed only if it
//! is harmless or if no guest can have made it: its target stays below the directory that holds the
//! link, as in `/tmp -> private/tmp`, or this user cannot write to the directory that holds the link,
//! as with `/var` for everybody except the administrator. Any other link is refused; the user can grant
//! its target by its own path instead.
//!
//! The path is walked through open directories, so the directory that was checked is the one that is
//! opened.

use crate::untrusted::Name;
use std::path::PathBuf;

/// A symbolic link on the path of a granted directory. A guest could have made it, so it is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is a symbolic link to `{}`, and a program that could write to its directory could have made it",
    Name(.link.display()), Name(.target.display())
)]
pub struct GuestMadeLink {
    /// The path of the link, without links before it.
    pub link: PathBuf,
    /// The target of the link, as it is written in the link.
    pub target: PathBuf,
}

/// An open directory and its path.
pub(crate) struct GrantedDirectory {
    #[cfg(unix)]
    directory: std::os::fd::OwnedFd,
    /// The path of the directory, without links.
    pub(crate) path: PathBuf,
}

#[cfg(unix)]
pub(crate) use unix::Refused;

#[cfg(unix)]
mod unix {
    use super::{GrantedDirectory, GuestMadeLink};
    use rustix::{
        fs::{Access, AtFlags, CWD, Mode, OFlags},
        io::Errno,
    };
    use std::{
        collections::VecDeque,
        ffi::OsStr,
        fs::File,
        io,
        os::{
            fd::OwnedFd,
            unix::{ffi::OsStrExt, fs::MetadataExt},
        },
        path::{Component, Path, PathBuf},
    };

    /// The largest number of links in one path, as on Linux.
    const MAX_LINKS: usize = 40;

    /// An error of opening a directory that is to be granted.
    #[derive(Debug, thiserror::Error)]
    pub(crate) enum Refused {
        #[error(transparent)]
        Io(#[from] io::Error),
        #[error(transparent)]
        Link(#[from] GuestMadeLink),
    }

    impl From<Errno> for Refused {
        fn from(error: Errno) -> Self {
            Self::Io(error.into())
        }
    }

    /// The position of a walk along a path.
    struct Place {
        directory: OwnedFd,
        path: PathBuf,
    }

    impl GrantedDirectory {
        /// Opens the directory at `path`.
        pub(crate) fn open(path: &Path) -> Result<Self, Refused> {
            let mut place = Place::before(path)?;
            let mut ahead: VecDeque<PathBuf> = steps(path).collect();
            let mut links = 0;
            while let Some(step) = ahead.pop_front() {
                let Some(target) = place.enter(&step)? else {
                    continue;
                };
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP.into());
                }
                if !stays_below(&target) && place.is_writable() {
                    let link = place.path.join(step);
                    return Err(GuestMadeLink { link, target }.into());
                }
                let mut further: VecDeque<PathBuf> = steps(&target).collect();
                further.append(&mut ahead);
                ahead = further;
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(Self {
                directory: rustix::fs::openat(place.directory, ".", flags, Mode::empty())?,
                path: place.path,
            })
        }

        /// `true` if `other` is the same directory.
        pub(crate) fn is(&self, other: &File) -> io::Result<bool> {
            let own = rustix::fs::fstat(&self.directory)?;
            let other = other.metadata()?;
            Ok((own.st_dev, own.st_ino) == (other.dev(), other.ino()))
        }
    }

    impl Place {
        /// The start of the walk along a path.
        fn before(path: &Path) -> io::Result<Self> {
            if path.is_absolute() {
                return Ok(Self {
                    directory: look_into(CWD, OsStr::new("/"))?,
                    path: PathBuf::from("/"),
                });
            }
            Ok(Self {
                directory: look_into(CWD, OsStr::new("."))?,
                path: std::env::current_dir()?,
            })
        }

        /// Enters the directory called `step`. If that is a symbolic link, stays and returns its
        /// target.
        fn enter(&mut self, step: &Path) -> Result<Option<PathBuf>, Errno> {
            match look_into(&self.directory, step.as_os_str()) {
                Ok(directory) => {
                    self.directory = directory;
                    if step == Path::new("..") {
                        self.path.pop();
                    } else {
                        self.path.push(step);
                    }
                    Ok(None)
                }
                Err(error) => match rustix::fs::readlinkat(&self.directory, step, Vec::new()) {
                    Ok(target) => Ok(Some(OsStr::from_bytes(target.to_bytes()).into())),
                    Err(_) => Err(error),
                },
            }
        }

        fn is_writable(&self) -> bool {
            let access = Access::WRITE_OK;
            // Only a clear refusal by the system counts as not writable.
            !matches!(
                rustix::fs::accessat(&self.directory, ".", access, AtFlags::EACCESS),
                Err(Errno::ACCESS | Errno::ROFS | Errno::PERM)
            )
        }
    }

    /// Opens a directory to look names up in; a link to a directory is an error.
    fn look_into(from: impl std::os::fd::AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const LOOK: OFlags = OFlags::PATH;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const LOOK: OFlags = OFlags::RDONLY;
        let flags = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(from, name, flags, Mode::empty())
    }

    fn steps(path: &Path) -> impl Iterator<Item = PathBuf> {
        path.components()
            .filter(|step| *step != Component::CurDir)
            .map(|step| Path::new(step.as_os_str()).to_owned())
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
}

#[cfg(not(unix))]
pub(crate) use elsewhere::Refused;

#[cfg(not(unix))]
mod elsewhere {
    use super::{GrantedDirectory, GuestMadeLink};
    use std::{fs::File, io, path::Path};

    /// An error of opening a directory that is to be granted.
    #[derive(Debug, thiserror::Error)]
    pub(crate) enum Refused {
        #[error(transparent)]
        Io(#[from] io::Error),
        #[error(transparent)]
        #[expect(dead_code, reason = "links are not checked on this system")]
        Link(#[from] GuestMadeLink),
    }

    impl GrantedDirectory {
        /// Resolves the directory at `path`.
        pub(crate) fn open(path: &Path) -> Result<Self, Refused> {
            Ok(Self {
                path: path.canonicalize()?,
            })
        }

        /// Not checked on this system.
        pub(crate) fn is(&self, _: &File) -> io::Result<bool> {
            Ok(true)
        }
    }
}
