//! Components composed into one.
//!
//! The *consumer* is the component whose imports are satisfied, and *plugs* are the components whose
//! exports satisfy them. Plugs form a stack, and the first plug is the nearest to the consumer. The
//! first plug after a part that exports an interface satisfies the import of that part. The imports of
//! a plug are satisfied by the plugs after it. So a middleware, which imports and exports the same
//! interface, works between a part and the plugs after it.

pub(crate) mod bulk_bytes;
pub(crate) mod composition;
pub(crate) mod error;
mod grants;
pub(crate) mod isolation;
pub(crate) mod layout;
pub(crate) mod link;
pub(crate) mod mismatch;
pub(crate) mod part;
mod stack;
mod units;
mod wiring;

use crate::{
    host_interface::HostInterface,
    names::{external::ExternName, part::PartName},
    sandbox::authority::Authority,
    wasm::guarded::guarded,
};
use composition::{Composition, Unit};
use error::{ComposeError, IdleVirtualization};
use layout::Layout;
use link::{Link, PrivateImport, Provider};
use mismatch::NearMiss;
use part::{Part, is_interface};
use stack::Stack;
use std::{borrow::Cow, collections::HashSet};
use units::Units;
use wac_graph::{CompositionGraph, EncodeOptions};

/// The form of the imports of a composed component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Equal imports of the parts are merged into one. The result runs on any runtime, and all parts
    /// have the same authority.
    Portable,
    /// Each plug imports the interfaces that carry authority under names of its own,
    /// `NAME:grant/<interface>`. This crate's [`Runtime`](crate::Runtime) satisfies them from the
    /// [`Sandbox`](crate::Sandbox) of that plug alone. An interface that the embedder
    /// [provides](Part::provide) to a part, or an [isolated](Part::isolate) plug, is imported as
    /// `NAME:host/<interface>`. A consumer without plugs keeps its binary and its names. Byte lists
    /// between the parts are [carried in bulk](Composition::with_bulk_bytes).
    Granted,
}

/// Composes `plugs` into the imports of `consumer`. The same inputs give the same bytes.
///
/// Imports that no plug satisfies stay imports of the result. In [`Form::Portable`] the result is valid;
/// in [`Form::Granted`] it has not been validated, because compiling it does that.
///
/// # Errors
///
/// A plug that satisfies no import, a plug that exports an imported interface with another type, and
/// every other [`ComposeError`].
///
/// ```
/// use wit_host::{Form, Part, Wasm, compose};
///
/// let part = |name, text: &str| -> Result<Part, Box<dyn std::error::Error>> {
///     Ok(Part::new(name, Wasm::parse(name, text.into())?.try_into()?)?)
/// };
/// let consumer = part("consumer", r#"(component (import "a:b/c" (instance)))"#)?;
/// let plug = part("plug", r#"(component (instance $c) (export "a:b/c" (instance $c)))"#)?;
/// let composition = compose(&consumer, &[plug], Form::Portable)?;
/// assert_eq!(composition.open_imports().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compose(consumer: &Part, plugs: &[Part], form: Form) -> Result<Composition, ComposeError> {
    let composition = match plugs {
        [] if consumer.virtualizes.is_empty()
            && consumer.provided.is_empty()
            && consumer.isolation.is_none() =>
        {
            Composition::single(consumer)?
        }
        plugs => compose_stack(consumer, plugs, form)?,
    };
    if form == Form::Portable {
        composition.validate()?;
    }
    Ok(composition)
}

fn compose_stack(consumer: &Part, plugs: &[Part], form: Form) -> Result<Composition, ComposeError> {
    let parts: Vec<&Part> = std::iter::once(consumer).chain(plugs).collect();
    refuse_equal_names(&parts)?;
    refuse_isolating(&parts, form)?;
    let parts = part::made_distinct(&parts);
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
    let units = Units::divide(&parts, &mut links)?;
    let units = match &units.members[..] {
        [_] => vec![connect_unit(
            &mut graph,
            &stack,
            &parts,
            links.clone(),
            form,
        )?],
        _ => {
            refuse_ungranted(&parts, &links)?;
            stack.refuse_isolated_resources(&graph, &parts, &links)?;
            let unit = |(unit, members): (usize, &Vec<usize>)| {
                let links = units.links_of(unit, &links);
                let members: Vec<&Part> = members.iter().map(|index| parts[*index]).collect();
                let mut graph = CompositionGraph::new();
                let stack = Stack::register(&mut graph, &members)?;
                connect_unit(&mut graph, &stack, &members, links, form)
            };
            let units = units.members.iter().enumerate().map(unit);
            units.collect::<Result<_, _>>()?
        }
    };
    Ok(Composition {
        parts: parts.iter().map(|part| part.name.clone()).collect(),
        links,
        units,
    })
}

/// Connects the parts of one unit, which are all parts of the graph, and checks the binary.
fn connect_unit(
    graph: &mut CompositionGraph,
    stack: &Stack,
    parts: &[&Part],
    links: Vec<Link>,
    form: Form,
) -> Result<Unit, ComposeError> {
    // Only the names of private imports distinguish what the host defines for this part alone.
    let is_alone = |link: &Link| !link.is_isolated();
    if let [alone] = parts
        && links.iter().all(is_alone)
    {
        if alone.isolation.is_some() {
            grants::verify(alone.component.bytes(), parts, &links, &[])?;
        }
        return Ok(Unit::single(alone, links));
    }
    let private = match form {
        Form::Portable => Vec::new(),
        Form::Granted => grants::private_imports(parts, &links)?,
    };
    let connect = || connect(graph, stack, &links, &private);
    let bytes = guarded(connect).map_err(|source| {
        let parts = parts.iter().map(|part| part.name.clone()).collect();
        ComposeError::Encode {
            parts,
            source: source.into(),
        }
    })?;
    if form == Form::Granted {
        grants::verify(&bytes, parts, &links, &private)?;
    }
    let layout = Layout::of_composed(&bytes, parts);
    let isolation = parts[0].isolation.clone();
    let parts: Vec<PartName> = parts.iter().map(|part| part.name.clone()).collect();
    wiring::verify(&bytes, &layout, &parts, &links, &private)?;
    let mut unit = Unit {
        layout,
        bytes,
        parts,
        links,
        private,
        functions: Vec::new(),
        isolation,
    };
    if form == Form::Granted {
        bulk_bytes::carry(&mut unit);
    }
    Ok(unit)
}

/// Refuses to isolate the consumer, and to isolate anything in a binary for other runtimes.
fn refuse_isolating(parts: &[&Part], form: Form) -> Result<(), ComposeError> {
    let mut isolated = parts.iter().filter(|part| part.isolation.is_some());
    let Some(part) = isolated.next() else {
        return Ok(());
    };
    let part_name = part.name.clone();
    if part.name == parts[0].name {
        return Err(ComposeError::IsolatedConsumer { part: part_name });
    }
    match form {
        Form::Portable => Err(ComposeError::IsolatedInPortable { part: part_name }),
        Form::Granted => Ok(()),
    }
}

/// Refuses imports of plugs that the host grants to no plug. An isolated plug is the first part of its
/// unit, but it is granted no more than other plugs.
fn refuse_ungranted(parts: &[&Part], links: &[Link]) -> Result<(), ComposeError> {
    let refused = |link: &&Link| link.importer > 0 && link.refusal().is_some();
    match links.iter().find(refused) {
        None => Ok(()),
        Some(link) => Err(ComposeError::NotGranted {
            plug: parts[link.importer].name.clone(),
            import: link.import.clone(),
        }),
    }
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
            Some((import, plug)) => Some(NearMiss::Nearer {
                import: import.clone(),
                plug: plug.clone(),
            }),
            None => NearMiss::find(&exports, &open),
        };
        return Err(ComposeError::FitsNothing {
            plug: part.name.clone(),
            exports,
            open,
            hint: hint.map(Box::new),
        });
    }
    Ok(())
}

/// Refuses a permission that allows nothing: the part or the interface is probably named wrongly.
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
                        && (is_interface(&link.import, interface)
                            || is_interface(export, interface))
                }
                _ => false,
            };
            if links.iter().any(is_used) {
                continue;
            }
            let exports = || stack.exports(graph, index);
            let why = if !Authority::of_interface(interface).is_provided_by_host() {
                IdleVirtualization::NotOfTheHost
            } else if !exports().any(|export| is_interface(&export.into(), interface)) {
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

/// Refuses interfaces of the embedder that the host provides itself: only a sandbox gives a part access
/// to the host.
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

/// Makes the imports that the embedder satisfies open, because a binary cannot contain Rust code.
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
        // The parts were validated when they were read. `compose` or the compiler validates the result.
        validate: false,
        ..EncodeOptions::default()
    };
    Ok(graph.encode(options)?)
}
