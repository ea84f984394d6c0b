//! A cache of compiled code on disk, used by later runs.
//!
//! The engine has a code cache too, which compresses its files. Decompressing a file and copying the
//! code takes longer than the rest of a start. Here files are not compressed, and are mapped directly
//! (`just bench host`, S10).

mod code;
mod eviction;
mod kept;
mod key;
mod reach;

pub(crate) use code::Code;
pub use reach::CodeCacheReached;

use crate::{
    directory::private::{PrivateDirectory, Unusable},
    untrusted::Name,
};
use kept::KeptFile;
use key::{Key, PREFIX};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use wasmtime::Engine;

/// The largest total size of the files, in bytes. The code of an interpreter takes about 60 MB.
const MAX_KEPT: u64 = 1 << 30;

/// A directory of compiled code that only this user can write to. It holds at most 1 GiB.
///
/// The code in it is executed with all rights of this process, so the directory must be trusted: see
/// [`open`](Self::open). The host writes for a guest with the user's own rights, so a directory that a
/// guest may write to must not lead to this one: see [`refuse_reaching`](Self::refuse_reaching). The
/// code cache does not protect against other programs of the same user.
///
/// # Platforms
///
/// The code cache works on Unix only. Elsewhere, Windows included, owner and mode of a directory are
/// not known, so [`open`](Self::open) refuses every directory with [`CodeCacheError::NotOwn`], and a
/// runtime works without a code cache.
#[derive(Debug, Clone)]
pub struct CodeCache {
    directory: Arc<PrivateDirectory>,
    path: PathBuf,
    max_kept: u64,
}

/// An error of [`CodeCache::open`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeCacheError {
    /// The directory cannot be created or read.
    #[error("failed to keep compiled code in `{}`; name a directory of your own", Name(.directory))]
    Io {
        /// The path of the directory.
        directory: String,
        /// The error of the system.
        source: io::Error,
    },
    /// Another user could put code into the directory, and it would be executed. On systems other than
    /// Unix, every directory is refused with this error.
    #[error(
        "no compiled code is kept in `{}`, which is not private to this user ({}); name a new directory of your own",
        Name(.directory),
        Name(.why)
    )]
    NotOwn {
        /// The path of the directory.
        directory: String,
        /// The directory on the path that another user could change, and how, in words.
        why: String,
    },
}

impl CodeCache {
    /// Opens the code cache in `directory`, which is created if it is missing.
    ///
    /// The directory must belong to this user, and no other user may be able to write to it or to
    /// replace it. So each directory that the path leads through, links included, must belong to this
    /// user or to the administrator, and neither its group nor other users may write to it, unless it
    /// has the sticky bit; a link must belong to one of the two. The user's own group is not an
    /// exception. This refuses directories below a directory of mode 775, which `mkdir` creates under
    /// a umask of 002, and below system directories that a group of administrators may write, such as
    /// `/usr/local` on some systems.
    ///
    /// POSIX access control lists are taken into account, those of NFS 4 and macOS are not. On systems
    /// other than Unix every directory is refused.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, CodeCacheError> {
        let path = directory.as_ref();
        let shown = || path.display().to_string();
        let directory = PrivateDirectory::open(path).map_err(|unusable| match unusable {
            Unusable::Io(source) => CodeCacheError::Io {
                directory: shown(),
                source,
            },
            Unusable::NotOwn(why) => CodeCacheError::NotOwn {
                directory: shown(),
                why,
            },
        })?;
        Ok(Self {
            directory: Arc::new(directory),
            path: path.to_owned(),
            max_kept: MAX_KEPT,
        })
    }

    /// Returns the compiled code of a binary: from its file if there is one, otherwise from `compile`.
    /// In the second case the code is stored.
    pub(crate) fn get_or<C: Code, E>(
        &self,
        engine: &Engine,
        binary: &[u8],
        compile: impl FnOnce() -> Result<C, E>,
    ) -> Result<C, E> {
        let key = Key::of::<C>(engine, binary);
        if let Some(code) = self.find(engine, &key) {
            return Ok(code);
        }
        let code = compile()?;
        // Code that could not be kept is compiled again the next time.
        let _ = self.keep(&code, &key);
        Ok(code)
    }

    fn find<C: Code>(&self, engine: &Engine, key: &Key) -> Option<C> {
        let file = self.directory.open_sealed(&key.file_name::<C>()).ok()??;
        let file = KeptFile::verify(file, key).ok()??;
        C::map(engine, &file).ok()
    }

    fn keep<C: Code>(&self, code: &C, key: &Key) -> anyhow::Result<()> {
        let code = code.serialize()?;
        if code.len() as u64 > self.max_kept {
            return Ok(());
        }
        let unfinished = unfinished_name();
        let file = self.directory.create(&unfinished)?;
        let kept = kept::write(&file, &code, key).and_then(|()| {
            self.directory
                .seal(&file, &unfinished, &key.file_name::<C>())
        });
        if kept.is_err() {
            let _ = self.directory.remove(&unfinished);
        }
        kept?;
        Ok(eviction::make_room(&self.directory, self.max_kept)?)
    }
}

/// A name for a temporary file. If a file of that name exists all the same, the code is not kept.
fn unfinished_name() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since_epoch.unwrap_or_default().as_nanos();
    format!("{PREFIX}{}-{nanoseconds}.part", std::process::id())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{cell::Cell, fs, os::unix::fs::PermissionsExt};
    use wasmtime::{Module, component::Component};

    /// A code cache whose directory does not exist yet, and a counter of compilations.
    struct Fixture {
        root: tempfile::TempDir,
        engine: Engine,
        compiled: Cell<u32>,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                root: tempfile::tempdir().expect("a directory"),
                engine: Engine::default(),
                compiled: Cell::new(0),
            }
        }

        fn directory(&self) -> PathBuf {
            self.root.path().join("cache")
        }

        fn cache(&self) -> CodeCache {
            CodeCache::open(self.directory()).expect("a directory of our own")
        }

        /// Gets the code of a module whose only export has this name, and checks that it is that code.
        fn get(&self, cache: &CodeCache, name: &str) {
            let text = format!(r#"(module (func (export "{name}")))"#);
            let binary = wat::parse_str(text).expect("valid text");
            let compile = || {
                self.compiled.set(self.compiled.get() + 1);
                Module::from_binary(&self.engine, &binary)
            };
            let module = cache.get_or(&self.engine, &binary, compile);
            let module = module.expect("it compiles");
            let exports: Vec<_> = module.exports().map(|export| export.name()).collect();
            assert_eq!(exports, [name]);
        }

        fn files(&self) -> Vec<PathBuf> {
            let files = fs::read_dir(self.directory()).expect("it is there");
            files.map(|file| file.expect("a file").path()).collect()
        }

        /// Puts the code of a module into the cache, and returns its file.
        fn kept(&self, name: &str) -> PathBuf {
            let before = self.files();
            self.get(&self.cache(), name);
            let mut files = self.files();
            files.retain(|file| !before.contains(file));
            files.remove(0)
        }
    }

    /// Writes a file with the mode of the cache's files.
    fn put(path: &Path, bytes: &[u8]) {
        let _ = fs::remove_file(path);
        fs::write(path, bytes).expect("it is ours");
        fs::set_permissions(path, fs::Permissions::from_mode(0o500)).expect("it is ours");
    }

    #[test]
    fn a_binary_is_compiled_only_once() {
        let fixture = Fixture::new();
        for name in ["one", "one", "two", "one", "two"] {
            fixture.get(&fixture.cache(), name);
        }
        assert_eq!(fixture.compiled.get(), 2);
        assert_eq!(fixture.files().len(), 2);
    }

    #[test]
    fn each_configuration_has_code_of_its_own() {
        let mut fixture = Fixture::new();
        fixture.get(&fixture.cache(), "one");
        let mut config = wasmtime::Config::new();
        let other = Engine::new(config.epoch_interruption(true)).expect("an engine");
        let first = std::mem::replace(&mut fixture.engine, other);
        fixture.get(&fixture.cache(), "one");
        assert_eq!(fixture.compiled.get(), 2);
        fixture.engine = first;
        fixture.get(&fixture.cache(), "one");
        assert_eq!(fixture.compiled.get(), 2);
    }

    #[test]
    fn a_truncated_file_is_replaced() {
        let fixture = Fixture::new();
        fs::create_dir(fixture.directory()).expect("a directory");
        let file = fixture.kept("one");
        let whole = fs::read(&file).expect("it is there");
        for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
            put(&file, &whole[..cut]);
            fixture.get(&fixture.cache(), "one");
            assert_eq!(fs::read(&file).expect("it is there"), whole);
        }
        assert_eq!(fixture.compiled.get(), 5);
    }

    #[test]
    fn code_under_the_name_of_other_code_is_replaced() {
        let fixture = Fixture::new();
        fs::create_dir(fixture.directory()).expect("a directory");
        let (one, two) = (fixture.kept("one"), fixture.kept("two"));
        fs::rename(&two, &one).expect("it is ours");
        fixture.get(&fixture.cache(), "one");
        assert_eq!(fixture.compiled.get(), 3);
        fixture.get(&fixture.cache(), "one");
        assert_eq!(fixture.compiled.get(), 3);
    }

    #[test]
    fn a_component_is_mapped_from_its_file() {
        let fixture = Fixture::new();
        let binary = wat::parse_str("(component (core module))").expect("valid text");
        for compiled in [1, 1] {
            let compile = || {
                fixture.compiled.set(fixture.compiled.get() + 1);
                Component::from_binary(&fixture.engine, &binary)
            };
            let component = fixture.cache().get_or(&fixture.engine, &binary, compile);
            assert!(component.is_ok());
            assert_eq!(fixture.compiled.get(), compiled);
        }
    }

    #[test]
    fn the_total_size_is_bounded() {
        let fixture = Fixture::new();
        fs::create_dir(fixture.directory()).expect("a directory");
        let mut cache = fixture.cache();
        let length = fs::metadata(fixture.kept("one")).expect("a file").len();
        cache.max_kept = length * 5 / 4;
        let foreign = fixture.directory().join("notes.txt");
        fs::write(&foreign, vec![0; 1 << 20]).expect("it is ours");
        fixture.get(&cache, "two");
        assert_eq!(fixture.files(), [foreign]);
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let fixture = Fixture::new();
        for (mode, is_own) in [
            (0o700, true),
            (0o755, true),
            (0o720, false),
            (0o702, false),
            (0o1777, false),
        ] {
            fs::create_dir_all(fixture.directory()).expect("a directory");
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(fixture.directory(), mode.clone()).expect("it is ours");
            assert_eq!(
                CodeCache::open(fixture.directory()).is_ok(),
                is_own,
                "{mode:?}"
            );
        }
    }
}
