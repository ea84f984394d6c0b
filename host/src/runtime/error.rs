//! Errors of compiling and linking.

use crate::{
    compose::link::{Link, PrivateImport},
    names::{external::ExternName, part::PartName},
    runtime::{
        code_cache::CodeCacheReached, engine::Engine, host_interfaces::HostInterfaceMismatch,
        isolated_links::IsolatedMismatch,
    },
    untrusted::{Name, quoted_names},
    wasm::{validate::InvalidBinary, weight::TooHeavy},
};
use std::error::Error;

/// An error of making a [`Runtime`](crate::Runtime), or of compiling and linking a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The engine or WASI could not be set up.
    #[error("failed to set up the engine")]
    Engine(#[source] Box<dyn Error + Send + Sync>),
    /// This build of the crate does not have the engine.
    #[error("this build has no {engine}; build it with the cargo feature `{feature}`")]
    NoEngine {
        /// The engine that was asked for.
        engine: Engine,
        /// The cargo feature of this crate that adds it.
        feature: &'static str,
    },
    /// Neither a part nor the host nor the embedder satisfies an import.
    #[error(
        "`{part}` imports `{}`, and nothing satisfies it",
        Name(.import)
    )]
    Unsatisfied {
        /// The part that has the import.
        part: PartName,
        /// The name of the import.
        import: ExternName,
    },
    /// A core module has an import that is neither in WASI preview1 nor one of the embedder's
    /// [`HostFunctions`](crate::HostFunctions).
    #[error(
        "`{part}` imports `{}.{}`, and nothing satisfies it",
        Name(.module),
        Name(.name)
    )]
    UnsatisfiedInModule {
        /// The core module.
        part: PartName,
        /// The module name of the import.
        module: String,
        /// The field name of the import.
        name: String,
    },
    /// A core module imports the name of a host function with another type.
    #[error(
        "`{part}` imports `{}.{}` as `{expected}`, and the host's is `{provided}`",
        Name(.module),
        Name(.name)
    )]
    HostFunction {
        /// The core module.
        part: PartName,
        /// The module name of the import.
        module: String,
        /// The field name of the import.
        name: String,
        /// The type of the import, such as `func(i32) -> i32` or `a memory`.
        expected: String,
        /// The type of the host function.
        provided: String,
    },
    /// A part would take too much work to compile.
    #[error("`{part}` is not compiled")]
    TooHeavy {
        /// The part.
        part: PartName,
        /// The bound that the part exceeds.
        source: TooHeavy,
    },
    /// A part is not valid WebAssembly, or uses features that are not enabled.
    #[error("`{part}` is damaged or uses features that are not supported here")]
    Invalid {
        /// The part.
        part: PartName,
        /// The first error in the binary of the part.
        source: InvalidBinary,
    },
    /// A valid part uses a feature of WebAssembly that the engine does not support.
    #[error("`{part}` uses {feature}, which {} not support", lacking(*.engine, *.other))]
    Unsupported {
        /// The part.
        part: PartName,
        /// The feature in words, such as `shared memory or atomic instructions (threads)`.
        feature: &'static str,
        /// The engine.
        engine: Engine,
        /// The engine of this build that supports the feature, if there is one.
        other: Option<Engine>,
        /// The error of the engine, with the position of the first use of the feature.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The engine failed to compile a valid part.
    #[error("failed to compile `{part}`")]
    Compile {
        /// The part; the consumer if every part compiles when it is compiled alone.
        part: PartName,
        /// The error of the engine.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Precompiled code was compiled by another version of the host, or with other
    /// [`RuntimeOptions`](crate::RuntimeOptions).
    #[error("the compiled code of `{part}` does not fit this host; precompile it anew")]
    OtherHost {
        /// The consumer of the program.
        part: PartName,
        /// The error of the engine, which names the difference.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Precompiled code is for the other engine.
    #[error(
        "`{part}` is precompiled for the {made_for}, and the {engine} cannot execute its code; precompile it anew"
    )]
    OtherEngine {
        /// The consumer of the program.
        part: PartName,
        /// The engine that the code was compiled for.
        made_for: Engine,
        /// The engine of the runtime.
        engine: Engine,
    },
    /// A guest could replace code in the code cache through a grant.
    #[error(transparent)]
    CodeCacheReached(#[from] CodeCacheReached),
    /// A host interface of the embedder differs from the interface that a part imports.
    #[error("the host interface `{}` does not satisfy the import of `{part}`", Name(.interface))]
    HostInterface {
        /// The part that imports the interface.
        part: PartName,
        /// The name of the interface.
        interface: ExternName,
        /// The difference between the two interfaces.
        source: Box<HostInterfaceMismatch>,
    },
    /// A part cannot call an isolated plug by an interface.
    #[error("`{part}` cannot import `{}` from the isolated plug `{plug}`", Name(.import))]
    Isolated {
        /// The part that imports the interface.
        part: PartName,
        /// The name of the import.
        import: ExternName,
        /// The isolated plug.
        plug: PartName,
        /// The reason.
        source: Box<IsolatedMismatch>,
    },
    /// No function of an isolated plug has an error with the case that
    /// [`Isolation::on_trap`](crate::Isolation) names.
    #[error(
        "no function of the isolated plug `{plug}` returns `result<_, E>` with a case `{}` without a payload in E; {}",
        Name(.case), such_cases(.cases)
    )]
    NoSuchCase {
        /// The isolated plug.
        plug: PartName,
        /// The case.
        case: String,
        /// All cases without a payload of the errors of its functions.
        cases: Vec<String>,
    },
    /// The host provides an interface of the imported name, but with another type.
    #[error("{} in another shape than the host provides; rebuild {} against WASI 0.2", imports(.parts, .import.as_ref()), pronoun(.parts))]
    Link {
        /// The part that has the import. If several parts have it, all of them are listed, because the
        /// engine does not report which of them expects another type.
        parts: Vec<PartName>,
        /// The import; `None` if the engine does not name it.
        import: Option<ExternName>,
        /// The error of the engine.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl LoadError {
    pub(super) fn engine(error: wasmtime::Error) -> Self {
        Self::Engine(error.into())
    }
}

/// Finds the part whose import the engine could not link. The engine names the import only in the text
/// of its error; the golden case `run/errors/other-shape-of-wasi-in-a-plug` fails if that text changes.
pub(super) fn of_linking(
    source: wasmtime::Error,
    parts: &[PartName],
    links: &[Link],
    private: &[PrivateImport],
) -> LoadError {
    let words = source.to_string();
    let named = ExternName::from(words.split('`').nth(1).unwrap_or_default());
    let private = private.iter().find(|import| named == *import.name);
    let (mut indices, import): (Vec<usize>, &ExternName) = match private {
        Some(private) => (vec![private.part], &private.import),
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
        source: source.into(),
    }
}

/// The start of the message of [`LoadError::Link`]: the parts that have the import, and its name.
fn imports(parts: &[PartName], import: Option<&ExternName>) -> String {
    let names: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    let import = match import {
        Some(import) => format!("`{}`", Name(import)),
        None => "an interface of WASI".to_owned(),
    };
    format!("{} imports {import}", names.join(" or "))
}

/// The engines that do not support a feature, with the verb.
fn lacking(engine: Engine, other: Option<Engine>) -> String {
    match other {
        None => "the engines of this host do".to_owned(),
        Some(other) => format!("the {other} supports and the {engine} does"),
    }
}

fn such_cases(cases: &[String]) -> String {
    match cases {
        [] => "none has such errors, so callers trap".to_owned(),
        cases => format!("such cases are {}", quoted_names(cases)),
    }
}

fn pronoun(parts: &[PartName]) -> &'static str {
    match parts {
        [_] => "it",
        _ => "them",
    }
}
