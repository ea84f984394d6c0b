//! Calling single functions, with arguments and results in WAVE, the text form of component values.

mod arguments;
mod call;
mod price;

pub use call::{Call, CallSyntaxError};

use crate::{
    program::{Instance, Outcome, Running},
    store::call::{Ended, call as call_within},
    store::limits::MAX_PASSED,
    untrusted::Name,
    value::{Resource, Value, of_core, of_val},
    wasm::signature,
};
use wasmtime::component::{self, Component, ComponentExportIndex, Type, types::ComponentItem};

/// An exported function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The interface that it belongs to; `None` where the component or module itself exports it.
    pub interface: Option<String>,
    /// Its name; a constructor has its resource's, a method is `resource.method`.
    pub name: String,
    /// Its type, as `func(key: string) -> list<u8>`.
    pub signature: String,
}

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum InvokeError {
    /// Nothing of that name is exported.
    #[error("no exported function is named `{}`; exported {}", Name(.name), all(.candidates))]
    NoSuchFunction {
        name: String,
        candidates: Vec<Function>,
    },
    /// Several interfaces have such a function.
    #[error("several functions are named `{}`; name one in full: {}", Name(.name), full_names(.candidates))]
    Ambiguous {
        name: String,
        candidates: Vec<Function>,
    },
    /// Too few or too many arguments.
    #[error(
        "`{}` takes {expected} arguments and was given {given}; its type is `{}`",
        Name(.function), Name(.signature)
    )]
    WrongCount {
        function: String,
        expected: usize,
        given: usize,
        signature: String,
    },
    /// An argument is not of its type.
    #[error(
        "argument {position} of `{}`, `{}`, is no `{}`; {}",
        Name(.function), Name(.text), Name(.expected), Name(.reason)
    )]
    WrongArgument {
        function: String,
        position: usize,
        text: String,
        expected: String,
        reason: String,
    },
    /// Its result cannot be shown in WAVE, so it was not called.
    #[error(
        "failed to call `{}`: a result of type `{}` cannot be written in WAVE",
        Name(.function),
        Name(.result)
    )]
    Unshowable { function: String, result: String },
    /// Its result is larger than [`Limits::result`](crate::Limits) allows. The instance cannot be
    /// used any more.
    #[error("the result of `{}` takes more than {} MiB on the host, where an element of a list takes at least {} bytes", Name(.function), .limit >> 20, size_of::<component::Val>())]
    TooLarge { function: String, limit: usize },
    /// The call did not return. The instance cannot be used any more.
    #[error("`{}` did not return", Name(.function))]
    Ended { function: String, outcome: Outcome },
}

fn all(functions: &[Function]) -> String {
    match functions {
        [] => "is none at all".to_owned(),
        functions => format!(
            "are {}",
            list(functions, |function| {
                format!(
                    "`{}: {}`",
                    Name(function.full_name()),
                    Name(&function.signature)
                )
            })
        ),
    }
}

fn full_names(functions: &[Function]) -> String {
    list(functions, |function| {
        format!("`{}`", Name(function.full_name()))
    })
}

/// Functions beyond these are counted, not listed.
const MAX_LISTED: usize = 50;

fn list(functions: &[Function], show: impl Fn(&Function) -> String) -> String {
    let listed = functions.iter().take(MAX_LISTED).map(show);
    let mut list = listed.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = functions.len().checked_sub(MAX_LISTED) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

impl Function {
    /// `interface#name`, or the bare name where there is no interface.
    pub fn full_name(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Instance {
    /// The functions that can be called, in the order of the exports.
    pub fn functions(&mut self) -> Vec<Function> {
        match &mut self.running {
            Running::Component(store, instance) => {
                let component = instance.instance_pre(&*store).component().clone();
                exported(&component)
                    .into_iter()
                    .map(|(function, _)| function)
                    .collect()
            }
            Running::Module(store, instance) => {
                let mut functions = Vec::new();
                for export in instance.exports(&mut *store) {
                    let name = export.name().to_owned();
                    if let Some(function) = export.into_func() {
                        functions.push((name, function));
                    }
                }
                let signature =
                    |function: &wasmtime::Func| signature::of_core_function(&function.ty(&*store));
                functions
                    .iter()
                    .map(|(name, function)| Function {
                        interface: None,
                        name: name.clone(),
                        signature: signature(function),
                    })
                    .collect()
            }
        }
    }

    /// Calls one function. A resource in the result is kept, and is an argument of later calls by
    /// the name that it is shown with, `$1`.
    pub async fn invoke(&mut self, call: &Call) -> Result<Option<Value>, InvokeError> {
        let function = choose(self.functions(), call)?;
        let name = function.full_name();
        let timeout = self.timeout;
        match &mut self.running {
            Running::Component(store, instance) => {
                let component = instance.instance_pre(&*store).component().clone();
                let index = exported(&component)
                    .into_iter()
                    .find_map(|(candidate, index)| (candidate == function).then_some(index));
                let target = index.and_then(|index| instance.get_func(&mut *store, index));
                let Some(target) = target else {
                    return Err(no_such(call, Vec::new()));
                };
                let ty = target.ty(&*store);
                let result = ty.results().next();
                refuse_unsupported(&name, result.as_ref())?;
                let arguments =
                    arguments::component_arguments(&function, &ty, call, &self.resources)?;
                let mut results: Vec<_> =
                    result.iter().map(|_| component::Val::Bool(false)).collect();
                let limit = self.max_result;
                store.set_hostcall_fuel(match &result {
                    Some(ty) if price::can_be_large(ty) => price::fuel_for(ty, limit),
                    _ => MAX_PASSED,
                });
                let ended = call_within(store, timeout, &self.layout, async |store| {
                    target.call_async(store, &arguments, &mut results).await
                })
                .await;
                store.set_hostcall_fuel(MAX_PASSED);
                match ended {
                    Ok(()) => {}
                    // Without a frame it is not an import that was called with too much.
                    Err(Ended::Trapped(trap))
                        if trap.passes_too_much() && trap.frames.is_empty() =>
                    {
                        return Err(InvokeError::TooLarge {
                            function: name,
                            limit,
                        });
                    }
                    Err(ended) => return Err(did_not_return(name, ended)),
                }
                let resources = &mut self.resources;
                let mut keep = |handle| {
                    resources.push(handle);
                    Resource {
                        number: resources.len(),
                    }
                };
                let value = results.into_iter().next().zip(result);
                Ok(value.and_then(|(val, ty)| of_val(val, &ty, &mut keep)))
            }
            Running::Module(store, instance) => {
                let Some(target) = instance.get_func(&mut *store, &function.name) else {
                    return Err(no_such(call, Vec::new()));
                };
                let ty = target.ty(&*store);
                if let Some(result) = ty.results().find(wasmtime::ValType::is_ref) {
                    return Err(InvokeError::Unshowable {
                        function: name,
                        result: result.to_string(),
                    });
                }
                let arguments = arguments::core_arguments(&function, &ty, call)?;
                let mut results: Vec<_> = ty.results().map(|_| wasmtime::Val::I32(0)).collect();
                call_within(store, timeout, &self.layout, async |store| {
                    target.call_async(store, &arguments, &mut results).await
                })
                .await
                .map_err(|ended| did_not_return(name, ended))?;
                let mut values: Vec<Value> = results.into_iter().filter_map(of_core).collect();
                Ok(match values.len() {
                    0 | 1 => values.pop(),
                    _ => Some(Value::Tuple(values)),
                })
            }
        }
    }
}

fn refuse_unsupported(function: &str, result: Option<&Type>) -> Result<(), InvokeError> {
    match result {
        Some(ty) if !is_supported(ty) => Err(InvokeError::Unshowable {
            function: function.to_owned(),
            result: signature::of_value(ty),
        }),
        _ => Ok(()),
    }
}

/// Whether values of this type can be told in WAVE: not where there is a resource inside.
fn is_supported(ty: &Type) -> bool {
    match ty {
        Type::Own(_) | Type::Borrow(_) => true,
        ty => is_plain(ty),
    }
}

fn is_plain(ty: &Type) -> bool {
    let is_plain_if_any = |ty: Option<Type>| ty.is_none_or(|ty| is_plain(&ty));
    match ty {
        Type::Bool
        | Type::S8
        | Type::U8
        | Type::S16
        | Type::U16
        | Type::S32
        | Type::U32
        | Type::S64
        | Type::U64
        | Type::Float32
        | Type::Float64
        | Type::Char
        | Type::String
        | Type::Enum(_)
        | Type::Flags(_) => true,
        Type::List(list) => is_plain(&list.ty()),
        Type::Option(option) => is_plain(&option.ty()),
        Type::Result(result) => is_plain_if_any(result.ok()) && is_plain_if_any(result.err()),
        Type::Tuple(tuple) => tuple.types().all(|ty| is_plain(&ty)),
        Type::Record(record) => record.fields().all(|field| is_plain(&field.ty)),
        Type::Variant(variant) => variant.cases().all(|case| is_plain_if_any(case.ty)),
        _ => false,
    }
}

fn did_not_return(function: String, ended: Ended) -> InvokeError {
    InvokeError::Ended {
        function,
        outcome: ended.into(),
    }
}

fn no_such(call: &Call, candidates: Vec<Function>) -> InvokeError {
    InvokeError::NoSuchFunction {
        name: call.name().to_owned(),
        candidates,
    }
}

/// A full name, or a bare one that only one interface has. A function that the component exports
/// itself goes before those of its interfaces.
fn choose(functions: Vec<Function>, call: &Call) -> Result<Function, InvokeError> {
    let in_full = functions
        .iter()
        .find(|function| function.full_name() == call.name());
    if let Some(function) = in_full {
        return Ok(function.clone());
    }
    let mut named: Vec<Function> = functions
        .iter()
        .filter(|function| function.name == call.name())
        .cloned()
        .collect();
    match named.len() {
        0 => Err(no_such(call, functions)),
        1 => Ok(named.remove(0)),
        _ => Err(InvokeError::Ambiguous {
            name: call.name().to_owned(),
            candidates: named,
        }),
    }
}

/// The functions that a component exports, itself and in interfaces, and where they are.
fn exported(component: &Component) -> Vec<(Function, ComponentExportIndex)> {
    let engine = component.engine();
    let ty = component.component_type();
    let mut functions = Vec::new();
    for (name, export) in ty.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(function) => {
                if let Some(index) = component.get_export_index(None, name) {
                    let function = Function {
                        interface: None,
                        name: plain(name).to_owned(),
                        signature: signature::of_function(&function),
                    };
                    functions.push((function, index));
                }
            }
            ComponentItem::ComponentInstance(instance) => {
                let Some(interface) = component.get_export_index(None, name) else {
                    continue;
                };
                for (function_name, export) in instance.exports(engine) {
                    let ComponentItem::ComponentFunc(function) = export.ty else {
                        continue;
                    };
                    let Some(index) = component.get_export_index(Some(&interface), function_name)
                    else {
                        continue;
                    };
                    let function = Function {
                        interface: Some(name.to_owned()),
                        name: plain(function_name).to_owned(),
                        signature: signature::of_function(&function),
                    };
                    functions.push((function, index));
                }
            }
            _ => {}
        }
    }
    functions
}

/// `counter` of `[constructor]counter`, `counter.next` of `[method]counter.next`.
fn plain(name: &str) -> &str {
    match name.split_once(']') {
        Some((_, plain)) => plain,
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_listed_up_to_a_bound() {
        let named = |count: usize| {
            let function = |number| Function {
                interface: None,
                name: format!("f{number}\n"),
                signature: "func()".to_owned(),
            };
            let error = InvokeError::NoSuchFunction {
                name: "g\x1b".to_owned(),
                candidates: (0..count).map(function).collect(),
            };
            error.to_string()
        };
        assert_eq!(
            named(1),
            r"no exported function is named `g\u{1b}`; exported are `f0\u{a}: func()`"
        );
        assert!(named(MAX_LISTED).ends_with(r"`f49\u{a}: func()`"));
        assert!(named(250_000).ends_with(r"`f49\u{a}: func()` and 249950 more"));
    }
}
