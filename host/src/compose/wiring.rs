//! A check of the composed binary: the item that the binary passes to each part for each of its imports
//! is the one that the links promise. An item is an instance, a function, a component or a module.
//!
//! The composer merges imports by the ids of their interfaces, and the id of a type is the first name
//! under which the composer finds the type. A stranger can build a part in which a harmless import
//! shares its type with an import that carries authority. So this check compares the binary with the
//! links.

use super::{
    error::ComposeError,
    layout::Layout,
    link::{Link, PrivateImport, Provider},
};
use crate::{
    names::{external::ExternName, part::PartName},
    wasm::walk::top_level_sections,
};
use std::collections::HashMap;
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentTypeRef, Payload,
};

/// The origin of an item of the composed component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin<'a> {
    /// An import of the composed component.
    Import(&'a str),
    /// An instance of the part at this index.
    Part(usize),
    /// The export of this name of the part at this index.
    Export(usize, &'a str),
    /// The component of the part at this index.
    Component(usize),
    /// Anything else.
    Other,
}

/// The index spaces of the composed component whose items can carry authority.
#[derive(Default)]
struct Spaces<'a> {
    instances: Vec<Origin<'a>>,
    components: Vec<Origin<'a>>,
    functions: Vec<Origin<'a>>,
    modules: Vec<Origin<'a>>,
}

impl<'a> Spaces<'a> {
    /// The index space of a kind; `None` for types and values, which carry no authority.
    fn of(&mut self, kind: ComponentExternalKind) -> Option<&mut Vec<Origin<'a>>> {
        match kind {
            ComponentExternalKind::Instance => Some(&mut self.instances),
            ComponentExternalKind::Component => Some(&mut self.components),
            ComponentExternalKind::Func => Some(&mut self.functions),
            ComponentExternalKind::Module => Some(&mut self.modules),
            ComponentExternalKind::Type | ComponentExternalKind::Value => None,
        }
    }

    fn push(&mut self, kind: ComponentExternalKind, origin: Origin<'a>) {
        if let Some(space) = self.of(kind) {
            space.push(origin);
        }
    }

    fn at(&mut self, kind: ComponentExternalKind, index: u32) -> Origin<'a> {
        let found = self.of(kind).and_then(|space| space.get(index as usize));
        found.copied().unwrap_or(Origin::Other)
    }
}

/// The link of each import, by the index of the part and the name.
type Promises<'a> = HashMap<(usize, &'a str), &'a Link>;

/// Compares the wiring of the composed binary with the links.
pub(super) fn verify(
    bytes: &[u8],
    layout: &Layout,
    parts: &[PartName],
    links: &[Link],
    private: &[PrivateImport],
) -> Result<(), ComposeError> {
    let promises: Promises = links
        .iter()
        .map(|link| ((link.importer, link.import.as_str()), link))
        .collect();
    let private: HashMap<(usize, &str), &str> = private
        .iter()
        .map(|own| ((own.part, own.import.as_str()), own.name.as_str()))
        .collect();
    let arguments = arguments(bytes, layout, parts).map_err(|source| ComposeError::Encode {
        parts: parts.to_vec(),
        source: source.into(),
    })?;
    for Argument { part, import, from } in arguments {
        let is_promised = match promises.get(&(part, import)).map(|link| &link.provider) {
            None => false,
            Some(Provider::Part { index, export }) => {
                from == Origin::Export(*index, export.as_str())
            }
            Some(
                Provider::Isolated { .. }
                | Provider::Host(_)
                | Provider::Embedder(_)
                | Provider::Nothing,
            ) => {
                match private.get(&(part, import)) {
                    Some(name) => from == Origin::Import(name),
                    // The composer merges imports of compatible versions.
                    None => matches!(from, Origin::Import(name)
                    if ExternName::from(name).is_compatible_with(&import.into())),
                }
            }
        };
        if !is_promised {
            return Err(ComposeError::Miswired {
                part: parts[part].clone(),
                import: import.into(),
            });
        }
    }
    Ok(())
}

/// An argument in the instantiation of a part.
struct Argument<'a> {
    part: usize,
    import: &'a str,
    from: Origin<'a>,
}

fn arguments<'a>(
    bytes: &'a [u8],
    layout: &Layout,
    parts: &[PartName],
) -> wasmparser::Result<Vec<Argument<'a>>> {
    let indices: HashMap<&PartName, usize> = parts.iter().zip(0..).collect();
    let part_at = |start: usize| indices.get(layout.part_from(start)?).copied();
    let mut spaces = Spaces::default();
    let mut arguments = Vec::new();
    for payload in top_level_sections(bytes) {
        match payload? {
            Payload::ModuleSection { .. } => spaces.modules.push(Origin::Other),
            Payload::ComponentSection {
                unchecked_range, ..
            } => {
                let part = part_at(unchecked_range.start as usize);
                spaces
                    .components
                    .push(part.map_or(Origin::Other, Origin::Component));
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    spaces.push(kind_of(import.ty), Origin::Import(import.name.name));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    alias_of(&mut spaces, alias?);
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let ComponentInstance::Instantiate {
                        component_index,
                        args,
                    } = instance?
                    else {
                        spaces.instances.push(Origin::Other);
                        continue;
                    };
                    let component = spaces.at(ComponentExternalKind::Component, component_index);
                    let Origin::Component(part) = component else {
                        spaces.instances.push(Origin::Other);
                        continue;
                    };
                    for arg in &args {
                        if spaces.of(arg.kind).is_some() {
                            arguments.push(Argument {
                                part,
                                import: arg.name,
                                from: spaces.at(arg.kind, arg.index),
                            });
                        }
                    }
                    spaces.instances.push(Origin::Part(part));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    let origin = spaces.at(export.kind, export.index);
                    spaces.push(export.kind, origin);
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for _ in 0..section.count() {
                    spaces.functions.push(Origin::Other);
                }
            }
            _ => {}
        }
    }
    Ok(arguments)
}

fn alias_of<'a>(spaces: &mut Spaces<'a>, alias: ComponentAlias<'a>) {
    match alias {
        ComponentAlias::InstanceExport {
            kind,
            instance_index,
            name,
        } => {
            let instance = spaces.at(ComponentExternalKind::Instance, instance_index);
            let origin = match instance {
                Origin::Part(part) => Origin::Export(part, name),
                _ => Origin::Other,
            };
            spaces.push(kind, origin);
        }
        ComponentAlias::CoreInstanceExport { .. } => {}
        ComponentAlias::Outer { kind, .. } => match kind {
            wasmparser::ComponentOuterAliasKind::Component => {
                spaces.components.push(Origin::Other);
            }
            wasmparser::ComponentOuterAliasKind::CoreModule => spaces.modules.push(Origin::Other),
            _ => {}
        },
    }
}

fn kind_of(ty: ComponentTypeRef) -> ComponentExternalKind {
    match ty {
        ComponentTypeRef::Module(_) => ComponentExternalKind::Module,
        ComponentTypeRef::Func(_) => ComponentExternalKind::Func,
        ComponentTypeRef::Value(_) => ComponentExternalKind::Value,
        ComponentTypeRef::Type(_) => ComponentExternalKind::Type,
        ComponentTypeRef::Instance(_) => ComponentExternalKind::Instance,
        ComponentTypeRef::Component(_) => ComponentExternalKind::Component,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compose::{Form, compose, composition::Composition, part::Part},
        wasm::file::Wasm,
    };

    fn part(name: &str, text: &str) -> Part {
        let wasm = Wasm::parse(name, text.as_bytes().to_vec()).expect("valid text");
        Part::new(name, wasm.try_into().expect("a component")).expect("a name")
    }

    /// A composition of a consumer and two plugs. Parts, the host and nothing satisfy their imports.
    fn composition(form: Form) -> Composition {
        let consumer = part(
            "consumer",
            r#"(component
                (import "test:own/outer@1.0.0" (instance (export "f" (func))))
                (import "test:own/open" (instance (export "f" (func))))
                (import "wasi:cli/environment@0.2.0" (instance)))"#,
        );
        let middle = part(
            "middle",
            r#"(component
                (import "test:own/inner" (instance $inner (export "f" (func))))
                (import "wasi:cli/environment@0.2.0" (instance))
                (import "wasi:random/random@0.2.6" (instance))
                (export "test:own/outer@1.0.1" (instance $inner)))"#,
        );
        let last = part(
            "last",
            r#"(component
                (import "wasi:cli/environment@0.2.6" (instance))
                (core module $m (func (export "f")))
                (core instance $i (instantiate $m))
                (func $f (canon lift (core func $i "f")))
                (instance $own (export "f" (func $f)))
                (export "test:own/inner" (instance $own)))"#,
        );
        compose(&consumer, &[middle, last], form).expect("they fit")
    }

    fn is_as_promised(composition: &Composition, links: &[Link], own: &[PrivateImport]) -> bool {
        let root = composition.root();
        verify(&root.bytes, &root.layout, &root.parts, links, own).is_ok()
    }

    #[test]
    fn what_is_handed_to_a_part_is_what_the_links_promise_and_nothing_else() {
        for form in [Form::Portable, Form::Granted] {
            let composition = composition(form);
            let (links, private) = (&composition.links, &composition.root().private);
            assert!(is_as_promised(&composition, links, private));

            for at in 0..links.len() {
                let mut without = links.clone();
                without.remove(at);
                assert!(!is_as_promised(&composition, &without, private), "{at}");
                for other in [
                    Provider::Part {
                        index: 1,
                        export: "test:own/inner".into(),
                    },
                    Provider::Part {
                        index: 2,
                        export: "test:own/outer@1.0.1".into(),
                    },
                    Provider::Nothing,
                ] {
                    let mut changed = links.clone();
                    let is_import = |provider: &Provider| {
                        matches!(provider, Provider::Host(_) | Provider::Nothing)
                    };
                    if is_import(&other) && is_import(&changed[at].provider) {
                        continue;
                    }
                    changed[at].provider = other;
                    assert!(!is_as_promised(&composition, &changed, private), "{at}");
                }
            }
            for at in 0..private.len() {
                let mut changed = private.clone();
                changed[at].name.push_str("-of-another");
                assert!(!is_as_promised(&composition, links, &changed), "{at}");
            }
        }
    }
}
