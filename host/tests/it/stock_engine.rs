//! Runs a program in an engine of the test's own, which has the configuration and the interfaces of the stock `wasmtime`.

use libtest_mimic::Failed;
use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Output},
};
use wasmtime::{
    Engine, Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi::{
    FsPerms, I32Exit, WasiCtx, WasiCtxView, WasiView,
    p2::{bindings::sync::Command, pipe::MemoryOutputPipe},
};
use wasmtime_wasi_keyvalue::{WasiKeyValue, WasiKeyValueCtx};

/// Runs the program with these arguments, and with the variable `CACHE_BUCKET` and the directory `/cache` if they are
/// given.
pub fn run(
    program: &Path,
    bucket: Option<&str>,
    directory: Option<&Path>,
    arguments: &[&str],
) -> Result<Output, Failed> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, program)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    wasmtime_wasi_keyvalue::add_to_linker(&mut linker, |state: &mut State| {
        WasiKeyValue::new(&state.storage, &mut state.table)
    })?;

    let [stdout, stderr] = [(); 2].map(|()| MemoryOutputPipe::new(MOST_OUTPUT));
    let mut wasi = WasiCtx::builder();
    wasi.arg("program").args(arguments);
    wasi.stdout(stdout.clone()).stderr(stderr.clone());
    if let Some(bucket) = bucket {
        wasi.env("CACHE_BUCKET", bucket);
    }
    if let Some(directory) = directory {
        wasi.preopened_dir(directory, "/cache", FsPerms::ReadWrite)?;
    }
    let state = State {
        wasi: wasi.build(),
        storage: WasiKeyValueCtx::builder().build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(&engine, state);
    let command = Command::instantiate(&mut store, &component, &linker)?;
    let code = match command.wasi_cli_run().call_run(&mut store) {
        Ok(result) => i32::from(result.is_err()),
        Err(error) => match error.downcast_ref() {
            Some(I32Exit(code)) => *code,
            None => return Err(error.into()),
        },
    };
    Ok(Output {
        status: ExitStatus::from_raw(code << 8),
        stdout: stdout.contents().into(),
        stderr: stderr.contents().into(),
    })
}

/// More bytes than any of the programs prints.
const MOST_OUTPUT: usize = 1 << 20;

struct State {
    wasi: WasiCtx,
    storage: WasiKeyValueCtx,
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
