//! Data that a core module asks its host for.

use super::{HandOverError, Lookup};
use crate::{
    program::{call::CallError, instance::Instance},
    store::{deadline::within, exchange::Exchange},
};
use bytes::Bytes;

impl Instance {
    /// Calls a function of a core module, which gets its input from the host and gives its output to it
    /// by the functions that [`HostFunctions::exchange`](crate::HostFunctions::exchange) defines. The function has
    /// no parameters and no results. Returns the output.
    ///
    /// The input is copied once, into memory that the module names, and the output once, out of it. Each
    /// side frees its own memory and nothing else.
    ///
    /// # Errors
    ///
    /// A pointer or length with which the module names no range of its memory is a trap of the call
    /// ([`CallError::Ended`]). [`HandOverError`] has the others.
    pub async fn exchange(
        &mut self,
        function: &str,
        input: impl Into<Bytes>,
    ) -> Result<Vec<u8>, HandOverError> {
        let mut exports = Lookup::of(self)?;
        let Some(called) = exports.function::<(), ()>(function, &["func()"]) else {
            return Err(exports.missing());
        };
        let deadline = self.begin();
        self.store.data_mut().exchange = Some(Exchange {
            input: input.into(),
            output: None,
        });
        let returned = within(deadline, called.call_async(&mut self.store, ())).await;
        let exchange = self.store.data_mut().exchange.take();
        self.end(returned, deadline)
            .map_err(|ended| CallError::ended(function.to_owned(), ended))?;
        let output = exchange.and_then(|exchange| exchange.output);
        output.ok_or_else(|| HandOverError::NoOutput {
            function: function.to_owned(),
        })
    }
}
