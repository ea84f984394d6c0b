//! Errors of compiling and linking.

use crate::{
    compose::link::{Link, PrivateImport},
    names::{external::ExternName, part::PartName},
    runtime::{code_cache::CodeCacheReached, host_interfaces::HostInterfaceMismatch},
    untrusted::Name,
    wasm::weight::TooHeavy,
};

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum LoadError {
    /// The engine or WASI could not be set up.
    #[error("failed to set up the engine")]
    Engine(#[source] wasmtime::Error),
    /// Nobody meets an import.
    #[error(
        "`{part}` imports `{}`, and nothing satisfies it",
        Name(.import)
    )]
    Unmet { part: PartName, import: ExternName },
    /// The host's function of that name has another type.
    #[error("`{part}` imports `{}` as `{expected}`, and the host's is `{provided}`", Name(.import))]
    HostFunction {
        part: PartName,
        import: String,
        expected: String,
        provided: String,
    },
    /// It is too much to compile.
    #[error("`{part}` is not compiled")]
    TooHeavy { part: PartName, source: TooHeavy },
    /// It is not valid.
    #[error("`{part}` is damaged or uses features that are not supported here")]
    Invalid {
        part: PartName,
        source: wasmparser::BinaryReaderError,
    },
    /// It does not compile.
    #[error("failed to compile `{part}`")]
    Compile {
        part: PartName,
        source: wasmtime::Error,
    },
    /// Another version or configuration of the host compiled it.
    #[error("the compiled code of `{part}` does not fit this host; precompile it anew")]
    OtherHost {
        part: PartName,
        source: wasmtime::Error,
    },
    /// A grant reaches compiled code.
    #[error(transparent)]
    CodeCacheReached(#[from] CodeCacheReached),
    /// The embedder provides an interface that is not what the part imports.
    #[error("the host interface `{}` does not satisfy the import of `{part}`", Name(.interface))]
    HostInterface {
        part: PartName,
        interface: ExternName,
        source: HostInterfaceMismatch,
    },
    /// The host provides an import of that name in another shape.
    #[error("{} in another shape than the host provides; rebuild {} against WASI 0.2", who_imports(.parts, .import), it(.parts))]
    Link {
        /// The part that imports it. Where several do, the engine does not tell whose shape differs.
        parts: Vec<PartName>,
        /// `None` where the engine does not name it.
        import: Option<ExternName>,
        source: wasmtime::Error,
    },
}

/// Finds out whose import the engine could not link. It says only by words which import that is; the
/// golden case `run/errors/other-shape-of-wasi-in-a-plug` fails when they change.
pub(super) fn of_linking(
    source: wasmtime::Error,
    parts: &[PartName],
    links: &[Link],
    private: &[PrivateImport],
) -> LoadError {
    let words = source.to_string();
    let named = ExternName::from(words.split('`').nth(1).unwrap_or_default());
    let private = private.iter().find(|own| named == *own.name);
    let (mut indices, import): (Vec<usize>, &ExternName) = match private {
        Some(own) => (vec![own.part], &own.import),
        // The composer merges imports of compatible versions.
        None => {
            let importers = links
                .iter()
                .filter(|link| link.authority().is_some())
                .filter(|link| link.import.is_compatible_with(&named))
                .map(|link| link.importer);
            (importers.collect(), &named)
        }
    };
    // A part may import it in several versions; links are in the order of their importers.
    indices.dedup();
    let is_known = !indices.is_empty();
    LoadError::Link {
        parts: match is_known {
            true => indices
                .into_iter()
                .map(|index| parts[index].clone())
                .collect(),
            false => parts.to_vec(),
        },
        import: is_known.then(|| import.clone()),
        source,
    }
}

fn who_imports(parts: &[PartName], import: &Option<ExternName>) -> String {
    let names: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    let what = match import {
        Some(import) => format!("`{}`", Name(import)),
        None => "an interface of WASI".to_owned(),
    };
    format!("{} imports {what}", names.join(" or "))
}

fn it(parts: &[PartName]) -> &'static str {
    match parts {
        [_] => "it",
        _ => "them",
    }
}
