//! Finding out which functions a part calls and implements itself.

use super::{
    nesting::refers_to_outer_items, obstacle::Obstacle, options::Options, passed_on::passed_on,
};
use crate::wasm::{validate::types_of, walk::top_level_sections};
use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentInstantiationArg, ComponentTypeRef, Payload,
    component_types::{ComponentEntityType, ComponentFuncTypeId},
    types::Types,
};

/// A part and its functions.
pub(super) struct Survey<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) types: Types,
    /// The calls of functions of imported interfaces.
    pub(super) calls: Vec<Call<'a>>,
    /// The functions of each imported interface that the part calls.
    called: HashMap<&'a str, Vec<Called<'a>>>,
    /// The imported interfaces that components inside the part get.
    passed_inside: HashSet<&'a str>,
    /// The instances that it exports, by their names.
    exports: HashMap<&'a str, Rc<Instance<'a>>>,
    spaces: Spaces<'a>,
    /// The reason why no function of the part is carried as strings.
    pub(super) obstacle: Option<Obstacle>,
    /// `true` if a component inside the part refers to items of the part by their indices, so that no item can
    /// be inserted before them.
    pub(super) has_outer_references: bool,
}

/// An imported function that a part calls.
#[derive(Debug)]
pub(super) struct Called<'a> {
    pub(super) name: &'a str,
    /// The positions in [`Survey::calls`].
    pub(super) calls: Vec<usize>,
}

/// A `canon lower` of a function of an imported interface.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The position among the canonical functions of the part.
    pub(super) entry: usize,
    pub(super) import: &'a str,
    pub(super) function: &'a str,
    /// The index of the function.
    pub(super) index: u32,
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

#[derive(Debug)]
enum Instance<'a> {
    Import(&'a str),
    /// An instance of items of the part.
    Exports(HashMap<&'a str, u32>),
    /// An instance of a component with these functions as arguments.
    Of(usize, HashMap<&'a str, u32>),
    Other,
}

#[derive(Debug, Clone, Copy)]
enum Function<'a> {
    Import(&'a str, &'a str),
    Lift(Implementation),
    Other,
}

/// The index spaces of a part.
#[derive(Default)]
struct Spaces<'a> {
    /// For each component, the functions that it only passes on.
    components: Vec<HashMap<&'a str, &'a str>>,
    instances: Vec<Rc<Instance<'a>>>,
    functions: Vec<Function<'a>>,
}

impl<'a> Survey<'a> {
    /// Surveys a part. Function bodies are not validated.
    pub(super) fn of(bytes: &'a [u8]) -> anyhow::Result<Self> {
        let types = types_of(bytes)?;
        let mut spaces = Spaces::default();
        let mut exports = HashMap::new();
        let mut calls = Vec::new();
        let mut passed_inside = HashSet::new();
        let mut entries = 0;
        let mut obstacle = None;
        for payload in top_level_sections(bytes) {
            match payload? {
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let range = unchecked_range.start as usize..unchecked_range.end as usize;
                    let component = bytes.get(range).unwrap_or_default();
                    spaces.components.push(passed_on(component)?);
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        let import = import?;
                        refuse_reserved(import.name.name, &mut obstacle);
                        match import.ty {
                            ComponentTypeRef::Instance(_) => {
                                let instance = Instance::Import(import.name.name);
                                spaces.instances.push(Rc::new(instance));
                            }
                            ComponentTypeRef::Func(_) => spaces.functions.push(Function::Other),
                            ComponentTypeRef::Component(_) => {
                                spaces.components.push(HashMap::new());
                            }
                            _ => {}
                        }
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
                        if let ComponentInstance::Instantiate { args, .. } = &instance {
                            let imports = args.iter().flat_map(|arg| spaces.imports_in(arg));
                            passed_inside.extend(imports);
                        }
                        spaces.instances.push(Rc::new(Instance::of(instance)));
                    }
                }
                Payload::ComponentCanonicalSection(section) => {
                    for function in section {
                        let function = function?;
                        if has_tasks(&function) {
                            obstacle.get_or_insert(Obstacle::Tasks);
                        }
                        if let Some(call) = spaces.canonical(entries, function, &types) {
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
        Ok(Self {
            bytes,
            types,
            called: called(&calls),
            calls,
            passed_inside,
            exports,
            spaces,
            obstacle,
            has_outer_references: refers_to_outer_items(bytes)?,
        })
    }

    /// The functions of an imported interface that the part calls.
    pub(super) fn called(&self, import: &str) -> &[Called<'a>] {
        self.called.get(import).map_or(&[], Vec::as_slice)
    }

    /// The functions of an imported interface that only components inside the part can call, with their types.
    pub(super) fn passed_inside(
        &self,
        import: &str,
    ) -> impl Iterator<Item = (&str, ComponentFuncTypeId)> {
        let item = self.types.as_ref().component_item_for_import(import);
        let interface = match item.map(|item| item.ty) {
            Some(ComponentEntityType::Instance(id)) if self.passed_inside.contains(import) => {
                Some(&self.types[id])
            }
            _ => None,
        };
        let called = self.called(import);
        let exports = interface.into_iter().flat_map(|ty| &ty.exports);
        exports.filter_map(|(name, item)| match item.ty {
            ComponentEntityType::Func(ty) => {
                let is_called = called.iter().any(|called| called.name == name);
                (!is_called).then_some((name.as_str(), ty))
            }
            _ => None,
        })
    }

    /// The implementation of a function of an exported interface, if the part implements it itself.
    pub(super) fn implementation(&self, export: &str, function: &str) -> Option<Implementation> {
        match self.spaces.function_of(self.exports.get(export)?, function) {
            Function::Lift(implementation) => Some(implementation),
            _ => None,
        }
    }
}

fn called<'a>(calls: &[Call<'a>]) -> HashMap<&'a str, Vec<Called<'a>>> {
    let mut called: HashMap<&str, Vec<Called<'a>>> = HashMap::new();
    let mut positions: HashMap<(&str, &str), usize> = HashMap::new();
    for (index, call) in calls.iter().enumerate() {
        let functions = called.entry(call.import).or_default();
        let name = call.function;
        let position = *positions.entry((call.import, name)).or_insert_with(|| {
            let calls = Vec::new();
            functions.push(Called { name, calls });
            functions.len() - 1
        });
        functions[position].calls.push(index);
    }
    called
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

impl<'a> Instance<'a> {
    fn of(instance: ComponentInstance<'a>) -> Self {
        let is_function = |kind| kind == ComponentExternalKind::Func;
        match instance {
            ComponentInstance::Instantiate {
                component_index,
                args,
            } => {
                let functions = args.iter().filter(|arg| is_function(arg.kind));
                let functions = functions.map(|arg| (arg.name, arg.index));
                Self::Of(component_index as usize, functions.collect())
            }
            ComponentInstance::FromExports(exports) => {
                let functions = exports.iter().filter(|export| is_function(export.kind));
                let functions = functions.map(|export| (export.name.name, export.index));
                Self::Exports(functions.collect())
            }
        }
    }
}

impl<'a> Spaces<'a> {
    fn function(&self, index: u32) -> Function<'a> {
        let found = self.functions.get(index as usize);
        found.copied().unwrap_or(Function::Other)
    }

    fn instance(&self, index: u32) -> Rc<Instance<'a>> {
        let found = self.instances.get(index as usize).cloned();
        found.unwrap_or_else(|| Rc::new(Instance::Other))
    }

    /// The imported interfaces whose functions an argument of a component contains.
    fn imports_in(&self, argument: &ComponentInstantiationArg<'_>) -> Vec<&'a str> {
        let import = |index: &u32| match self.function(*index) {
            Function::Import(import, _) => Some(import),
            _ => None,
        };
        match argument.kind {
            ComponentExternalKind::Func => import(&argument.index).into_iter().collect(),
            ComponentExternalKind::Instance => match &*self.instance(argument.index) {
                Instance::Import(import) => vec![import],
                Instance::Exports(functions) => functions.values().filter_map(import).collect(),
                Instance::Of(..) | Instance::Other => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// The origin of an export of an instance.
    fn function_of(&self, instance: &Instance<'a>, name: &str) -> Function<'a> {
        let index = match instance {
            Instance::Import(_) | Instance::Other => None,
            Instance::Exports(functions) => functions.get(name),
            Instance::Of(component, arguments) => {
                let passed_on = self.components.get(*component);
                let argument = passed_on.and_then(|passed_on| passed_on.get(name));
                argument.and_then(|argument| arguments.get(argument))
            }
        };
        index.map_or(Function::Other, |index| self.function(*index))
    }

    fn alias(&mut self, alias: ComponentAlias<'a>) {
        match alias {
            ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => match kind {
                ComponentExternalKind::Func => {
                    let instance = self.instance(instance_index);
                    let function = match &*instance {
                        Instance::Import(import) => Function::Import(import, name),
                        instance => self.function_of(instance, name),
                    };
                    self.functions.push(function);
                }
                ComponentExternalKind::Instance => self.instances.push(Rc::new(Instance::Other)),
                ComponentExternalKind::Component => self.components.push(HashMap::new()),
                _ => {}
            },
            ComponentAlias::Outer { kind, .. } => {
                if kind == wasmparser::ComponentOuterAliasKind::Component {
                    self.components.push(HashMap::new());
                }
            }
            ComponentAlias::CoreInstanceExport { .. } => {}
        }
    }

    fn canonical(
        &mut self,
        entry: usize,
        function: CanonicalFunction,
        types: &Types,
    ) -> Option<Call<'a>> {
        match function {
            CanonicalFunction::Lift {
                core_func_index,
                options,
                ..
            } => {
                self.functions.push(Function::Lift(Implementation {
                    index: self.functions.len() as u32,
                    core: core_func_index,
                    options: Options::of(&options, types),
                }));
                None
            }
            CanonicalFunction::Lower {
                func_index,
                options,
            } => match self.function(func_index) {
                Function::Import(import, function) => Some(Call {
                    entry,
                    import,
                    function,
                    index: func_index,
                    options: Options::of(&options, types),
                }),
                _ => None,
            },
            _ => None,
        }
    }

    /// An export adds an item to the index space of its kind.
    fn repeat(&mut self, kind: ComponentExternalKind, index: u32) {
        match kind {
            ComponentExternalKind::Func => self.functions.push(self.function(index)),
            ComponentExternalKind::Instance => self.instances.push(self.instance(index)),
            ComponentExternalKind::Component => self.components.push(HashMap::new()),
            _ => {}
        }
    }
}
