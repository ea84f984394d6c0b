//! Bindings for a world of a WIT package.

use crate::guarded::guarded;
use std::path::{Path, PathBuf};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{PackageId, Resolve};

/// A language that bindings are generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// C, also for what can use C headers, such as Zig.
    C,
    /// C++23: `std::expected`, `std::span`, `std::string_view`.
    Cpp,
    /// Rust. A Rust guest usually calls `wit_bindgen::generate!` instead; this is the same as files.
    Rust,
}

/// One generated file.
#[derive(Debug, Clone)]
pub struct GeneratedFile {
    /// Its name, without a directory.
    pub name: String,
    /// Its contents: source, or the object file that carries the world into the core module.
    pub contents: Vec<u8>,
}

/// Why no bindings were generated.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum BindgenError {
    /// The WIT could not be read or is wrong.
    #[error("failed to read WIT from `{path}`")]
    Wit {
        path: PathBuf,
        source: anyhow::Error,
    },
    /// The package has no such world.
    #[error("package `{package}` has no world `{world}`; it has {}", list(.worlds))]
    NoWorld {
        package: String,
        world: String,
        worlds: Vec<String>,
    },
    /// The generator does not support what the world uses.
    #[error("failed to generate bindings for world `{world}`")]
    Generate {
        world: String,
        source: anyhow::Error,
    },
}

/// Generates the bindings of `world` of the WIT package at `wit`, a `.wit` file or a directory of
/// them with its `deps`.
pub fn bindgen(
    wit: &Path,
    world: &str,
    language: Language,
) -> Result<Vec<GeneratedFile>, BindgenError> {
    let mut resolve = Resolve::default();
    let package =
        guarded(|| Ok(resolve.push_path(wit)?.0)).map_err(|source| BindgenError::Wit {
            path: wit.to_owned(),
            source,
        })?;
    let world_id =
        resolve
            .select_world(&[package], Some(world))
            .map_err(|_| BindgenError::NoWorld {
                package: resolve.packages[package].name.to_string(),
                world: world.to_owned(),
                worlds: worlds_of(&resolve, package),
            })?;
    let mut files = Files::default();
    guarded(|| generator(language).generate(&mut resolve, world_id, &mut files)).map_err(
        |source| BindgenError::Generate {
            world: world.to_owned(),
            source,
        },
    )?;
    let to_file = |(name, contents): (&str, &[u8])| GeneratedFile {
        name: name.to_owned(),
        contents: contents.to_owned(),
    };
    Ok(files.iter().map(to_file).collect())
}

fn generator(language: Language) -> Box<dyn WorldGenerator> {
    match language {
        Language::C => wit_bindgen_c::Opts::default().build(),
        Language::Cpp => wit_bindgen_cpp::Opts::default().build(None),
        Language::Rust => Box::new(wit_bindgen_rust::Opts::default().build()),
    }
}

fn worlds_of(resolve: &Resolve, package: PackageId) -> Vec<String> {
    resolve.packages[package].worlds.keys().cloned().collect()
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
