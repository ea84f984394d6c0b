//! The functions that a program exports.

use crate::{
    program::{Program, call::CallError, prepared::Prepared},
    value::price,
    wasm::signature,
};
use std::{collections::HashMap, sync::OnceLock};
use wasmtime::{
    ExternType, Module,
    component::{
        Component, ComponentExportIndex, Type,
        types::{ComponentFunc, ComponentItem},
    },
};

/// An exported function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Function {
    /// The name of the interface that the function belongs to; `None` if the component or core module
    /// itself exports the function.
    pub interface: Option<String>,
    /// The name of the function. A constructor has the name of its resource, and a method is called
    /// `resource.method`.
    pub name: String,
    /// The type of the function as WIT, such as `func(key: string) -> list<u8>`.
    pub signature: String,
}

impl Function {
    /// `interface#name`, or the bare name if there is no interface.
    pub fn full_name(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// All functions of a program, by their names.
pub(crate) struct Exports {
    functions: Vec<Function>,
    places: Vec<Place>,
    by_full_name: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

/// The place of a function in the program, and the cost of its result.
pub(crate) struct Place {
    /// `None` in a core module, whose functions are found by name.
    pub(crate) index: Option<ComponentExportIndex>,
    bytes_per_fuel: OnceLock<Option<f64>>,
}

impl Place {
    /// The largest number of bytes of a result for each unit of the engine's fuel; `None` if every
    /// result is small. It is the same for all calls, so it is computed once.
    pub(crate) fn bytes_per_fuel(&self, result: &Type) -> Option<f64> {
        let find = || price::can_be_large(result).then(|| price::bytes_per_fuel(result));
        *self.bytes_per_fuel.get_or_init(find)
    }
}

impl Program {
    /// The functions that the program exports, in the order of the exports.
    pub fn functions(&self) -> &[Function] {
        &self.exports().functions
    }

    /// Finds a function by its full name, or by a bare name that only one interface has. A function
    /// that the component itself exports precedes those of its interfaces.
    ///
    /// Fails with [`NoSuchFunction`](CallError::NoSuchFunction) or
    /// [`Ambiguous`](CallError::Ambiguous).
    pub fn function(&self, name: &str) -> Result<&Function, CallError> {
        let exports = self.exports();
        Ok(&exports.functions[exports.find(name)?])
    }
}

impl Program {
    /// The type of a function of a component, by its position among the exports.
    pub(crate) fn type_of(&self, index: usize) -> Option<ComponentFunc> {
        let Prepared::Component(component) = self.prepared() else {
            return None;
        };
        let Function {
            interface, name, ..
        } = self.exports().function(index);
        let component = component.component();
        let engine = component.engine();
        let ty = component.component_type();
        let item = match interface {
            None => ty.get_export(engine, name)?.ty,
            Some(interface) => match ty.get_export(engine, interface)?.ty {
                ComponentItem::ComponentInstance(instance) => instance.get_export(engine, name)?.ty,
                _ => return None,
            },
        };
        match item {
            ComponentItem::ComponentFunc(function) => Some(function),
            _ => None,
        }
    }
}

impl Exports {
    pub(crate) fn of(prepared: &Prepared) -> Self {
        let mut exports = Self {
            functions: Vec::new(),
            places: Vec::new(),
            by_full_name: HashMap::new(),
            by_name: HashMap::new(),
        };
        match prepared {
            Prepared::Component(component) => exports.add_component(component.component()),
            Prepared::Module(module) => exports.add_module(module.module()),
        }
        exports
    }

    pub(crate) fn function(&self, index: usize) -> &Function {
        &self.functions[index]
    }

    pub(crate) fn place(&self, index: usize) -> &Place {
        &self.places[index]
    }

    /// Finds a function by its name, full or bare.
    pub(crate) fn find(&self, name: &str) -> Result<usize, CallError> {
        if let Some(index) = self.by_full_name.get(name) {
            return Ok(*index);
        }
        match self.by_name.get(name).map(Vec::as_slice) {
            None | Some([]) => Err(self.no_such(name)),
            Some([index]) => Ok(*index),
            Some(indices) => Err(CallError::Ambiguous {
                name: name.to_owned(),
                candidates: indices
                    .iter()
                    .map(|index| self.functions[*index].clone())
                    .collect(),
            }),
        }
    }

    /// Finds the index of a function. A constructor and a function may have the same name, so the types
    /// are compared too.
    pub(crate) fn find_same(&self, function: &Function) -> Result<usize, CallError> {
        let named = self.by_name.get(&function.name);
        let mut same = named.into_iter().flatten().copied();
        same.find(|index| self.functions[*index] == *function)
            .ok_or_else(|| self.no_such(&function.full_name()))
    }

    fn no_such(&self, name: &str) -> CallError {
        CallError::NoSuchFunction {
            name: name.to_owned(),
            candidates: self.functions.clone(),
        }
    }

    fn add(&mut self, function: Function, index: Option<ComponentExportIndex>) {
        let place = self.functions.len();
        self.by_full_name
            .entry(function.full_name())
            .or_insert(place);
        let same = self.by_name.entry(function.name.clone()).or_default();
        same.push(place);
        self.functions.push(function);
        self.places.push(Place {
            index,
            bytes_per_fuel: OnceLock::new(),
        });
    }

    /// Adds the functions that a component exports, directly and in interfaces.
    fn add_component(&mut self, component: &Component) {
        let engine = component.engine();
        let ty = component.component_type();
        for (name, export) in ty.exports(engine) {
            let Some(index) = component.get_export_index(None, name) else {
                continue;
            };
            match export.ty {
                ComponentItem::ComponentFunc(function) => {
                    let function = Function {
                        interface: None,
                        name: plain(name).to_owned(),
                        signature: signature::of_function(&function),
                    };
                    self.add(function, Some(index));
                }
                ComponentItem::ComponentInstance(instance) => {
                    for (function_name, export) in instance.exports(engine) {
                        let index = component.get_export_index(Some(&index), function_name);
                        if let (ComponentItem::ComponentFunc(function), Some(index)) =
                            (export.ty, index)
                        {
                            let function = Function {
                                interface: Some(name.to_owned()),
                                name: plain(function_name).to_owned(),
                                signature: signature::of_function(&function),
                            };
                            self.add(function, Some(index));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn add_module(&mut self, module: &Module) {
        for export in module.exports() {
            if let ExternType::Func(ty) = export.ty() {
                let function = Function {
                    interface: None,
                    name: export.name().to_owned(),
                    signature: signature::of_core_function(&ty),
                };
                self.add(function, None);
            }
        }
    }
}

/// `counter` of `[constructor]counter`, `counter.next` of `[method]counter.next`.
fn plain(name: &str) -> &str {
    match name.split_once(']') {
        Some((_, plain)) => plain,
        None => name,
    }
}
