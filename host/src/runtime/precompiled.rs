//! Files of programs that were compiled ahead of time.
//!
//! The file holds compiled code that runs with this process's own rights, and the data to link it like
//! the composition that it was compiled from: each part to its own sandbox. A file is accepted only if
//! no other user could have written it, and only unchanged. Neither check proves that this host made
//! it, so loading it is `unsafe`.

mod format;
mod linking;
mod report;

pub use report::PrecompiledReport;

use crate::{
    compose::composition::Composition,
    directory::ownership::why_others_can_write,
    names::{external::ExternName, part::PartName},
    program::Program,
    report::explain::Explanation,
    runtime::{LoadError, Plugs, Runtime, engine::Engine, refuse_unsatisfied},
    sandbox::parts::Sandboxes,
    untrusted::Name,
};
use format::{MAGIC, MAX_SIZE, Target, encode, parse};
use linking::Linking;
use std::{
    error::Error,
    fs::File,
    io::{self, Read},
    ops::Range,
    path::Path,
};
use wasmtime::component::Component;

/// A precompiled program, read from a file that only this user can write.
///
/// # Platforms
///
/// Precompiled programs can be opened on Unix only. Elsewhere, Windows included, it is not known who
/// can write a file, so [`open`](Self::open) refuses every file with [`PrecompiledError::NotOwn`].
#[derive(Debug)]
pub struct Precompiled {
    target: Target,
    linking: Linking,
    file: Vec<u8>,
    code: Range<usize>,
}

/// Compiled code that the user trusts.
#[derive(Debug)]
pub struct TrustedCode(Precompiled);

impl TrustedCode {
    /// The path of the file that contained the code.
    pub fn precompiled(&self) -> &Precompiled {
        &self.0
    }
}

/// An error of precompiling a program, or of opening a precompiled one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrecompiledError {
    /// The file could not be read.
    #[error("failed to read `{}`", Name(.path))]
    Io {
        /// The path of the file.
        path: String,
        /// The error of the system.
        source: io::Error,
    },
    /// Another user could have written the file. On systems other than Unix, every file is refused
    /// with this error.
    #[error(
        "`{}` is not private to this user ({why}), so its code is not run; precompile the program again, or make the file private with `chown` and `chmod go-w`",
        Name(.path)
    )]
    NotOwn {
        /// The path of the file.
        path: String,
        /// The reason why it is not private, in words.
        why: &'static str,
    },
    /// The file is not a precompiled program, or has been changed.
    #[error(
        "`{}` is not a precompiled program or has been changed ({why}); precompile the program again",
        Name(.path)
    )]
    Damaged {
        /// The path of the file.
        path: String,
        /// The first difference to a precompiled file.
        why: Damage,
    },
    /// A plug has no import of its own for an interface, so it would have the consumer's grants.
    #[error(
        "plug `{plug}` would share `{}` with the consumer; compose them in the form in which each part has its own grants",
        Name(.import)
    )]
    Shared {
        /// The plug.
        plug: PartName,
        /// The interface, which carries authority.
        import: ExternName,
    },
    /// The embedder satisfies an import, and a file cannot hold its Rust code.
    #[error(
        "`{}` of `{part}` is satisfied by a host interface, which cannot be put into a file; plug a component that exports it, or load the composition itself",
        Name(.import)
    )]
    HostInterface {
        /// The part that imports it.
        part: PartName,
        /// The name of the import.
        import: ExternName,
    },
    /// A plug is isolated, and a file holds the code of one store.
    #[error(
        "the isolated plug `{plug}` cannot be put into a file; precompile without isolating it"
    )]
    Isolated {
        /// The plug.
        plug: PartName,
    },
    /// The program could not be compiled or linked.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The compiled code could not be serialized.
    #[error("failed to serialize the compiled code of `{part}`")]
    Serialize {
        /// The consumer of the program.
        part: PartName,
        /// The error of the engine, or the size of the file if it is too large.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The first difference between a file and a precompiled program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file is larger than 1 GiB.
    #[error("it is larger than 1 GiB")]
    TooLarge,
    /// The file does not start like a precompiled file.
    #[error("its magic number is wrong")]
    MagicNumber,
    /// The format of the file is that of another version of the host.
    #[error("it was made by another version of the host")]
    OtherVersion,
    /// The end of the file is missing.
    #[error("it is cut short")]
    CutShort,
    /// The contents differ from those that were written.
    #[error("its checksum is wrong")]
    Checksum,
    /// The engine that the code is compiled for is not known.
    #[error("the engine that it was made for is not known")]
    Engine,
    /// The links between the parts cannot be those of a composition.
    #[error("the links between its parts are inconsistent")]
    Links,
}

impl Precompiled {
    /// `true` if bytes start like a precompiled file of any version.
    pub fn is_precompiled(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads a precompiled file. It must be a regular file of at most 1 GiB that only this user can
    /// write, and it must be unchanged. No code in it is run yet.
    ///
    /// On systems other than Unix every file is refused.
    pub fn open(path: &Path) -> Result<Self, PrecompiledError> {
        let shown = || path.display().to_string();
        let io_error = |source| PrecompiledError::Io {
            path: shown(),
            source,
        };
        let file = open_at_once(path).map_err(io_error)?;
        // The open file is checked, because the path may lead to another file meanwhile.
        let found = file.metadata().map_err(io_error)?;
        let why = if found.is_file() {
            why_others_can_write(&found)
        } else {
            Some("it is not a regular file")
        };
        if let Some(why) = why {
            return Err(PrecompiledError::NotOwn { path: shown(), why });
        }
        read(file, path)
    }

    /// The engine that the program was compiled for.
    pub fn engine(&self) -> Engine {
        self.target.engine
    }

    /// The names of the parts: the consumer's, then the plugs'.
    pub fn parts(&self) -> &[PartName] {
        &self.linking.parts
    }

    /// The authority of each part in these sandboxes, provided that [`Runtime::precompile`] made the
    /// file. Code from elsewhere can reach everything that this process can.
    pub fn explain(&self, sandboxes: &Sandboxes) -> Explanation {
        Explanation::of_links(&self.linking.parts, &self.linking.links, sandboxes)
    }

    /// Trusts the code, so that it can be loaded.
    ///
    /// # Safety
    ///
    /// The file must be what [`Runtime::precompile`] of this version of the host has made. It holds
    /// compiled code, which runs with all rights of this process, outside of every sandbox and limit,
    /// on either engine.
    /// [`open`](Self::open) has checked that the file belongs to this user and is unchanged since it
    /// was written; it cannot check who wrote it, and from what.
    #[expect(unsafe_code, reason = "compiled code from a file is trusted")]
    pub unsafe fn trust(self) -> TrustedCode {
        TrustedCode(self)
    }

    fn code(&self) -> &[u8] {
        &self.file[self.code.clone()]
    }
}

/// A FIFO is opened without waiting for a writer.
#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    File::options()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
}

#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn read(file: File, path: &Path) -> Result<Precompiled, PrecompiledError> {
    let path = || path.display().to_string();
    let mut bytes = Vec::new();
    file.take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| PrecompiledError::Io {
            path: path(),
            source,
        })?;
    parse(bytes).map_err(|why| PrecompiledError::Damaged { path: path(), why })
}

impl Runtime {
    /// Compiles a program ahead of time. Returns the contents of a file for [`Precompiled::open`].
    ///
    /// The file can be loaded by the same version of the host with the same
    /// [`RuntimeOptions`](crate::RuntimeOptions). Each part keeps its own sandbox, so plugs that import
    /// interfaces with authority must be composed in [`Form::Granted`](crate::Form). A composition with
    /// a [`HostInterface`](crate::HostInterface) is refused, because a file cannot hold Rust code.
    pub fn precompile(&self, composition: &Composition) -> Result<Vec<u8>, PrecompiledError> {
        if let Some((plug, _)) = composition.isolated().next() {
            return Err(PrecompiledError::Isolated { plug: plug.clone() });
        }
        let linking = Linking::of(composition);
        if let Some((plug, import)) = linking.shared_import() {
            return Err(PrecompiledError::Shared {
                plug: plug.clone(),
                import: import.clone(),
            });
        }
        if let Some((part, import)) = linking.host_interface() {
            return Err(PrecompiledError::HostInterface {
                part: part.clone(),
                import: import.clone(),
            });
        }
        refuse_unsatisfied(composition).map_err(PrecompiledError::Load)?;
        let root = composition.root();
        let component = self.compile(root)?;
        // Linking reports missing imports, with the same errors as running.
        self.link_unit(&component, root, &Plugs::new())?;
        let target = Target {
            engine: self.kind,
            machine: self.kind.target(),
        };
        let code = component.serialize().map_err(anyhow::Error::from);
        code.and_then(|code| encode(&target, &linking, &code))
            .map_err(|error| PrecompiledError::Serialize {
                part: composition.parts()[0].clone(),
                source: error.into(),
            })
    }

    /// Links compiled code.
    #[expect(unsafe_code, reason = "trusted code is what `precompile` has made")]
    pub fn load_precompiled(&self, code: &TrustedCode) -> Result<Program, LoadError> {
        let precompiled = code.precompiled();
        let made_for = precompiled.engine();
        if made_for != self.kind {
            return Err(LoadError::OtherEngine {
                part: precompiled.parts()[0].clone(),
                made_for,
                engine: self.kind,
            });
        }
        let Linking {
            parts,
            links,
            private,
            layout,
        } = &precompiled.linking;
        // SAFETY: the code is the output of `serialize`, as the caller of `Precompiled::trust` has
        // promised, and the engine checks its version and configuration.
        let component = unsafe { Component::deserialize(self.engine(), precompiled.code()) };
        let component = component.map_err(|error| LoadError::OtherHost {
            part: parts[0].clone(),
            source: error.into(),
        })?;
        let code = self.link(&component, parts, links, private, layout, &Plugs::new())?;
        Ok(Program::new(code, parts.clone(), Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let linking =
            br#"{"parts":["cache"],"links":[],"private":[],"places":[],"moved":[],"like_adapters":[]}"#;
        let linking = Linking::from_bytes(linking).expect("it makes sense");
        let target = Target {
            engine: Engine::Interpreter,
            machine: "pulley64".to_owned(),
        };
        encode(&target, &linking, b"the code").expect("it is small")
    }

    #[test]
    fn an_encoded_file_parses() {
        let precompiled = parse(file()).expect("a whole file");
        assert_eq!(precompiled.parts()[0].as_str(), "cache");
        assert_eq!(precompiled.engine(), Engine::Interpreter);
        assert_eq!(precompiled.code(), b"the code");
    }

    #[test]
    fn every_changed_bit_and_every_truncation_is_refused() {
        let file = file();
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                assert!(parse(changed).is_err(), "byte {at}, bit {bit}");
            }
            assert!(parse(file[..at].to_vec()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_file_of_another_version_is_named_as_one() {
        let mut file = file();
        file[MAGIC.len()] = b'1';
        assert_eq!(parse(file).err(), Some(Damage::OtherVersion));
    }
}
