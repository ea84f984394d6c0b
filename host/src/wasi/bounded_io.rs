//! WASI's streams and directories, where the engine's own would let a guest make the host hold more
//! than the guest itself may have.
//!
//! Three things are done differently. A stream on a file is charged to [`Limits::streams`] for the
//! piece of the file that it can hold. A directory is read entry by entry, not all at once before the
//! first. What is written to a stream at a time is at most what `check-write` ever allows.
//!
//! [`Limits::streams`]: crate::Limits

#[cfg(unix)]
mod listing;

use crate::{
    names::wasi::{FILESYSTEM_TYPES, STREAMS},
    store::state::State,
};
use std::any::Any;
use wasmtime::{
    StoreContextMut,
    component::{Linker, LinkerInstance, Resource, ResourceTable, ResourceType},
};
use wasmtime_wasi::{
    WasiView,
    filesystem::{Descriptor, WasiFilesystemCtxView, WasiFilesystemView},
    p2::{
        DynInputStream, DynOutputStream, FsResult, StreamResult,
        bindings::{
            filesystem::types::{ErrorCode, Host as _, HostDescriptor},
            io::streams::{Host as _, HostOutputStream, StreamError},
        },
    },
};

/// The most that a stream holds, in bytes: what is read ahead, or waits to be written.
const PIECE: usize = 64 << 10;
/// What an open directory holds while it is listed: the system hands out its entries by the buffer.
const LISTING: usize = 64 << 10;

type Context<'a> = StoreContextMut<'a, State>;

/// Replaces the definitions that are there.
pub(crate) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let types = &mut linker.instance(FILESYSTEM_TYPES)?;
    file_streams(types)?;
    #[cfg(unix)]
    listing::define(types)?;
    let streams = &mut linker.instance(STREAMS)?;
    drops(streams)?;
    write(streams)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn file_streams(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        |mut store: Context<'_>, (file, offset): (Resource<Descriptor>, u64)| {
            charged(&mut store, PIECE, |files| {
                files.read_via_stream(file, offset)
            })
        },
    )?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut store: Context<'_>, (file, offset): (Resource<Descriptor>, u64)| {
            charged(&mut store, PIECE, |files| {
                files.write_via_stream(file, offset)
            })
        },
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |mut store: Context<'_>, (file,): (Resource<Descriptor>,)| {
            charged(&mut store, PIECE, |files| files.append_via_stream(file))
        },
    )
}

/// Opens something that holds so many bytes until it is dropped. Where that is too much, it is
/// refused as by a system that has no more memory.
fn charged<R: 'static>(
    store: &mut Context<'_>,
    bytes: usize,
    open: impl FnOnce(&mut WasiFilesystemCtxView<'_>) -> FsResult<Resource<R>>,
) -> wasmtime::Result<(Result<Resource<R>, ErrorCode>,)> {
    let state = store.data_mut();
    if !state.limiter.reserve_stream(bytes) {
        return Ok((Err(ErrorCode::InsufficientMemory),));
    }
    let files = &mut state.filesystem();
    match open(files) {
        Ok(opened) => {
            state.limiter.open_stream(opened.rep(), bytes);
            Ok((Ok(opened),))
        }
        Err(error) => {
            let code = files.convert_error_code(error);
            state.limiter.unreserve_stream(bytes);
            Ok((Err(code?),))
        }
    }
}

/// Takes a handle out of the table, and what it held off the bill.
fn dropped<R: Any>(store: &mut Context<'_>, handle: u32) -> wasmtime::Result<R> {
    let state = store.data_mut();
    let held = state.ctx().table.delete(Resource::<R>::new_own(handle))?;
    state.limiter.close_stream(handle);
    Ok(held)
}

fn drops(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    streams.resource_async(
        "input-stream",
        ResourceType::host::<DynInputStream>(),
        |mut store, handle| {
            Box::new(async move {
                dropped::<DynInputStream>(&mut store, handle)?
                    .cancel()
                    .await;
                Ok(())
            })
        },
    )?;
    streams.resource_async(
        "output-stream",
        ResourceType::host::<DynOutputStream>(),
        |mut store, handle| {
            Box::new(async move {
                dropped::<DynOutputStream>(&mut store, handle)?
                    .cancel()
                    .await;
                Ok(())
            })
        },
    )
}

/// A stream on a file takes whatever it is given, and keeps it until it is written.
fn write(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    streams.func_wrap(
        "[method]output-stream.write",
        |mut store: Context<'_>, (stream, bytes): (Resource<DynOutputStream>, Vec<u8>)| {
            if bytes.len() > PIECE {
                return Err(wasmtime::Error::msg(format!(
                    "it writes {} bytes to a stream at once, and `check-write` allows at most {PIECE}",
                    bytes.len()
                )));
            }
            let table = store.data_mut().ctx().table;
            let written: StreamResult<()> = HostOutputStream::write(&mut *table, stream, bytes);
            Ok((as_stream_result(table, written)?,))
        },
    )
}

fn as_stream_result<T>(
    table: &mut ResourceTable,
    result: StreamResult<T>,
) -> wasmtime::Result<Result<T, StreamError>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(table.convert_stream_error(error)?)),
    }
}
