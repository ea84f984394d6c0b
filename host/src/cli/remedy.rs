//! Which flag helps against an error of the library, whose words carry facts alone.

use wit_host::{
    CodeCacheError, CodeCacheReached, ComposeError, IdleVirtualization, untrusted::Name,
};

/// What to do about an error, if a flag can help.
pub fn of(error: &anyhow::Error) -> Option<String> {
    if error.is::<CodeCacheError>() {
        return Some("or do without it by `--no-cache`".to_owned());
    }
    if error.is::<CodeCacheReached>() {
        return Some(
            "`:ro` behind it grants it to read only, and `WIT_HOST_CACHE=DIRECTORY` in every run keeps compiled code elsewhere"
                .to_owned(),
        );
    }
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
