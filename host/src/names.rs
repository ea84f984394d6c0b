//! Names that the component model and compositions use.

pub(crate) mod part;
