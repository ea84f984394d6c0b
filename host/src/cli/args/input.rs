//! Files to read, or standard input.

use std::{io, path::Path};
use wit_host::{Component, Wasm};

/// Whether a path stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads any WebAssembly.
pub fn read_wasm(path: &Path) -> anyhow::Result<Wasm> {
    Ok(if is_stdin(path) {
        Wasm::read_from("standard input", io::stdin().lock())?
    } else {
        Wasm::read(path)?
    })
}

/// Reads a component, or a core module that can be made one without asking.
pub fn read_component(path: &Path) -> anyhow::Result<Component> {
    Ok(read_wasm(path)?.try_into()?)
}
