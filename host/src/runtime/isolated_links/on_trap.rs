//! The error that a caller gets for a call that failed in an isolated plug.

use crate::{compose::isolation::Isolation, value::case::Case};
use wasmtime::component::{Type, Val, types::ComponentFunc};

/// A case without a payload of the error of a function.
#[derive(Debug, Clone)]
pub(super) struct OnTrap {
    /// The position of the case, if the error is an enum that typed calls can pass.
    pub(super) case: Option<Case>,
    name: String,
    is_enum: bool,
}

/// E of a function that returns `result<_, E>`.
pub(super) fn error_type(function: &ComponentFunc) -> Option<Type> {
    match function.results().next()? {
        Type::Result(result) => result.err(),
        _ => None,
    }
}

/// The names of the cases of an error that have no payload.
pub(super) fn cases(error: &Type) -> Vec<String> {
    match error {
        Type::Enum(cases) => cases.names().map(str::to_owned).collect(),
        Type::Variant(variant) => {
            let plain = variant.cases().filter(|case| case.ty.is_none());
            plain.map(|case| case.name.to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

impl OnTrap {
    /// Finds the case in an error: the one of this name, or the default.
    pub(super) fn find(error: &Type, name: Option<&str>) -> Option<Self> {
        let name = name.unwrap_or(Isolation::RUNTIME_ERROR);
        if !cases(error).iter().any(|case| case == name) {
            return None;
        }
        let position = match error {
            Type::Enum(cases) => cases.names().position(|case| case == name),
            _ => None,
        };
        Some(Self {
            case: position.and_then(|at| u16::try_from(at).ok()).map(Case),
            name: name.to_owned(),
            is_enum: matches!(error, Type::Enum(_)),
        })
    }

    /// The result of the call, as the engine passes it dynamically.
    pub(super) fn to_val(&self) -> Val {
        let name = self.name.clone();
        let error = match self.is_enum {
            true => Val::Enum(name),
            false => Val::Variant(name, None),
        };
        Val::Result(Err(Some(Box::new(error))))
    }
}
