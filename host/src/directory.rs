//! Directories of the host, walked through open descriptors: those that are granted to a part, and
//! those that this user alone can write to.

pub(crate) mod granted;
pub(crate) mod ownership;
pub(crate) mod private;
