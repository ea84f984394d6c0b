//! The core module that calls a function of the embedder.

use super::linear_memory::{LinearMemory, MEMORY, MemoryError};
use crate::store::state::State;
use std::fmt;
use wasmtime::Extern;

/// The core module that calls a function of the embedder, while it waits for the function to return.
pub struct Caller<'a>(pub(super) wasmtime::Caller<'a, State>);

impl Caller<'_> {
    /// The memory that the module exports as `memory`.
    pub fn memory(&mut self) -> Result<LinearMemory<'_>, MemoryError> {
        match self.0.get_export(MEMORY) {
            Some(Extern::Memory(memory)) => Ok(LinearMemory::new(memory.data_mut(&mut self.0))),
            _ => Err(MemoryError::NoMemory),
        }
    }

    /// The value that the layer which made the instance keeps with it, if it is of this type.
    #[cfg(feature = "rooms")]
    pub(crate) fn attachment_mut<T: std::any::Any>(&mut self) -> Option<&mut T> {
        self.0.data_mut().attachment_mut()
    }
}

impl fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}
