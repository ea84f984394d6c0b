//! Directories of the host, reached through open descriptors: directories that are granted to a part,
//! and directories that only this user can write to.

pub(crate) mod granted;
pub(crate) mod ownership;
pub(crate) mod private;
#[cfg(unix)]
mod walk;
