//! Components composed into one.
//!
//! A *socket* is the component whose imports are to be met, *plugs* are the components that meet
//! them. Plugs are a stack, nearest to the socket first: an import is met by the first plug after
//! its component that exports the interface, and a plug's own imports by the plugs after it. So a
//! middleware, which imports and exports the same interface, works by standing in between.

pub(crate) mod composition;
pub(crate) mod error;
mod grants;
pub(crate) mod layout;
pub(crate) mod link;
pub(crate) mod mismatch;
pub(crate) mod part;
mod stack;
mod wiring;

use crate::{
    host_interface::HostInterface,
    names::{external::ExternName, part::PartName},
    sandbox::authority::Authority,
    untrusted::Name,
    wasm::guarded::guarded,
};
use composition::Composition;
use error::{ComposeError, IdleVirtualization};
use layout::Layout;
use link::{Link, PrivateImport, Provider};
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
