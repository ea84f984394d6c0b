//! The prober as a plug. It leaves the network out: a plug that imports it is refused.

use bindings::exports::test::probe::probe::Guest;

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../probe.wit", world: "plug" });
    use super::Component;
    export!(Component with_types_in self);
}

struct Component;

impl Guest for Component {
    fn probe() -> Vec<String> {
        prober::without_network()
    }

    fn exit() {
        prober::exit();
    }
}
