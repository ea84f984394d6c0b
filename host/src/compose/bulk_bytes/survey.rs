//! Finding out which functions a part calls and implements itself.

use super::{
    nesting::refers_to_outer_items,
    obstacle::Obstacle,
    options::Options,
    passed_inside::PassedInside,
    spaces::{Function, Instance, Spaces},
};
use crate::wasm::walk::top_level_sections;
use std::{collections::HashMap, rc::Rc};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentExternalKind, Payload,
    component_types::{ComponentEntityType, ComponentFuncTypeId},
    types::{Types, TypesRef},
};

/// A part and its functions.
pub(super) struct Survey<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) types: TypesRef<'a>,
    /// The calls of functions of imported interfaces.
    pub(super) calls: Vec<Call>,
    /// The functions of each imported interface that are called.
    called: HashMap<&'a str, Vec<Called<'a>>>,
    /// The instances that it exports, by their names.
    exports: HashMap<&'a str, Rc<Instance<'a>>>,
    spaces: Spaces<'a>,
    /// The reason why no function of the part is carried as strings.
    pub(super) obstacle: Option<Obstacle>,
    /// `true` if a component inside the part refers to items of the part by their indices, so that no item can
    /// be inserted before them.
    pub(super) has_outer_references: bool,
}

/// An imported function that a part calls, or that a component inside the part can call.
#[derive(Debug)]
pub(super) struct Called<'a> {
    pub(super) name: &'a str,
    pub(super) ty: ComponentFuncTypeId,
    /// The positions in [`Survey::calls`]; none if only components inside the part can call it.
    pub(super) calls: Vec<usize>,
}

/// A `canon lower` of a function of an imported interface.
#[derive(Debug)]
pub(super) struct Call {
    /// The position among the canonical functions of the part.
    pub(super) entry: usize,
    /// The number of the function in [`Spaces::imported`].
    pub(super) imported: usize,
    pub(super) options: Result<Options, Obstacle>,
}

/// A `canon lift`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Implementation {
    /// The index of the lifted function.
    pub(super) index: u32,
    pub(super) core: u32,
    pub(super) options: Result<Options, Obstacle>,
}

/// The package of the names that only this crate may use.
pub(super) const RESERVED: &str = "wit-host:bulk-bytes/";

/// A bound on what is said of functions in interfaces that a part passes to components inside it. Many imports
/// can have one large type.
const MAX_PASSED_INSIDE: usize = 10_000;

impl<'a> Survey<'a> {
    /// Surveys a part with these types. Function bodies are not validated.
    pub(super) fn of(bytes: &'a [u8], types: &'a Types) -> anyhow::Result<Self> {
        let mut spaces = Spaces::default();
        let mut exports = HashMap::new();
        let mut calls = Vec::new();
        let mut passed_inside = PassedInside::default();
        let mut entries = 0;
        let mut obstacle = None;
        for payload in top_level_sections(bytes) {
            match payload? {
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let range = unchecked_range.start as usize..unchecked_range.end as usize;
                    spaces.component(bytes.get(range).unwrap_or_default())?;
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        let import = import?;
                        refuse_reserved(import.name.name, &mut obstacle);
                        spaces.import(&import);
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        spaces.alias(alias?);
                    }
                }
                Payload::ComponentInstanceSection(section) => {
                    for instance in section {
                        let instance = instance?;
                        passed_inside.add(&instance, &spaces);
                        spaces.component_instance(instance);
                    }
                }
                Payload::ComponentCanonicalSection(section) => {
                    for function in section {
                        let function = function?;
                        if has_tasks(&function) {
                            obstacle.get_or_insert(Obstacle::Tasks);
                        }
                        if let Some(call) = spaces.canonical(entries, function, types) {
                            calls.push(call);
                        }
                        entries += 1;
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        let export = export?;
                        refuse_reserved(export.name.name, &mut obstacle);
                        if export.kind == ComponentExternalKind::Instance {
                            exports.insert(export.name.name, spaces.instance(export.index));
                        }
                        spaces.repeat(export.kind, export.index);
                    }
                }
                _ => {}
            }
        }
        let types = types.as_ref();
        Ok(Self {
            bytes,
            types,
            called: called(&calls, &passed_inside, &spaces, types),
            calls,
            exports,
            spaces,
            obstacle,
            has_outer_references: refers_to_outer_items(bytes)?,
        })
    }

    /// The functions of an imported interface that the part, or a component inside it, calls.
    pub(super) fn called(&self, import: &str) -> &[Called<'a>] {
        self.called.get(import).map_or(&[], Vec::as_slice)
    }

    /// The implementation of a function of an exported interface, if the part implements it itself.
    pub(super) fn implementation(&self, export: &str, function: &str) -> Option<Implementation> {
        match self.spaces.function_of(self.exports.get(export)?, function) {
            Function::Lift(implementation) => Some(implementation),
            _ => None,
        }
    }
}

/// The functions of each imported interface that are called.
fn called<'a>(
    calls: &[Call],
    passed_inside: &PassedInside,
    spaces: &Spaces<'a>,
    types: TypesRef<'a>,
) -> HashMap<&'a str, Vec<Called<'a>>> {
    let mut interfaces: Vec<Interface<'_>> = Vec::new();
    interfaces.resize_with(spaces.interfaces.len(), Interface::default);
    // The interface and the position of each function of `Spaces::imported` that has been added.
    let mut added: HashMap<usize, (usize, usize)> = HashMap::new();
    let own = calls.iter().enumerate();
    let own = own.map(|(call, lower)| (lower.imported, Some(call)));
    let inside = passed_inside.functions.iter();
    for (number, call) in own.chain(inside.map(|number| (*number, None))) {
        let (interface, position) = *added.entry(number).or_insert_with(|| {
            let imported = spaces.imported[number];
            let ty = types.component_function_at(imported.index);
            let interface = &mut interfaces[imported.interface];
            (imported.interface, interface.position_of(imported.name, ty))
        });
        interfaces[interface].functions[position].calls.extend(call);
    }
    let whole = passed_inside.interfaces.iter().flat_map(|interface| {
        let item = types.component_item_for_import(spaces.interfaces[*interface]);
        let exports = match item.map(|item| item.ty) {
            Some(ComponentEntityType::Instance(id)) => types.get(id).map(|ty| &ty.exports),
            _ => None,
        };
        let exports = exports.into_iter().flatten();
        exports.map(|(name, item)| (*interface, name.as_str(), item.ty))
    });
    for (interface, name, ty) in whole.take(MAX_PASSED_INSIDE) {
        if let ComponentEntityType::Func(ty) = ty {
            interfaces[interface].position_of(name, ty);
        }
    }
    let functions = interfaces.into_iter().map(|interface| interface.functions);
    spaces.interfaces.iter().copied().zip(functions).collect()
}

/// The functions of an imported interface that are called, and their positions.
#[derive(Default)]
struct Interface<'a> {
    functions: Vec<Called<'a>>,
    positions: HashMap<&'a str, usize>,
}

impl<'a> Interface<'a> {
    /// The position of a function, which is added if it is not there.
    fn position_of(&mut self, name: &'a str, ty: ComponentFuncTypeId) -> usize {
        *self.positions.entry(name).or_insert_with(|| {
            let calls = Vec::new();
            self.functions.push(Called { name, ty, calls });
            self.functions.len() - 1
        })
    }
}

/// Sets the obstacle if the part uses a name that only this crate may use.
fn refuse_reserved(name: &str, obstacle: &mut Option<Obstacle>) {
    if name.starts_with(RESERVED) {
        obstacle.get_or_insert(Obstacle::NotUnderstood);
    }
}

/// `true` if the part can have several tasks or threads. Then its code could run during a call of another
/// part, and see memory that a guard uses.
fn has_tasks(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options.contains(&CanonicalOption::Async)
        }
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        _ => true,
    }
}
