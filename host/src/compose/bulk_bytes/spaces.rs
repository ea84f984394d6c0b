//! The index spaces of a part: where its functions and instances come from.

use super::{
    options::Options,
    passed_on::passed_on,
    survey::{Call, Implementation},
};
use std::{collections::HashMap, rc::Rc};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentImport, ComponentInstance,
    ComponentTypeRef, types::Types,
};

#[derive(Debug)]
pub(super) enum Instance<'a> {
    /// The imported interface with this number.
    Import(usize),
    /// An instance of items of the part.
    Exports(HashMap<&'a str, u32>),
    /// An instance of a component with these functions as arguments.
    Of(usize, HashMap<&'a str, u32>),
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Function {
    /// The function with this number of an imported interface.
    Import(usize),
    Lift(Implementation),
    Other,
}

/// A function of an imported interface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Imported<'a> {
    /// The number of the interface.
    pub(super) interface: usize,
    pub(super) name: &'a str,
    /// The index of the function.
    pub(super) index: u32,
}

/// The index spaces of a part. Numbers stand for imported items, so that long names are not compared again and
/// again.
#[derive(Default)]
pub(super) struct Spaces<'a> {
    /// The names of the imported interfaces.
    pub(super) interfaces: Vec<&'a str>,
    /// The functions of imported interfaces; those that the part has several aliases of are there several times.
    pub(super) imported: Vec<Imported<'a>>,
    /// For each component, the functions that it only passes on.
    components: Vec<HashMap<&'a str, &'a str>>,
    instances: Vec<Rc<Instance<'a>>>,
    functions: Vec<Function>,
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
    pub(super) fn import(&mut self, import: &ComponentImport<'a>) {
        match import.ty {
            ComponentTypeRef::Instance(_) => {
                let instance = Instance::Import(self.interfaces.len());
                self.interfaces.push(import.name.name);
                self.instances.push(Rc::new(instance));
            }
            ComponentTypeRef::Func(_) => self.functions.push(Function::Other),
            ComponentTypeRef::Component(_) => self.components.push(HashMap::new()),
            _ => {}
        }
    }

    pub(super) fn component(&mut self, bytes: &'a [u8]) -> wasmparser::Result<()> {
        self.components.push(passed_on(bytes)?);
        Ok(())
    }

    pub(super) fn component_instance(&mut self, instance: ComponentInstance<'a>) {
        self.instances.push(Rc::new(Instance::of(instance)));
    }

    pub(super) fn function(&self, index: u32) -> Function {
        let found = self.functions.get(index as usize);
        found.copied().unwrap_or(Function::Other)
    }

    pub(super) fn instance(&self, index: u32) -> Rc<Instance<'a>> {
        let found = self.instances.get(index as usize).cloned();
        found.unwrap_or_else(|| Rc::new(Instance::Other))
    }

    /// The origin of an export of an instance.
    pub(super) fn function_of(&self, instance: &Instance<'a>, name: &str) -> Function {
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

    pub(super) fn alias(&mut self, alias: ComponentAlias<'a>) {
        match alias {
            ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => match kind {
                ComponentExternalKind::Func => {
                    let instance = self.instance(instance_index);
                    let function = match *instance {
                        Instance::Import(interface) => {
                            self.imported.push(Imported {
                                interface,
                                name,
                                index: self.functions.len() as u32,
                            });
                            Function::Import(self.imported.len() - 1)
                        }
                        _ => self.function_of(&instance, name),
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

    pub(super) fn canonical(
        &mut self,
        entry: usize,
        function: CanonicalFunction,
        types: &Types,
    ) -> Option<Call> {
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
                Function::Import(imported) => Some(Call {
                    entry,
                    imported,
                    options: Options::of(&options, types),
                }),
                _ => None,
            },
            _ => None,
        }
    }

    /// An export adds an item to the index space of its kind.
    pub(super) fn repeat(&mut self, kind: ComponentExternalKind, index: u32) {
        match kind {
            ComponentExternalKind::Func => self.functions.push(self.function(index)),
            ComponentExternalKind::Instance => self.instances.push(self.instance(index)),
            ComponentExternalKind::Component => self.components.push(HashMap::new()),
            _ => {}
        }
    }
}
