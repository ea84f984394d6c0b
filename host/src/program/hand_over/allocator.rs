//! Data that the host puts into memory that a core module allocates.

use super::{HandOverError, Lookup};
use crate::{
    core_module::linear_memory::{LinearMemory, MEMORY},
    program::{call::CallError, instance::Instance},
    store::deadline::{Deadline, within},
};
use wasmtime::{Memory, TypedFunc, WasmParams, WasmResults};

const ALLOCATE: &str = "allocate";
const DEALLOCATE: &str = "deallocate";

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
        let length = input.len();
        let length = u32::try_from(length).map_err(|_| HandOverError::InputTooLong { length })?;
        let mut exports = Lookup::of(self)?;
        let memory = exports.memory(MEMORY);
        let allocate = exports.function(ALLOCATE, &["func(i32) -> i32"]);
        let deallocate = exports.function(DEALLOCATE, &["func(i32, i32)"]);
        let process = match exports.optional(function) {
            Some(packed) => Some(Process::Packed(packed)),
            None => {
                let pair = exports.function(function, &PROCESS);
                pair.map(Process::Pair)
            }
        };
        let (Some(memory), Some(allocate), Some(deallocate), Some(process)) =
            (memory, allocate, deallocate, process)
        else {
            return Err(exports.missing());
        };
        let deadline = self.begin();
        let mut call = HandOver {
            instance: self,
            memory,
            allocate,
            deallocate,
            deadline,
        };
        let input = call.put(input, length).await?;
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
struct Range {
    pointer: u32,
    length: u32,
}

impl Range {
    fn overlaps(self, other: Self) -> bool {
        let end = |range: Self| u64::from(range.pointer) + u64::from(range.length);
        let is_empty = self.length == 0 || other.length == 0;
        !is_empty && u64::from(self.pointer) < end(other) && u64::from(other.pointer) < end(self)
    }
}

struct HandOver<'a> {
    instance: &'a mut Instance,
    memory: Memory,
    allocate: TypedFunc<u32, u32>,
    deallocate: TypedFunc<(u32, u32), ()>,
    deadline: Option<Deadline>,
}

impl HandOver<'_> {
    /// Copies the input into memory that the module allocates for it.
    async fn put(&mut self, input: &[u8], length: u32) -> Result<Range, HandOverError> {
        let mut range = Range { pointer: 0, length };
        if length == 0 {
            return Ok(range);
        }
        range.pointer = self.call(ALLOCATE, &self.allocate.clone(), length).await?;
        if range.pointer == 0 {
            return Err(HandOverError::NoSpace { length });
        }
        let written = self.memory().write(range.pointer, input);
        written.map_err(HandOverError::Allocated)?;
        Ok(range)
    }

    async fn process(
        &mut self,
        function: &str,
        process: Process,
        Range { pointer, length }: Range,
    ) -> Result<Range, HandOverError> {
        let input = (pointer, length);
        let (pointer, length) = match process {
            Process::Pair(called) => self.call(function, &called, input).await?,
            Process::Packed(called) => {
                let packed = self.call(function, &called, input).await?;
                ((packed >> 32) as u32, packed as u32)
            }
        };
        Ok(Range { pointer, length })
    }

    /// Copies the output.
    fn take(
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

    async fn free(&mut self, Range { pointer, length }: Range) -> Result<(), HandOverError> {
        if length == 0 {
            return Ok(());
        }
        let deallocate = self.deallocate.clone();
        self.call(DEALLOCATE, &deallocate, (pointer, length)).await
    }

    /// The memory at this moment: each call of the module can make it grow.
    fn memory(&mut self) -> LinearMemory<'_> {
        LinearMemory::new(self.memory.data_mut(&mut self.instance.store))
    }

    async fn call<P: WasmParams + Sync, R: WasmResults + Sync>(
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
