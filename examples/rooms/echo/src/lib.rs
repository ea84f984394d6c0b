//! The logic of a room that sends each message back to its sender.

// The linkers of other systems refuse the names of a component's exports.
#![cfg(target_family = "wasm")]

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "toolkit:rooms/room-logic@0.1.0" });
    use super::Echo;
    export!(Echo with_types_in self);
}

use bindings::{
    exports::toolkit::rooms::logic::{Guest, Refusal, Request, SavedState},
    toolkit::rooms::room::{self, Client, Message},
};

struct Echo;

impl Guest for Echo {
    fn start(_room: String, _saved: Option<SavedState>) -> Result<(), String> {
        Ok(())
    }

    fn connected(_client: Client, _request: Request) -> Result<(), Refusal> {
        Ok(())
    }

    fn received(client: Client, message: Message) {
        room::send(client, &message);
    }

    fn disconnected(_client: Client) {}

    fn woke() {}

    fn save() -> SavedState {
        SavedState {
            version: "echo 1".to_owned(),
            state: Vec::new(),
        }
    }
}
