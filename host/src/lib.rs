//! host
mod authority;
mod bindgen;
mod componentize;
mod compose;
mod inspect;
mod link;
mod name;
mod runtime;
mod sandbox;
mod state;
mod stderr_lines;
mod wasm;
mod wit;

pub use authority::{Authority, Grant};
pub use bindgen::{BindgenError, GeneratedFile, Language, bindgen};
pub use componentize::{Component, ComponentizeError, componentize};
pub use compose::{ComposeError, Composition, Form, Mismatch, Part, PictureFormat, compose};
pub use inspect::{InspectError, Report, inspect};
pub use name::{InvalidName, PartName};
pub use runtime::{Instance, InstantiateError, LoadError, Outcome, Program, Runtime};
pub use sandbox::{Access, Preopen, Sandbox, SandboxError, Sandboxes};
pub use wasm::{Kind, MAX_FILE_SIZE, ReadError, Wasm};
