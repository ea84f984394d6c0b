//! Who can reach what.

use crate::{
    authority::{Authority, Grant},
    compose::{Composition, Link},
    name::PartName,
    sandbox::{Sandbox, Sandboxes},
};
use std::fmt::{self, Write};

/// What each part of a composition can reach with its sandbox: what it imports and is granted.
///
/// Shown with `{}` it is a table; [`mermaid`](Self::mermaid) draws it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The parts in the order of the stack, the consumer first.
    pub parts: Vec<Reach>,
    /// Who calls whom: indices into `parts`, and the interface.
    pub calls: Vec<(usize, String, usize)>,
}

/// What one part can reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The part.
    pub part: PartName,
    /// What it can reach, in words. Clocks and randomness, which all can, are left out.
    pub things: Vec<String>,
}

impl Explanation {
    /// Explains a composition that is about to run in these sandboxes.
    pub fn of(composition: &Composition, sandboxes: &Sandboxes) -> Self {
        Self::of_links(&composition.parts, &composition.links, sandboxes)
    }

    /// The same where the parts and what meets their imports are known.
    pub(crate) fn of_links(parts: &[PartName], links: &[Link], sandboxes: &Sandboxes) -> Self {
        let nothing = Sandbox::new();
        let reach = |(index, part): (usize, &PartName)| {
            let sandbox = match index {
                0 => &sandboxes.consumer,
                _ => sandboxes.plugs.get(part).unwrap_or(&nothing),
            };
            let imports = links
                .iter()
                .filter(|link| link.importer == index && link.provider.is_none());
            let mut grants: Vec<Grant> = imports
                .filter_map(|link| match Authority::of_import(&link.import) {
                    Authority::Granted(grant) => Some(grant),
                    _ => None,
                })
                .collect();
            grants.sort();
            grants.dedup();
            let mut things: Vec<String> = grants
                .iter()
                .flat_map(|grant| sandbox.grants(*grant))
                .collect();
            if index == 0 && grants.contains(&Grant::Exit) {
                things.push("the exit code".to_owned());
            }
            Reach {
                part: part.clone(),
                things,
            }
        };
        let calls = links
            .iter()
            .filter_map(|link| {
                let (provider, _) = link.provider.as_ref()?;
                Some((link.importer, link.import.clone(), *provider))
            })
            .collect();
        Self {
            parts: parts.iter().enumerate().map(reach).collect(),
            calls,
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
            calls: Vec::new(),
        }
    }

    /// A picture: parts call parts and reach things.
    pub fn mermaid(&self) -> String {
        let mut picture = String::from("graph LR\n");
        // Writing to a string cannot fail.
        for (index, reach) in self.parts.iter().enumerate() {
            let _ = writeln!(picture, "  p{index}[\"{}\"]", reach.part);
        }
        for (from, interface, to) in &self.calls {
            let _ = writeln!(picture, "  p{from} -- \"{interface}\" --> p{to}");
        }
        for (index, reach) in self.parts.iter().enumerate() {
            for (number, thing) in reach.things.iter().enumerate() {
                let thing = thing.replace('"', "#quot;").replace('`', "");
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
                writeln!(f, "{label:width$}  {thing}")?;
                label = "";
            }
        }
        writeln!(f, "{:width$}  clocks, randomness", "all")?;
        for (from, interface, to) in &self.calls {
            let (from, to) = (&self.parts[*from].part, &self.parts[*to].part);
            writeln!(f, "`{from}` calls `{to}` by `{interface}`")?;
        }
        Ok(())
    }
}
