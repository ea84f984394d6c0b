//! The contents of a store.

use crate::{
    sandbox::{open::FileOperations, parts::Sandboxes},
    store::{exchange::Exchange, limiter::Limiter},
};
use std::{any::Any, sync::Weak, time::Instant};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, p1::WasiP1Ctx};

/// The state of one running program.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    /// The time at which the running call is stopped.
    pub(crate) deadline: Option<Instant>,
    /// `true` if the engine counts the steps of programs.
    pub(crate) counts_fuel: bool,
    pub(crate) file_operations: FileOperations,
    /// The data of the running call, if the call is an exchange with a core module.
    pub(crate) exchange: Option<Exchange>,
    /// What the layer that made the instance keeps with it.
    #[cfg(feature = "rooms")]
    attachment: Option<Box<dyn Any + Send + Sync>>,
    /// The isolated plugs that the program calls. Their type belongs to a layer above this one.
    pub(crate) isolated_plugs: Weak<dyn Any + Send + Sync>,
    /// The grants of the consumer. Its table holds the handles of all parts.
    consumer: WasiP1Ctx,
    /// The grants of each plug, in the order of the stack.
    plugs: Vec<WasiCtx>,
    /// The largest number of handles that a host function opens.
    most_handles: usize,
}

/// The largest number of handles that a host function opens, except for the function that returns all
/// directories of a sandbox.
const MOST_HANDLES: usize = 4;

impl State {
    /// Makes the state from `consumer` and `plugs`, which were opened from these sandboxes.
    pub(crate) fn new(
        limiter: Limiter,
        mut consumer: WasiP1Ctx,
        plugs: Vec<WasiCtx>,
        sandboxes: &Sandboxes,
    ) -> Self {
        let table = consumer.ctx().table;
        table.set_max_capacity(limiter.first_handles());
        Self {
            limiter,
            deadline: None,
            counts_fuel: false,
            exchange: None,
            #[cfg(feature = "rooms")]
            attachment: None,
            isolated_plugs: Weak::<()>::new(),
            consumer,
            plugs,
            file_operations: sandboxes.file_operations,
            most_handles: MOST_HANDLES + sandboxes.most_directories(),
        }
    }

    /// Keeps a value with the instance, in place of an earlier one.
    #[cfg(feature = "rooms")]
    pub(crate) fn attach<T: Any + Send + Sync>(&mut self, value: T) {
        self.attachment = Some(Box::new(value));
    }

    /// The value that is kept with the instance, if it is of this type.
    #[cfg(feature = "rooms")]
    pub(crate) fn attachment_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.attachment.as_mut()?.downcast_mut()
    }

    /// The grants of the part at `index` of the stack; the consumer is the first.
    pub(crate) fn part(&mut self, index: usize) -> WasiCtxView<'_> {
        let consumer = self.consumer.ctx();
        self.limiter
            .make_room_for_handles(consumer.table, self.most_handles);
        match index.checked_sub(1) {
            None => consumer,
            Some(plug) => WasiCtxView {
                ctx: &mut self.plugs[plug],
                table: consumer.table,
            },
        }
    }

    /// The grants of the consumer, in the form that WASI preview1 needs for a core module.
    pub(crate) fn preview1(&mut self) -> &mut WasiP1Ctx {
        self.part(0);
        &mut self.consumer
    }
}

/// Functions that are not defined for one plug use the grants of the consumer.
impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.part(0)
    }
}
