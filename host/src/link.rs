//! The host's side of the imports.

use crate::{
    authority::Grant,
    compose::PrivateImport,
    name::PartName,
    state::{Parts, State},
};
use wasmtime::component::{Linker, LinkerInstance, Resource};
use wasmtime_wasi::{
    WasiCtxView,
    cli::WasiCliCtxView,
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p2::{
        DynInputStream, DynOutputStream,
        bindings::{cli, filesystem::preopens},
    },
};

/// Defines the interfaces that the consumer imports under their own names.
pub(crate) fn consumer(linker: &mut Linker<State<Parts>>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// Defines what one plug has for itself, from its own sandbox.
pub(crate) fn plug(
    linker: &mut Linker<State<Parts>>,
    plug: &PartName,
    import: &PrivateImport,
) -> wasmtime::Result<()> {
    let part = import.part;
    let mut instance = linker.instance(&import.name)?;
    match import.grant {
        Grant::Preopens => instance.func_wrap("get-directories", move |mut store, (): ()| {
            let directories: Vec<(Resource<Descriptor>, String)> =
                preopens::Host::get_directories(&mut filesystem(store.data_mut().wasi.part(part)))?;
            Ok((directories,))
        }),
        Grant::Environment => environment(&mut instance, part),
        Grant::Stdin => instance.func_wrap("get-stdin", move |mut store, (): ()| {
            let stream: Resource<DynInputStream> =
                cli::stdin::Host::get_stdin(&mut cli(store.data_mut().wasi.part(part)))?;
            Ok((stream,))
        }),
        Grant::Stdout => instance.func_wrap("get-stdout", move |mut store, (): ()| {
            let stream: Resource<DynOutputStream> =
                cli::stdout::Host::get_stdout(&mut cli(store.data_mut().wasi.part(part)))?;
            Ok((stream,))
        }),
        Grant::Stderr => instance.func_wrap("get-stderr", move |mut store, (): ()| {
            let stream: Resource<DynOutputStream> =
                cli::stderr::Host::get_stderr(&mut cli(store.data_mut().wasi.part(part)))?;
            Ok((stream,))
        }),
        Grant::Exit => exit(&mut instance, plug),
        Grant::TerminalStdin => {
            instance.func_wrap("get-terminal-stdin", move |mut store, (): ()| {
                Ok((cli::terminal_stdin::Host::get_terminal_stdin(&mut cli(
                    store.data_mut().wasi.part(part),
                ))?,))
            })
        }
        Grant::TerminalStdout => {
            instance.func_wrap("get-terminal-stdout", move |mut store, (): ()| {
                Ok((cli::terminal_stdout::Host::get_terminal_stdout(&mut cli(
                    store.data_mut().wasi.part(part),
                ))?,))
            })
        }
        Grant::TerminalStderr => {
            instance.func_wrap("get-terminal-stderr", move |mut store, (): ()| {
                Ok((cli::terminal_stderr::Host::get_terminal_stderr(&mut cli(
                    store.data_mut().wasi.part(part),
                ))?,))
            })
        }
    }
}

fn environment(
    instance: &mut LinkerInstance<'_, State<Parts>>,
    part: usize,
) -> wasmtime::Result<()> {
    use cli::environment::Host;
    instance.func_wrap("get-environment", move |mut store, (): ()| {
        Ok((cli(store.data_mut().wasi.part(part)).get_environment()?,))
    })?;
    instance.func_wrap("get-arguments", move |mut store, (): ()| {
        Ok((cli(store.data_mut().wasi.part(part)).get_arguments()?,))
    })?;
    instance.func_wrap("initial-cwd", move |mut store, (): ()| {
        Ok((cli(store.data_mut().wasi.part(part)).initial_cwd()?,))
    })
}

/// Ending the program is the consumer's alone: a plug that asks for it is stopped as by a trap.
fn exit(instance: &mut LinkerInstance<'_, State<Parts>>, plug: &PartName) -> wasmtime::Result<()> {
    let refuse = {
        let plug = plug.clone();
        move || -> wasmtime::Result<()> {
            wasmtime::bail!(
                "plug `{plug}` called `exit`, and only the consumer can end the program"
            )
        }
    };
    let also_refuse = refuse.clone();
    instance.func_wrap("exit", move |_, (_status,): (Result<(), ()>,)| refuse())?;
    instance.func_wrap("exit-with-code", move |_, (_code,): (u8,)| also_refuse())
}

fn cli(view: WasiCtxView<'_>) -> WasiCliCtxView<'_> {
    WasiCliCtxView {
        ctx: view.ctx.cli(),
        table: view.table,
    }
}

fn filesystem(view: WasiCtxView<'_>) -> WasiFilesystemCtxView<'_> {
    WasiFilesystemCtxView {
        ctx: view.ctx.filesystem(),
        table: view.table,
    }
}
