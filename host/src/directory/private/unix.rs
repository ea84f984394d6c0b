//! Private directories on Unix: descriptors, owners and modes.

use super::Unusable;
use crate::directory::{
    ownership::{is_trusted, why_others_can_replace, why_others_can_write},
    walk::{Identity, Place, Steps, open_above, open_following_links},
};
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, mkdirat, openat, renameat, statat, unlinkat},
    io::Errno,
};
use std::{
    fs::{File, Permissions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

/// The mode of a sealed file. A WASI guest cannot give a file this mode: the files that it creates are
/// not executable, and it cannot change modes.
const SEALED: u32 = 0o500;

/// The flags to open a file of unknown type: links are not followed, and opening a FIFO does not wait.
const TO_LOOK: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// An open directory that belongs to this user, and that no other user can write to or replace.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    directory: File,
    /// The directories that its path leads through, and last the directory itself: a guest that can
    /// write to one of them decides what is at the path.
    leading: Vec<Identity>,
}

impl PrivateDirectory {
    /// Opens the directory at a path, and creates the missing directories of the path.
    pub(crate) fn open(path: &Path) -> Result<Self, Unusable> {
        let Walk { place, mut leading } = Walk::along(path)?;
        let directory = place.open()?;
        let found = directory.metadata()?;
        leading.push(Identity::of(&found));
        match why_others_can_write(&found) {
            Some(why) => Err(Unusable::NotOwn(why.to_owned())),
            None => Ok(Self { directory, leading }),
        }
    }

    /// Opens a file that was [sealed](Self::seal); `None` if it is not one. A file with a second hard
    /// link is refused: that link may be in a directory where others can write to it.
    pub(crate) fn open_sealed(&self, name: &str) -> io::Result<Option<File>> {
        let file = File::from(openat(&self.directory, name, TO_LOOK, Mode::empty())?);
        let found = file.metadata()?;
        let is_sealed = found.is_file()
            && why_others_can_write(&found).is_none()
            && found.mode() & 0o7777 == SEALED
            // The count is 0 if another process has just replaced the file.
            && found.nlink() <= 1;
        Ok(is_sealed.then_some(file))
    }

    /// Creates a new file and opens it for writing; a file of that name is an error.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(openat(&self.directory, name, flags, mode)?.into())
    }

    /// Writes a file that was [created](Self::create) here to the disk, and then renames it to `name`:
    /// a power loss cannot leave part of it under that name.
    pub(crate) fn seal(&self, file: &File, made_as: &str, name: &str) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(SEALED))?;
        file.sync_data()?;
        Ok(renameat(&self.directory, made_as, &self.directory, name)?)
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.directory, name, AtFlags::empty())?)
    }

    /// The regular files in the directory, oldest first: length and name. Names that are not UTF-8
    /// are skipped, because no such file is created here.
    pub(crate) fn files_by_age(&self) -> io::Result<Vec<(u64, String)>> {
        let mut files = Vec::new();
        for entry in Dir::read_from(&self.directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            // Another process may have removed the file meanwhile.
            let Ok(found) = statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile {
                let modified = (found.st_mtime, found.st_mtime_nsec);
                let length = u64::try_from(found.st_size).unwrap_or_default();
                files.push((modified, length, name.to_owned()));
            }
        }
        files.sort();
        Ok(files
            .into_iter()
            .map(|(_, length, name)| (length, name))
            .collect())
    }

    /// `true` if a guest that may write to the directory `other`, and to all below it, could change
    /// the contents of this directory or replace it: because its path leads through `other`, or
    /// because `other` is inside it. Directories are compared by identity, not by path.
    pub(crate) fn is_reached_from(&self, other: &Path) -> io::Result<bool> {
        let here = open_following_links(other)?;
        // If a directory above `other` cannot be opened, it may be this one.
        Ok(self.is_reached_from_open(here).unwrap_or(true))
    }

    fn is_reached_from_open(&self, mut here: File) -> io::Result<bool> {
        let mut identity = Identity::of(&here.metadata()?);
        if self.leading.contains(&identity) {
            return Ok(true);
        }
        let own = Identity::of(&self.directory.metadata()?);
        loop {
            here = open_above(&here)?;
            let above = Identity::of(&here.metadata()?);
            if above == own {
                return Ok(true);
            }
            // The parent of the root is the root.
            if above == identity {
                return Ok(false);
            }
            identity = above;
        }
    }
}

/// A walk along a path on which every directory is checked, and missing ones are created.
struct Walk {
    place: Place,
    /// The directories that determined so far which directory the path leads to.
    leading: Vec<Identity>,
}

impl Walk {
    fn along(path: &Path) -> Result<Self, Unusable> {
        let mut walk = Self {
            place: Place::root()?,
            leading: Vec::new(),
        };
        let mut steps = Steps::of(&std::path::absolute(path)?);
        while let Some(step) = steps.next() {
            let Err(error) = walk.enter(&step)? else {
                continue;
            };
            match walk.link(&step)? {
                Some(target) => steps.follow(&target)?,
                None => return Err(error.into()),
            }
        }
        Ok(walk)
    }

    /// Checks the directory that the walk is in, and enters the directory called `step`; creates it if
    /// it is missing. The inner error is that of entering, which fails for a link.
    fn enter(&mut self, step: &Path) -> Result<Result<(), Errno>, Unusable> {
        // The meaning of `/` does not depend on a directory.
        if step != Path::new("/") {
            self.expect_lasting()?;
        }
        let entered = self.place.enter(step);
        if entered != Err(Errno::NOENT) {
            return Ok(entered);
        }
        match mkdirat(&self.place.directory, step, Mode::RWXU) {
            // Another process may have created it meanwhile.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.place.enter(step))
    }

    /// The target of the link of this name; `None` if it is not a link.
    ///
    /// The name is looked up twice, and both lookups find the same link: the link belongs to this user
    /// or the administrator, and no other user can change their names in this directory.
    fn link(&self, name: &Path) -> Result<Option<PathBuf>, Unusable> {
        let found = statat(&self.place.directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            return Ok(None);
        }
        if !is_trusted(found.st_uid) {
            let link = self.place.path.join(name);
            let why = format!("`{}` is another user's link", link.display());
            return Err(Unusable::NotOwn(why));
        }
        Ok(Some(self.place.target_of(name)?))
    }

    /// Fails if another user could change what a name in this directory refers to.
    fn expect_lasting(&mut self) -> Result<(), Unusable> {
        let found = self.place.directory.metadata()?;
        self.leading.push(Identity::of(&found));
        match why_others_can_replace(&found) {
            None => Ok(()),
            Some(why) => {
                let why = format!("`{}` above it: {why}", self.place.path.display());
                Err(Unusable::NotOwn(why))
            }
        }
    }
}

/// A path that refers to this open file itself, on systems that have such paths.
pub(crate) fn path_of_open(file: &File) -> PathBuf {
    let directory = if cfg!(any(target_os = "linux", target_os = "android")) {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    Path::new(directory).join(file.as_raw_fd().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        io::Write,
        os::unix::fs::{DirBuilderExt, symlink},
        time::{Duration, SystemTime},
    };
    use tempfile::TempDir;

    fn root() -> TempDir {
        tempfile::tempdir().expect("a directory")
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    }

    fn make(path: PathBuf) -> PathBuf {
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    fn why(path: &Path) -> Option<String> {
        match PrivateDirectory::open(path) {
            Ok(_) => None,
            Err(Unusable::NotOwn(why)) => Some(why),
            Err(Unusable::Io(error)) => Some(error.to_string()),
        }
    }

    #[test]
    fn missing_directories_are_created_for_this_user_only() {
        let root = root();
        let path = root.path().join("a/b");
        PrivateDirectory::open(&path).expect("it is made");
        for path in [&path, &root.path().join("a")] {
            let mode = fs::metadata(path).expect("it is there").mode();
            assert_eq!(mode & 0o7777, 0o700);
        }
    }

    #[test]
    fn nothing_is_created_in_a_directory_that_others_can_write() {
        let root = root();
        set_mode(root.path(), 0o777);
        assert!(PrivateDirectory::open(&root.path().join("a")).is_err());
        assert!(!root.path().join("a").exists());
    }

    #[test]
    fn a_directory_above_that_its_group_or_others_can_write_is_refused_unless_it_is_sticky() {
        let root = root();
        let above = make(root.path().join("above"));
        let path = make(above.join("between/own"));
        for (mode, expected) in [
            (0o755, None),
            (0o1777, None),
            (0o1770, None),
            (0o775, Some("its group may write it")),
            (0o2775, Some("its group may write it")),
            (0o757, Some("other users may write it")),
            (0o777, Some("other users may write it")),
        ] {
            set_mode(&above, mode);
            let expected = expected.map(|why| format!("`{}` above it: {why}", above.display()));
            assert_eq!(why(&path), expected, "{mode:o}");
        }
    }

    #[test]
    fn links_are_followed_through_directories_that_nobody_else_can_write() {
        let root = root();
        let own = make(root.path().join("own"));
        let links = make(root.path().join("links"));
        symlink(&own, links.join("absolute")).expect("a link");
        symlink("../own", links.join("relative")).expect("a link");
        symlink("relative", links.join("twice")).expect("a link");
        symlink("loop", links.join("loop")).expect("a link");
        for name in ["absolute", "relative", "twice", "../links/./twice"] {
            assert_eq!(why(&links.join(name)), None, "{name}");
        }
        assert!(why(&links.join("loop")).is_some());
        set_mode(&links, 0o777);
        for name in ["absolute", "relative", "twice"] {
            let expected = format!("`{}` above it: other users may write it", links.display());
            assert_eq!(why(&links.join(name)), Some(expected), "{name}");
        }
    }

    #[test]
    fn anything_but_a_directory_is_refused() {
        let root = root();
        let file = root.path().join("file");
        fs::write(&file, "").expect("it is ours");
        assert!(why(&file).is_some());
        assert!(why(&file.join("below")).is_some());
        assert!(why(Path::new("")).is_some());
    }

    #[test]
    fn it_stays_the_same_directory_when_another_takes_its_path() {
        let root = root();
        let path = root.path().join("own");
        let own = PrivateDirectory::open(&path).expect("it is made");
        fs::rename(&path, root.path().join("moved")).expect("it is ours");
        fs::DirBuilder::new()
            .mode(0o777)
            .create(&path)
            .expect("it is ours");
        own.create("file").expect("it is made");
        assert!(root.path().join("moved/file").exists());
        assert!(!path.join("file").exists());
    }

    /// A directory with a sealed file in it.
    fn sealed(root: &TempDir) -> (PrivateDirectory, PathBuf) {
        let path = root.path().join("own");
        let own = PrivateDirectory::open(&path).expect("it is made");
        let mut file = own.create("part").expect("it is made");
        file.write_all(b"whole").expect("it is ours");
        own.seal(&file, "part", "file").expect("it is ours");
        (own, path.join("file"))
    }

    fn is_opened(own: &PrivateDirectory, name: &str) -> bool {
        own.open_sealed(name).is_ok_and(|file| file.is_some())
    }

    #[test]
    fn a_sealed_file_of_another_mode_is_not_opened() {
        let root = root();
        let (own, path) = sealed(&root);
        assert!(is_opened(&own, "file"));
        for mode in [0o400, 0o600, 0o644, 0o700, 0o550, 0o520, 0o502, 0o4500] {
            set_mode(&path, mode);
            assert!(!is_opened(&own, "file"), "{mode:o}");
        }
        set_mode(&path, 0o500);
        assert!(is_opened(&own, "file"));
    }

    #[test]
    fn anything_but_a_file_with_one_name_is_not_opened() {
        let root = root();
        let (own, path) = sealed(&root);
        let in_own = |name: &str| path.with_file_name(name);
        fs::hard_link(&path, root.path().join("second")).expect("a link");
        assert!(!is_opened(&own, "file"));
        fs::remove_file(root.path().join("second")).expect("it is ours");
        assert!(is_opened(&own, "file"));
        symlink("file", in_own("link")).expect("a link");
        make(in_own("directory"));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            in_own("fifo"),
            FileType::Fifo,
            Mode::RWXU,
            0,
        )
        .expect("a FIFO");
        for name in ["link", "directory", "fifo"] {
            if name != "link" {
                set_mode(&in_own(name), SEALED);
            }
            assert!(!is_opened(&own, name), "{name}");
        }
    }

    #[test]
    fn its_regular_files_are_listed_oldest_first() {
        let root = root();
        let path = root.path().join("own");
        let own = PrivateDirectory::open(&path).expect("it is made");
        for (name, length, age) in [("a", 3, 1), ("b", 5, 3), ("c", 7, 2)] {
            let file = own.create(name).expect("it is made");
            file.set_len(length).expect("it is ours");
            let modified = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(modified).expect("it is ours");
            // The mode does not matter, because no file is opened.
            set_mode(&path.join(name), 0);
        }
        make(path.join("directory"));
        symlink("a", path.join("link")).expect("a link");
        let expected = [(5, "b"), (7, "c"), (3, "a")];
        let expected = expected.map(|(length, name)| (length, name.to_owned()));
        assert_eq!(own.files_by_age().expect("it is there"), expected);
    }

    #[test]
    fn it_is_reached_from_directories_on_its_path_and_from_directories_inside_it() {
        let root = root();
        let at = |path: &str| root.path().join(path);
        make(at("real/below"));
        make(at("beside/links"));
        symlink(at("real"), at("beside/links/real")).expect("a link");
        symlink(at("real/below/own"), at("alias")).expect("a link");
        let own = PrivateDirectory::open(&at("beside/links/real/below/own")).expect("it is made");
        make(at("real/below/own/inside/deep"));
        make(at("real/other"));
        let is_reached = |path: &str| own.is_reached_from(&at(path)).expect("it is there");
        for path in [
            "",
            "real",
            "real/below",
            "real/below/own",
            "real/below/own/inside",
            "real/below/own/inside/deep",
            // The link that its path leads through could be changed there.
            "beside",
            "beside/links",
            // By other names.
            "alias",
            "alias/inside",
            "real/other/../below",
            "beside/links/real",
        ] {
            assert!(is_reached(path), "{path}");
        }
        for path in ["real/other", "real/below/../other"] {
            assert!(!is_reached(path), "{path}");
        }
        assert!(own.is_reached_from(Path::new("/")).expect("it is there"));
        assert!(own.is_reached_from(&at("missing")).is_err());
    }
}
