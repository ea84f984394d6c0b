//! The two kinds of compiled code, and how the engine writes and maps them.

use super::kept::KeptFile;
use crate::directory::private::path_of_open;
use std::{
    fs::File,
    io::{self, Read, Seek},
};
use wasmtime::{Engine, Module, component::Component};

/// Compiled code that the engine can write to a file and map again.
pub(crate) trait Code: Sized {
    /// The extension of the file's name.
    const KIND: &str;

    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;

    /// Maps the code from its file. Fails if the file does not fit the engine's version and
    /// configuration.
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self>;
}

impl Code for Component {
    const KIND: &str = "component";

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        self.serialize()
    }

    #[expect(unsafe_code, reason = "only `keep` can have written the file")]
    fn map(engine: &Engine, file: &KeptFile) -> wasmtime::Result<Self> {
        // The engine maps a component by path only. This path refers to the open file itself, on
        // systems that have such paths.
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
