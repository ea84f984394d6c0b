//! The authority of each part of a composition.

use crate::{
    compose::{composition::Composition, link::Link},
    core_module::host_functions::HostFunctions,
    names::{external::ExternName, part::PartName},
    report::picture::{Graph, HostNodes, PictureFormat},
    sandbox::authority::{self, Authority, Grant},
    sandbox::{Sandbox, parts::Sandboxes},
    untrusted::Name,
};
use std::{collections::BTreeSet, fmt};

/// The authority of each part of a composition in its sandbox: the grants that the part imports, and
/// the handles that other parts lend it when they call it in place of the host.
///
/// `Display` writes a table; [`picture`](Self::picture) returns a graph.
///
/// A part can also pass its handles to other parts in the arguments and results of its own interfaces.
/// The code of the part decides that, so this report cannot show it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The parts in the order of the stack, the consumer first.
    pub parts: Vec<Reach>,
    /// The imports that other parts satisfy.
    pub connections: Vec<Connection>,
    /// The imports that the embedder satisfies. Their reach depends on the code of the embedder.
    pub host_interfaces: Vec<HostConnection>,
}

/// The authority of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// The part.
    pub part: PartName,
    /// A description of each thing that the part can reach, such as "directory `data` as `/data`, to
    /// read". Clocks and randomness, which every part can reach, are left out. The texts are not
    /// escaped.
    pub things: Vec<String>,
}

/// An import of one part that another part satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The index in [`Explanation::parts`] of the part that has the import.
    pub importer: usize,
    /// The name of the import.
    pub interface: ExternName,
    /// The index in [`Explanation::parts`] of the part that exports the interface.
    pub provider: usize,
    /// `true` if the host provides that interface too: with the permission
    /// [`Part::virtualize`](crate::Part::virtualize), the provider then stands between the importer and
    /// the host.
    pub is_virtual: bool,
    /// `true` if the provider runs in a store of its own, and the host forwards the calls.
    pub is_isolated: bool,
}

/// An import of one part that the embedder satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostConnection {
    /// The index in [`Explanation::parts`] of the part that has the import.
    pub importer: usize,
    /// The name of the embedder's interface.
    pub interface: ExternName,
    /// The description of its provider, [`HostInterface::provider`](crate::HostInterface::provider);
    /// `None` if the embedder gives none.
    pub provider: Option<String>,
}

/// Something that a part can reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Thing {
    /// The index of the part to which the thing is granted.
    owner: usize,
    /// The grant that the thing belongs to.
    grant: Grant,
    /// The position of the thing among those of the same grant.
    number: usize,
    what: String,
}

impl Explanation {
    /// Explains a composition that runs in these sandboxes.
    pub fn of(composition: &Composition, sandboxes: &Sandboxes) -> Self {
        Self::of_links(&composition.parts, &composition.links, sandboxes)
    }

    /// Explains parts and their links.
    pub(crate) fn of_links(parts: &[PartName], links: &[Link], sandboxes: &Sandboxes) -> Self {
        let connections = connections(links);
        let mut virtualized: Vec<Vec<&Connection>> = vec![Vec::new(); parts.len()];
        for connection in connections.iter().filter(|one| one.is_virtual) {
            virtualized[connection.provider].push(connection);
        }
        let things = with_lent_handles(&connections, granted(parts, links, sandboxes));
        let reach = |(index, (part, things)): (usize, (&PartName, BTreeSet<Thing>))| {
            let in_hands = virtualized[index].iter().map(|connection| {
                let importer = &parts[connection.importer];
                format!("all that `{importer}` does by `{}`", connection.interface)
            });
            let (own, of_others): (Vec<_>, Vec<_>) =
                things.into_iter().partition(|thing| thing.owner == index);
            let of_others = of_others
                .into_iter()
                .map(|thing| format!("{}, of `{}`", thing.what, parts[thing.owner]));
            Reach {
                part: part.clone(),
                things: in_hands
                    .chain(own.into_iter().map(|thing| thing.what))
                    .chain(of_others)
                    .collect(),
            }
        };
        Self {
            parts: parts.iter().zip(things).enumerate().map(reach).collect(),
            connections,
            host_interfaces: links
                .iter()
                .filter_map(|link| {
                    let interface = link.host_interface()?;
                    Some(HostConnection {
                        importer: link.importer,
                        interface: interface.name().clone(),
                        provider: interface.provider_description().map(str::to_owned),
                    })
                })
                .collect(),
        }
    }

    /// Explains a core module, which can reach everything that its sandbox grants.
    pub fn of_module(name: &PartName, sandbox: &Sandbox, functions: &HostFunctions) -> Self {
        let mut things: Vec<String> = Grant::ALL
            .iter()
            .flat_map(|grant| sandbox.grants(*grant))
            .collect();
        things.push("the exit code".to_owned());
        let functions = functions.names();
        things.extend(functions.map(|name| format!("the function `{}` of the host", Name(name))));
        Self {
            parts: vec![Reach {
                part: name.clone(),
                things,
            }],
            connections: Vec::new(),
            host_interfaces: Vec::new(),
        }
    }

    /// Draws the parts, the imports that connect them, and the things that each can reach.
    pub fn picture(&self, format: PictureFormat) -> String {
        let mut graph = Graph::new(format);
        for (index, reach) in self.parts.iter().enumerate() {
            graph.node(format_args!("p{index}"), reach.part.as_str());
        }
        for connection in &self.connections {
            let virtualized = if connection.is_virtual {
                ", virtualized"
            } else {
                ""
            };
            let isolated = if connection.is_isolated {
                ", isolated"
            } else {
                ""
            };
            graph.arrow(
                format_args!("p{}", connection.importer),
                &format!("{}{virtualized}{isolated}", connection.interface),
                format_args!("p{}", connection.provider),
            );
        }
        let mut host = HostNodes::default();
        for connection in &self.host_interfaces {
            let node = host.add(&mut graph, connection.provider.as_deref());
            let importer = format_args!("p{}", connection.importer);
            graph.arrow(importer, connection.interface.as_str(), node);
        }
        for (index, reach) in self.parts.iter().enumerate() {
            for (number, thing) in reach.things.iter().enumerate() {
                let id = format_args!("p{index}r{number}");
                graph.reach(format_args!("p{index}"), id, &thing.replace('`', ""));
            }
        }
        graph.finish()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.parts.iter().map(|reach| reach.part.as_str().len());
        let width = names.max().unwrap_or(0).max(4);
        writeln!(f, "{:width$}  can reach", "part")?;
        for Reach { part, things } in &self.parts {
            let mut label = part.as_str();
            if things.is_empty() {
                writeln!(f, "{label:width$}  nothing")?;
            }
            for thing in things {
                writeln!(f, "{label:width$}  {}", Name(thing))?;
                label = "";
            }
        }
        writeln!(f, "{:width$}  clocks, randomness", "all")?;
        for Connection {
            importer,
            interface,
            provider,
            is_virtual,
            is_isolated,
        } in &self.connections
        {
            let importer = &self.parts[*importer].part;
            let provider = &self.parts[*provider].part;
            let interface = Name(interface);
            let place = if *is_virtual {
                ", in place of the host"
            } else {
                ""
            };
            let store = if *is_isolated {
                ", in another store"
            } else {
                ""
            };
            writeln!(
                f,
                "`{importer}` calls `{provider}` by `{interface}`{place}{store}"
            )?;
        }
        for connection in &self.host_interfaces {
            let importer = &self.parts[connection.importer].part;
            let interface = Name(&connection.interface);
            write!(f, "`{importer}` calls the host interface `{interface}`, ")?;
            match &connection.provider {
                Some(provider) => writeln!(f, "provided by `{}`", Name(provider))?,
                None => writeln!(f, "provided by the embedder")?,
            }
        }
        Ok(())
    }
}

fn connections(links: &[Link]) -> Vec<Connection> {
    let connection = |link: &Link| {
        let (provider, is_virtual) = link.part()?;
        Some(Connection {
            importer: link.importer,
            interface: link.import.clone(),
            provider,
            is_virtual,
            is_isolated: link.is_isolated(),
        })
    };
    links.iter().filter_map(connection).collect()
}

/// The grants that each part imports and has.
fn granted(parts: &[PartName], links: &[Link], sandboxes: &Sandboxes) -> Vec<BTreeSet<Thing>> {
    let mut imported = vec![BTreeSet::new(); parts.len()];
    for link in links {
        if let Some(Authority::Granted(grant)) = link.authority() {
            imported[link.importer].insert(grant);
        }
    }
    let nothing = Sandbox::new();
    let of_part = |(owner, (part, grants)): (usize, (&PartName, BTreeSet<Grant>))| {
        let sandbox = match owner {
            0 => &sandboxes.consumer,
            _ => sandboxes.plugs.get(part).unwrap_or(&nothing),
        };
        let of_grant = |grant| {
            let is_exit = owner == 0 && grant == Grant::Exit;
            let exit = is_exit.then(|| "the exit code".to_owned());
            let whats = sandbox.grants(grant).into_iter().chain(exit);
            whats.enumerate().map(move |(number, what)| Thing {
                owner,
                grant,
                number,
                what,
            })
        };
        grants.into_iter().flat_map(of_grant).collect()
    };
    parts
        .iter()
        .zip(imported)
        .enumerate()
        .map(of_part)
        .collect()
}

/// Adds the handles that parts lend each other. A part that satisfies imports in place of the host gets
/// the handles in the arguments and results of those calls. It can lend them to further parts in the
/// same way.
fn with_lent_handles(
    connections: &[Connection],
    mut things: Vec<BTreeSet<Thing>>,
) -> Vec<BTreeSet<Thing>> {
    loop {
        let before: usize = things.iter().map(BTreeSet::len).sum();
        for connection in connections.iter().filter(|one| one.is_virtual) {
            let lent = authority::handles_passed_by(&connection.interface);
            let returned = match Authority::of_import(&connection.interface) {
                // A plug cannot lend the end of the program.
                Authority::Granted(grant) if grant != Grant::Exit => Some(grant),
                _ => None,
            };
            let (importer, provider) = (connection.importer, connection.provider);
            let in_arguments = of_grants(&things[importer], |grant| lent.contains(&grant));
            let in_results = of_grants(&things[provider], |grant| {
                lent.contains(&grant) || returned == Some(grant)
            });
            things[provider].extend(in_arguments);
            things[importer].extend(in_results);
        }
        if before == things.iter().map(BTreeSet::len).sum::<usize>() {
            return things;
        }
    }
}

fn of_grants(things: &BTreeSet<Thing>, are_lent: impl Fn(Grant) -> bool) -> Vec<Thing> {
    let lent = things.iter().filter(|thing| are_lent(thing.grant));
    lent.cloned().collect()
}
