//! The logic of a room that counts what it receives, and fails when it is told to.
//!
//! Each text is an entry: everybody receives `NUMBER CLIENT TEXT`, with the numbers of the entries from 1. A text that is
//! one of these words is an order instead:
//!
//! | order | effect |
//! |---|---|
//! | `trap`, `loop`, `exit`, `fill` | the event fails |
//! | `trap-in-save` | the next `save` fails |
//! | `leave` | the client is disconnected with 3001 |
//! | `flood N` | the client receives N binary messages of 64 KiB |
//! | `wake` | `woke` is called after 20 ms, and everybody receives `woke` |
//! | `version` | the client receives the version |
//! | `clients` | the client receives the number of clients |
//!
//! A binary message is sent back. The variable `VERSION` is the version, and `START` is what `start` does: `refuse`, `trap` or
//! `loop`. A client with `?refuse` in its request is refused with 3002, and one with `?trap` makes `connected` trap.

// The linkers of other systems refuse the names of a component's exports.
#![cfg(target_family = "wasm")]

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../../wit", world: "toolkit:rooms/room-logic@0.1.0" });
    use super::Ledger;
    export!(Ledger with_types_in self);
}

use bindings::{
    exports::toolkit::rooms::logic::{Guest, Refusal, Request, SavedState},
    toolkit::rooms::room::{self, Client, Message},
};
use std::{cell::Cell, env, hint::black_box, process};

thread_local! {
    static ENTRIES: Cell<u64> = const { Cell::new(0) };
    static TRAPS_IN_SAVE: Cell<bool> = const { Cell::new(false) };
}

struct Ledger;

impl Guest for Ledger {
    fn start(_room: String, saved: Option<SavedState>) -> Result<(), String> {
        if let Some(saved) = saved {
            let entries = saved
                .state
                .try_into()
                .map_err(|_| "the state is no number")?;
            ENTRIES.set(u64::from_le_bytes(entries));
        }
        match env::var("START").as_deref() {
            Ok("refuse") => Err("it was told to refuse".to_owned()),
            Ok(order) => {
                fail(order);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    fn connected(_client: Client, request: Request) -> Result<(), Refusal> {
        match request.query.as_deref() {
            Some("refuse") => Err(Refusal {
                code: 3002,
                reason: "it was told to refuse".to_owned(),
            }),
            Some(order) => {
                fail(order);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn received(client: Client, message: Message) {
        let Message::Text(text) = message else {
            room::send(client, &message);
            return;
        };
        let answer = |text: String| room::send(client, &Message::Text(text));
        fail(&text);
        match text.as_str() {
            "trap-in-save" => TRAPS_IN_SAVE.set(true),
            "leave" => room::disconnect(client, 3001, "it asked to leave"),
            "wake" => room::wake_after(Some(20)),
            "version" => answer(version()),
            "clients" => answer(room::clients().len().to_string()),
            order => match order.strip_prefix("flood ") {
                Some(count) => {
                    for _ in 0..count.parse().unwrap_or(0) {
                        room::send(client, &Message::Binary(vec![0; 64 << 10]));
                    }
                }
                None => {
                    let number = ENTRIES.get() + 1;
                    ENTRIES.set(number);
                    everybody(format!("{number} {client} {text}"));
                }
            },
        }
    }

    fn disconnected(_client: Client) {}

    fn woke() {
        everybody("woke".to_owned());
    }

    fn save() -> SavedState {
        if TRAPS_IN_SAVE.get() {
            fail("trap");
        }
        SavedState {
            version: version(),
            state: ENTRIES.get().to_le_bytes().to_vec(),
        }
    }
}

fn everybody(text: String) {
    room::broadcast(&Message::Text(text), &[]);
}

fn version() -> String {
    env::var("VERSION").unwrap_or_else(|_| "1".to_owned())
}

/// Fails in this way, if it is one.
fn fail(order: &str) {
    match order {
        "trap" => process::abort(),
        "exit" => process::exit(0),
        "loop" => loop {
            black_box(());
        },
        "fill" => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(vec![1_u8; 1 << 20]);
                black_box(&blocks);
            }
        }
        _ => {}
    }
}
