//! The embedder's side of a core module: its functions, and the module's memory.

pub(crate) mod caller;
pub(crate) mod exchange;
pub(crate) mod host_functions;
pub(crate) mod linear_memory;
pub(crate) mod typed;
