//! A provider in a store of its own: the host lifts and lowers values, and copies bytes in one piece.

use self::exports::toolkit::cache::cache::Error;
use std::path::Path;
use tokio::runtime::Runtime;
use wasmtime::{
    Engine, Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use workload::{Cache, serve_cache};

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "provider",
    exports: { default: async },
});

pub fn serve(directory: &Path, cache: &Path) -> anyhow::Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let component = Component::from_file(&engine, cache)?;

    let mut wasi = WasiCtx::builder();
    wasi.allow_blocking_current_thread(true).preopened_dir(
        directory,
        "/cache",
        FsPerms::ReadWrite,
    )?;
    let state = State {
        wasi: wasi.build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(&engine, state);
    let tokio = tokio::runtime::Builder::new_current_thread().build()?;
    let provider = tokio.block_on(Provider::instantiate_async(&mut store, &component, &linker))?;
    serve_cache(Isolated {
        tokio,
        store,
        provider,
    });
    Ok(())
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

struct Isolated {
    tokio: Runtime,
    store: Store<State>,
    provider: Provider,
}

impl Cache for Isolated {
    fn set(&mut self, key: &str, value: &[u8]) {
        let cache = self.provider.toolkit_cache_cache();
        let value = value.to_vec();
        let set = cache.call_set(&mut self.store, key, &value, None);
        let called = self.tokio.block_on(set).expect("it does not trap");
        called.expect("a set succeeds");
    }

    fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        let cache = self.provider.toolkit_cache_cache();
        let get = cache.call_get(&mut self.store, key);
        match self.tokio.block_on(get).expect("it does not trap") {
            Err(Error::NotFoundError) => None,
            got => Some(got.expect("a get succeeds")),
        }
    }
}
