//! Libraries that panic on what they do not support.
//!
//! The ones that parse, print, compose and generate were written for input that their own tools
//! make, and end with a panic on some that is valid and unusual. Here a stranger's file is an
//! error at worst. What they were working on is dropped, so nothing half-done is left behind.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Does work of another library; its panic is an error.
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
        .unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let error = guarded::<()>(|| panic!("flags of {} bits", 65)).expect_err("it panics");
        assert!(error.to_string().contains("flags of 65 bits"));
        assert_eq!(guarded(|| Ok(1)).expect("it does not"), 1);
    }
}
