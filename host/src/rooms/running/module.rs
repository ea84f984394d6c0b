//! The calls of logic that is a core module.
//!
//! The calls of one event, with those of the allocator, have the time and the fuel of one event. Whatever the module
//! returns is checked before it is used, and what it did wrong is a failure of the event.

use super::Failure;
use crate::{
    program::{
        hand_over::{
            HandOverError, Lookup,
            allocator::{Allocator, HandOver, Range},
        },
        instance::Instance,
    },
    rooms::{
        clients::ClientId,
        core_module::{CONNECT, DISCONNECT, Export, MESSAGE, SAVE, START},
        saved::Saved,
    },
    store::{deadline::Deadline, limits::MAX_PASSED},
};
use bytes::Bytes;
use wasmtime::{TypedFunc, WasmParams, WasmResults};

/// The functions that the instance exports.
pub(super) struct Functions {
    allocator: Allocator,
    connect: TypedFunc<u64, ()>,
    message: TypedFunc<(u64, u32, u32), ()>,
    disconnect: TypedFunc<u64, ()>,
    /// `None` if the module keeps no state.
    of_state: Option<OfState>,
}

struct OfState {
    start: TypedFunc<(u32, u32), ()>,
    save: TypedFunc<(), u64>,
}

impl Functions {
    /// Finds the functions, which were checked when the logic was loaded.
    pub(super) fn of(instance: &mut Instance) -> Result<Self, HandOverError> {
        let mut exports = Lookup::of(instance)?;
        let allocator = Allocator::find(&mut exports);
        let connect = find(&mut exports, CONNECT);
        let message = find(&mut exports, MESSAGE);
        let disconnect = find(&mut exports, DISCONNECT);
        let (start, save) = (exports.optional(START.0), exports.optional(SAVE.0));
        let (Some(allocator), Some(connect), Some(message), Some(disconnect)) =
            (allocator, connect, message, disconnect)
        else {
            return Err(exports.missing());
        };
        Ok(Self {
            allocator,
            connect,
            message,
            disconnect,
            of_state: start.zip(save).map(|(start, save)| OfState { start, save }),
        })
    }

    /// Hands the state over, and names each client.
    pub(super) async fn start(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        clients: &[ClientId],
        saved: Option<&Saved>,
    ) -> Result<(), Failure> {
        let state = saved.map(|saved| &saved.state[..]).unwrap_or_default();
        let mut calls = HandOver::new(instance, &self.allocator, deadline);
        match &self.of_state {
            Some(OfState { start, .. }) => {
                let input = calls.put(state).await?;
                let arguments = (input.pointer, input.length);
                calls.call(START.0, start, arguments).await?;
                calls.free(input).await?;
            }
            None if state.is_empty() => {}
            None => {
                return Err(Failure::Refused(format!(
                    "it has {} bytes, and the module exports no `{}`",
                    state.len(),
                    START.0
                )));
            }
        }
        for client in clients {
            calls.call(CONNECT.0, &self.connect, *client).await?;
        }
        Ok(())
    }

    pub(super) async fn connected(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        client: ClientId,
    ) -> Result<(), Failure> {
        let mut calls = HandOver::new(instance, &self.allocator, deadline);
        Ok(calls.call(CONNECT.0, &self.connect, client).await?)
    }

    /// A message is bytes to the module, whether it is text or not.
    pub(super) async fn received(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        client: ClientId,
        message: &[u8],
    ) -> Result<(), Failure> {
        let mut calls = HandOver::new(instance, &self.allocator, deadline);
        let input = calls.put(message).await?;
        let arguments = (client, input.pointer, input.length);
        calls.call(MESSAGE.0, &self.message, arguments).await?;
        Ok(calls.free(input).await?)
    }

    pub(super) async fn disconnected(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        client: ClientId,
    ) -> Result<(), Failure> {
        let mut calls = HandOver::new(instance, &self.allocator, deadline);
        Ok(calls.call(DISCONNECT.0, &self.disconnect, client).await?)
    }

    /// The state, which is empty if the module keeps none.
    pub(super) async fn save(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
    ) -> Result<Bytes, Failure> {
        let Some(OfState { save, .. }) = &self.of_state else {
            return Ok(Bytes::new());
        };
        let mut calls = HandOver::new(instance, &self.allocator, deadline);
        let state = Range::packed(calls.call(SAVE.0, save, ()).await?);
        if state.length as usize > MAX_PASSED {
            return Err(Failure::HandOver(HandOverError::OutputTooLong {
                function: SAVE.0.to_owned(),
                length: state.length,
                limit: MAX_PASSED,
            }));
        }
        let bytes = calls.take(SAVE.0, Range::EMPTY, state)?;
        calls.free(state).await?;
        Ok(bytes.into())
    }
}

fn find<P: WasmParams, R: WasmResults>(
    exports: &mut Lookup<'_>,
    (name, expected): Export,
) -> Option<TypedFunc<P, R>> {
    exports.function(name, expected)
}
