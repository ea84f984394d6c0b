//! Components composed into one.
//!
//! A *socket* is the component whose imports are to be met, *plugs* are the components that meet
//! them. Plugs are a stack, nearest to the socket first: an import is met by the first plug after
//! its component that exports the interface, and a plug's own imports by the plugs after it. So a
//! middleware, which imports and exports the same interface, works by standing in between.

pub(crate) mod composition;
mod grants;
pub(crate) mod layout;
pub(crate) mod link;
pub(crate) mod mismatch;
pub(crate) mod part;
mod stack;
mod wiring;

use crate::{
    host_interface::HostInterface,
    names::{external::ExternName, interface::InterfaceName, part::PartName},
    sandbox::authority::Authority,
    untrusted::Name,
    wasm::guarded::guarded,
};
use composition::Composition;
use layout::Layout;
use link::{Link, PrivateImport, Provider};
use mismatch::Mismatch;
use part::{Part, covers};
use stack::Stack;
use std::{borrow::Cow, collections::HashSet};
use wac_graph::{CompositionGraph, EncodeOptions};

/// Which imports a composed component has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Equal imports of the parts are merged into one, so the result runs on any runtime and all
    /// parts have the same authority.
    Portable,
    /// Each plug imports what carries authority under names of its own, `NAME:grant/<interface>`,
    /// which this crate's [`Runtime`](crate::Runtime) satisfies from that plug's
    /// [`Sandbox`](crate::Sandbox) alone. What the embedder [provides](Part::provide) to a part is
    /// imported as `NAME:host/<interface>`. A part that is
    /// alone keeps its binary and the names in it.
    Granted,
}

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
    /// permission to stand in between: see [`Part::virtualize`].
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
    /// A permission of [`Part::virtualize`] allows nothing.
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

/// Why a permission of [`Part::virtualize`] allows nothing.
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

/// Composes `plugs` into the imports of `socket`. The same inputs give the same bytes.
///
/// Imports that no plug meets stay imports of the result. A plug that meets nothing, and a plug
/// that exports an imported interface in another shape, are errors. In [`Form::Portable`] the
/// result is valid; in [`Form::Granted`] that is left to whoever compiles it.
pub fn compose(socket: &Part, plugs: &[Part], form: Form) -> Result<Composition, ComposeError> {
    let composition = match plugs {
        [] if socket.virtualizes.is_empty() && socket.provided.is_empty() => {
            Composition::of_one(socket)?
        }
        plugs => compose_stack(socket, plugs, form)?,
    };
    if form == Form::Portable {
        composition.validate()?;
    }
    Ok(composition)
}

fn compose_stack(socket: &Part, plugs: &[Part], form: Form) -> Result<Composition, ComposeError> {
    let parts: Vec<&Part> = std::iter::once(socket).chain(plugs).collect();
    refuse_equal_names(&parts)?;
    let parts = part::told_apart(&parts);
    let parts: Vec<&Part> = parts.iter().map(Cow::as_ref).collect();

    let mut graph = CompositionGraph::new();
    let stack = Stack::register(&mut graph, &parts)?;
    refuse_providing_for_the_host(&parts)?;
    let mut links = stack.links(&graph, &parts)?;
    refuse_idle_plugs(&graph, &stack, &parts, &links)?;
    refuse_idle_permissions(&graph, &stack, &parts, &links)?;
    refuse_idle_host_interfaces(&parts, &links)?;

    if form == Form::Portable {
        leave_open(&mut links);
    }
    if let [alone] = parts[..] {
        return Ok(Composition::of_linked(alone, links));
    }
    let private = match form {
        Form::Portable => Vec::new(),
        Form::Granted => grants::private_imports(&parts, &links)?,
    };
    let connect = || connect(&mut graph, &stack, &links, &private);
    let bytes = guarded(connect).map_err(|source| {
        let parts = parts.iter().map(|part| part.name.clone()).collect();
        ComposeError::Encode { parts, source }
    })?;
    if form == Form::Granted {
        grants::verify(&bytes, &parts, &links, &private)?;
    }
    let layout = Layout::of_composed(&bytes, &parts);
    let parts: Vec<PartName> = parts.iter().map(|part| part.name.clone()).collect();
    wiring::verify(&bytes, &layout, &parts, &links, &private)?;
    Ok(Composition {
        layout,
        bytes,
        parts,
        links,
        private,
    })
}

fn refuse_equal_names(parts: &[&Part]) -> Result<(), ComposeError> {
    let mut names = HashSet::new();
    match parts.iter().find(|part| !names.insert(&part.name)) {
        Some(part) => Err(ComposeError::SameName {
            name: part.name.clone(),
        }),
        None => Ok(()),
    }
}

fn refuse_idle_plugs(
    graph: &CompositionGraph,
    stack: &Stack,
    parts: &[&Part],
    links: &[Link],
) -> Result<(), ComposeError> {
    let providers: HashSet<usize> = links
        .iter()
        .filter_map(|link| Some(link.part()?.0))
        .collect();
    for (index, part) in parts.iter().enumerate().skip(1) {
        if providers.contains(&index) {
            continue;
        }
        let exports: Vec<ExternName> = stack.exports(graph, index).map(ExternName::from).collect();
        let open: Vec<ExternName> = links
            .iter()
            .filter(|link| link.importer < index && link.is_open())
            .map(|link| link.import.clone())
            .collect();
        let exported: HashSet<&ExternName> = exports.iter().collect();
        let taken = links
            .iter()
            .filter(|link| link.importer < index && exported.contains(&link.import))
            .find_map(|link| Some((&link.import, &parts[link.part()?.0].name)));
        let hint = match taken {
            Some((import, by)) => Some(format!(
                "`{}` is satisfied by `{by}`, which is nearer; leave one of them out",
                Name(import)
            )),
            None => mismatch::nearest(&exports, &open),
        };
        return Err(ComposeError::FitsNothing {
            plug: part.name.clone(),
            exports,
            open,
            hint,
        });
    }
    Ok(())
}

/// A permission that allows nothing is a mistake in naming the part or the interface.
fn refuse_idle_permissions(
    graph: &CompositionGraph,
    stack: &Stack,
    parts: &[&Part],
    links: &[Link],
) -> Result<(), ComposeError> {
    for (index, part) in parts.iter().enumerate() {
        for interface in &part.virtualizes {
            let is_used = |link: &Link| match &link.provider {
                Provider::Part { export, .. } => {
                    link.part() == Some((index, true))
                        && (covers(interface, &link.import) || covers(interface, export))
                }
                _ => false,
            };
            if links.iter().any(is_used) {
                continue;
            }
            let exports = || stack.exports(graph, index);
            let why = if !Authority::of_interface(interface).is_provided_by_host() {
                IdleVirtualization::NotOfTheHost
            } else if !exports().any(|export| covers(interface, &export.into())) {
                IdleVirtualization::NotExported
            } else {
                IdleVirtualization::NotImported
            };
            return Err(ComposeError::IdleVirtualization {
                plug: part.name.clone(),
                interface: interface.clone(),
                why,
            });
        }
    }
    Ok(())
}

/// The embedder does not stand in the place of the host: what a part can reach is what its sandbox
/// grants.
fn refuse_providing_for_the_host(parts: &[&Part]) -> Result<(), ComposeError> {
    let is_of_host = |name: &ExternName| {
        let name = name.interface();
        name.is_some_and(|name| Authority::of_interface(name).is_provided_by_host())
    };
    for part in parts {
        if let Some(interface) = part.provided.iter().find(|one| is_of_host(one.name())) {
            return Err(ComposeError::ProvidedByHost {
                part: part.name.clone(),
                interface: interface.name().clone(),
            });
        }
    }
    Ok(())
}

fn refuse_idle_host_interfaces(parts: &[&Part], links: &[Link]) -> Result<(), ComposeError> {
    for (index, part) in parts.iter().enumerate() {
        let own = || links.iter().filter(move |link| link.importer == index);
        let is_idle = |interface: &&HostInterface| {
            !own().any(|link| link.host_interface() == Some(*interface))
        };
        if let Some(interface) = part.provided.iter().find(is_idle) {
            return Err(ComposeError::IdleHostInterface {
                part: part.name.clone(),
                interface: interface.name().clone(),
                open: own()
                    .filter(|link| link.is_open())
                    .map(|link| link.import.clone())
                    .collect(),
            });
        }
    }
    Ok(())
}

/// A binary holds no Rust, so what the embedder provides stays open in it.
fn leave_open(links: &mut [Link]) {
    for link in links {
        if link.host_interface().is_some() {
            link.provider = Provider::Nothing;
        }
    }
}

/// Builds the graph and encodes it.
fn connect(
    graph: &mut CompositionGraph,
    stack: &Stack,
    links: &[Link],
    private: &[PrivateImport],
) -> anyhow::Result<Vec<u8>> {
    let instances = stack.instantiate(graph);
    for link in links {
        if let Provider::Part { index, export } = &link.provider {
            let export = graph.alias_instance_export(instances[*index], export.as_str())?;
            let importer = instances[link.importer];
            graph.set_instantiation_argument(importer, link.import.as_str(), export)?;
        }
    }
    for import in private {
        let node = stack.import_privately(graph, import)?;
        graph.set_instantiation_argument(instances[import.part], import.import.as_str(), node)?;
    }
    let exports: Vec<String> = stack.exports(graph, 0).map(str::to_owned).collect();
    for name in exports {
        let export = graph.alias_instance_export(instances[0], &name)?;
        graph.export(export, &name)?;
    }
    let options = EncodeOptions {
        // That would be the second time, or the third.
        validate: false,
        ..EncodeOptions::default()
    };
    Ok(graph.encode(options)?)
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
