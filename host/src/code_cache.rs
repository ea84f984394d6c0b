//! Compiled code, kept from one run to the next.
//!
//! The engine has such a cache too, which compresses its files. To decompress one and copy it into
//! place takes longer than all the rest of a start, and here a file is mapped as it is
//! (`just bench host`, S10).

use crate::own::{why_not_own, why_replaceable};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};
use wasmtime::{Engine, Module, component::Component};

/// How much is kept at most, in bytes. The code of an interpreter is some 60 MB.
const MAX_KEPT: u64 = 1 << 30;

/// What the names of its files begin with.
const PREFIX: &str = "wit-host-code-";

/// A directory of compiled code, which may be written by this user alone. At most 1 GiB is kept.
#[derive(Debug, Clone)]
pub struct CodeCache {
    directory: PathBuf,
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
    #[error(
        "failed to keep compiled code in `{directory}`; name a directory of your own, or give `--no-cache`"
    )]
    Io {
        directory: String,
        source: io::Error,
    },
    /// What somebody else leaves there would run.
    #[error(
        "no compiled code is kept in `{directory}`, which is not this user's alone ({why}); name a new directory of your own, or give `--no-cache`"
    )]
    NotOwn { directory: String, why: String },
}

/// A file in such a directory that belongs to this user, so that only [`CodeCache::keep`] can have
/// made it.
pub(crate) struct KeptFile(PathBuf);

/// What is kept, as the engine writes it.
pub(crate) trait Code: Sized {
    /// What the name of its file ends with.
    const KIND: &str;

    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;

    /// Takes it from its file, if that fits the engine's version and configuration.
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self>;
}

impl CodeCache {
    /// Uses a directory, which is made where it is missing. Nobody else may be able to write to it,
    /// nor to put another in its place.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, CodeCacheError> {
        let directory = directory.as_ref();
        let shown = || directory.display().to_string();
        let io_error = |source| CodeCacheError::Io {
            directory: shown(),
            source,
        };
        make_private(directory).map_err(io_error)?;
        let directory = fs::canonicalize(directory).map_err(io_error)?;
        for place in directory.ancestors() {
            let found = fs::metadata(place).map_err(io_error)?;
            let why = if place == directory {
                why_not_own(&found).map(str::to_owned)
            } else {
                why_replaceable(&found).map(|why| format!("`{}` above it: {why}", place.display()))
            };
            if let Some(why) = why {
                return Err(CodeCacheError::NotOwn {
                    directory: shown(),
                    why,
                });
            }
        }
        Ok(Self {
            directory,
            max_kept: MAX_KEPT,
        })
    }

    /// What a binary compiles to: from its file, or else by `compile`, and then it is kept.
    pub(crate) fn get_or<C: Code, E>(
        &self,
        engine: &Engine,
        binary: &[u8],
        compile: impl FnOnce() -> Result<C, E>,
    ) -> Result<C, E> {
        let path = self.directory.join(name::<C>(engine, binary));
        if let Some(file) = KeptFile::find(&path)
            && let Ok(code) = C::map(engine, &file)
        {
            return Ok(code);
        }
        let code = compile()?;
        // What could not be kept is compiled again the next time.
        let _ = self.keep(&code, &path);
        Ok(code)
    }

    fn keep(&self, code: &impl Code, path: &Path) -> anyhow::Result<()> {
        let code = code.serialize()?;
        if code.len() as u64 > self.max_kept {
            return Ok(());
        }
        let mut temp = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(".part")
            .tempfile_in(&self.directory)?;
        io::Write::write_all(&mut temp, &code)?;
        // So that a loss of power cannot leave part of it under its name.
        temp.as_file().sync_data()?;
        temp.persist(path)?;
        Ok(self.make_room()?)
    }

    /// Removes what was kept first, down to three quarters of what may be kept. Files of other names
    /// are somebody else's.
    fn make_room(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            // Another process may be removing them too.
            let Ok(found) = entry.metadata() else {
                continue;
            };
            if found.is_file() && name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
                files.push((found.modified()?, found.len(), entry.path()));
            }
        }
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        if total <= self.max_kept {
            return Ok(());
        }
        files.sort();
        for (_, length, path) in files {
            if total <= self.max_kept / 4 * 3 {
                break;
            }
            let _ = fs::remove_file(path);
            total -= length;
        }
        Ok(())
    }
}

impl KeptFile {
    fn find(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok()?;
        let is_own = found.is_file() && why_not_own(&found).is_none();
        is_own.then(|| Self(path.to_owned()))
    }
}

fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The same for the same binary under the same engine and configuration only.
fn name<C: Code>(engine: &Engine, binary: &[u8]) -> String {
    use std::{fmt::Write, hash::Hash};
    let mut hasher = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let digest = hasher.0.chain_update(binary).finalize();
    let mut name = PREFIX.to_owned();
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + "." + C::KIND
}

/// Takes what is to be hashed in the standard library's way.
struct Sha256Hasher(Sha256);

impl std::hash::Hasher for Sha256Hasher {
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

impl Code for Component {
    const KIND: &str = "component";

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.serialize()
    }

    #[expect(unsafe_code, reason = "only this user can have written the file")]
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self> {
        // SAFETY: `keep` has written to the file what `serialize` gave, and it had its name only
        // when it was whole.
        unsafe { Self::deserialize_file(engine, &file.0) }
    }
}

impl Code for Module {
    const KIND: &str = "module";

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.serialize()
    }

    #[expect(unsafe_code, reason = "only this user can have written the file")]
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self> {
        // SAFETY: `keep` has written to the file what `serialize` gave, and it had its name only
        // when it was whole.
        unsafe { Self::deserialize_file(engine, &file.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

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

        fn get(&self, cache: &CodeCache, text: &str) {
            let binary = wat::parse_str(text).expect("valid text");
            let compile = || {
                self.compiled.set(self.compiled.get() + 1);
                Module::from_binary(&self.engine, &binary)
            };
            let module = cache.get_or(&self.engine, &binary, compile);
            assert_eq!(module.expect("it compiles").exports().len(), 1);
        }

        fn files(&self) -> Vec<PathBuf> {
            let files = fs::read_dir(self.directory()).expect("it is there");
            files.map(|file| file.expect("a file").path()).collect()
        }
    }

    const ONE: &str = r#"(module (func (export "one")))"#;
    const TWO: &str = r#"(module (func (export "two")))"#;

    #[test]
    fn what_was_compiled_is_compiled_no_more() {
        let fixture = Fixture::new();
        for text in [ONE, ONE, TWO, ONE, TWO] {
            fixture.get(&fixture.cache(), text);
        }
        assert_eq!(fixture.compiled.get(), 2);
        assert_eq!(fixture.files().len(), 2);
    }

    #[test]
    fn another_configuration_has_code_of_its_own() {
        let mut fixture = Fixture::new();
        fixture.get(&fixture.cache(), ONE);
        let mut config = wasmtime::Config::new();
        fixture.engine = Engine::new(config.epoch_interruption(true)).expect("an engine");
        fixture.get(&fixture.cache(), ONE);
        assert_eq!(fixture.compiled.get(), 2);
    }

    #[test]
    fn a_file_that_was_cut_short_is_replaced() {
        let fixture = Fixture::new();
        fixture.get(&fixture.cache(), ONE);
        let file = fixture.files().remove(0);
        let length = fs::metadata(&file).expect("it is there").len();
        for cut in [0, 10, length / 2, length - 1] {
            fs::write(
                &file,
                &fs::read(&file).expect("it is there")[..cut as usize],
            )
            .expect("it is ours");
            fixture.get(&fixture.cache(), ONE);
            assert_eq!(fs::metadata(&file).expect("it is there").len(), length);
        }
        assert_eq!(fixture.compiled.get(), 5);
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let fixture = Fixture::new();
        let mut cache = fixture.cache();
        fixture.get(&cache, ONE);
        let length = |file| fs::metadata(file).expect("a file").len();
        cache.max_kept = length(fixture.files().remove(0)) * 5 / 4;
        let foreign = fixture.directory().join("notes.txt");
        fs::write(&foreign, vec![0; 1 << 20]).expect("it is ours");
        fixture.get(&cache, TWO);
        assert_eq!(fixture.files(), [foreign]);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let fixture = Fixture::new();
        for (mode, is_own) in [(0o700, true), (0o755, true), (0o770, false), (0o707, false)] {
            fs::create_dir_all(fixture.directory()).expect("a directory");
            fs::set_permissions(fixture.directory(), fs::Permissions::from_mode(mode))
                .expect("it is ours");
            assert_eq!(
                CodeCache::open(fixture.directory()).is_ok(),
                is_own,
                "{mode:o}"
            );
        }
    }
}
