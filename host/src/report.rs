//! Reports on a file, on a composition and on its grants, as data and as pictures.

pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod picture;
