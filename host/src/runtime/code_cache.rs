//! Compiled code, kept from one run to the next.
//!
//! The engine has such a cache too, which compresses its files. To decompress one and copy it into
//! place takes longer than all the rest of a start, and here a file is mapped as it is
//! (`just bench host`, S10).

mod kept;

use crate::{
    directory::private::{PrivateDirectory, Unusable, path_of_open},
    names::part::PartName,
    sandbox::Sandboxes,
    untrusted::Name,
};
use kept::KeptFile;
use sha2::{Digest, Sha256};
use std::{
    fs,
    fs::File,
    hash::{Hash, Hasher},
    io::{self, Read, Seek},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use wasmtime::{Engine, Module, component::Component};

/// How much is kept at most, in bytes. The code of an interpreter is some 60 MB.
const MAX_KEPT: u64 = 1 << 30;

/// What the names of its files begin with.
const PREFIX: &str = "wit-host-code-";

/// A directory of compiled code, to which this user alone can write. At most 1 GiB is kept.
///
/// The code in it is executed with all rights of this process, so it is trusted as far as the
/// directory is: see [`open`](Self::open). A guest runs with the user's own rights, so a directory
/// that guests may write to must not lead to this one: see
/// [`refuse_reaching`](Self::refuse_reaching). Against other programs of the same user there is no
/// protection.
#[derive(Debug, Clone)]
pub struct CodeCache {
    directory: Arc<PrivateDirectory>,
    path: PathBuf,
    max_kept: u64,
}

/// Why compiled code is not kept in a directory.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum CodeCacheError {
    /// The directory cannot be made or looked at.
    #[error("failed to keep compiled code in `{}`; name a directory of your own", Name(.directory))]
    Io {
        directory: String,
        source: io::Error,
    },
    /// What somebody else leaves there would run.
    #[error(
        "no compiled code is kept in `{}`, which is not this user's alone ({}); name a new directory of your own",
        Name(.directory),
        Name(.why)
    )]
    NotOwn { directory: String, why: String },
}

/// A guest could replace compiled code, which would then run outside of every sandbox.
#[derive(Debug, thiserror::Error)]
#[error(
    "directory `{}` cannot be granted to {} to write: from there it could replace the compiled code in `{}`, which later runs execute; grant another directory, or this one to read only", Name(.grant.display()), name_of(.plug), Name(.cache.display())
)]
pub struct CodeCacheReached {
    /// The directory that was to be granted.
    pub grant: PathBuf,
    /// The plug that it was to be granted to; `None` for the consumer.
    pub plug: Option<PartName>,
    /// The directory of the compiled code.
    pub cache: PathBuf,
}

fn name_of(plug: &Option<PartName>) -> String {
    match plug {
        Some(plug) => format!("plug `{plug}`"),
        None => "the consumer".to_owned(),
    }
}

fn refuse(
    cache: &Path,
    sandboxes: &Sandboxes,
    reaches: impl Fn(&Path) -> bool,
) -> Result<(), CodeCacheReached> {
    let plugs = sandboxes.plugs.iter();
    let parts = std::iter::once((None, &sandboxes.consumer))
        .chain(plugs.map(|(plug, sandbox)| (Some(plug), sandbox)));
    for (plug, sandbox) in parts {
        if let Some(grant) = sandbox.writable_directories().find(|grant| reaches(grant)) {
            return Err(CodeCacheReached {
                grant: grant.to_owned(),
                plug: plug.cloned(),
                cache: cache.to_owned(),
            });
        }
    }
    Ok(())
}

/// What is kept, as the engine writes it.
pub(crate) trait Code: Sized {
    /// What the name of its file ends with.
    const KIND: &str;

    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;

    /// Maps it from its file, if that fits the engine's version and configuration.
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self>;
}

/// Stands for a binary, the kind of code that it is compiled to, and the engine with its
/// configuration.
struct Key([u8; 32]);

impl CodeCache {
    /// Uses a directory, which is made where it is missing.
    ///
    /// It must belong to this user, and nobody else may be able to write to it or to put another in
    /// its place. So each directory that the path leads through, links included, must belong to this
    /// user or to the administrator, and neither its group nor others may write to it, unless it has
    /// the sticky bit; a link must belong to one of the two. The user's own group is no exception.
    /// That refuses what lies below directories of mode 775, which is what `mkdir` makes under a
    /// umask of 002, and below system directories that a group of administrators may write, such as
    /// `/usr/local` of some systems.
    ///
    /// What a POSIX access control list allows is taken into account, what one of NFS 4 or macOS
    /// allows is not seen. On systems other than Unix nobody can tell, and every directory is
    /// refused.
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

    /// Refuses sandboxes in which a guest could replace what is kept here: those that grant, to be
    /// written, a directory that the path of this one leads through, or one that lies in it.
    ///
    /// It is for whoever runs guests to ask, before each run, also before those that do not use the
    /// cache: what a guest has left here would be executed by a later one. Directories are compared
    /// as the system knows them, whatever they are called. A second mount of this directory is seen
    /// where a mount above it or of it is granted, and not where this directory itself was opened
    /// through the second mount.
    pub fn refuse_reaching(&self, sandboxes: &Sandboxes) -> Result<(), CodeCacheReached> {
        // What cannot be opened here cannot be granted either.
        let reaches = |grant: &Path| self.directory.is_reached_from(grant).unwrap_or(false);
        refuse(&self.path, sandboxes, reaches)
    }

    /// The same for a directory that is not trusted now and may be by a later run. Here it is resolved
    /// paths that are compared.
    pub fn refuse_reaching_path(
        directory: &Path,
        sandboxes: &Sandboxes,
    ) -> Result<(), CodeCacheReached> {
        let Ok(resolved) = fs::canonicalize(directory) else {
            return Ok(());
        };
        let reaches = |grant: &Path| {
            fs::canonicalize(grant)
                .is_ok_and(|grant| resolved.starts_with(&grant) || grant.starts_with(&resolved))
        };
        refuse(directory, sandboxes, reaches)
    }

    /// What a binary compiles to: from its file, or else by `compile`, and then it is kept.
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
        // What could not be kept is compiled again the next time.
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
        Ok(self.make_room()?)
    }

    /// Removes what was kept first, down to three quarters of what may be kept. Files of other names
    /// are somebody else's.
    fn make_room(&self) -> io::Result<()> {
        let mut files = self.directory.files()?;
        files.retain(|(.., name)| name.starts_with(PREFIX));
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        if total <= self.max_kept {
            return Ok(());
        }
        files.sort();
        for (_, length, name) in files {
            if total <= self.max_kept / 4 * 3 {
                break;
            }
            let _ = self.directory.remove(&name);
            total -= length;
        }
        Ok(())
    }
}

impl Key {
    fn of<C: Code>(engine: &Engine, binary: &[u8]) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        C::KIND.hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self(hasher.0.chain_update(binary).finalize().into())
    }

    fn file_name<C: Code>(&self) -> String {
        use std::fmt::Write;
        let mut name = PREFIX.to_owned();
        for byte in self.0 {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name + "." + C::KIND
    }
}

/// Takes what is to be hashed in the standard library's way.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        u64::from_le_bytes(
            self.0.clone().finalize()[..8]
                .try_into()
                .unwrap_or_default(),
        )
    }
}

/// A name that no other file has. Should one have it all the same, the code is not kept.
fn unfinished_name() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since_epoch.unwrap_or_default().as_nanos();
    format!("{PREFIX}{}-{nanoseconds}.part", std::process::id())
}

impl Code for Component {
    const KIND: &str = "component";

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.serialize()
    }

    #[expect(unsafe_code, reason = "only `keep` can have written the file")]
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self> {
        // The engine maps a component by a path only. This one leads to the open file itself, where
        // the system has such paths.
        let path = path_of_open(file.file());
        // SAFETY: see `KeptFile`.
        unsafe { Self::deserialize_file(engine, path) }.or_else(|_| {
            let code = read_whole(file.file())?;
            // SAFETY: see `KeptFile`.
            unsafe { Self::deserialize(engine, code) }
        })
    }
}

impl Code for Module {
    const KIND: &str = "module";

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.serialize()
    }

    #[expect(unsafe_code, reason = "only `keep` can have written the file")]
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self> {
        // SAFETY: see `KeptFile`.
        unsafe { Self::deserialize_open_file(engine, file.file().try_clone()?) }
    }
}

fn read_whole(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::sandbox::Preopen;
    use crate::sandbox::Sandbox;
    use std::{cell::Cell, fs, os::unix::fs::PermissionsExt};

    /// A directory that is missing yet, and how often something was compiled for it.
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

        /// Expects one export of this name.
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

        /// Keeps code of this name, and gives its file.
        fn kept(&self, name: &str) -> PathBuf {
            let before = self.files();
            self.get(&self.cache(), name);
            let mut files = self.files();
            files.retain(|file| !before.contains(file));
            files.remove(0)
        }
    }

    /// A file with the mode that kept files have.
    fn put(path: &Path, bytes: &[u8]) {
        let _ = fs::remove_file(path);
        fs::write(path, bytes).expect("it is ours");
        fs::set_permissions(path, fs::Permissions::from_mode(0o500)).expect("it is ours");
    }

    #[test]
    fn what_was_compiled_is_compiled_no_more() {
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
    fn a_key_stands_for_the_kind_of_code_too() {
        let engine = Engine::default();
        let (module, component) = (
            Key::of::<Module>(&engine, b"binary"),
            Key::of::<Component>(&engine, b"binary"),
        );
        assert_ne!(module.0, component.0);
    }

    #[test]
    fn a_file_that_was_cut_short_is_replaced() {
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
    fn no_more_is_kept_than_may_be() {
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

    #[test]
    fn a_grant_that_reaches_it_is_refused_to_any_part() {
        let fixture = Fixture::new();
        let cache = fixture.cache();
        let above = fixture.root.path();
        let plug: PartName = "plug".parse().expect("a name");
        let refused = |consumer: Sandbox, of_plug: Sandbox| {
            let sandboxes = Sandboxes {
                consumer,
                plugs: [(plug.clone(), of_plug)].into(),
                ..Sandboxes::default()
            };
            let refused = cache.refuse_reaching(&sandboxes);
            refused.err().map(|reached| (reached.plug, reached.grant))
        };
        let nothing = Sandbox::new;
        let grant = |preopen| Sandbox::new().preopen(preopen);
        let writing = || grant(Preopen::read_write(above, "/d"));
        assert_eq!(refused(nothing(), nothing()), None);
        assert_eq!(
            refused(writing(), nothing()),
            Some((None, above.to_owned()))
        );
        assert_eq!(
            refused(nothing(), writing()),
            Some((Some(plug.clone()), above.to_owned()))
        );
        assert_eq!(
            refused(grant(Preopen::read_only(above, "/d")), nothing()),
            None
        );
        let missing = Preopen::read_write(above.join("missing"), "/d");
        assert_eq!(refused(grant(missing), nothing()), None);
    }
}
