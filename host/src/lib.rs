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
//!         ..Sandboxes::default()
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

#[cfg(feature = "bindgen")]
mod bindgen;
mod cache;
mod compose;
mod directory;
mod host_interface;
mod names;
mod plan;
mod program;
mod report;
mod runtime;
mod sandbox;
mod store;
pub mod untrusted;
mod value;
mod wasi;
mod wasm;

#[cfg(feature = "bindgen")]
pub use bindgen::{BindgenError, GeneratedFile, Language, bindgen};
pub use cache::{
    Cache, CacheError, DirCache, DirCacheOptions, Durability, MaxBytes, NotANumberOfBytes,
    UnknownDurability,
};
pub use compose::{
    ComposeError, Form, IdleVirtualization, compose,
    composition::Composition,
    mismatch::{DifferentItem, Mismatch},
    part::Part,
};
pub use directory::granted::GuestMadeLink;
pub use host_interface::{HostCall, HostError, HostInterface};
pub use names::{
    external::ExternName,
    interface::{InterfaceName, InvalidInterfaceName},
    part::{InvalidName, PartName},
};
pub use plan::{Plan, Source, SourceError};
pub use program::{
    InstantiateError, Program,
    call::CallError,
    command::{NotACommand, Outcome},
    exports::Function,
    instance::Instance,
    invoke::{Call, CallSyntaxError},
};
pub use report::{
    explain::{Connection, Explanation, Reach},
    inspect::{Export, Import, InspectError, MetBy, Report, ReportedKind, inspect},
    picture::PictureFormat,
};
pub use runtime::{
    LoadError, Pool, Runtime, RuntimeOptions,
    code_cache::{CodeCache, CodeCacheError, CodeCacheReached},
    host_functions::{CoreType, HostFunctions},
    host_interfaces::HostInterfaceMismatch,
    precompiled::{Damage, Precompiled, PrecompiledError, TrustedCode},
};
pub use sandbox::{
    Access, FileOperations, Preopen, Sandbox, SandboxError, Sandboxes,
    authority::{Authority, Grant},
    input::Input,
    output::{Capture, Output},
};
pub use store::{
    allowance::Allowance,
    ending::TimedOut,
    limits::{Growing, Limits, Refusal},
    trap::{Frame, Trap},
};
pub use value::{Resource, Value};
pub use wasm::{
    component::Component,
    componentize::{ComponentizeError, componentize},
    file::{Kind, MAX_FILE_SIZE, MAX_TEXT_SIZE, ReadError, Wasm},
    validate::InvalidBinary,
    weight::TooHeavy,
};

/// The Rust blocks of the README are doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
