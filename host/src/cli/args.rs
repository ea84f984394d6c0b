//! Flags that several subcommands share, parsed into types.

mod bounds;
mod caches;
mod grants;
mod input;
mod isolation;
mod limits;
mod of_part;
mod parts;
mod program;
mod rooms;

pub use bounds::BoundArgs;
pub use caches::CacheArgs;
pub use grants::GrantArgs;
pub use input::{is_precompiled, is_stdin, read_wasm};
pub use isolation::IsolationArgs;
pub use limits::{LimitArgs, parse_size};
pub use parts::PartArgs;
pub use program::{ProgramArgs, Surroundings, load};
pub use rooms::{RoomArgs, ServerArgs};
