//! Data that the host puts into memory that a core module allocates.

use super::{HandOverError, Lookup};
use crate::{
    core_module::linear_memory::{LinearMemory, MEMORY},
    program::{call::CallError, instance::Instance},
    store::deadline::{Deadline, within},
};
use wasmtime::{Memory, TypedFunc, WasmParams, WasmResults};

/// The exports by which the host gets memory of a core module, and gives it back.
pub(crate) struct Allocator {
    memory: Memory,
    allocate: TypedFunc<u32, u32>,
    deallocate: TypedFunc<(u32, u32), ()>,
}

impl Allocator {
    pub(crate) const ALLOCATE: (&str, &[&str]) = ("allocate", &["func(i32) -> i32"]);
    pub(crate) const DEALLOCATE: (&str, &[&str]) = ("deallocate", &["func(i32, i32)"]);

    /// Finds the exports. Those that the module lacks count as missing.
    pub(crate) fn find(exports: &mut Lookup<'_>) -> Option<Self> {
        let memory = exports.memory(MEMORY);
        let (name, expected) = Self::ALLOCATE;
        let allocate = exports.function(name, expected);
        let (name, expected) = Self::DEALLOCATE;
        let deallocate = exports.function(name, expected);
        Some(Self {
            memory: memory?,
            allocate: allocate?,
            deallocate: deallocate?,
        })
    }
}

/// The types of a function that takes a range and returns one.
const PROCESS: [&str; 2] = ["func(i32, i32) -> (i32, i32)", "func(i32, i32) -> i64"];

impl Instance {
    /// Puts the input into memory that the core module allocates, calls a function with its pointer and
    /// length, and returns a copy of the range that the function returns.
    ///
    /// The module exports
    ///
    /// - `memory`, a memory that is not shared;
    /// - `allocate: func(length: i32) -> i32`, which returns the start of that many bytes, or 0 if there is
    ///   no space;
    /// - `deallocate: func(pointer: i32, length: i32)`, which frees a range;
    /// - the function, `func(pointer: i32, length: i32) -> (i32, i32)`. It returns the pointer and the length of
    ///   its output. It can also return them as one `i64`, with the pointer in the upper 32 bits.
    ///
    /// All of them are unsigned. The function only borrows its input. The host frees each range exactly
    /// once by `deallocate`: the output after it was copied, then the input. A range of length 0 was not
    /// allocated and is not freed; an empty input is at 0. After a trap nothing is freed, because the
    /// instance is lost with its memory. If the output is refused, only the input is freed.
    ///
    /// # Errors
    ///
    /// The host checks each range against the memory as it is at that moment, which may have grown, before
    /// it reads or writes anything. [`HandOverError`] says what was wrong; the output must not overlap the
    /// input, and has at most [`Limits::result`](crate::Limits::result) bytes. All calls together have the time of one
    /// call.
    pub async fn hand_over(
        &mut self,
        function: &str,
        input: &[u8],
    ) -> Result<Vec<u8>, HandOverError> {
        let mut exports = Lookup::of(self)?;
        let allocator = Allocator::find(&mut exports);
        let process = match exports.optional(function) {
            Some(packed) => Some(Process::Packed(packed)),
            None => {
                let pair = exports.function(function, &PROCESS);
                pair.map(Process::Pair)
            }
        };
        let (Some(allocator), Some(process)) = (allocator, process) else {
            return Err(exports.missing());
        };
        let deadline = self.deadline_of_call();
        let mut call = HandOver::new(self, &allocator, deadline);
        let input = call.put(input).await?;
        let output = call.process(function, process, input).await?;
        let taken = call.take(function, input, output);
        if taken.is_ok() {
            call.free(output).await?;
        }
        call.free(input).await?;
        taken
    }
}

/// The function that the module processes data with.
enum Process {
    /// It returns the pointer in the upper 32 bits, and the length in the lower ones.
    Packed(TypedFunc<(u32, u32), u64>),
    Pair(TypedFunc<(u32, u32), (u32, u32)>),
}

/// A range of the module's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) pointer: u32,
    pub(crate) length: u32,
}

impl Range {
    /// A range that was not allocated.
    pub(crate) const EMPTY: Self = Self {
        pointer: 0,
        length: 0,
    };

    /// The range of a number with the pointer in the upper 32 bits, and the length in the lower ones.
    pub(crate) fn packed(packed: u64) -> Self {
        Self {
            pointer: (packed >> 32) as u32,
            length: packed as u32,
        }
    }

    fn overlaps(self, other: Self) -> bool {
        let end = |range: Self| u64::from(range.pointer) + u64::from(range.length);
        let is_empty = self.length == 0 || other.length == 0;
        !is_empty && u64::from(self.pointer) < end(other) && u64::from(other.pointer) < end(self)
    }
}

/// Calls of a core module that together pass data to it or take some, until one deadline.
pub(crate) struct HandOver<'a> {
    instance: &'a mut Instance,
    allocator: &'a Allocator,
    deadline: Option<Deadline>,
}

impl<'a> HandOver<'a> {
    pub(crate) fn new(
        instance: &'a mut Instance,
        allocator: &'a Allocator,
        deadline: Option<Deadline>,
    ) -> Self {
        Self {
            instance,
            allocator,
            deadline,
        }
    }

    /// Copies the input into memory that the module allocates for it.
    pub(crate) async fn put(&mut self, input: &[u8]) -> Result<Range, HandOverError> {
        let length = input.len();
        let length = u32::try_from(length).map_err(|_| HandOverError::InputTooLong { length })?;
        if length == 0 {
            return Ok(Range::EMPTY);
        }
        let (name, _) = Allocator::ALLOCATE;
        let pointer = self.call(name, &self.allocator.allocate, length).await?;
        if pointer == 0 {
            return Err(HandOverError::NoSpace { length });
        }
        let written = self.memory().write(pointer, input);
        written.map_err(HandOverError::Allocated)?;
        Ok(Range { pointer, length })
    }

    async fn process(
        &mut self,
        function: &str,
        process: Process,
        Range { pointer, length }: Range,
    ) -> Result<Range, HandOverError> {
        let input = (pointer, length);
        Ok(match process {
            Process::Pair(called) => {
                let (pointer, length) = self.call(function, &called, input).await?;
                Range { pointer, length }
            }
            Process::Packed(called) => Range::packed(self.call(function, &called, input).await?),
        })
    }

    /// Copies the output, which must not overlap the input.
    pub(crate) fn take(
        &mut self,
        function: &str,
        input: Range,
        output: Range,
    ) -> Result<Vec<u8>, HandOverError> {
        let function = || function.to_owned();
        let Range { pointer, length } = output;
        let limit = self.instance.store.data().limiter.limits().result;
        if length as usize > limit {
            return Err(HandOverError::OutputTooLong {
                function: function(),
                length,
                limit,
            });
        }
        if output.overlaps(input) {
            return Err(HandOverError::Overlapping {
                function: function(),
                pointer,
                length,
            });
        }
        let memory = self.memory();
        let bytes = memory.read(pointer, length);
        let bytes = bytes.map_err(|source| HandOverError::Returned {
            function: function(),
            source,
        })?;
        Ok(bytes.to_vec())
    }

    /// Gives a range back to the module.
    pub(crate) async fn free(
        &mut self,
        Range { pointer, length }: Range,
    ) -> Result<(), HandOverError> {
        if length == 0 {
            return Ok(());
        }
        let (name, _) = Allocator::DEALLOCATE;
        let deallocate = &self.allocator.deallocate;
        self.call(name, deallocate, (pointer, length)).await
    }

    /// The memory at this moment: each call of the module can make it grow.
    fn memory(&mut self) -> LinearMemory<'_> {
        LinearMemory::new(self.allocator.memory.data_mut(&mut self.instance.store))
    }

    /// Calls a function of the module.
    pub(crate) async fn call<P: WasmParams + Sync, R: WasmResults + Sync>(
        &mut self,
        name: &str,
        called: &TypedFunc<P, R>,
        arguments: P,
    ) -> Result<R, HandOverError> {
        self.instance.begin_until(self.deadline);
        let running = called.call_async(&mut self.instance.store, arguments);
        let returned = within(self.deadline, running).await;
        let returned = self.instance.end(returned, self.deadline);
        Ok(returned.map_err(|ended| CallError::ended(name.to_owned(), ended))?)
    }
}
