//! Input from files and from standard input.

use crate::cli::activity::Activity;
use anyhow::Context;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use wit_host::{Component, Precompiled, Wasm, untrusted::Name};

/// `true` if a path stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// `true` if a file starts like those that `precompile` writes. A file that is missing is reported later,
/// when it is read.
pub fn is_precompiled(path: &Path) -> anyhow::Result<bool> {
    if is_stdin(path) || !path.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(32).read_to_end(&mut start))
        .with_context(|| format!("failed to read `{}`", Name(path.display())))?;
    Ok(Precompiled::is_precompiled(&start))
}

/// Reads any WebAssembly binary or text.
pub fn read_wasm(path: &Path) -> anyhow::Result<Wasm> {
    Activity::begin_with("read", path);
    Ok(if is_stdin(path) {
        Wasm::read_from("standard input", io::stdin().lock())?
    } else {
        Wasm::read(path)?
    })
}

/// Reads a component, or a core module that carries its WIT world and is made a component.
pub fn read_component(path: &Path) -> anyhow::Result<Component> {
    Ok(read_wasm(path)?.try_into()?)
}
