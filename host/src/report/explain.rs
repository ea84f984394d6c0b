//! Who can reach what.

use crate::{
    compose::{composition::Composition, link::Link},
    names::{external::ExternName, part::PartName},
    report::picture::PictureFormat,
    sandbox::authority::{self, Authority, Grant},
    sandbox::{Sandbox, parts::Sandboxes},
    untrusted::Name,
};
use std::{
    collections::BTreeSet,
    fmt::{self, Write},
};

/// What each part of a composition can reach with its sandbox: what it imports and is granted, and
/// what other parts lend it by calling it in the place of the host.
///
/// Shown with `{}` it is a table; [`mermaid`](Self::mermaid) draws it.
///
/// A part may also hand on what it holds by the arguments and results of its own interfaces. That
/// is its code's decision, which cannot be told from its imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The parts in the order of the stack, the consumer first.
    pub parts: Vec<Reach>,
    /// Which part satisfies which import of which other part.
    pub connections: Vec<Connection>,
    /// Which interfaces of the embedder the parts call, by the index of the part in
    /// [`parts`](Self::parts). What is reached through them is the embedder's to tell.
    pub host_interfaces: Vec<(usize, ExternName)>,
}

/// What one part can reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The part.
    pub part: PartName,
    /// What it can reach, in words. Clocks and randomness, which all can, are left out.
    pub things: Vec<String>,
}

/// An import of one part that another one satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The index in [`Explanation::parts`] of the part that imports.
    pub importer: usize,
    /// The import's name.
    pub interface: ExternName,
    /// The index of the part that exports it.
    pub provider: usize,
    /// Whether the host provides that interface too, so that the provider stands between the
    /// importer and the host, by [`Part::virtualize`](crate::Part::virtualize).
    pub is_virtual: bool,
}

/// Something that a part can reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Thing {
    /// The index of the part that it was granted to.
    owner: usize,
    /// The grant that it was granted by.
    grant: Grant,
    /// Its place among those of the same grant.
    number: usize,
    what: String,
}

impl Explanation {
    /// Explains a composition that is about to run in these sandboxes.
    pub fn of(composition: &Composition, sandboxes: &Sandboxes) -> Self {
        Self::of_links(&composition.parts, &composition.links, sandboxes)
    }

    /// The same where the parts and what satisfies their imports are known.
    pub(crate) fn of_links(parts: &[PartName], links: &[Link], sandboxes: &Sandboxes) -> Self {
        let connections = connections(links);
        let mut virtualized: Vec<Vec<&Connection>> = vec![Vec::new(); parts.len()];
        for connection in connections.iter().filter(|one| one.is_virtual) {
            virtualized[connection.provider].push(connection);
        }
        let things = handed_on(&connections, granted(parts, links, sandboxes));
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
                .filter_map(|link| Some((link.importer, link.host_interface()?.name().clone())))
                .collect(),
        }
    }

    /// Explains a plain module, which can reach whatever it is granted.
    pub fn of_module(name: &PartName, sandbox: &Sandbox) -> Self {
        let mut things: Vec<String> = Grant::ALL
            .iter()
            .flat_map(|grant| sandbox.grants(*grant))
            .collect();
        things.push("the exit code".to_owned());
        Self {
            parts: vec![Reach {
                part: name.clone(),
                things,
            }],
            connections: Vec::new(),
            host_interfaces: Vec::new(),
        }
    }

    /// A picture: parts call parts and reach things.
    pub fn mermaid(&self) -> String {
        let mut picture = String::from("graph LR\n");
        // Writing to a string cannot fail.
        for (index, reach) in self.parts.iter().enumerate() {
            let _ = writeln!(picture, "  p{index}[\"{}\"]", reach.part);
        }
        for Connection {
            importer,
            interface,
            provider,
            is_virtual,
        } in &self.connections
        {
            let label = PictureFormat::Mermaid.label(interface.as_str());
            let virtualized = if *is_virtual { ", virtualized" } else { "" };
            let _ = writeln!(
                picture,
                "  p{importer} -- \"{label}{virtualized}\" --> p{provider}"
            );
        }
        if !self.host_interfaces.is_empty() {
            let _ = writeln!(picture, "  e[\"embedder\"]");
        }
        for (importer, interface) in &self.host_interfaces {
            let label = PictureFormat::Mermaid.label(interface.as_str());
            let _ = writeln!(picture, "  p{importer} -- \"{label}\" --> e");
        }
        for (index, reach) in self.parts.iter().enumerate() {
            for (number, thing) in reach.things.iter().enumerate() {
                let thing = PictureFormat::Mermaid.label(&thing.replace('`', ""));
                let _ = writeln!(picture, "  p{index} -.-> p{index}r{number}([\"{thing}\"])");
            }
        }
        picture
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
        } in &self.connections
        {
            let importer = &self.parts[*importer].part;
            let provider = &self.parts[*provider].part;
            let interface = Name(interface);
            let place = if *is_virtual {
                ", in the place of the host"
            } else {
                ""
            };
            writeln!(f, "`{importer}` calls `{provider}` by `{interface}`{place}")?;
        }
        for (importer, interface) in &self.host_interfaces {
            writeln!(
                f,
                "`{}` calls the host interface `{}`, provided by the embedder",
                self.parts[*importer].part,
                Name(interface)
            )?;
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
        })
    };
    links.iter().filter_map(connection).collect()
}

/// What each part imports from the host and has a grant for.
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

/// Adds what parts hand to each other where one answers another in the place of the host: handles
/// are lent with the calls, and come back with the answers, and so on from part to part.
fn handed_on(connections: &[Connection], mut things: Vec<BTreeSet<Thing>>) -> Vec<BTreeSet<Thing>> {
    loop {
        let before: usize = things.iter().map(BTreeSet::len).sum();
        for connection in connections.iter().filter(|one| one.is_virtual) {
            let lent = authority::lent_through(&connection.interface);
            let answered = match Authority::of_import(&connection.interface) {
                // A plug has no exit to hand on.
                Authority::Granted(grant) if grant != Grant::Exit => Some(grant),
                _ => None,
            };
            let (importer, provider) = (connection.importer, connection.provider);
            let with_calls = of_grants(&things[importer], |grant| lent.contains(&grant));
            let with_answers = of_grants(&things[provider], |grant| {
                lent.contains(&grant) || answered == Some(grant)
            });
            things[provider].extend(with_calls);
            things[importer].extend(with_answers);
        }
        if before == things.iter().map(BTreeSet::len).sum::<usize>() {
            return things;
        }
    }
}

fn of_grants(things: &BTreeSet<Thing>, are_handed_on: impl Fn(Grant) -> bool) -> Vec<Thing> {
    let handed_on = things.iter().filter(|thing| are_handed_on(thing.grant));
    handed_on.cloned().collect()
}
