//! Arguments, from WAVE.

use super::{Call, Function, InvokeError};
use crate::wasm::signature;
use wasmtime::{
    FuncType,
    component::{ResourceAny, Type, Val, types::ComponentFunc},
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
            None => component_argument(&ty, text).map_err(|reason| {
                let expected = signature::of_value(&ty);
                wrong_argument(function, index, text, &expected, &reason)
            }),
        })
        .collect()
}

fn component_argument(ty: &Type, text: &str) -> Result<Val, String> {
    if let Type::List(list) = ty
        && list.ty() == Type::U8
        && let Some(bytes) = plain_bytes(text)
    {
        return Ok(Val::List(bytes));
    }
    wasm_wave::from_str(ty, text).map_err(|error| error.to_string())
}

/// The bytes of a list that is written plainly, which most are. The parser of WAVE makes a tree of
/// any text first, several times as large as the value.
fn plain_bytes(text: &str) -> Option<Vec<Val>> {
    let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    if inside.is_empty() {
        return Some(Vec::new());
    }
    let byte = |number: &str| {
        let number = number.trim();
        let is_plain = number.bytes().all(|c| c.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'));
        if is_plain {
            number.parse().ok().map(Val::U8)
        } else {
            None
        }
    };
    inside.split(',').map(byte).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_written_plainly_are_what_the_parser_of_wave_makes_of_them() {
        let cases: [(&str, Option<&[u8]>); 12] = [
            ("[]", Some(&[])),
            (" [ ] ", Some(&[])),
            ("[0]", Some(&[0])),
            ("[ 1,2 ,\n255 ]", Some(&[1, 2, 255])),
            ("[256]", None),
            ("[-1]", None),
            ("[+1]", None),
            ("[01]", None),
            ("[1,]", None),
            ("[,]", None),
            ("1, 2", None),
            ("[0x1]", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|bytes| bytes.iter().copied().map(Val::U8).collect());
            assert_eq!(plain_bytes(text), expected, "{text}");
        }
    }
}
