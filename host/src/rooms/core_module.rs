//! The convention of logic that is a core module: the functions that it imports, and its exports.

use super::{
    effects::{Action, Effects, TooMuch},
    message::Message,
};
use crate::{
    core_module::{
        caller::Caller,
        host_functions::HostFunctions,
        linear_memory::{LinearMemory, MEMORY, MemoryError},
    },
    program::hand_over::{MissingExport, allocator::Allocator},
    wasm::signature,
};
use bytes::Bytes;
use wasmtime::{ExternType, Module};

/// The name of an exported function, and its type.
pub(super) type Export = (&'static str, &'static [&'static str]);

pub(super) const CONNECT: Export = ("connect", &["func(i64)"]);
pub(super) const MESSAGE: Export = ("message", &["func(i64, i32, i32)"]);
pub(super) const DISCONNECT: Export = ("disconnect", &["func(i64)"]);
pub(super) const START: Export = ("start", &["func(i32, i32)"]);
pub(super) const SAVE: Export = ("save", &["func() -> i64"]);

/// The functions that each module exports.
const NEEDED: [Export; 5] = [
    Allocator::ALLOCATE,
    Allocator::DEALLOCATE,
    CONNECT,
    MESSAGE,
    DISCONNECT,
];

/// The functions of a module that keeps a state, which exports both.
const OF_STATE: [Export; 2] = [START, SAVE];

/// Checks that a module exports the functions of the convention. `true` if those of the state are among them.
pub(super) fn check(module: &Module) -> Result<bool, Vec<MissingExport>> {
    let keeps_state = OF_STATE
        .iter()
        .any(|(name, _)| module.get_export(name).is_some());
    let of_state = keeps_state.then_some(OF_STATE).into_iter().flatten();
    let mut missing = Vec::new();
    match module.get_export(MEMORY) {
        Some(ExternType::Memory(memory)) if !memory.is_shared() => {}
        found => missing.push(MissingExport::new(MEMORY, &["memory"], found)),
    }
    for (name, expected) in NEEDED.into_iter().chain(of_state) {
        match module.get_export(name) {
            Some(ExternType::Func(ty))
                if expected.contains(&signature::of_core_function(&ty).as_str()) => {}
            found => missing.push(MissingExport::new(name, expected, found)),
        }
    }
    match missing.is_empty() {
        true => Ok(keeps_state),
        false => Err(missing),
    }
}

/// An error of a function that the host provides. The event traps with it.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error("there is no room")]
    NoRoom,
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl HostFunctions {
    /// Defines the functions through which logic in a core module sends messages to the clients of its room,
    /// in place of functions of these names. The module imports them from `module`:
    ///
    /// | function | |
    /// |---|---|
    /// | `send_message: func(client: i64, pointer: i32, length: i32)` | sends the text at `pointer`, which is UTF-8 |
    /// | `send_binary: func(client: i64, pointer: i32, length: i32)` | sends the bytes at `pointer` |
    ///
    /// All numbers are unsigned. The host copies the range, which must be inside the module's `memory` as it is at
    /// that moment. The message is sent when the event has returned, after those that were sent before it; a client
    /// that is not connected any more is ignored. For a range outside of the memory, for text that is not UTF-8,
    /// for more than 64 MiB of messages in one event, and in an instance that [`Rooms`](crate::rooms::Rooms) has not
    /// made, the function traps.
    pub fn room(self, module: &str) -> Self {
        self.typed(module, "send_message", |caller, arguments| {
            Ok(send(caller, arguments, text)?)
        })
        .typed(module, "send_binary", |caller, arguments| {
            Ok(send(caller, arguments, binary)?)
        })
    }
}

fn text(memory: &LinearMemory<'_>, pointer: u32, length: u32) -> Result<Message, MemoryError> {
    let text = memory.text(pointer, length)?;
    Ok(Message::Text(Bytes::copy_from_slice(text.as_bytes())))
}

fn binary(memory: &LinearMemory<'_>, pointer: u32, length: u32) -> Result<Message, MemoryError> {
    let bytes = memory.read(pointer, length)?;
    Ok(Message::Binary(Bytes::copy_from_slice(bytes)))
}

/// Reads a message from a range of a memory.
type Read = fn(&LinearMemory<'_>, u32, u32) -> Result<Message, MemoryError>;

fn send(
    caller: &mut Caller<'_>,
    (to, pointer, length): (u64, u32, u32),
    read: Read,
) -> Result<(), NotSent> {
    // A message that is too much is not copied.
    effects(caller)?.expect_room_for(length as usize)?;
    let message = read(&caller.memory()?, pointer, length)?;
    Ok(effects(caller)?.add(Action::Send { to, message })?)
}

/// The effects of the event that is running.
fn effects<'a>(caller: &'a mut Caller<'_>) -> Result<&'a mut Effects, NotSent> {
    caller.attachment_mut().ok_or(NotSent::NoRoom)
}
