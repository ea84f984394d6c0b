//! The logic of a room that sends text back to its sender, and passes bytes on to everybody.
//!
//! To the text `pause` it answers how long its room was stopped when it was replaced.

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "toolkit:rooms/room-logic@0.1.0" });
    use super::Relay;
    export!(Relay with_types_in self);
}

use bindings::{
    exports::toolkit::rooms::logic::{Guest, Refusal, Request, SavedState},
    toolkit::rooms::room::{self, Client, Message},
};
use std::{
    cell::Cell,
    time::{SystemTime, UNIX_EPOCH},
};

/// The size of a state.
const STATE: usize = 1024;

thread_local! {
    /// The nanoseconds from the beginning of `save` in the instance before this one to the end of `start` in this one.
    static PAUSE: Cell<u64> = const { Cell::new(0) };
}

struct Relay;

impl Guest for Relay {
    fn start(_room: String, saved: Option<SavedState>) -> Result<(), String> {
        if let Some(saved) = saved {
            let (stopped, _) = saved
                .state
                .split_first_chunk()
                .ok_or("the state is short")?;
            PAUSE.set(now().saturating_sub(u64::from_le_bytes(*stopped)));
        }
        Ok(())
    }

    fn connected(_client: Client, _request: Request) -> Result<(), Refusal> {
        Ok(())
    }

    fn received(client: Client, message: Message) {
        match message {
            Message::Text(text) if text == "pause" => {
                room::send(client, &Message::Text(PAUSE.get().to_string()));
            }
            Message::Text(_) => room::send(client, &message),
            Message::Binary(_) => room::broadcast(&message, &[]),
        }
    }

    fn disconnected(_client: Client) {}

    fn woke() {}

    fn save() -> SavedState {
        let mut state = now().to_le_bytes().to_vec();
        state.resize(STATE, 0);
        SavedState {
            version: "relay 1".to_owned(),
            state,
        }
    }
}

/// Nanoseconds of the clock of the host, which all instances share.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos() as u64)
}
