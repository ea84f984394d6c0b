//! Handing bytes over to a core module, and taking its answer.

pub(crate) mod allocator;
mod exchange;

use crate::{
    core_module::linear_memory::MemoryError,
    names::part::PartName,
    program::{
        call::{CallError, error::all},
        exports::Function,
        instance::Instance,
        prepared::Entry,
    },
    untrusted::Name,
    wasm::signature,
};
use std::fmt;
use wasmtime::{ExternType, TypedFunc, WasmParams, WasmResults};

/// An error of [`Instance::hand_over`] or [`Instance::exchange`]. Except for [`CallError::Ended`] and
/// [`CallError::Lost`], the instance can still be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandOverError {
    /// The program is a component, whose functions take values.
    #[error(
        "`{part}` is a component, and only core modules take data in this way; call its functions with values"
    )]
    Component {
        /// The consumer.
        part: PartName,
    },
    /// The module lacks exports, or has them with other types.
    #[error("`{part}` lacks {}; exported {}", list(.missing), all(.exports))]
    Missing {
        /// The module.
        part: PartName,
        /// The exports that it lacks.
        missing: Vec<MissingExport>,
        /// The functions that it exports.
        exports: Vec<Function>,
    },
    /// The input is longer than a 32-bit memory.
    #[error("the input has {length} bytes, and a length has 32 bits")]
    InputTooLong {
        /// The length of the input in bytes.
        length: usize,
    },
    /// `allocate` returned 0.
    #[error("`allocate` has no space for the input of {length} bytes")]
    NoSpace {
        /// The length of the input in bytes.
        length: u32,
    },
    /// `allocate` returned a range that cannot be written.
    #[error("`allocate` returned a range that the host cannot write")]
    Allocated(#[source] MemoryError),
    /// The function returned a range that cannot be read.
    #[error("`{}` returned a range that the host cannot read", Name(.function))]
    Returned {
        /// The function.
        function: String,
        /// The error of reading.
        source: MemoryError,
    },
    /// The function returned a range that overlaps its input, so both cannot be freed.
    #[error("`{}` returned {length} bytes at {pointer}, which overlap its input", Name(.function))]
    Overlapping {
        /// The function.
        function: String,
        /// The start of the output.
        pointer: u32,
        /// The length of the output in bytes.
        length: u32,
    },
    /// The output is longer than [`Limits::result`](crate::Limits::result).
    #[error("`{}` returned {length} bytes, and at most {limit} are taken", Name(.function))]
    OutputTooLong {
        /// The function.
        function: String,
        /// The length of the output in bytes.
        length: u32,
        /// The limit in bytes.
        limit: usize,
    },
    /// The function returned without a call of `set_output`.
    #[error("`{}` returned and had not called `set_output`", Name(.function))]
    NoOutput {
        /// The function.
        function: String,
    },
    /// A call of the module failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// An export that a core module needs for a way of handing over data, and does not have with this type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingExport {
    /// The name of the export.
    pub name: String,
    /// The types of which one is needed, such as `func(i32) -> i32`, or `memory`.
    pub expected: &'static [&'static str],
    /// The type of the export of that name; `None` if there is none.
    pub found: Option<String>,
}

impl MissingExport {
    pub(crate) fn new(
        name: &str,
        expected: &'static [&'static str],
        found: Option<ExternType>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            expected,
            found: found.map(|found| match found {
                ExternType::Func(ty) => signature::of_core_function(&ty),
                ExternType::Global(_) => "global".to_owned(),
                ExternType::Table(_) => "table".to_owned(),
                ExternType::Memory(ty) if ty.is_shared() => "shared memory".to_owned(),
                ExternType::Memory(_) => "memory".to_owned(),
                ExternType::Tag(_) => "tag".to_owned(),
            }),
        }
    }
}

impl fmt::Display for MissingExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.expected.join("` or `");
        write!(f, "`{}` of type `{types}`", Name(&self.name))?;
        match &self.found {
            None => Ok(()),
            Some(found) => write!(f, " (it is `{}`)", Name(found)),
        }
    }
}

pub(crate) fn list(missing: &[MissingExport]) -> String {
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    missing.join(", ")
}

/// Looks up the exports of a core module.
pub(crate) struct Lookup<'a> {
    instance: &'a mut Instance,
    module: wasmtime::Instance,
    missing: Vec<MissingExport>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn of(instance: &'a mut Instance) -> Result<Self, HandOverError> {
        instance.expect_whole()?;
        match &instance.entry {
            Entry::Module(module) => Ok(Self {
                module: *module,
                instance,
                missing: Vec::new(),
            }),
            Entry::Component(_) => Err(HandOverError::Component {
                part: instance.program.parts()[0].clone(),
            }),
        }
    }

    /// Finds a function of this type. Without one, the export counts as missing.
    pub(crate) fn function<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        expected: &'static [&'static str],
    ) -> Option<TypedFunc<P, R>> {
        let function = self.optional(name);
        if function.is_none() {
            self.lacks(name, expected);
        }
        function
    }

    /// Finds a function of this type.
    pub(crate) fn optional<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> Option<TypedFunc<P, R>> {
        let store = &mut self.instance.store;
        self.module.get_typed_func(store, name).ok()
    }

    /// Finds a memory. Without one, the export counts as missing.
    fn memory(&mut self, name: &str) -> Option<wasmtime::Memory> {
        let memory = self.module.get_memory(&mut self.instance.store, name);
        if memory.is_none() {
            self.lacks(name, &["memory"]);
        }
        memory
    }

    fn lacks(&mut self, name: &str, expected: &'static [&'static str]) {
        let store = &mut self.instance.store;
        let found = self.module.get_export(&mut *store, name);
        let found = found.map(|found| found.ty(&*store));
        self.missing.push(MissingExport::new(name, expected, found));
    }

    /// The error of what is missing.
    pub(crate) fn missing(self) -> HandOverError {
        let program = &self.instance.program;
        HandOverError::Missing {
            part: program.parts()[0].clone(),
            missing: self.missing,
            exports: program.functions().to_vec(),
        }
    }
}
