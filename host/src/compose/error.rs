//! Errors of composing.

use super::mismatch::{Mismatch, NearMiss};
use crate::{
    names::{external::ExternName, interface::InterfaceName, part::PartName},
    untrusted::{Name, quoted_names},
};
use std::{error::Error, fmt};

/// An error of [`compose()`](crate::compose()).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// Two parts have the same name.
    #[error("two components are named `{name}`")]
    SameName {
        /// The name of both.
        name: PartName,
    },
    /// A plug exports an interface whose type does not fit the type of an import of the same name.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// A plug exports an interface that a part before it imports from the host, without the permission
    /// to replace the host: see [`Part::virtualize`](crate::Part::virtualize).
    #[error(
        "plug `{plug}` exports `{}`, which the host provides to `{importer}`; in the place of the host it could see and change all that `{importer}` does through that interface",
        Name(.export)
    )]
    Interposed {
        /// The plug that exports the interface.
        plug: PartName,
        /// The name of the export.
        export: ExternName,
        /// The part before the plug that imports the interface.
        importer: PartName,
        /// The name of the import, which may have another compatible version.
        import: ExternName,
    },
    /// A plug has an import with the name of an interface of the host, but the import is not an
    /// interface.
    #[error("plug `{plug}` imports `{}`, which is an interface, as something else", Name(.import))]
    NotAnInterface {
        /// The plug.
        plug: PartName,
        /// The name of the import.
        import: ExternName,
    },
    /// A permission of [`Part::virtualize`](crate::Part::virtualize) allows nothing.
    #[error("`{plug}` has nothing to virtualize in `{}`: {why}", Name(.interface))]
    IdleVirtualization {
        /// The part that has the permission.
        plug: PartName,
        /// The interface that the permission names.
        interface: InterfaceName,
        /// The reason.
        why: IdleVirtualization,
    },
    /// A plug satisfies no import of the parts before it.
    #[error("plug `{plug}` satisfies no import{}", why_idle(.exports, .open, .hint))]
    FitsNothing {
        /// The plug.
        plug: PartName,
        /// The names of its exports.
        exports: Vec<ExternName>,
        /// The imports of the parts before it that nothing satisfies.
        open: Vec<ExternName>,
        /// The import that an export nearly satisfies.
        hint: Option<Box<NearMiss>>,
    },
    /// A plug imports an interface that no plug after it exports, and that the host does not grant to
    /// plugs.
    #[error(
        "plug `{plug}` imports `{}`, which no plug after it exports and the host grants to no plug; plug a component that exports it after `{plug}`",
        Name(.import)
    )]
    NotGranted {
        /// The plug.
        plug: PartName,
        /// The name of the import.
        import: ExternName,
    },
    /// The embedder provides an interface to a part that does not import it, or provides that part a
    /// better fitting version too.
    #[error(
        "the host interface `{}` satisfies no import of `{part}`{}",
        Name(.interface), remedy_for_idle_host_interface(.interface, .open)
    )]
    IdleHostInterface {
        /// The part.
        part: PartName,
        /// The name of the interface.
        interface: ExternName,
        /// The imports of that part that nothing satisfies.
        open: Vec<ExternName>,
    },
    /// The embedder provides an interface to a part, and a plug satisfies the same import.
    #[error(
        "`{importer}` imports `{}`, which plug `{plug}` and the host interface `{}` both satisfy; leave one of them out",
        Name(.import), Name(.interface)
    )]
    SatisfiedTwice {
        /// The part that imports the interface.
        importer: PartName,
        /// The name of the import.
        import: ExternName,
        /// The plug that exports the interface.
        plug: PartName,
        /// The name of the embedder's interface.
        interface: ExternName,
    },
    /// The embedder provides an interface that the host itself provides.
    #[error(
        "`{}` cannot be provided to `{part}` by the embedder, because the host itself provides it; grant what `{part}` is to reach in its sandbox",
        Name(.interface)
    )]
    ProvidedByHost {
        /// The part.
        part: PartName,
        /// The name of the interface.
        interface: ExternName,
    },
    /// The embedder provides an interface to a part whose import of that name is not an interface.
    #[error(
        "`{part}` imports `{}`, but not as an interface, so no host interface can satisfy it",
        Name(.import)
    )]
    NotAnInstance {
        /// The part.
        part: PartName,
        /// The name of the import.
        import: ExternName,
    },
    /// The embedder provides an interface that has resources.
    #[error(
        "`{part}` imports `{}` with the resource `{}`, which a host interface cannot have; plug a component that exports it",
        Name(.import), Name(.resource)
    )]
    ProvidedResource {
        /// The part.
        part: PartName,
        /// The name of the import.
        import: ExternName,
        /// The first resource of the interface.
        resource: String,
    },
    /// The consumer is to be isolated, and only plugs can be.
    #[error("`{part}` is the component that runs, and only plugs can be isolated")]
    IsolatedConsumer {
        /// The consumer.
        part: PartName,
    },
    /// A plug is to be isolated in [`Form::Portable`](crate::Form), whose parts share one store.
    #[error("`{part}` cannot be isolated in a composed file, whose parts share one store")]
    IsolatedInPortable {
        /// The plug.
        part: PartName,
    },
    /// A plug is used by parts that run in different stores.
    #[error(
        "plug `{plug}` is used by `{}` and by `{}`, which run in different stores; isolate `{plug}` too",
        .importers[0], .importers[1]
    )]
    SharedByUnits {
        /// The plug.
        plug: PartName,
        /// Two parts that use it.
        importers: [PartName; 2],
    },
    /// An interface with resources connects a part with an isolated plug.
    #[error(
        "`{importer}` imports `{}` with the resource `{}` from the isolated plug `{plug}`, and only values can be passed to another store; plug `{plug}` without isolating it",
        Name(.import), Name(.resource)
    )]
    IsolatedResource {
        /// The part that imports the interface.
        importer: PartName,
        /// The name of the import.
        import: ExternName,
        /// The isolated plug.
        plug: PartName,
        /// The first resource of the interface.
        resource: String,
    },
    /// A part imports something that is not an interface from an isolated plug.
    #[error(
        "`{importer}` imports `{}` from the isolated plug `{plug}`, but not as an interface; plug `{plug}` without isolating it",
        Name(.import)
    )]
    IsolatedItem {
        /// The part that has the import.
        importer: PartName,
        /// The name of the import.
        import: ExternName,
        /// The isolated plug.
        plug: PartName,
    },
    /// The composer does not support the type of a part.
    #[error("failed to read the type of `{part}`")]
    Type {
        /// The part.
        part: PartName,
        /// The composer's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The composer failed, although each import fits its export.
    #[error("failed to compose {}", quoted_names(.parts))]
    Encode {
        /// All parts.
        parts: Vec<PartName>,
        /// The composer's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A part is not valid.
    #[error("`{part}` is damaged or uses features that are not supported here")]
    Invalid {
        /// The part.
        part: PartName,
        /// The validator's error, with the offset in the binary of the part.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The imports of the composed binary differ from those that it should have.
    /// [`compose()`](crate::compose()) does not return such a binary.
    #[error(
        "the composed component {defect} `{}`; this is a defect of the composer, please report it",
        Name(.import)
    )]
    Unsound {
        /// The difference.
        defect: ImportDefect,
        /// The name of the import.
        import: ExternName,
    },
    /// The composed binary does not pass to a part what its links say. [`compose()`](crate::compose())
    /// does not return such a binary.
    #[error(
        "the types of `{part}` are built so that its import `{}` would be mixed up with another one; give each import a type of its own",
        Name(.import)
    )]
    Miswired {
        /// The part.
        part: PartName,
        /// The name of the import.
        import: ExternName,
    },
}

/// The difference between the imports of a composed binary and those that it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportDefect {
    /// An import is missing.
    Missing,
    /// The binary has an import that it should not have.
    Unexpected,
}

/// The reason why a permission of [`Part::virtualize`](crate::Part::virtualize) allows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdleVirtualization {
    /// The host does not provide the interface, so a plug needs no permission to provide it.
    #[error("the host does not provide it, so a plug needs no permission for it")]
    NotOfTheHost,
    /// The plug does not export the interface.
    #[error("the plug does not export it")]
    NotExported,
    /// No part before the plug imports the interface, or a nearer plug provides it.
    #[error("no part before it imports that interface from it")]
    NotImported,
}

impl fmt::Display for ImportDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "lacks",
            Self::Unexpected => "also has",
        })
    }
}

fn remedy_for_idle_host_interface(interface: &ExternName, open: &[ExternName]) -> String {
    match NearMiss::find(std::slice::from_ref(interface), open) {
        Some(near_miss) => format!("; {near_miss}"),
        None => "; leave it out, or provide it to the part that imports it".to_owned(),
    }
}

fn why_idle(exports: &[ExternName], open: &[ExternName], hint: &Option<Box<NearMiss>>) -> String {
    let exported = match exports {
        [] => "nothing".to_owned(),
        exports => quoted_names(exports),
    };
    let left = match open {
        [] => "no import is left to satisfy".to_owned(),
        [only] => format!("the import left to satisfy is {}", quoted_names([only])),
        open => format!("the imports left to satisfy are {}", quoted_names(open)),
    };
    let remedy = match (hint, open) {
        (Some(near_miss), _) => near_miss.to_string(),
        (None, []) => {
            "leave it out, or plug it after a component that imports what it exports".to_owned()
        }
        (None, [_]) => "plug a component that exports it".to_owned(),
        (None, _) => "plug a component that exports one of them".to_owned(),
    };
    format!(": it exports {exported}, and {left}; {remedy}")
}
