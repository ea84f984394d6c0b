//! Reading WebAssembly files: binary or text, component or core module.

use crate::{
    untrusted::Name,
    wasm::{
        guarded::guarded,
        validate::{InvalidBinary, validate},
        walk::sections,
    },
};
use serde::Serialize;
use std::{
    borrow::Cow,
    error::Error,
    fs::File,
    io::{self, Read},
    path::Path,
};
use wasmparser::{BinaryReaderError, Encoding, Payload};

/// The largest file that is read, in bytes. Components of interpreted languages reach 20 MB.
pub const MAX_FILE_SIZE: u64 = 512 << 20;

/// The largest text that is translated, in bytes. Translating takes about eighty times that memory.
pub const MAX_TEXT_SIZE: usize = 16 << 20;

/// A WebAssembly binary and where it came from.
///
/// Its sections are complete, but their contents have not been validated: composing, compiling,
/// inspecting and componentizing each validate what they use.
#[derive(Debug, Clone)]
pub struct Wasm {
    origin: String,
    kind: Kind,
    bytes: Vec<u8>,
}

/// The kind of a WebAssembly binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A component.
    Component,
    /// A core module that embeds the WIT world that it was built for, as bindings generators do. It can
    /// be made a component without further input.
    ModuleWithWorld,
    /// Any other core module.
    Module,
}

/// An error of reading a file or a buffer as WebAssembly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("failed to read `{}`", Name(.origin))]
    Io {
        /// The path of the file, or the name that was given to the input.
        origin: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is larger than [`MAX_FILE_SIZE`].
    #[error("failed to read `{}`: it is larger than {} MiB", Name(.origin), MAX_FILE_SIZE >> 20)]
    TooLarge {
        /// The path of the file, or the name that was given to the input.
        origin: String,
    },
    /// The input is text, and larger than [`MAX_TEXT_SIZE`].
    #[error("`{}` is more than {} MiB of text; give it as binary", Name(.origin), MAX_TEXT_SIZE >> 20)]
    TooMuchText {
        /// The path of the file, or the name that was given to the input.
        origin: String,
    },
    /// The input is neither WebAssembly binary nor WebAssembly text.
    #[error(
        "`{}` is not WebAssembly: it starts with {start}; give a component or a core module, as binary or as `.wat` text",
        Name(.origin)
    )]
    NotWasm {
        /// The path of the file, or the name that was given to the input.
        origin: String,
        /// A description of the first bytes, in words.
        start: String,
    },
    /// The text form does not parse.
    #[error("failed to parse `{}` as WebAssembly text", Name(.origin))]
    Text {
        /// The path of the file, or the name that was given to the input.
        origin: String,
        /// The error of the parser, with the line that it is about.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The binary does not validate.
    #[error("`{}` is damaged or uses features that are not supported here", Name(.origin))]
    Invalid {
        /// The path of the file, or the name that was given to the input.
        origin: String,
        /// The first error in the binary.
        source: InvalidBinary,
    },
}

impl ReadError {
    pub(crate) fn invalid(origin: String, error: &BinaryReaderError) -> Self {
        Self::Invalid {
            origin,
            source: InvalidBinary::new(error),
        }
    }
}

impl Wasm {
    /// Reads the file at `path`; text is translated to binary.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let origin = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((length, file)) => Self::read_about(length, origin, file),
            Err(source) => Err(ReadError::Io { origin, source }),
        }
    }

    /// Reads `reader` to its end. Messages call the result `origin`.
    pub fn read_from(origin: impl Into<String>, reader: impl Read) -> Result<Self, ReadError> {
        Self::read_about(0, origin.into(), reader)
    }

    /// Reads `reader` to its end; `length` is the expected number of bytes.
    fn read_about(length: u64, origin: String, reader: impl Read) -> Result<Self, ReadError> {
        if length > MAX_FILE_SIZE {
            return Err(ReadError::TooLarge { origin });
        }
        let mut bytes = Vec::new();
        // One byte more than expected: the read that finds the end then needs no further allocation.
        if bytes.try_reserve_exact(length as usize + 1).is_err() {
            let source = io::ErrorKind::OutOfMemory.into();
            return Err(ReadError::Io { origin, source });
        }
        match reader.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes) {
            Ok(length) if length as u64 > MAX_FILE_SIZE => Err(ReadError::TooLarge { origin }),
            Ok(_) => Self::parse(origin, bytes),
            Err(source) => Err(ReadError::Io { origin, source }),
        }
    }

    /// Parses the contents of a file, binary or text. Messages call the result `origin`.
    pub fn parse(origin: impl Into<String>, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let origin = origin.into();
        let bytes = if bytes.starts_with(b"\0asm") {
            bytes
        } else if looks_like_text(&bytes) {
            if bytes.len() > MAX_TEXT_SIZE {
                return Err(ReadError::TooMuchText { origin });
            }
            let translated = guarded(|| {
                wat::parse_bytes(&bytes)
                    .map(Cow::into_owned)
                    .map_err(|mut error| {
                        error.set_path(&origin);
                        error.into()
                    })
            });
            match translated {
                Ok(binary) => binary,
                Err(error) => {
                    let source = error.into();
                    return Err(ReadError::Text { origin, source });
                }
            }
        } else {
            let start = describe_start(&bytes);
            return Err(ReadError::NotWasm { origin, start });
        };
        match kind_of(&bytes) {
            Ok(kind) => Ok(Self {
                origin,
                kind,
                bytes,
            }),
            Err(error) => Err(ReadError::invalid(origin, &error)),
        }
    }

    /// Validates the whole binary.
    pub fn validate(&self) -> Result<(), ReadError> {
        validate(&self.bytes).map_err(|error| ReadError::invalid(self.origin.clone(), &error))
    }

    /// The name of the binary in messages: the path that it was read from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The kind of the binary.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The bytes of the binary.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_parts(self) -> (String, Vec<u8>) {
        (self.origin, self.bytes)
    }
}

/// `true` if the first token, after white space, is a parenthesis or a comment.
fn looks_like_text(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    bytes.starts_with(b"(") || bytes.starts_with(b";;")
}

fn describe_start(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing, it is empty".to_owned(),
        [b'\x7f', b'E', b'L', b'F', ..] => "an ELF header, so it is a native program".to_owned(),
        _ => format!("`{}`", bytes[..bytes.len().min(8)].escape_ascii()),
    }
}

/// Walks all sections, without reading their contents.
fn kind_of(bytes: &[u8]) -> wasmparser::Result<Kind> {
    let mut is_component = false;
    let mut embeds_world = false;
    for payload in sections(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => is_component |= encoding == Encoding::Component,
            Payload::CustomSection(section) => {
                embeds_world |= section.name().starts_with("component-type");
            }
            _ => {}
        }
    }
    Ok(if is_component {
        Kind::Component
    } else {
        match embeds_world {
            true => Kind::ModuleWithWorld,
            false => Kind::Module,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_binary_are_distinguished_from_anything_else() {
        let module = Wasm::parse("m", b" \n(module)".to_vec()).expect("text");
        assert_eq!(module.kind(), Kind::Module);
        let commented = Wasm::parse("c", b";; a comment\n(component)".to_vec()).expect("text");
        assert_eq!(commented.kind(), Kind::Component);
        let again = Wasm::parse("b", module.bytes().to_vec()).expect("binary");
        assert_eq!(again.kind(), module.kind());
        for foreign in [
            &b""[..],
            b"#!/bin/sh",
            b"\x7fELF\x02",
            b"\0as",
            b"PK\x03\x04",
        ] {
            let result = Wasm::parse("f", foreign.to_vec());
            assert!(
                matches!(result, Err(ReadError::NotWasm { .. })),
                "{foreign:?}"
            );
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole =
            wat::parse_str(r#"(component (core module (func (export "f"))))"#).expect("valid text");
        for length in 1..whole.len() {
            // A cut between two sections leaves a smaller binary that is valid again.
            if let Ok(wasm) = Wasm::parse("cut", whole[..length].to_vec()) {
                assert_eq!(wasm.bytes().len(), 8);
            }
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::io::Write::write_all(&mut file, b"\0asm\x01\0\0\0").expect("it can be written");
        // A sparse file takes no space on the disk.
        file.as_file()
            .set_len(MAX_FILE_SIZE + 1)
            .expect("a sparse file");
        let result = Wasm::read(file.path());
        assert!(
            matches!(result, Err(ReadError::TooLarge { .. })),
            "{result:?}"
        );
    }

    #[test]
    fn text_that_is_too_large_is_not_translated() {
        let of = |length: usize| {
            let mut text = b"(module)".to_vec();
            text.resize(length, b' ');
            Wasm::parse("text", text)
        };
        assert!(of(MAX_TEXT_SIZE).is_ok());
        let result = of(MAX_TEXT_SIZE + 1);
        assert!(matches!(result, Err(ReadError::TooMuchText { .. })));
    }

    #[test]
    fn a_module_that_embeds_its_world_is_recognised() {
        let module = Wasm::parse("m", br#"(module (@custom "component-type:x" ""))"#.to_vec());
        assert_eq!(module.expect("text").kind(), Kind::ModuleWithWorld);
    }
}
