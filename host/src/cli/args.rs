//! Flags that several subcommands share, parsed into types.

mod bounds;
mod grants;
mod input;
mod limits;
mod parts;
mod program;

pub use bounds::BoundArgs;
pub use grants::GrantArgs;
pub use input::read_wasm;
pub use limits::LimitArgs;
pub use parts::PartArgs;
pub use program::{Plan, ProgramArgs};
