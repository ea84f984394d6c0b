//! Flags that subcommands share, and what they mean as typed policy.

mod grants;
mod input;
mod parts;

pub use grants::GrantArgs;
pub use input::read_wasm;
pub use parts::{PartArgs, Parts};
