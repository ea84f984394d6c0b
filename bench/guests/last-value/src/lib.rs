//! A cache of one value, in memory: it measures the cost of a call.

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "provider" });
    use super::LastValue;
    export!(LastValue with_types_in self);
}

use bindings::exports::toolkit::cache::cache::{Error, Guest};
use std::cell::RefCell;

thread_local! {
    static LAST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct LastValue;

impl Guest for LastValue {
    fn set(_: String, value: Vec<u8>, _: Option<u32>) -> Result<(), Error> {
        LAST.set(value);
        Ok(())
    }

    fn get(_: String) -> Result<Vec<u8>, Error> {
        Ok(LAST.with_borrow(Vec::clone))
    }

    fn delete(_: String) -> Result<(), Error> {
        LAST.take();
        Ok(())
    }
}
