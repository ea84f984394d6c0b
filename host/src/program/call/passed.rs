//! The handles that are passed in one call.

use crate::{program::handles::Handles, value::Resource};
use wasmtime::component::{ResourceAny, Type};

/// The handles of an instance, and those of them that one call passes.
pub(super) struct PassedHandles<'a> {
    handles: &'a Handles,
    passed: Vec<Passed>,
}

struct Passed {
    resource: Resource,
    /// `true` if the function takes an `own`, so that it owns the handle after the call.
    is_owned: bool,
}

impl<'a> PassedHandles<'a> {
    pub(super) fn new(handles: &'a Handles) -> Self {
        Self {
            handles,
            passed: Vec::new(),
        }
    }

    /// Passes a handle as an argument of this type. Returns the engine's handle, or the reason why the
    /// handle cannot be passed.
    pub(super) fn pass(&mut self, resource: Resource, ty: &Type) -> Result<ResourceAny, String> {
        let Some(handle) = self.handles.get(resource) else {
            return Err(format!("`{resource}` is not a handle of this instance"));
        };
        let is_owned = match ty {
            Type::Own(ty) if *ty == handle.ty() => true,
            Type::Borrow(ty) if *ty == handle.ty() => false,
            _ => {
                return Err(format!(
                    "`{resource}` is a handle to another type of resource"
                ));
            }
        };
        let conflicts =
            |passed: &Passed| passed.resource == resource && (is_owned || passed.is_owned);
        if self.passed.iter().any(conflicts) {
            return Err(format!("`{resource}` is given away, and passed twice"));
        }
        self.passed.push(Passed { resource, is_owned });
        Ok(handle)
    }

    /// The handles that the function owns after the call.
    pub(super) fn given_away(self) -> Vec<Resource> {
        let given_away = self.passed.into_iter().filter(|passed| passed.is_owned);
        given_away.map(|passed| passed.resource).collect()
    }
}
