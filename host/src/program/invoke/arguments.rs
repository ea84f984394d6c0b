//! Arguments, from WAVE.

use super::{Call, Function, InvokeError};
use crate::{
    value::{Resource, Value, parse, to_val},
    wasm::signature,
};
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
    let mut handle = |resource: Resource| resources.get(resource.number.checked_sub(1)?).copied();
    let arguments = ty.params().zip(call.arguments()).enumerate();
    arguments
        .map(|(index, ((_, ty), text))| {
            let value = match text.strip_prefix('$') {
                Some(number) => number
                    .parse()
                    .map(|number| Value::Resource(Resource { number }))
                    .map_err(|_| "a handle is `$` and a number".to_owned()),
                None => parse(&ty, text),
            };
            value
                .and_then(|value| {
                    to_val(value, &ty, &mut handle).map_err(|wrong| wrong.to_string())
                })
                .map_err(|reason| {
                    wrong_argument(function, index, text, &signature::of_value(&ty), &reason)
                })
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
