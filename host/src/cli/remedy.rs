//! Which flag helps against an error of the library, whose words carry facts alone.

use wit_host::{ComposeError, IdleVirtualization, untrusted::Name};

/// What to do about an error, if a flag can help.
pub fn of(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref()? {
        ComposeError::Interposed { plug, import, .. } => Some(format!(
            "allow it with `--virtualize {plug}={}`, or use a build of `{plug}` that does not export it",
            Name(import)
        )),
        ComposeError::IdleVirtualization {
            plug,
            interface,
            why: IdleVirtualization::NotOfTheHost,
        } => Some(format!(
            "leave out `--virtualize {plug}={}`",
            Name(interface)
        )),
        _ => None,
    }
}
