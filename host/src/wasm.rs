//! WebAssembly files: reading, walking and validating them, and turning core modules into components.

pub(crate) mod component;
pub(crate) mod componentize;
pub(crate) mod features;
pub(crate) mod file;
pub(crate) mod guarded;
pub(crate) mod signature;
pub(crate) mod validate;
pub(crate) mod walk;
pub(crate) mod weight;
pub(crate) mod wit;
