//! Errors of composing.

use super::mismatch::{self, Mismatch};
use crate::{
    names::{external::ExternName, interface::InterfaceName, part::PartName},
    untrusted::Name,
};

/// Why components were not composed.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum ComposeError {
    /// Two parts have the same name.
    #[error("two components are named `{name}`")]
    SameName { name: PartName },
    /// A plug exports the interface in another shape than it is imported in.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// A plug exports an interface that a part before it imports from the host, and has no
    /// permission to stand in between: see [`Part::virtualize`](crate::Part::virtualize).
    #[error(
        "plug `{plug}` exports `{}`, which the host provides to `{importer}`; in the place of the host it could see and change all that `{importer}` does through that interface",
        Name(.export)
    )]
    Interposed {
        plug: PartName,
        export: ExternName,
        importer: PartName,
        import: ExternName,
    },
    /// A plug imports by the name of an interface of the host something else than an interface.
    #[error("plug `{plug}` imports `{}`, which is an interface, as something else", Name(.import))]
    NotAnInterface { plug: PartName, import: ExternName },
    /// A permission of [`Part::virtualize`](crate::Part::virtualize) allows nothing.
    #[error("`{plug}` has nothing to virtualize in `{}`: {why}", Name(.interface))]
    IdleVirtualization {
        plug: PartName,
        interface: InterfaceName,
        why: IdleVirtualization,
    },
    /// A plug exports nothing that is imported before it.
    #[error("plug `{plug}` meets no import{}", fits_nothing(.exports, .open, .hint))]
    FitsNothing {
        plug: PartName,
        /// The names of its exports.
        exports: Vec<ExternName>,
        /// Imports before it, apart from WASI's, that nothing meets.
        open: Vec<ExternName>,
        /// The nearest candidate.
        hint: Option<String>,
    },
    /// A plug imports what carries authority and cannot be granted to a plug.
    #[error(
        "plug `{plug}` imports `{}`, which no plug after it exports and the host grants to no plug; plug a component that exports it after `{plug}`",
        Name(.import)
    )]
    NotGranted { plug: PartName, import: ExternName },
    /// The embedder provides an interface to a part that does not import it, or that is given a nearer
    /// version of it too.
    #[error(
        "the host interface `{}` satisfies no import of `{part}`{}",
        Name(.interface), fits_no_import(.interface, .open)
    )]
    IdleHostInterface {
        part: PartName,
        interface: ExternName,
        /// Imports of that part that nothing satisfies.
        open: Vec<ExternName>,
    },
    /// The embedder provides an interface that a plug exports too.
    #[error(
        "`{importer}` imports `{}`, which plug `{plug}` and the host interface `{}` both satisfy; leave one of them out",
        Name(.import), Name(.interface)
    )]
    SatisfiedTwice {
        importer: PartName,
        import: ExternName,
        plug: PartName,
        interface: ExternName,
    },
    /// The embedder provides an interface that the host provides.
    #[error(
        "`{}` cannot be provided to `{part}` by the embedder, because the host itself provides it; grant what `{part}` is to reach in its sandbox",
        Name(.interface)
    )]
    ProvidedByHost {
        part: PartName,
        interface: ExternName,
    },
    /// The embedder provides an interface, and the part imports something else by that name.
    #[error(
        "`{part}` imports `{}`, but not as an interface, so no host interface can satisfy it",
        Name(.import)
    )]
    NotAnInstance { part: PartName, import: ExternName },
    /// The embedder provides an interface that has resources.
    #[error(
        "`{part}` imports `{}` with the resource `{}`, which a host interface cannot have; plug a component that exports it",
        Name(.import), Name(.resource)
    )]
    ProvidedResource {
        part: PartName,
        import: ExternName,
        resource: String,
    },
    /// The type of a part is beyond what the composer understands.
    #[error("failed to read the type of `{part}`")]
    Type {
        part: PartName,
        source: anyhow::Error,
    },
    /// The parts fit by name, and yet the composer refused them.
    #[error("failed to compose {}", list(.parts))]
    Encode {
        parts: Vec<PartName>,
        source: anyhow::Error,
    },
    /// A part is not valid.
    #[error("`{part}` is damaged or uses features that are not supported here")]
    Invalid {
        part: PartName,
        source: wasmparser::BinaryReaderError,
    },
    /// The composed binary does not have the imports it should have, so it is not handed out.
    #[error(
        "the composed component {wrong} `{}`; this is a defect of the composer, please report it",
        Name(.import)
    )]
    Unsound {
        wrong: &'static str,
        import: ExternName,
    },
    /// A part would be handed something else for an import than what satisfies it, so the composed
    /// component is not handed out.
    #[error(
        "the types of `{part}` are built so that its import `{}` would be mixed up with another one; give each import a type of its own",
        Name(.import)
    )]
    Miswired { part: PartName, import: ExternName },
}

/// Why a permission of [`Part::virtualize`](crate::Part::virtualize) allows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdleVirtualization {
    /// The host has no such interface, so any plug may provide it.
    #[error("the host does not provide it, so a plug needs no permission for it")]
    NotOfTheHost,
    /// The plug does not export it.
    #[error("the plug does not export it")]
    NotExported,
    /// No part before the plug imports it, or a nearer plug provides it.
    #[error("no part before it imports that interface from it")]
    NotImported,
}

fn list(names: &[PartName]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn fits_no_import(interface: &ExternName, open: &[ExternName]) -> String {
    match mismatch::nearest(std::slice::from_ref(interface), open) {
        Some(hint) => format!("; {hint}"),
        None => "; leave it out, or provide it to the part that imports it".to_owned(),
    }
}

fn fits_nothing(exports: &[ExternName], open: &[ExternName], hint: &Option<String>) -> String {
    let names = |names: &[ExternName]| match names {
        [] => "nothing".to_owned(),
        names => names
            .iter()
            .map(|name| format!("`{}`", Name(name)))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let remedy = match (hint, open) {
        (Some(hint), _) => hint.as_str(),
        (None, []) => "leave it out, or plug it after a component that imports what it exports",
        (None, _) => "plug a component that exports what is still to be met",
    };
    format!(
        ": it exports {}, and what is still to be met is {}; {remedy}",
        names(exports),
        names(open)
    )
}
