//! A cache of the host, written by hand: one call of the host, and a map.

use self::toolkit::cache::cache::{Error, Host, Payload};
use bytes::Bytes;
use quick_cache::sync::Cache;
use std::path::Path;
use wasmtime::{
    Engine, Store,
    component::{Component, HasSelf, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "consumer",
});

/// Runs the consumer, which reads its orders from standard input.
pub fn run(consumer: &Path) -> anyhow::Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    Consumer::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
    let component = Component::from_file(&engine, consumer)?;
    let state = State {
        wasi: WasiCtx::builder().inherit_stdio().build(),
        table: ResourceTable::new(),
        entries: Cache::new(10_000),
    };
    let mut store = Store::new(&engine, state);
    let command =
        wasmtime_wasi::p2::bindings::sync::Command::instantiate(&mut store, &component, &linker)?;
    let ended = command.wasi_cli_run().call_run(&mut store)?;
    anyhow::ensure!(ended.is_ok(), "the consumer failed");
    Ok(())
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    entries: Cache<String, Bytes>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Host for State {
    fn set(&mut self, key: String, value: Payload, _ttl: Option<u32>) -> Result<(), Error> {
        self.entries.insert(key, value.into());
        Ok(())
    }

    fn get(&mut self, key: String) -> Result<Payload, Error> {
        let found = self.entries.get(&key);
        found.map(Vec::from).ok_or(Error::NotFoundError)
    }

    fn delete(&mut self, key: String) -> Result<(), Error> {
        let removed = self.entries.remove(&key);
        removed.map(drop).ok_or(Error::NotFoundError)
    }
}
