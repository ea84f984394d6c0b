//! The prober as a plug. It omits the network: the host refuses a plug that imports it.

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
