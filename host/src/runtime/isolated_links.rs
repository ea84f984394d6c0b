//! Links to isolated plugs: functions of the host that forward calls to another store.
//!
//! Functions of the most common types are forwarded with the engine's typed calls (`typed`): strings and
//! byte lists are copied from store to store as a whole. All others are forwarded as trees of values
//! (`dynamic`).

mod dynamic;
mod on_trap;
mod typed;

use crate::{
    compose::link::PrivateImport,
    names::{external::ExternName, part::PartName},
    program::isolated::{
        IsolatedProgram,
        call::{IsolatedFunction, NoResult},
    },
    runtime::LoadError,
    store::state::State,
    untrusted::Name,
    value::kind,
    wasm::signature,
};
use on_trap::OnTrap;
use std::sync::Arc;
use wasmtime::component::{
    Component, Linker, Type,
    types::{ComponentFunc, ComponentItem},
};

/// The reason why an import of a part is not linked to an isolated plug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IsolatedMismatch {
    /// A function has parameters or results with handles, streams or futures, which cannot leave a store.
    #[error(
        "`{}` is of type `{}`, and only values can be passed to another store; link the plug without isolating it",
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
        "`{}` in it is neither a function nor a type of values; link the plug without isolating it",
        Name(.item)
    )]
    NotAFunction {
        /// The name of the item.
        item: String,
    },
    /// The plug exports the function with another type, or not at all.
    #[error(
        "`{}` is imported as `{}` and exported as `{}`",
        Name(.function), Name(.imported), Name(.exported)
    )]
    OtherType {
        /// The name of the function.
        function: String,
        /// The type of the import, as WIT.
        imported: String,
        /// The type of the export, as WIT, or `nothing`.
        exported: String,
    },
}

/// A function that forwards calls.
struct Forward {
    function: IsolatedFunction,
    on_trap: Option<OnTrap>,
}

impl Forward {
    /// The caller's error if the call gave no result.
    fn trap(no_result: NoResult) -> wasmtime::Error {
        match no_result {
            NoResult::Caller(error) => error,
            NoResult::Plug(failure) => wasmtime::Error::new(failure),
        }
    }
}

/// Defines a private import of a part, whose functions are those of an isolated plug. Returns the largest
/// number of bytes on the host for each unit of the engine's fuel with which the part passes an
/// argument.
pub(super) fn define(
    linker: &mut Linker<State>,
    component: &Component,
    import: &PrivateImport,
    (pool, plug): (usize, &IsolatedProgram),
    export: &ExternName,
) -> Result<f64, DefineError> {
    let engine = component.engine();
    let ty = component.component_type();
    let Some(ComponentItem::ComponentInstance(imported)) =
        ty.get_import(engine, &import.name).map(|import| import.ty)
    else {
        // The engine leaves out an instance without functions.
        return Ok(1.0);
    };
    let mut instance = linker.instance(&import.name)?;
    let name: &PartName = &plug.program.parts()[0];
    let case = plug.isolation.on_trap.as_deref();
    let mut bytes_per_fuel = 1.0_f64;
    for (function, item) in imported.exports(engine) {
        let imported = match item.ty {
            ComponentItem::ComponentFunc(imported) => imported,
            ComponentItem::Type(_) => continue,
            _ => {
                return Err(IsolatedMismatch::NotAFunction {
                    item: function.to_owned(),
                }
                .into());
            }
        };
        refuse_other_than_values(function, &imported)?;
        let full_name = format!("{export}#{function}");
        let index = find(plug, &full_name, function, &imported)?;
        let error = on_trap::error_type(&imported);
        let on_trap = error.as_ref().and_then(|error| OnTrap::find(error, case));
        let forward = Arc::new(Forward {
            function: IsolatedFunction {
                pool,
                plug: name.clone(),
                index,
                name: full_name,
            },
            on_trap,
        });
        if !typed::define(&mut instance, function, &imported, &forward)? {
            let of_arguments = dynamic::define(&mut instance, function, &imported, forward)?;
            bytes_per_fuel = bytes_per_fuel.max(of_arguments);
        }
    }
    Ok(bytes_per_fuel)
}

/// Refuses a case of [`Isolation::on_trap`](crate::Isolation) that no error of the plug's functions has.
pub(super) fn refuse_unknown_case(plug: &IsolatedProgram) -> Result<(), LoadError> {
    let Some(case) = &plug.isolation.on_trap else {
        return Ok(());
    };
    let functions = 0..plug.program.functions().len();
    let types = functions.filter_map(|index| plug.program.type_of(index));
    let errors = types.filter_map(|ty| on_trap::error_type(&ty));
    let mut cases: Vec<String> = errors.flat_map(|error| on_trap::cases(&error)).collect();
    if cases.contains(case) {
        return Ok(());
    }
    cases.sort_unstable();
    cases.dedup();
    Err(LoadError::NoSuchCase {
        plug: plug.program.parts()[0].clone(),
        case: case.clone(),
        cases,
    })
}

/// An error of [`define`].
#[derive(Debug)]
pub(super) enum DefineError {
    Mismatch(IsolatedMismatch),
    Engine(wasmtime::Error),
}

impl From<IsolatedMismatch> for DefineError {
    fn from(mismatch: IsolatedMismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}

impl From<wasmtime::Error> for DefineError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

fn refuse_other_than_values(function: &str, ty: &ComponentFunc) -> Result<(), IsolatedMismatch> {
    let mut types = ty.params().map(|(_, ty)| ty).chain(ty.results());
    match types.all(|ty| kind::is_value(&ty)) {
        true => Ok(()),
        false => Err(IsolatedMismatch::NotValues {
            function: function.to_owned(),
            signature: signature::of_function(ty),
        }),
    }
}

/// Finds the exported function. The composer has compared the types; the engine's own comparison is what
/// the calls depend on.
fn find(
    plug: &IsolatedProgram,
    full_name: &str,
    function: &str,
    imported: &ComponentFunc,
) -> Result<usize, IsolatedMismatch> {
    let exports = plug.program.exports();
    let found = exports.find(full_name).ok();
    let exported = found.and_then(|index| plug.program.type_of(index));
    match (found, exported) {
        (Some(index), Some(exported)) if is_same(imported, &exported) => Ok(index),
        (_, exported) => Err(IsolatedMismatch::OtherType {
            function: function.to_owned(),
            imported: signature::of_function(imported),
            exported: exported.map_or("nothing".to_owned(), |ty| signature::of_function(&ty)),
        }),
    }
}

fn is_same(one: &ComponentFunc, other: &ComponentFunc) -> bool {
    let params = |ty: &ComponentFunc| ty.params().map(|(_, ty)| ty).collect::<Vec<Type>>();
    let results = |ty: &ComponentFunc| ty.results().collect::<Vec<Type>>();
    params(one) == params(other) && results(one) == results(other)
}
