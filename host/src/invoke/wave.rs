//! Values in WAVE.

use super::{Call, Function, InvokeError, json};
use crate::{types, untrusted::Text};
use wasmtime::{
    FuncType,
    component::{ResourceAny, Val, types::ComponentFunc},
};

/// A result, for reading and for programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// In WAVE; a resource is `$1`, `$2`, …, in the order that they were made. What a terminal should
    /// not get is escaped, as WAVE does it: it is the same value.
    pub wave: String,
    /// In JSON. Options are null or the value, variants an object of one field, numbers that are
    /// not finite and resources are strings.
    pub json: serde_json::Value,
}

impl Value {
    pub(super) fn of_component(
        function: &str,
        value: Val,
        resources: &mut Vec<ResourceAny>,
    ) -> Result<Self, InvokeError> {
        let json = json::of_component(&value);
        if let Val::Resource(resource) = value {
            resources.push(resource);
            let wave = format!("${}", resources.len());
            return Ok(Self {
                json: wave.clone().into(),
                wave,
            });
        }
        let wave = wasm_wave::to_string(&value).map_err(|error| InvokeError::Unshowable {
            function: function.to_owned(),
            reason: error.to_string(),
        })?;
        let wave = Text(wave).to_string();
        Ok(Self { wave, json })
    }

    pub(super) fn of_core(
        function: &str,
        values: &[wasmtime::Val],
    ) -> Result<Option<Self>, InvokeError> {
        let show = |value: &wasmtime::Val| {
            wasm_wave::to_string(value).map_err(|error| InvokeError::Unshowable {
                function: function.to_owned(),
                reason: error.to_string(),
            })
        };
        let shown = values.iter().map(show).collect::<Result<Vec<_>, _>>()?;
        let mut json: Vec<_> = values.iter().map(json::of_core).collect();
        Ok(match shown.as_slice() {
            [] => None,
            [one] => Some(Self {
                wave: one.clone(),
                json: json.remove(0),
            }),
            several => Some(Self {
                wave: format!("({})", several.join(", ")),
                json: json.into(),
            }),
        })
    }
}

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
