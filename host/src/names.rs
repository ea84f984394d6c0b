//! Names that the component model and compositions use.

pub(crate) mod external;
pub(crate) mod interface;
pub(crate) mod part;
pub(crate) mod wasi;
