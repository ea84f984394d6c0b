//! A store: what it holds, what it may use, calls into it, and how they end.

pub(crate) mod call;
pub(crate) mod limits;
pub(crate) mod state;
pub(crate) mod ticker;
pub(crate) mod trap;
