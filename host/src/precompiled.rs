//! Compiled code in a file.
//!
//! The file holds native code that will run with this process's own rights, so it is taken only
//! from where nobody but this user could have put it, and only unchanged.

use crate::{
    compose::Composition,
    layout::Layout,
    name::PartName,
    own::why_not_own,
    program::Program,
    runtime::{LoadError, Runtime},
};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use wasmtime::component::Component;

/// The first bytes of such a file; what follows is the SHA-256 of the rest, the length of the
/// program's name in one byte, the name, and the engine's own format.
const MAGIC: &[u8] = b"\0wit-host code 1\0";
const DIGEST_SIZE: usize = 32;

/// Compiled code that was read from a file of this user's alone.
#[derive(Debug)]
pub struct Precompiled {
    name: PartName,
    code: Vec<u8>,
}

/// Why compiled code was not made or not taken.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum PrecompiledError {
    /// The file could not be read.
    #[error("failed to read `{path}`")]
    Io { path: String, source: io::Error },
    /// Somebody else could have written it.
    #[error(
        "`{path}` is not this user's alone ({why}), so its code is not run; precompile it anew, or take it over with `chown` and `chmod go-w`"
    )]
    NotOwn { path: String, why: &'static str },
    /// It is something else, or has been changed.
    #[error("`{path}` is no precompiled program or has been changed ({why}); precompile it anew")]
    Damaged { path: String, why: &'static str },
    /// Another version or configuration made it.
    #[error("the compiled code of `{part}` does not fit this host; precompile it anew")]
    Foreign {
        part: PartName,
        source: wasmtime::Error,
    },
    /// The program does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The compiled code cannot be put into a file.
    #[error("failed to write down the compiled code of `{part}`")]
    Serialize {
        part: PartName,
        source: wasmtime::Error,
    },
}

impl Precompiled {
    /// Whether bytes start as such a file does.
    pub fn is_precompiled(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads the file, if it is a regular one that only this user can write.
    pub fn open(path: &Path) -> Result<Self, PrecompiledError> {
        let shown = || path.display().to_string();
        let io_error = |source| PrecompiledError::Io {
            path: shown(),
            source,
        };
        let mut file = open_at_once(path).map_err(io_error)?;
        // Asked of the open file: what is at the path may change meanwhile.
        let found = file.metadata().map_err(io_error)?;
        let why = if found.is_file() {
            why_not_own(&found)
        } else {
            Some("it is no regular file")
        };
        if let Some(why) = why {
            return Err(PrecompiledError::NotOwn { path: shown(), why });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io_error)?;
        parse(&bytes).map_err(|why| PrecompiledError::Damaged { path: shown(), why })
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

fn parse(bytes: &[u8]) -> Result<Precompiled, &'static str> {
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("its start is not that of one")?;
    let (digest, rest) = rest
        .split_at_checked(DIGEST_SIZE)
        .ok_or("it is cut short")?;
    if Sha256::digest(rest).as_slice() != digest {
        return Err("its checksum does not fit");
    }
    let (length, rest) = rest.split_first().ok_or("it is cut short")?;
    let (name, code) = rest
        .split_at_checked(usize::from(*length))
        .ok_or("it is cut short")?;
    let name = std::str::from_utf8(name)
        .ok()
        .and_then(|name| name.parse().ok());
    Ok(Precompiled {
        name: name.ok_or("it names no program")?,
        code: code.to_owned(),
    })
}

impl Runtime {
    /// Compiles a program ahead of time: the contents of a file for [`Precompiled::open`].
    ///
    /// It fits this version of the host with the same
    /// [`RuntimeOptions`](crate::RuntimeOptions), and imports nothing but WASI.
    pub fn precompile(&self, composition: &Composition) -> Result<Vec<u8>, PrecompiledError> {
        let part = &composition.parts()[0];
        let component = self.compile(composition)?;
        // Linking it says what is missing, in the words that running it would.
        self.link_composition(&component, composition)?;
        let code = component
            .serialize()
            .map_err(|source| PrecompiledError::Serialize {
                part: part.clone(),
                source,
            })?;
        let name = part.as_str().as_bytes();
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let mut rest = vec![length];
        rest.extend_from_slice(&name[..usize::from(length)]);
        rest.extend_from_slice(&code);
        Ok([MAGIC, Sha256::digest(&rest).as_slice(), &rest].concat())
    }

    /// Links compiled code.
    pub fn load_precompiled(&self, precompiled: &Precompiled) -> Result<Program, PrecompiledError> {
        let Precompiled { name, code } = precompiled;
        #[expect(
            unsafe_code,
            reason = "the file is one that only this user could write, and its checksum fits"
        )]
        // SAFETY: the code was written by `precompile` under this user: `Precompiled` is only made
        // from a file of this user's alone, and the engine checks its version and configuration.
        let component = unsafe { Component::deserialize(self.engine(), code) };
        let component = component.map_err(|source| PrecompiledError::Foreign {
            part: name.clone(),
            source,
        })?;
        let layout = Layout::of_one(name.clone(), usize::MAX);
        let linked = self.link(&component, vec![name.clone()], &[], layout);
        Ok(linked.map_err(|source| LoadError::Link {
            parts: vec![name.clone()],
            import: None,
            source,
        })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let rest = [&[5][..], b"cache", b"the code"].concat();
        [MAGIC, Sha256::digest(&rest).as_slice(), &rest].concat()
    }

    #[test]
    fn what_was_written_is_read() {
        let precompiled = parse(&file()).expect("a whole file");
        assert_eq!(precompiled.name.as_str(), "cache");
        assert_eq!(precompiled.code, b"the code");
    }

    #[test]
    fn every_changed_byte_and_every_truncation_is_refused() {
        let file = file();
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                assert!(parse(&changed).is_err(), "byte {at}, bit {bit}");
            }
            assert!(parse(&file[..at]).is_err(), "cut at {at}");
        }
    }
}
