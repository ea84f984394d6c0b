//! Calling libraries that panic on unsupported input.
//!
//! The libraries that parse, print, compose and generate were written for the output of their own
//! tools, and panic on some input that is valid but unusual. Here a stranger's file must at worst be
//! an error. The values that the library was working on are dropped, so no half-changed state
//! remains.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Calls another library and turns its panic into an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = text(panic.as_ref());
        Err(anyhow::anyhow!(
            "it uses something that is not supported here ({text})"
        ))
    })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = guarded::<()>(|| panic!("flags of {} bits", 65)).expect_err("it panics");
        assert!(error.to_string().contains("flags of 65 bits"));
        assert_eq!(guarded(|| Ok(1)).expect("it does not"), 1);
    }
}
