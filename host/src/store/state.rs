//! The contents of a store.

use crate::{
    sandbox::{open::FileOperations, parts::Sandboxes},
    store::limiter::Limiter,
};
use std::time::Instant;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, p1::WasiP1Ctx};

/// The state of one running program.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    /// The time by which the call that is under way has to be done.
    pub(crate) deadline: Option<Instant>,
    pub(crate) file_operations: FileOperations,
    /// What the consumer may reach. Its table has the handles of all parts.
    consumer: WasiP1Ctx,
    /// What each plug may reach, in the order of the stack.
    plugs: Vec<WasiCtx>,
    /// How many handles a host function takes at most.
    most_handles: usize,
}

/// How many handles a host function takes that does not return all directories of a sandbox.
const MOST_HANDLES: usize = 4;

impl State {
    /// `consumer` and `plugs` were opened from these sandboxes.
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
            consumer,
            plugs,
            file_operations: sandboxes.file_operations,
            most_handles: MOST_HANDLES + sandboxes.most_directories(),
        }
    }

    /// What the part at `index` of the stack may reach; the consumer is the first.
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

    /// What a core module may reach through WASI preview1.
    pub(crate) fn preview1(&mut self) -> &mut WasiP1Ctx {
        self.part(0);
        &mut self.consumer
    }
}

/// What is not granted to a plug by name is the consumer's.
impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.part(0)
    }
}
