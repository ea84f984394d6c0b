//! Reports: of a file, of a composition and its grants, and as pictures.

pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod picture;
