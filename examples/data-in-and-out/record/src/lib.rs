//! Repeats a name: a WIT record in, a list of strings out.

// The linkers of other systems refuse the names of a component's exports.
#![cfg(target_family = "wasm")]

use bindings::exports::example::data::repeat::{Guest, Order};

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "repeater" });
    use super::Component;
    export!(Component with_types_in self);
}

struct Component;

impl Guest for Component {
    fn repeat(order: Order) -> Result<Vec<String>, String> {
        repeat::repeated(&order.name, order.number).map_err(|error| error.to_string())
    }
}
