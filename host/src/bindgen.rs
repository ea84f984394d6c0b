//! Generating bindings for a world of a WIT package.

use crate::{untrusted::Name, wasm::guarded::guarded};
use std::{
    collections::HashMap,
    error::Error,
    path::{Path, PathBuf},
};
use wit_bindgen_core::{Files, WorldGenerator};
use wit_parser::{PackageId, Resolve, Type, TypeDefKind, TypeId};

/// A language for which bindings are generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// C, also for languages that can use C headers, such as Zig.
    C,
    /// C++23: `std::expected`, `std::span`, `std::string_view`.
    Cpp,
    /// Rust. A Rust guest usually calls `wit_bindgen::generate!`, which generates the same code.
    Rust,
}

/// One generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneratedFile {
    /// The name of the file, without a directory.
    pub name: String,
    /// The contents of the file: source, or the object file that embeds the world in the core module.
    pub contents: Vec<u8>,
}

/// An error of [`bindgen()`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindgenError {
    /// The WIT could not be read or is invalid.
    #[error("failed to read WIT from `{}`", Name(.path.display()))]
    Wit {
        /// The path of the package: a file or a directory.
        path: PathBuf,
        /// The error of the WIT parser, with the line that it is about.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The package has no world of that name.
    #[error("package `{}` has no world `{}`; it has {}", Name(.package), Name(.world), list(.worlds))]
    NoWorld {
        /// The name of the package.
        package: String,
        /// The name that was asked for.
        world: String,
        /// The names of the package's worlds.
        worlds: Vec<String>,
    },
    /// A type is nested too deeply, or too large when it is written out, for the generators.
    #[error(
        "type `{}` is nested too deeply or is too large; a component could not have it either",
        Name(.name)
    )]
    TypeTooLarge {
        /// The name of the type.
        name: String,
    },
    /// The generator does not support what the world uses.
    #[error("failed to generate bindings for world `{}`", Name(.world))]
    Generate {
        /// The name of the world.
        world: String,
        /// The error of the generator.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Generates the bindings for `world` of the WIT package at `wit`, which is a `.wit` file or a
/// directory of `.wit` files with its `deps`.
pub fn bindgen(
    wit: &Path,
    world: &str,
    language: Language,
) -> Result<Vec<GeneratedFile>, BindgenError> {
    let mut resolve = Resolve::default();
    let package = guarded(|| Ok(resolve.push_path(wit)?.0)).map_err(|error| BindgenError::Wit {
        path: wit.to_owned(),
        source: error.into(),
    })?;
    let world_id =
        resolve
            .select_world(&[package], Some(world))
            .map_err(|_| BindgenError::NoWorld {
                package: resolve.packages[package].name.to_string(),
                world: world.to_owned(),
                worlds: worlds_of(&resolve, package),
            })?;
    refuse_deep_types(&resolve)?;
    let mut files = Files::default();
    guarded(|| generator(language).generate(&mut resolve, world_id, &mut files)).map_err(
        |error| BindgenError::Generate {
            world: world.to_owned(),
            source: error.into(),
        },
    )?;
    let to_file = |(name, contents): (&str, &[u8])| GeneratedFile {
        name: name.to_owned(),
        contents: contents.to_owned(),
    };
    Ok(files.iter().map(to_file).collect())
}

/// The largest nesting depth of types, and the largest number of types inside a type, as in a component.
const MAX_TYPE_DEPTH: usize = 100;
const MAX_TYPE_SIZE: u64 = 1_000_000;

fn refuse_deep_types(resolve: &Resolve) -> Result<(), BindgenError> {
    let mut sizes = HashMap::new();
    for (id, ty) in resolve.types.iter() {
        if type_size(resolve, id, &mut sizes, 0).is_none() {
            let name = ty
                .name
                .clone()
                .unwrap_or_else(|| "without a name".to_owned());
            return Err(BindgenError::TypeTooLarge { name });
        }
    }
    Ok(())
}

/// The size of a type, which is the number of types in it including itself, and its depth. `None` if
/// either exceeds its bound.
fn type_size(
    resolve: &Resolve,
    id: TypeId,
    sizes: &mut HashMap<TypeId, (u64, usize)>,
    depth: usize,
) -> Option<(u64, usize)> {
    if let Some(known) = sizes.get(&id) {
        return Some(*known);
    }
    if depth > MAX_TYPE_DEPTH {
        return None;
    }
    let (mut size, mut height) = (1u64, 0);
    for part in parts_of(&resolve.types[id].kind) {
        if let Type::Id(part) = part {
            let (part_size, part_height) = type_size(resolve, part, sizes, depth + 1)?;
            size = size.saturating_add(part_size);
            height = height.max(part_height + 1);
        }
    }
    if size > MAX_TYPE_SIZE || height > MAX_TYPE_DEPTH {
        return None;
    }
    sizes.insert(id, (size, height));
    Some((size, height))
}

/// The types directly inside a type.
fn parts_of(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        TypeDefKind::Option(ty)
        | TypeDefKind::List(ty)
        | TypeDefKind::FixedLengthList(ty, _)
        | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Map(key, value) => vec![*key, *value],
        TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => ty.iter().copied().collect(),
        TypeDefKind::Resource
        | TypeDefKind::Handle(_)
        | TypeDefKind::Flags(_)
        | TypeDefKind::Enum(_)
        | TypeDefKind::Unknown => Vec::new(),
    }
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
            .map(|name| format!("`{}`", Name(name)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
