//! Arguments, from WAVE.

use super::{Call, Function, InvokeError};
use crate::types;
use wasmtime::{
    FuncType,
    component::{ResourceAny, Val, types::ComponentFunc},
};

pub(super) fn component_arguments(
    function: &Function,
    ty: &ComponentFunc,
    call: &Call,
    resources: &[ResourceAny],
) -> Result<Vec<Val>, InvokeError> {
    check_count(function, ty.params().len(), call)?;
    let arguments = ty.params().zip(call.arguments()).enumerate();
    arguments
        .map(|(index, ((_, ty), text))| match text.strip_prefix('$') {
            Some(number) => number
                .parse::<usize>()
                .ok()
                .and_then(|number| resources.get(number.checked_sub(1)?))
                .map(|resource| Val::Resource(*resource))
                .ok_or_else(|| {
                    let reason = "no call has given a resource of that name";
                    wrong_argument(function, index, text, "resource", reason)
                }),
            None => wasm_wave::from_str(&ty, text).map_err(|error| {
                let expected = types::of_value(&ty);
                wrong_argument(function, index, text, &expected, &error.to_string())
            }),
        })
        .collect()
}

pub(super) fn core_arguments(
    function: &Function,
    ty: &FuncType,
    call: &Call,
) -> Result<Vec<wasmtime::Val>, InvokeError> {
    check_count(function, ty.params().len(), call)?;
    let arguments = ty.params().zip(call.arguments()).enumerate();
    arguments
        .map(|(index, (ty, text))| {
            wasm_wave::from_str(&ty, text).map_err(|error| {
                wrong_argument(function, index, text, &ty.to_string(), &error.to_string())
            })
        })
        .collect()
}

fn check_count(function: &Function, expected: usize, call: &Call) -> Result<(), InvokeError> {
    let given = call.arguments().len();
    if given == expected {
        return Ok(());
    }
    Err(InvokeError::WrongCount {
        function: function.full_name(),
        expected,
        given,
        signature: function.signature.clone(),
    })
}

fn wrong_argument(
    function: &Function,
    index: usize,
    text: &str,
    expected: &str,
    reason: &str,
) -> InvokeError {
    InvokeError::WrongArgument {
        function: function.full_name(),
        position: index + 1,
        text: shortened(text),
        expected: expected.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Enough to recognise it by.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
