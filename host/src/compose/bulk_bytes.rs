//! Bytes as strings: a function between two parts of a unit passes its byte lists as strings.
//!
//! The engine copies a `list<u8>` between two components byte by byte. It copies a string in one go, and if
//! both sides use the encoding `latin1+utf16`, it copies a string of Latin 1 unchanged and unchecked. Such a
//! string has the same core values as a byte list: an address and a length.
//!
//! So the importer gets a second import for such functions, and the provider a second export, with strings in
//! place of byte lists. The original import and export stay, so an interface that the composition exports or
//! that other parts use does not change. Between a part's own code and the engine stand two kinds of core
//! modules, *guards*, that keep the promises of the original types (`memory_guard.wat`, `function_guard.rs`):
//!
//! - A string is shorter than 2 GiB, because a longer length would mean UTF-16.
//! - A text is UTF-8. The sender's guard checks it.
//! - The engine copies only between even addresses; a part may use odd ones.
//! - The `realloc` of the receiver is called as for the original types.

mod abi;
mod carried_type;
mod edges;
mod emitter;
mod function_guard;
mod guard_locals;
mod memory_guard;
mod nesting;
mod obstacle;
mod options;
mod part;
mod passed_inside;
mod passed_on;
mod places;
mod receiving;
mod renumber;
mod root;
mod sending;
mod signature;
mod size;
mod spaces;
mod survey;
mod value_type;

pub(crate) use edges::EdgeFunction;
pub(crate) use memory_guard::REFUSALS;

use super::{
    composition::Unit,
    grants::top_level_imports,
    layout::Layout,
    link::{Link, Provider},
    wiring,
};
use crate::{
    names::part::PartName,
    wasm::{guarded::guarded, validate::types_of},
};
use edges::Edges;
use obstacle::Obstacle;
use part::Rewritten;
use survey::Survey;
use wasmparser::types::Types;

/// Carries the functions between the parts of a unit as strings, where that is possible. Other functions stay
/// as they are, and so does a unit that is built in a way that the composer does not understand.
pub(super) fn carry(unit: &mut Unit) {
    let part_of = |(index, part): (usize, &PartName)| {
        if !has_edge(&unit.links, index) {
            return None;
        }
        let mut places = unit.layout.parts(&unit.bytes);
        let (_, bytes) = places.find(|(name, _)| *name == part)?;
        Some((bytes, guarded(|| types_of(bytes)).ok()?))
    };
    let parts: Vec<Option<(&[u8], Types)>> = unit.parts.iter().enumerate().map(part_of).collect();
    let surveys = parts.iter().map(|part| {
        let (bytes, types) = part.as_ref()?;
        guarded(|| Survey::of(bytes, types)).ok()
    });
    let surveys: Vec<Option<Survey<'_>>> = surveys.collect();
    let mut edges = Edges::find(&surveys, &unit.links);
    if !edges.carrying.is_empty() {
        let carrying = guarded(|| Ok(rewrite(unit, &surveys, &edges)));
        let obstacle = match carrying.ok().flatten() {
            None => Some(Obstacle::NotUnderstood),
            Some((bytes, _)) if size::exceeds_engine(&bytes) => Some(Obstacle::ManyModules),
            Some((bytes, layout)) => {
                unit.bytes = bytes;
                unit.layout = layout;
                None
            }
        };
        if let Some(obstacle) = obstacle {
            for function in &mut edges.functions {
                function.obstacle.get_or_insert(obstacle);
            }
        }
    }
    unit.functions = edges.functions;
}

fn has_edge(links: &[Link], part: usize) -> bool {
    links.iter().any(|link| match link.provider {
        Provider::Part { index, .. } => link.importer == part || index == part,
        _ => false,
    })
}

/// The binary in which functions are carried as strings, and its layout.
fn rewrite(
    unit: &Unit,
    surveys: &[Option<Survey<'_>>],
    edges: &Edges,
) -> Option<(Vec<u8>, Layout)> {
    let rewritten = surveys.iter().zip(&edges.changes);
    let rewritten = rewritten.map(|(survey, changes)| match survey {
        Some(survey) if !changes.is_empty() => part::rewrite(survey, changes).map(Some),
        _ => Some(None),
    });
    let rewritten: Vec<Option<Rewritten>> = rewritten.collect::<Option<_>>()?;
    let (bytes, layout) = root::rewrite(
        &unit.bytes,
        &unit.layout,
        &unit.parts,
        &rewritten,
        &edges.carrying,
    )?;
    check(unit, edges, &bytes, &layout).ok()?;
    Some((bytes, layout))
}

/// Checks the binary itself: its types are valid, it has the imports that it had, and every part gets for
/// each import what its link says.
fn check(unit: &Unit, edges: &Edges, bytes: &[u8], layout: &Layout) -> anyhow::Result<()> {
    types_of(bytes)?;
    let imports = top_level_imports(bytes)?;
    anyhow::ensure!(imports == top_level_imports(&unit.bytes)?);
    let added = edges.carrying.iter().map(|edge| Link {
        importer: edge.importer,
        import: edge.import.as_str().into(),
        provider: Provider::Part {
            index: edge.provider,
            export: edge.export.as_str().into(),
        },
    });
    let links: Vec<Link> = unit.links.iter().cloned().chain(added).collect();
    Ok(wiring::verify(
        bytes,
        layout,
        &unit.parts,
        &links,
        &unit.private,
    )?)
}
