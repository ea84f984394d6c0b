//! Data on its way into a core module and out of it.

use bytes::Bytes;

/// The data of one call of a core module that asks its host for its input.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) input: Bytes,
    /// The output, if the module has set one.
    pub(crate) output: Option<Vec<u8>>,
}
