//! Composes WebAssembly components over WIT interfaces and runs them, each with its own authority.
//!
//! A *socket* is a component whose imports are to be met; *plugs* are components that meet them.
//! [`compose()`] fuses them into one component, whose parts call each other without the host in
//! between; a [`Runtime`] compiles and links it; and each part reaches what its own [`Sandbox`]
//! grants and nothing else. Nothing here knows a particular interface: what works for
//! `toolkit:cache/cache` works for any.
//!
//! A whole embedding, which runs a program on a file-backed cache that alone sees the directory:
//!
//! ```no_run
//! use wit_host::{
//!     Component, Form, Limits, Outcome, Part, Preopen, Runtime, RuntimeOptions, Sandbox, Sandboxes,
//!     compose,
//! };
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let consumer = Part::new("consumer", Component::open("rust_consumer.wasm")?)?;
//!     let cache = Part::new("cache", Component::open("cache_impl.wasm")?)?;
//!     let store = Sandbox::new().preopen(Preopen::read_write("./store", "/cache"));
//!     let sandboxes = Sandboxes {
//!         consumer: Sandbox::new().inherit_stdout().inherit_stderr(),
//!         plugs: [(cache.name.clone(), store)].into(),
//!     };
//!
//!     let composition = compose(&consumer, &[cache], Form::Granted)?;
//!     let program = Runtime::new(&RuntimeOptions::default())?.load(&composition)?;
//!
//!     let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//!     let outcome = tokio.block_on(async {
//!         let instance = program.instantiate(&sandboxes, &Limits::default()).await?;
//!         Ok::<_, wit_host::InstantiateError>(instance.run().await)
//!     })?;
//!     match outcome {
//!         Outcome::Exited(code) => std::process::exit(code),
//!         Outcome::Trapped(trap) => Err(trap.into()),
//!         Outcome::TimedOut(timed_out) => Err(timed_out.into()),
//!     }
//! }
//! ```
//!
//! # Bounds
//!
//! What a *program* may use is bounded by [`Limits`], and passing one is a typed error or a trap. What
//! *preparing* it takes, which is reading, composing, compiling, inspecting and generating bindings,
//! is not bounded by this crate: small files can be much work in ways that nobody lists. [`TooHeavy`]
//! is an early error for two of them, and [`MAX_FILE_SIZE`] and [`MAX_TEXT_SIZE`] bound what is read.
//! Who takes files of strangers bounds the whole: by a process with limits on memory and time, or, as
//! the `wit-host` command does, by a global allocator that counts, a thread that watches the clock,
//! and a large stack, each of which ends the process.
//!
//! # Errors
//!
//! Each operation has an error type of its own, whose variants carry the facts: which part, which
//! import, which file. Their messages say what to do instead. The fields hold names and texts as the
//! guest's file has them; messages and reports show them escaped, as [`untrusted`] does it. The causes
//! below an error are mostly other libraries', which quote a file as it is:
//! [`untrusted::Message`] shows those.

mod authority;
#[cfg(feature = "bindgen")]
mod bindgen;
mod bounded_io;
mod cache;
mod call;
mod code_cache;
mod componentize;
mod compose;
mod demangle;
mod explain;
mod granted_directory;
mod guarded;
mod inspect;
mod invoke;
mod layout;
mod limits;
mod link;
mod name;
mod own;
mod precompiled;
mod private_directory;
mod program;
mod runtime;
mod sandbox;
mod state;
mod stderr_lines;
mod ticker;
mod trap;
mod types;
pub mod untrusted;
mod wasm;
mod weight;
mod wit;

pub use authority::{Authority, Grant};
#[cfg(feature = "bindgen")]
pub use bindgen::{BindgenError, GeneratedFile, Language, bindgen};
pub use cache::{
    Cache, CacheError, DirCache, DirCacheOptions, Durability, MaxBytes, NotANumberOfBytes,
    UnknownDurability,
};
pub use call::TimedOut;
pub use code_cache::{CodeCache, CodeCacheError, CodeCacheReached};
pub use componentize::{Component, ComponentizeError, componentize};
pub use compose::{
    ComposeError, Composition, DifferentItem, Form, IdleVirtualization, Mismatch, Part,
    PictureFormat, compose,
};
pub use explain::{Connection, Explanation, Reach};
pub use granted_directory::GuestMadeLink;
pub use inspect::{Export, Import, InspectError, MetBy, Report, ReportedKind, inspect};
pub use invoke::{Call, CallSyntaxError, Function, InvokeError, Value};
pub use limits::{Growing, Limits, Refusal};
pub use name::{InvalidName, PartName};
pub use precompiled::{Precompiled, PrecompiledError};
pub use program::{Instance, InstantiateError, Outcome, Program};
pub use runtime::{LoadError, Pool, Runtime, RuntimeOptions};
pub use sandbox::{Access, Preopen, Sandbox, SandboxError, Sandboxes};
pub use trap::{Frame, Trap};
pub use wasm::{Kind, MAX_FILE_SIZE, MAX_TEXT_SIZE, ReadError, Wasm};
pub use weight::TooHeavy;
