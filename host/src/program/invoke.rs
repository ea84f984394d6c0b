//! Calling single functions, with arguments in WAVE, the text form of component values.

mod syntax;

pub use syntax::{Call, CallSyntaxError};

use crate::{
    program::{call::CallError, instance::Instance},
    value::{Value, kind},
};
use wasmtime::component::Type;

impl Instance {
    /// Calls one function with arguments in WAVE, otherwise like [`call`](Self::call). A later call can
    /// pass a handle in the result by the name that is shown for it, such as `$1`. Several results of a
    /// core module are a [`Value::Tuple`].
    pub async fn invoke(&mut self, call: &Call) -> Result<Option<Value>, CallError> {
        let program = self.program.clone();
        let index = program.exports().find(call.name())?;
        let function = program.exports().function(index);
        let callee = self.callee(index)?;
        callee.expect_results(function, can_be_written)?;
        callee.expect_count(function, call.arguments().len())?;
        let arguments = callee.parse(function, call.arguments(), &self.handles)?;
        let mut results = self.call_callee(index, callee, arguments).await?;
        Ok(match results.len() {
            0 | 1 => results.pop(),
            _ => Some(Value::Tuple(results)),
        })
    }
}

/// `true` if values of this type can be written in WAVE: a handle alone, or a value without handles.
fn can_be_written(ty: &Type) -> bool {
    matches!(ty, Type::Own(_) | Type::Borrow(_)) || kind::is_value(ty)
}
