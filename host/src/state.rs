//! What a store holds.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The state of one running composition. Handles live in one table; what each part may reach is
/// apart.
pub(crate) struct State {
    table: ResourceTable,
    /// The consumer's, then the plugs', in the order of the stack; never empty.
    parts: Vec<WasiCtx>,
}

impl State {
    pub(crate) fn new(consumer: WasiCtx, plugs: impl IntoIterator<Item = WasiCtx>) -> Self {
        Self {
            table: ResourceTable::new(),
            parts: std::iter::once(consumer).chain(plugs).collect(),
        }
    }

    /// What the part at `index` of the stack may reach.
    pub(crate) fn part(&mut self, index: usize) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.parts[index],
            table: &mut self.table,
        }
    }
}

/// What is not granted to a plug by name is the consumer's.
impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.part(0)
    }
}
