//! Reports on precompiled files.

use super::{Precompiled, PrecompiledError, open_at_once, read};
use crate::runtime::engine::Engine;
use serde::Serialize;
use std::{fmt, path::Path};

/// A report on a precompiled file, whose code is not run. It serializes to JSON with keys in kebab-case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", rename = "precompiled")]
#[non_exhaustive]
pub struct PrecompiledReport {
    /// The size of the file, in bytes.
    pub size: usize,
    /// The engine that the program was compiled for.
    pub engine: Engine,
    /// The machine that the program was compiled for: an architecture and a system, such as
    /// `x86_64-linux`, or a kind of bytecode, such as `pulley64`.
    pub target: String,
    /// The names of the parts: the consumer's, then the plugs'.
    pub parts: Vec<String>,
}

impl PrecompiledReport {
    /// Reports on a file. The file must be unchanged, and may belong to anyone.
    pub fn read(path: &Path) -> Result<Self, PrecompiledError> {
        let file = open_at_once(path).map_err(|source| PrecompiledError::Io {
            path: path.display().to_string(),
            source,
        })?;
        Ok(Self::of(&read(file, path)?))
    }

    fn of(precompiled: &Precompiled) -> Self {
        Self {
            size: precompiled.file.len(),
            engine: precompiled.engine(),
            target: precompiled.target.machine.clone(),
            parts: precompiled
                .parts()
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

impl fmt::Display for PrecompiledReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "precompiled program of {} bytes", self.size)?;
        writeln!(f, "engine: {}", self.engine)?;
        writeln!(f, "target: {}", crate::untrusted::Name(&self.target))?;
        writeln!(f, "parts: {}", self.parts.join(", "))
    }
}
