//! What a store holds.

use crate::store::limits::{Limiter, Limits};
use std::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, p1::WasiP1Ctx};

/// The state of one running program.
pub(crate) struct State<W> {
    pub(crate) limiter: Limiter,
    /// When the call that is under way has to be done.
    pub(crate) deadline: Option<Instant>,
    /// What its parts may reach: [`Parts`] of a composition, or the one context of a plain module.
    pub(crate) wasi: W,
}

impl<W> State<W> {
    pub(crate) fn new(limits: &Limits, wasi: W) -> Self {
        Self {
            limiter: Limiter::new(limits),
            deadline: None,
            wasi,
        }
    }
}

/// A plain module's context, which has a table of its own.
pub(crate) fn limited(limits: &Limits, mut module: WasiP1Ctx) -> WasiP1Ctx {
    module.ctx().table.set_max_capacity(limits.handles);
    module
}

/// Handles live in one table; what each part may reach is apart.
pub(crate) struct Parts {
    table: ResourceTable,
    /// The consumer's, then the plugs', in the order of the stack; never empty.
    contexts: Vec<WasiCtx>,
}

impl Parts {
    pub(crate) fn new(
        limits: &Limits,
        consumer: WasiCtx,
        plugs: impl IntoIterator<Item = WasiCtx>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let contexts = std::iter::once(consumer).chain(plugs).collect();
        Self { table, contexts }
    }

    /// What the part at `index` of the stack may reach.
    pub(crate) fn part(&mut self, index: usize) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.contexts[index],
            table: &mut self.table,
        }
    }
}

/// What is not granted to a plug by name is the consumer's.
impl WasiView for State<Parts> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.part(0)
    }
}
