//! The functions by which a core module gets its input from the host and gives its output to it.

use super::{caller::Caller, host_functions::HostFunctions, linear_memory::MemoryError};
use crate::store::exchange::Exchange;

/// An error of one of the three functions. The call of the module traps with it.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error("no input was given for this call")]
    NoExchange,
    #[error("the input is longer than 4 GiB")]
    InputTooLong,
    #[error("the output has {length} bytes, and at most {limit} are taken")]
    OutputTooLong { length: u32, limit: usize },
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl HostFunctions {
    /// Defines the three functions through which [`Instance::exchange`](crate::Instance::exchange) passes
    /// data, in place of functions of these names. The module imports them from `module`:
    ///
    /// | function | |
    /// |---|---|
    /// | `get_input_size: func() -> i32` | returns the length of the input in bytes |
    /// | `get_input: func(pointer: i32)` | writes the whole input into the module's `memory`, from `pointer` on |
    /// | `set_output: func(pointer: i32, length: i32)` | copies the output from there; a later call replaces it |
    ///
    /// Pointers and lengths are unsigned, and a range must be inside the memory as it is at that moment.
    /// The output has at most [`Limits::result`](crate::Limits::result) bytes. Otherwise, and in a call that
    /// is not an exchange, the function traps.
    pub fn exchange(self, module: &str) -> Self {
        self.typed(module, "get_input_size", |caller, ()| {
            let length = current(caller)?.input.len();
            u32::try_from(length).map_err(|_| ExchangeError::InputTooLong.into())
        })
        .typed(module, "get_input", |caller, (pointer,): (u32,)| {
            let input = current(caller)?.input.clone();
            Ok(caller.memory()?.write(pointer, &input)?)
        })
        .typed(
            module,
            "set_output",
            |caller, (pointer, length): (u32, u32)| {
                let limit = caller.0.data().limiter.limits().result;
                if length as usize > limit {
                    return Err(ExchangeError::OutputTooLong { length, limit }.into());
                }
                // The host never holds two outputs.
                current(caller)?.output = None;
                let output = caller.memory()?.read(pointer, length)?.to_vec();
                current(caller)?.output = Some(output);
                Ok(())
            },
        )
    }
}

/// The data of the call that is running.
fn current<'a>(caller: &'a mut Caller<'_>) -> Result<&'a mut Exchange, ExchangeError> {
    let exchange = &mut caller.0.data_mut().exchange;
    exchange.as_mut().ok_or(ExchangeError::NoExchange)
}
