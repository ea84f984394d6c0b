//! The function that is called, in its instance.

use super::error::{self, CallError};
use crate::{
    program::{exports::Function, handles::Handles},
    value::{Value, kind, of_core, parse},
    wasm::signature,
};
use wasmtime::{
    FuncType,
    component::{self, Type, types::ComponentFunc},
};

/// A function of an instance, and its type in the instance.
pub(crate) enum Callee {
    Component(component::Func, ComponentFunc),
    Core(wasmtime::Func, FuncType),
}

impl Callee {
    /// Refuses too few or too many arguments.
    pub(crate) fn expect_count(&self, function: &Function, given: usize) -> Result<(), CallError> {
        let expected = match self {
            Self::Component(_, ty) => ty.params().len(),
            Self::Core(_, ty) => ty.params().len(),
        };
        if given == expected {
            return Ok(());
        }
        Err(CallError::WrongCount {
            function: function.full_name(),
            expected,
            given,
            signature: function.signature.clone(),
        })
    }

    /// Refuses a function whose results have a type that [`Value`] cannot express.
    pub(crate) fn expect_results(
        &self,
        function: &Function,
        can_be_taken: impl Fn(&Type) -> bool,
    ) -> Result<(), CallError> {
        let refused = match self {
            Self::Component(_, ty) => {
                let refused = ty.results().find(|ty| !can_be_taken(ty));
                refused.map(|ty| signature::of_value(&ty))
            }
            Self::Core(_, ty) => {
                let refused = ty.results().find(wasmtime::ValType::is_ref);
                refused.map(|ty| ty.to_string())
            }
        };
        match refused {
            None => Ok(()),
            Some(result) => Err(CallError::UnsupportedResult {
                function: function.full_name(),
                result,
            }),
        }
    }

    /// Parses arguments in WAVE; a handle is written as it is shown, such as `$1`. The number of
    /// arguments has been checked.
    pub(crate) fn parse(
        &self,
        function: &Function,
        texts: &[String],
        handles: &Handles,
    ) -> Result<Vec<Value>, CallError> {
        let read = |text: &str, ty: &Type| match text.strip_prefix('$') {
            Some(number) => number
                .parse()
                .map(|number| Value::Resource(handles.numbered(number)))
                .map_err(|_| "a handle is `$` and a number".to_owned()),
            None => parse(ty, text),
        };
        let read_core = |text: &str, ty: &wasmtime::ValType| {
            let val: wasmtime::Val =
                wasm_wave::from_str(ty, text).map_err(|error| error.to_string())?;
            of_core(val).ok_or_else(|| "it is a reference".to_owned())
        };
        let values = texts.iter().enumerate().map(|(index, text)| {
            let (value, expected) = match self {
                Self::Component(_, ty) => {
                    let (_, ty) = ty.params().nth(index)?;
                    (read(text, &ty), signature::of_value(&ty))
                }
                Self::Core(_, ty) => {
                    let ty = ty.params().nth(index)?;
                    (read_core(text, &ty), ty.to_string())
                }
            };
            Some(value.map_err(|reason| CallError::WrongArgument {
                function: function.full_name(),
                position: index + 1,
                text: error::shown(text),
                expected,
                reason,
            }))
        });
        values.flatten().collect()
    }
}

/// `true` if [`Value`] can express values of this type.
pub(super) fn is_supported(ty: &Type) -> bool {
    kind::is_made_of(ty, &|ty| matches!(ty, Type::Own(_) | Type::Borrow(_)))
}
