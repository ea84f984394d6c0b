//! Composes WebAssembly components over WIT interfaces and runs them, each with its own authority.
//!
//! A *consumer* is a component whose imports are satisfied; *plugs* are components whose exports satisfy
//! them. [`compose()`] joins them into one component, whose *parts* call each other without the host in
//! between. A [`Runtime`] compiles and links it, and each part reaches what its own [`Sandbox`] grants and
//! nothing else. An embedder can satisfy further imports from Rust, by a [`HostInterface`]. This crate
//! provides few interfaces itself: WASI's; `toolkit:cache/cache`, for which it has caches of the host
//! ([`HostInterface::cache`]); and `toolkit:rooms/room`, for the logic of rooms.
//!
//! # The smallest embedding
//!
//! A [`Plan`] runs a program from its files. Here only the plug `cache` sees the directory:
//!
//! ```no_run
//! use wit_host::{
//!     Component, Limits, Outcome, Part, Plan, Preopen, Sandbox, Sandboxes, Source, Wasm,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = Part::new("cache", Component::open("cache_impl.wasm")?)?;
//! let store = Sandbox::new().preopen(Preopen::read_write("./store", "/cache"));
//! let sandboxes = Sandboxes::new(Sandbox::new().inherit_stdout()).plug(cache.name.clone(), store);
//! let consumer = Wasm::read("rust_consumer.wasm")?;
//! let source = Source::new("consumer".parse()?, consumer, &[cache])?;
//! let plan = Plan::new(source, sandboxes, Limits::default())?;
//!
//! let program = plan.load(&plan.runtime()?)?;
//! let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let instance = tokio.block_on(plan.instantiate(&program))?;
//! match tokio.block_on(instance.run()) {
//!     Outcome::Exited(code) => std::process::exit(code),
//!     Outcome::Trapped(trap) => Err(trap.into()),
//!     Outcome::TimedOut(timed_out) => Err(timed_out.into()),
//! }
//! # }
//! ```
//!
//! An embedder that runs many programs makes one [`Runtime`] and loads each [`Composition`] with it.
//!
//! # Features
//!
//! - `cli` (default): the `wit-host` command, and what only it depends on. A library user disables it
//!   with `default-features = false`.
//! - `bindgen` (part of `cli`): the generators of bindings in C, C++ and Rust.
//! - `interpreter` (part of `cli`): [`Engine::Interpreter`], an engine that never generates executable memory.
//! - `redis` (part of `cli`): `RedisCache`, the cache on a Redis server or cluster.
//! - `rooms` (part of `cli`, with `redis`): the modules `rooms` and `server`, for rooms that clients join by WebSockets.
//!
//! # Platforms
//!
//! The crate is developed and tested on Linux. On systems other than Unix, links in the paths of granted
//! directories are not checked, and [`CodeCache`] refuses every directory, because it cannot check there who
//! can write to one; code is then compiled each time.
//!
//! # Types of other crates
//!
//! `serde` and `semver` are public dependencies: reports and values implement `Serialize`, and
//! [`InterfaceName::version`] returns a `semver::Version`. No public item names a type of the engine
//! (`wasmtime`), of the parser (`wasmparser`) or of the composer (`wac-graph`); their errors are
//! boxed, as the sources of this crate's errors. Public enums, and structs whose fields are public, are
//! non-exhaustive: constructors and methods make the structs that an embedder passes.
//!
//! # Bounds
//!
//! [`Limits`] bounds the resources of a running *program*; an excess is a typed error or a trap. This crate
//! does not bound the resources for *preparing* a program: reading, composing, compiling, inspecting and
//! generating bindings. Small files can take much time and memory in many ways. [`TooHeavy`] is an early
//! error for two of them, and [`MAX_FILE_SIZE`] and [`MAX_TEXT_SIZE`] bound the input. An embedder that
//! accepts files of strangers bounds the whole: by a process with limits on memory and time, or, as the
//! `wit-host` command does, by a global allocator that counts, a thread that watches the clock, and a
//! large stack, each of which ends the process.
//!
//! # Errors
//!
//! Each operation has an error type of its own, whose variants contain the facts, such as the part, the
//! import and the file. Messages contain the remedy. The fields contain names and texts unchanged from the
//! guest's file; messages and reports show them escaped, by [`untrusted`]. The causes of an error are
//! mostly errors of other libraries, which quote a file unchanged: show them by
//! [`untrusted::Message`].

#[cfg(feature = "bindgen")]
mod bindgen;
mod cache;
mod compose;
mod core_module;
mod directory;
mod ending;
mod host_interface;
mod names;
mod plan;
mod program;
#[cfg(feature = "redis")]
mod redis_client;
mod report;
#[cfg(feature = "rooms")]
pub mod rooms;
mod runtime;
mod sandbox;
#[cfg(feature = "rooms")]
pub mod server;
mod store;
pub mod untrusted;
mod value;
mod wasi;
mod wasm;

#[cfg(feature = "bindgen")]
pub use bindgen::{BindgenError, GeneratedFile, Language, bindgen};
#[cfg(feature = "redis")]
pub use cache::RedisCache;
pub use cache::{
    Cache, CacheError, CacheFailure, DirCache, DirCacheOptions, Durability, MaxBytes, MemoryCache,
    MemoryCacheOptions, NotANumberOfBytes, TooLarge, UnknownDurability,
};
pub use compose::{
    Form, compose,
    composition::{Composition, FunctionBetweenParts},
    error::{ComposeError, IdleVirtualization, ImportDefect},
    isolation::{Isolation, Restarts},
    mismatch::{DifferentItem, Mismatch, NearMiss},
    part::Part,
};
pub use core_module::{
    caller::Caller,
    host_functions::{CoreType, HostFunctions},
    linear_memory::{LinearMemory, MemoryError, Number},
    typed::{CoreNumber, CoreParameters, CoreResults},
};
pub use directory::granted::GuestMadeLink;
pub use ending::{
    TimedOut,
    plug_failure::{PlugFailure, PlugFailureCause},
    trap::{Frame, Trap},
};
pub use host_interface::{
    HostCall, HostError, HostInterface,
    passed::{Enumeration, Passed},
    typed::Parameters,
};
pub use names::{
    external::ExternName,
    interface::{InterfaceName, InterfaceNameFault, InvalidInterfaceName},
    part::{InvalidPartName, PartName},
};
pub use plan::{Plan, Source, SourceError};
pub use program::{
    InstantiateError, Program,
    call::CallError,
    command::{NotACommand, Outcome},
    exports::Function,
    hand_over::{HandOverError, MissingExport},
    instance::Instance,
    invoke::{Call, CallSyntaxError},
    isolated::IsolatedPlugs,
};
#[cfg(feature = "redis")]
pub use redis_client::{RedisError, RedisOptions};
pub use report::{
    explain::{Connection, Explanation, HostConnection, Reach},
    inspect::{Export, Import, InspectError, Report, SatisfiedBy, inspect},
    picture::PictureFormat,
};
pub use runtime::{
    LoadError, Pool, Runtime, RuntimeOptions,
    code_cache::{CodeCache, CodeCacheError, CodeCacheReached},
    engine::Engine,
    host_interfaces::HostInterfaceMismatch,
    isolated_links::IsolatedMismatch,
    precompiled::{Damage, Precompiled, PrecompiledError, PrecompiledReport, TrustedCode},
};
pub use sandbox::{
    Sandbox,
    authority::{Authority, Grant},
    error::SandboxError,
    input::Input,
    open::FileOperations,
    output::{Capture, Output},
    parts::Sandboxes,
    preopen::{Access, Preopen},
};
pub use store::{
    allowance::Allowance,
    limits::{Growing, Limits, Refusal},
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
