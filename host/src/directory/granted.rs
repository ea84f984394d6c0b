//! Opening a directory that is to be granted.
//!
//! A program that may write to a directory can leave a symbolic link there, and wait for it to be
//! granted to somebody, itself included: `--dir data/cache`, where `data/cache` has become a link to
//! `../../home`. So a link on the way to a granted directory is followed only where no program can
//! have made it or moved it there: because it leads no higher than the directory that it stands in,
//! as `/tmp -> private/tmp`, or because that directory cannot be written by this user at all, as
//! `/var` by all but the administrator. Otherwise it is refused, and who means it can grant the
//! directory that it leads to.
//!
//! The way is walked with open directories, so what was checked is what is opened.

use crate::untrusted::Name;
use std::path::PathBuf;

/// A symbolic link on the way to a directory, which a program could have made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is a symbolic link to `{}`, and a program that could write to its directory could have made it",
    Name(.link.display()), Name(.target.display())
)]
pub struct GuestMadeLink {
    /// Where it is, without links on the way there.
    pub link: PathBuf,
    /// What it holds.
    pub target: PathBuf,
}

/// A directory, open, and where it is.
pub(crate) struct GrantedDirectory {
    #[cfg(unix)]
    directory: std::os::fd::OwnedFd,
    /// Its path, without links on the way there.
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

    /// As many links as the system follows.
    const MAX_LINKS: usize = 40;

    /// Why a directory is not granted.
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

    /// Where the walk has come to.
    struct Place {
        directory: OwnedFd,
        path: PathBuf,
    }

    impl GrantedDirectory {
        /// Opens what stands at `path`.
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

        /// Whether this open file is the same directory.
        pub(crate) fn is(&self, other: &File) -> io::Result<bool> {
            let own = rustix::fs::fstat(&self.directory)?;
            let other = other.metadata()?;
            Ok((own.st_dev, own.st_ino) == (other.dev(), other.ino()))
        }
    }

    impl Place {
        /// Where the walk along a path begins.
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

        /// Takes one step, or gives what the link holds that stands there instead of a directory.
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
            // Where the system does not say no, it is taken for a yes.
            !matches!(
                rustix::fs::accessat(&self.directory, ".", access, AtFlags::EACCESS),
                Err(Errno::ACCESS | Errno::ROFS | Errno::PERM)
            )
        }
    }

    /// A directory to look things up in; not a link to one.
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

    /// Whether a link with this target leads no higher than the directory that it stands in.
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
        fn a_link_that_leads_out_of_a_writable_directory_is_refused_wherever_it_stands() {
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
        fn a_link_that_stays_below_is_followed_and_what_it_leads_to_is_told() {
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
        fn what_is_not_a_directory_is_an_error() {
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

    /// Why a directory is not granted.
    #[derive(Debug, thiserror::Error)]
    pub(crate) enum Refused {
        #[error(transparent)]
        Io(#[from] io::Error),
        #[error(transparent)]
        #[expect(dead_code, reason = "links are not looked at on this system")]
        Link(#[from] GuestMadeLink),
    }

    impl GrantedDirectory {
        /// Finds what stands at `path`.
        pub(crate) fn open(path: &Path) -> Result<Self, Refused> {
            Ok(Self {
                path: path.canonicalize()?,
            })
        }

        /// Taken for granted on this system.
        pub(crate) fn is(&self, _: &File) -> io::Result<bool> {
            Ok(true)
        }
    }
}
