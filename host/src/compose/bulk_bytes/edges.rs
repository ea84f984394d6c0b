//! The edges of a unit, and the functions of each that can be carried as strings.

use super::{
    obstacle::Obstacle,
    part::{Carried, Changes, Interface},
    signature::Signature,
    survey::{Called, Implementation, RESERVED, Survey},
};
use crate::{
    compose::link::{Link, Provider},
    names::external::ExternName,
};
use std::collections::HashMap;

/// A function that one part imports and another exports, and that the importer, or a component inside it, can call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EdgeFunction {
    /// The indices of the two parts in the unit.
    pub(crate) importer: usize,
    pub(crate) provider: usize,
    /// The name of the import.
    pub(crate) import: ExternName,
    pub(crate) function: String,
    /// The reason why its bytes are copied one by one.
    pub(crate) obstacle: Option<Obstacle>,
}

/// An edge with functions that are carried as strings.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) importer: usize,
    /// The name of the import that carries them.
    pub(super) import: String,
    pub(super) provider: usize,
    /// The name of the export that carries them.
    pub(super) export: String,
}

/// The changes to all parts of a unit.
#[derive(Debug, Default)]
pub(super) struct Edges {
    pub(super) functions: Vec<EdgeFunction>,
    pub(super) carrying: Vec<Edge>,
    /// The changes of each part.
    pub(super) changes: Vec<Changes>,
}

/// The name of the interface with this number that carries functions of a part.
fn interface_name(number: usize) -> String {
    format!("{RESERVED}interface{number}")
}

impl Edges {
    /// Finds the edges of a unit. Parts without a survey stay as they are.
    pub(super) fn find(surveys: &[Option<Survey<'_>>], links: &[Link]) -> Self {
        let mut edges = Self::default();
        edges.changes.resize_with(surveys.len(), Changes::default);
        let mut guards = Guards(vec![0; surveys.len()]);
        // The positions of carried interfaces among the exports of their providers.
        let mut positions: HashMap<(usize, &ExternName), usize> = HashMap::new();
        for link in links {
            let Provider::Part { index, export } = &link.provider else {
                continue;
            };
            let Some(importer) = &surveys[link.importer] else {
                continue;
            };
            let provider = surveys[*index].as_ref();
            // The functions of this link that are carried.
            let mut calls = Interface::new(edges.changes[link.importer].imports.len());
            for function in importer.called(link.import.as_str()) {
                let found = signature_of(importer, function).and_then(|signature| {
                    let implementation = implementation_of(provider, export, function, &signature)?;
                    guards.add(link.importer, *index, function.calls.len(), &signature)?;
                    Ok((signature, implementation))
                });
                edges.functions.push(EdgeFunction {
                    importer: link.importer,
                    provider: *index,
                    import: link.import.clone(),
                    function: function.name.to_owned(),
                    obstacle: found.as_ref().err().copied(),
                });
                if let Ok((signature, implementation)) = found {
                    let exports = &mut edges.changes[*index].exports;
                    let position = *positions.entry((*index, export)).or_insert_with(|| {
                        exports.push(Interface::new(exports.len()));
                        exports.len() - 1
                    });
                    let carried = exports[position].carry(implementation, signature);
                    calls.call(carried, &function.calls);
                }
            }
            if let Some(position) = positions.get(&(*index, export))
                && !calls.functions.is_empty()
            {
                edges.carrying.push(Edge {
                    importer: link.importer,
                    import: calls.name.clone(),
                    provider: *index,
                    export: interface_name(*position),
                });
                edges.changes[link.importer].imports.push(calls);
            }
        }
        edges
    }
}

/// The sizes of the guards of each part.
struct Guards(Vec<usize>);

impl Guards {
    /// A bound on the size of one part's guards.
    const MAX_SIZE: usize = 10_000;
    /// The size of the guard of a function, without its strings.
    const OF_FUNCTION: usize = 10;

    /// Adds the guards of a function on both sides, unless those of a part become too large.
    fn add(
        &mut self,
        importer: usize,
        provider: usize,
        calls: usize,
        signature: &Signature,
    ) -> Result<(), Obstacle> {
        let size = Self::OF_FUNCTION + signature.strings();
        let of_importer = self.0[importer] + calls * size;
        let of_provider = self.0[provider] + size;
        if of_importer.max(of_provider) > Self::MAX_SIZE {
            return Err(Obstacle::ManyFunctions);
        }
        self.0[importer] = of_importer;
        self.0[provider] = of_provider;
        Ok(())
    }
}

impl<T> Interface<T> {
    fn new(number: usize) -> Self {
        Self {
            name: interface_name(number),
            functions: Vec::new(),
        }
    }
}

impl Interface<Implementation> {
    /// Adds a function, if it is not carried already.
    fn carry(&mut self, implementation: Implementation, signature: Signature) -> Carried {
        let mut functions = self.functions.iter();
        let found = functions.find(|(_, other)| other.index == implementation.index);
        if let Some((carried, _)) = found {
            return carried.clone();
        }
        let carried = Carried {
            name: format!("function{}", self.functions.len()),
            signature,
        };
        self.functions.push((carried.clone(), implementation));
        carried
    }
}

impl Interface<Vec<usize>> {
    /// Adds calls of a function. The provider may have one function under two names.
    fn call(&mut self, carried: Carried, calls: &[usize]) {
        let mut functions = self.functions.iter_mut();
        match functions.find(|(other, _)| other.name == carried.name) {
            Some((_, others)) => others.extend(calls),
            None => self.functions.push((carried, calls.to_vec())),
        }
    }
}

fn signature_of(importer: &Survey<'_>, function: &Called<'_>) -> Result<Signature, Obstacle> {
    let signature = Signature::of(importer.types, function.ty)?;
    if function.calls.is_empty() {
        return Err(Obstacle::InsideImporter);
    }
    let mut calls = function.calls.iter().map(|call| &importer.calls[*call]);
    calls.try_for_each(|call| call.options.map(|_| ()))?;
    match importer.obstacle {
        Some(obstacle) => Err(obstacle),
        None if importer.has_outer_references => Err(Obstacle::NotUnderstood),
        None => Ok(signature),
    }
}

fn implementation_of(
    provider: Option<&Survey<'_>>,
    export: &ExternName,
    function: &Called<'_>,
    signature: &Signature,
) -> Result<Implementation, Obstacle> {
    let provider = provider.ok_or(Obstacle::NotUnderstood)?;
    let implementation = provider.implementation(export.as_str(), function.name);
    let implementation = implementation.ok_or(Obstacle::InsideProvider)?;
    implementation.options?;
    let ty = provider.types.component_function_at(implementation.index);
    let own = Signature::of(provider.types, ty)?;
    if own != *signature {
        return Err(Obstacle::DifferentTypes);
    }
    match provider.obstacle {
        Some(obstacle) => Err(obstacle),
        None => Ok(implementation),
    }
}
