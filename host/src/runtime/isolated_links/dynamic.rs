//! Forwarding a function of any type, as trees of values.

use super::Forward;
use crate::{
    program::isolated::call::{Caller, NoResult},
    store::{deadline::within, limits::MAX_PASSED, state::State},
    value::price,
};
use std::sync::Arc;
use wasmtime::component::{LinkerInstance, Val, types::ComponentFunc};

/// Defines the function. Returns the largest number of bytes on the host for each unit of the engine's
/// fuel of an argument.
pub(super) fn define(
    instance: &mut LinkerInstance<'_, State>,
    name: &str,
    ty: &ComponentFunc,
    forward: Arc<Forward>,
) -> wasmtime::Result<f64> {
    let results = ty.results().filter(price::can_be_large);
    let of_result = results
        .map(|ty| price::bytes_per_fuel(&ty))
        .fold(1.0, f64::max);
    let result_fuel = (MAX_PASSED as f64 / of_result) as usize;
    instance.func_new_async(name, move |mut store, _ty, arguments, results| {
        let forward = forward.clone();
        Box::new(async move {
            let mut returned = vec![Val::Bool(false); results.len()];
            let ended = match forward.function.begin(Caller::of(&store)).await {
                Err(not_begun) => Err(not_begun),
                Ok(mut call) => {
                    call.bound_result(result_fuel);
                    let ended = match call.function(forward.function.index) {
                        Ok(function) => {
                            let deadline = call.deadline;
                            let running =
                                function.call_async(call.store(), arguments, &mut returned);
                            within(deadline, running).await
                        }
                        Err(error) => Ok(Err(error)),
                    };
                    Ok((call, ended))
                }
            };
            match forward.function.end(ended, &mut store) {
                Ok(()) => {
                    results.swap_with_slice(&mut returned);
                    Ok(())
                }
                Err(no_result) => forward.answer_dynamically(no_result, results),
            }
        })
    })?;
    let arguments = ty.params().map(|(_, ty)| ty).filter(price::can_be_large);
    Ok(arguments
        .map(|ty| price::bytes_per_fuel(&ty))
        .fold(1.0, f64::max))
}

impl Forward {
    fn answer_dynamically(&self, no_result: NoResult, results: &mut [Val]) -> wasmtime::Result<()> {
        match (no_result, &self.on_trap, results) {
            (NoResult::Plug(_), Some(on_trap), [result]) => {
                *result = on_trap.to_val();
                Ok(())
            }
            (no_result, _, _) => Err(Self::trap(no_result)),
        }
    }
}
