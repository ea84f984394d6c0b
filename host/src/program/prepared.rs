//! Components and core modules, linked and instantiated.

use crate::store::state::State;
use wasmtime::{Engine, Store, component};

/// Compiled code of a component or of a core module, with its imports.
pub(crate) enum Prepared {
    Component(component::InstancePre<State>),
    Module(wasmtime::InstancePre<State>),
}

/// The engine's instance of a component or of a core module, which has the exports.
pub(crate) enum Entry {
    Component(component::Instance),
    Module(wasmtime::Instance),
}

impl Prepared {
    pub(crate) fn engine(&self) -> &Engine {
        match self {
            Self::Component(component) => component.engine(),
            Self::Module(module) => module.module().engine(),
        }
    }

    /// Instantiates the code, which runs its start-up code.
    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Entry> {
        Ok(match self {
            Self::Component(component) => {
                Entry::Component(component.instantiate_async(store).await?)
            }
            Self::Module(module) => {
                let instance = module.instantiate_async(&mut *store).await?;
                // A WASI reactor has this function; a command has `_start`.
                let initialize = instance.get_typed_func::<(), ()>(&mut *store, "_initialize");
                if let Ok(initialize) = initialize {
                    initialize.call_async(store, ()).await?;
                }
                Entry::Module(instance)
            }
        })
    }
}
