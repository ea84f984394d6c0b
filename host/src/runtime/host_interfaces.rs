//! Defining host interfaces for the parts that import them.

use crate::{
    host_interface::{
        DynamicFunction, HostCall, HostFunction, HostInterface,
        import::{Import, in_words},
        typed::Signature,
    },
    names::{external::ExternName, part::PartName},
    store::state::State,
    untrusted::Name,
    value::{Value, kind, of_val, price, to_val},
    wasm::signature,
};
use std::sync::Arc;
use wasmtime::component::{
    Component, LinkerInstance, Val,
    types::{ComponentFunc, ComponentItem},
};

/// A difference between a host interface and the interface that a part imports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostInterfaceMismatch {
    /// The part imports a function that the host interface does not have.
    #[error("it has no function `{}`; add one, of type `{}`", Name(.function), Name(.signature))]
    NoFunction {
        /// The name of the function.
        function: String,
        /// The type of the function, as WIT.
        signature: String,
    },
    /// A typed function has another type than the function that the part imports.
    #[error(
        "`{}` is of type `{}`, and the host's is of type `{}`",
        Name(.function),
        Name(.expected),
        Name(.provided)
    )]
    OtherType {
        /// The name of the function.
        function: String,
        /// The type of the import, as WIT.
        expected: String,
        /// The type of the typed function, as WIT without names of parameters.
        provided: String,
    },
    /// A function has parameters or results with handles, streams or futures, which a [`Value`] cannot
    /// pass.
    #[error(
        "`{}` is of type `{}`, and a host interface passes values only; plug a component that exports the interface",
        Name(.function),
        Name(.signature)
    )]
    NotValues {
        /// The name of the function.
        function: String,
        /// The type of the function, as WIT.
        signature: String,
    },
    /// The interface contains an item that is neither a function nor a type.
    #[error(
        "`{}` in it is neither a function nor a type of values; plug a component that exports the interface",
        Name(.item)
    )]
    NotAFunction {
        /// The name of the item.
        item: String,
    },
}

/// A function that a part imports from a host interface.
pub(crate) struct ImportedFunction<'a> {
    name: String,
    implementation: &'a HostFunction,
    /// The largest number of bytes that an argument takes on the host, for each unit of the engine's
    /// fuel.
    pub(crate) bytes_per_fuel: f64,
}

/// The functions that a part imports by this name. Fails if the host interface lacks one of them.
pub(crate) fn imported_functions<'a>(
    component: &Component,
    import: &str,
    interface: &'a HostInterface,
) -> Result<Vec<ImportedFunction<'a>>, HostInterfaceMismatch> {
    let engine = component.engine();
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(instance)) =
        ty.get_import(engine, import).map(|import| import.ty)
    else {
        // The engine leaves out an instance without functions.
        return Ok(Vec::new());
    };
    let mut functions = Vec::new();
    for (name, export) in instance.exports(engine) {
        let function = match export.ty {
            ComponentItem::ComponentFunc(function) => function,
            ComponentItem::Type(_) => continue,
            _ => {
                return Err(HostInterfaceMismatch::NotAFunction {
                    item: name.to_owned(),
                });
            }
        };
        let signature = || signature::of_function(&function);
        let types = function
            .params()
            .map(|(_, ty)| ty)
            .chain(function.results());
        if !types.into_iter().all(|ty| kind::is_value(&ty)) {
            return Err(HostInterfaceMismatch::NotValues {
                function: name.to_owned(),
                signature: signature(),
            });
        }
        let Some(implementation) = interface.implementation(name) else {
            return Err(HostInterfaceMismatch::NoFunction {
                function: name.to_owned(),
                signature: signature(),
            });
        };
        let bytes_per_fuel = match implementation {
            HostFunction::Dynamic(_) => {
                let large = function.params().filter(|(_, ty)| price::can_be_large(ty));
                large
                    .map(|(_, ty)| price::bytes_per_fuel(&ty))
                    .fold(1.0, f64::max)
            }
            HostFunction::Typed(typed) => {
                let provided = typed.signature();
                if provided != signature_of(&function) {
                    return Err(HostInterfaceMismatch::OtherType {
                        function: name.to_owned(),
                        expected: signature(),
                        provided: provided.wit(),
                    });
                }
                function
                    .params()
                    .map(|(_, ty)| price::bytes_per_fuel_in_rust(&ty))
                    .fold(1.0, f64::max)
            }
        };
        functions.push(ImportedFunction {
            name: name.to_owned(),
            implementation,
            bytes_per_fuel,
        });
    }
    Ok(functions)
}

fn signature_of(function: &ComponentFunc) -> Signature {
    Signature {
        parameters: function
            .params()
            .map(|(_, ty)| signature::of_value(&ty))
            .collect(),
        result: function.results().map(|ty| signature::of_value(&ty)).next(),
    }
}

/// Defines functions of a host interface for one part.
pub(crate) fn define(
    instance: &mut LinkerInstance<'_, State>,
    part: &PartName,
    interface: &ExternName,
    functions: Vec<ImportedFunction<'_>>,
) -> wasmtime::Result<()> {
    for ImportedFunction {
        name,
        implementation,
        ..
    } in functions
    {
        let import = Import {
            part: part.clone(),
            interface: interface.clone(),
            function: name,
        };
        match implementation.clone() {
            HostFunction::Dynamic(function) => define_dynamic(instance, import, function)?,
            HostFunction::Typed(function) => function.define(instance, import)?,
        }
    }
    Ok(())
}

fn define_dynamic(
    instance: &mut LinkerInstance<'_, State>,
    import: Import,
    function: Arc<DynamicFunction>,
) -> wasmtime::Result<()> {
    let name = import.function.clone();
    instance.func_new_async(&name, move |_store, ty, arguments, results| {
        let call = call_of(&import.part, &ty, arguments).map(&*function);
        let import = import.clone();
        Box::new(async move {
            let answer = match call {
                Ok(answer) => answer.await.map_err(|error| in_words(error.as_ref())),
                Err(reason) => Err(reason),
            };
            answer
                .and_then(|value| give_back(value, &ty, results))
                .map_err(|reason| import.trap(reason))
        })
    })
}

fn call_of(part: &PartName, ty: &ComponentFunc, arguments: &[Val]) -> Result<HostCall, String> {
    let mut arguments = arguments.iter().zip(ty.params()).map(|(val, (_, ty))| {
        // A function with handles is never linked, so no value has a handle.
        let keep = &mut |_| unreachable!("a value without handles");
        of_val(val.clone(), &ty, keep)
            .ok_or_else(|| format!("an argument is a `{}`", signature::of_value(&ty)))
    });
    Ok(HostCall {
        part: part.clone(),
        arguments: arguments.by_ref().collect::<Result<_, _>>()?,
    })
}

fn give_back(value: Option<Value>, ty: &ComponentFunc, results: &mut [Val]) -> Result<(), String> {
    match (value, ty.results().next(), results) {
        (None, None, []) => Ok(()),
        (Some(value), Some(ty), [result]) => {
            *result = to_val(value, &ty, &mut |_, _| Err("a handle".to_owned()))
                .map_err(|wrong| wrong.to_string())?;
            Ok(())
        }
        (None, Some(ty), _) => Err(format!(
            "expected `{}`, found no result",
            signature::of_value(&ty)
        )),
        (_, _, _) => Err("expected no result, found one".to_owned()),
    }
}
