//! The parts in the order of the stack, inside a `wac-graph` composition graph.

use super::{
    error::ComposeError,
    link::{Link, PrivateImport, PrivateProvider, Provider},
    mismatch::Mismatch,
    part::Part,
};
use crate::{
    names::external::ExternName, sandbox::authority::Authority, wasm::guarded::guarded,
    wasm::validate::validate,
};
use std::collections::HashSet;
use wac_graph::{
    CompositionGraph, NodeId, PackageId,
    types::{
        InterfaceId, ItemKind, NameMap, NameMapNoIntern, Package, SubtypeChecker, Type, Types,
        World, WorldId,
    },
};

/// The positions of a part's exports by name and by compatible version.
type Exports = NameMap<String, usize>;

/// The parts, registered in the graph: the consumer, then the plugs.
pub(super) struct Stack {
    packages: Vec<PackageId>,
}

impl Stack {
    pub(super) fn register(
        graph: &mut CompositionGraph,
        parts: &[&Part],
    ) -> Result<Self, ComposeError> {
        let mut register = |part: &Part| -> anyhow::Result<PackageId> {
            let bytes = part.component.bytes();
            let package = Package::from_bytes(part.name.as_str(), None, bytes, graph.types_mut())?;
            name_imports(graph.types_mut(), package.ty());
            Ok(graph.register_package(package)?)
        };
        let packages = parts
            .iter()
            .map(|part| guarded(|| register(part)).map_err(|error| of_registering(part, error)))
            .collect::<Result<_, _>>()?;
        Ok(Self { packages })
    }

    /// Finds the link of each import of each part.
    pub(super) fn links(
        &self,
        graph: &CompositionGraph,
        parts: &[&Part],
    ) -> Result<Vec<Link>, ComposeError> {
        let mut checked = HashSet::new();
        let mut links = Vec::new();
        let exports = self.exports_by_track(graph);
        for importer in 0..self.packages.len() {
            for (import, expected) in &self.world(graph, importer).imports {
                let name = ExternName::from(import.as_str());
                if importer > 0 {
                    refuse_other_than_interface(parts[importer], &name, *expected)?;
                }
                let provider = self.provider(graph, &exports, importer, import);
                let provider =
                    provider.map(|(index, export, found)| (index, ExternName::from(export), found));
                if let Some((provider, export, found)) = &provider {
                    refuse_interposing(parts[importer], &name, parts[*provider], export)?;
                    guarded(|| {
                        SubtypeChecker::new(&mut checked).is_subtype(
                            *found,
                            graph.types(),
                            *expected,
                            graph.types(),
                        )
                    })
                    .map_err(|reason| {
                        let (importer, provider) = (parts[importer], parts[*provider]);
                        Mismatch::explain(importer, &name, provider, export, &reason)
                    })
                    .map_err(|mismatch| ComposeError::Mismatch(Box::new(mismatch)))?;
                }
                let by_embedder = parts[importer].provided_for(&name);
                links.push(Link {
                    importer,
                    provider: match (provider, by_embedder) {
                        (Some((plug, ..)), Some(interface)) => {
                            return Err(ComposeError::SatisfiedTwice {
                                importer: parts[importer].name.clone(),
                                import: name,
                                plug: parts[plug].name.clone(),
                                interface: interface.name().clone(),
                            });
                        }
                        (Some((index, export, _)), None) => Provider::Part { index, export },
                        (None, Some(interface)) => {
                            refuse_other_than_values(graph, parts[importer], &name, *expected)?;
                            Provider::Embedder(interface.clone())
                        }
                        (None, None) => Provider::of_host(&name),
                    },
                    import: name,
                });
            }
        }
        Ok(links)
    }

    /// Refuses links between units that pass resources.
    pub(super) fn refuse_isolated_resources(
        &self,
        graph: &CompositionGraph,
        parts: &[&Part],
        links: &[Link],
    ) -> Result<(), ComposeError> {
        for link in links {
            let Provider::Isolated { index, .. } = link.provider else {
                continue;
            };
            let importer = parts[link.importer].name.clone();
            let plug = parts[index].name.clone();
            let import = link.import.clone();
            let imports = &self.world(graph, link.importer).imports;
            let Some(ItemKind::Instance(interface)) = imports.get(link.import.as_str()) else {
                return Err(ComposeError::IsolatedItem {
                    importer,
                    import,
                    plug,
                });
            };
            if let Some(resource) = resource_of(graph, *interface) {
                return Err(ComposeError::IsolatedResource {
                    importer,
                    import,
                    plug,
                    resource,
                });
            }
        }
        Ok(())
    }

    /// The names of a part's exports.
    pub(super) fn exports<'g>(
        &self,
        graph: &'g CompositionGraph,
        part: usize,
    ) -> impl Iterator<Item = &'g str> + use<'g> {
        self.world(graph, part).exports.keys().map(String::as_str)
    }

    /// Adds an instance of each part to the graph, in the same order.
    pub(super) fn instantiate(&self, graph: &mut CompositionGraph) -> Vec<NodeId> {
        self.packages
            .iter()
            .map(|package| graph.instantiate(*package))
            .collect()
    }

    /// Adds an import to the graph, with the type of the part's own import. It is not merged with
    /// another one.
    pub(super) fn import_privately(
        &self,
        graph: &mut CompositionGraph,
        import: &PrivateImport,
    ) -> anyhow::Result<NodeId> {
        let imports = &self.world(graph, import.part).imports;
        let Some(ItemKind::Instance(interface)) = imports.get(import.import.as_str()) else {
            anyhow::bail!("`{}` is not imported as an interface", import.import);
        };
        // The graph merges imports by the id of their interface, not by their names.
        let mut interface = graph.types()[*interface].clone();
        interface.id = None;
        if !matches!(import.provider, PrivateProvider::Grant(_)) {
            // The types of values stay the same if they are defined inside the interface. Otherwise the
            // interfaces that they come from would become imports too.
            interface.uses.clear();
        }
        let interface = graph.types_mut().add_interface(interface);
        Ok(graph.import(&import.name, ItemKind::Instance(interface))?)
    }

    /// The first part after `importer` that exports `import`, by its name or else by its latest
    /// compatible version.
    fn provider<'g>(
        &self,
        graph: &'g CompositionGraph,
        exports: &[Exports],
        importer: usize,
        import: &str,
    ) -> Option<(usize, &'g str, ItemKind)> {
        (importer + 1..self.packages.len()).find_map(|index| {
            let position = *exports[index].get(import, &NameMapNoIntern)?;
            let (name, kind) = self.world(graph, index).exports.get_index(position)?;
            Some((index, name.as_str(), *kind))
        })
    }

    /// An index of the exports of each part by name and compatible version.
    fn exports_by_track(&self, graph: &CompositionGraph) -> Vec<Exports> {
        let of_part = |part| {
            let mut exports = Exports::default();
            for (position, name) in self.exports(graph, part).enumerate() {
                // Inserting cannot fail, because shadowing is allowed.
                let _ = exports.insert(name, &mut NameMapNoIntern, true, position);
            }
            exports
        };
        (0..self.packages.len()).map(of_part).collect()
    }

    fn world<'g>(&self, graph: &'g CompositionGraph, part: usize) -> &'g World {
        &graph.types()[graph[self.packages[part]].ty()]
    }
}

/// Gives the type of each import the name of the import as its id. The composer merges imports by the
/// ids of their interfaces, and the id of a type is the first name under which the composer finds the
/// type.
fn name_imports(types: &mut Types, world: WorldId) {
    let misnamed: Vec<(String, InterfaceId)> = types[world]
        .imports
        .iter()
        .filter_map(|(name, kind)| match kind {
            ItemKind::Instance(id) if types[*id].id.as_deref() != Some(name) => {
                Some((name.clone(), *id))
            }
            _ => None,
        })
        .collect();
    for (name, id) in misnamed {
        let mut interface = types[id].clone();
        interface.id = name.contains(':').then(|| name.clone());
        let id = types.add_interface(interface);
        types[world].imports.insert(name, ItemKind::Instance(id));
    }
}

/// Refuses an import of a plug that has the name of an interface of the host but is not an interface.
fn refuse_other_than_interface(
    plug: &Part,
    import: &ExternName,
    kind: ItemKind,
) -> Result<(), ComposeError> {
    let is_of_host = Authority::of_import(import).is_provided_by_host();
    if !is_of_host || matches!(kind, ItemKind::Instance(_)) {
        return Ok(());
    }
    Err(ComposeError::NotAnInterface {
        plug: plug.name.clone(),
        import: import.clone(),
    })
}

/// Refuses an import that is not an interface or has resources, because a host interface cannot satisfy
/// it.
fn refuse_other_than_values(
    graph: &CompositionGraph,
    part: &Part,
    import: &ExternName,
    kind: ItemKind,
) -> Result<(), ComposeError> {
    let (part, import) = (part.name.clone(), import.clone());
    let ItemKind::Instance(interface) = kind else {
        return Err(ComposeError::NotAnInstance { part, import });
    };
    match resource_of(graph, interface) {
        None => Ok(()),
        Some(resource) => Err(ComposeError::ProvidedResource {
            part,
            import,
            resource,
        }),
    }
}

/// The name of the first resource of an interface.
fn resource_of(graph: &CompositionGraph, interface: InterfaceId) -> Option<String> {
    let mut exports = graph.types()[interface].exports.iter();
    let (name, _) = exports.find(|(_, kind)| matches!(kind, ItemKind::Type(Type::Resource(_))))?;
    Some(name.clone())
}

/// Refuses a plug that would satisfy an import in place of the host without a permission.
fn refuse_interposing(
    importer: &Part,
    import: &ExternName,
    plug: &Part,
    export: &ExternName,
) -> Result<(), ComposeError> {
    let is_of_host = Authority::of_import(import).is_provided_by_host();
    if !is_of_host || plug.may_virtualize(import, export) {
        return Ok(());
    }
    Err(ComposeError::Interposed {
        plug: plug.name.clone(),
        export: export.clone(),
        importer: importer.name.clone(),
        import: import.clone(),
    })
}

/// The error for a part that the composer does not register. The composer supports more features than
/// the engine, so a part that the engine refuses is reported as invalid.
fn of_registering(part: &Part, error: anyhow::Error) -> ComposeError {
    let part_name = part.name.clone();
    match validate(part.component.bytes()) {
        Err(source) => ComposeError::Invalid {
            part: part_name,
            source: source.into(),
        },
        Ok(()) => ComposeError::Type {
            part: part_name,
            source: error.into(),
        },
    }
}
