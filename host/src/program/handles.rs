//! Handles to resources that an instance keeps for its caller.

use crate::value::Resource;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};
use wasmtime::component::ResourceAny;

/// The handles that calls have returned and that are neither passed on nor released.
pub(crate) struct Handles {
    /// Distinguishes the handles of this instance from those of others.
    instance: u64,
    open: HashMap<usize, ResourceAny>,
    last: usize,
}

impl Default for Handles {
    fn default() -> Self {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        Self {
            instance: INSTANCES.fetch_add(1, Ordering::Relaxed),
            open: HashMap::new(),
            last: 0,
        }
    }
}

impl Handles {
    /// The handle with this number.
    pub(crate) fn numbered(&self, number: usize) -> Resource {
        Resource {
            number,
            instance: self.instance,
        }
    }

    pub(crate) fn get(&self, resource: Resource) -> Option<ResourceAny> {
        if resource.instance != self.instance {
            return None;
        }
        self.open.get(&resource.number).copied()
    }

    pub(crate) fn keep(&mut self, handle: ResourceAny) -> Resource {
        self.last += 1;
        self.open.insert(self.last, handle);
        self.numbered(self.last)
    }

    pub(crate) fn remove(&mut self, resource: Resource) -> Option<ResourceAny> {
        self.get(resource)?;
        self.open.remove(&resource.number)
    }
}
