//! The logic of a chat: everybody in the room sees what anybody says, and who is there. A client that joins sees the
//! last hundred messages.
//!
//! A client sends text. It receives JSON objects, one a message, which are the cases of `ToClient`.

// The linkers of other systems refuse the names of a component's exports.
#![cfg(target_family = "wasm")]

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "toolkit:rooms/room-logic@0.1.0" });
    use super::Logic;
    export!(Logic with_types_in self);
}

use bindings::{
    exports::toolkit::rooms::logic::{Guest, Refusal, Request, SavedState},
    toolkit::rooms::room::{self, Client, Message},
};
use serde::{Deserialize, Serialize};
use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
};

/// The version of the state. `chat-2` understands it.
const VERSION: &str = "chat 1";
/// The number of messages that a new client sees.
const HISTORY: usize = 100;
/// The longest name and the longest message, in bytes.
const LONGEST_NAME: usize = 32;
const LONGEST_TEXT: usize = 2000;

/// The state of the room.
#[derive(Default, Serialize, Deserialize)]
struct Chat {
    people: BTreeMap<Client, String>,
    history: VecDeque<Said>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Said {
    name: String,
    text: String,
}

/// What a client receives.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
enum ToClient<'a> {
    Welcome {
        name: &'a str,
        people: Vec<&'a str>,
        history: &'a VecDeque<Said>,
    },
    Joined {
        name: &'a str,
    },
    Left {
        name: &'a str,
    },
    Said(&'a Said),
}

thread_local! {
    static CHAT: RefCell<Chat> = RefCell::default();
}

struct Logic;

impl Guest for Logic {
    fn start(_room: String, saved: Option<SavedState>) -> Result<(), String> {
        let Some(saved) = saved else {
            return Ok(());
        };
        if saved.version != VERSION {
            return Err(format!(
                "the state is of `{}`, and this is `{VERSION}`",
                saved.version
            ));
        }
        let mut chat: Chat =
            serde_json::from_slice(&saved.state).map_err(|error| error.to_string())?;
        // Who has left since the state was saved is not there any more.
        let clients = room::clients();
        chat.people
            .retain(|client, _| clients.binary_search(client).is_ok());
        // Who has joined since is not known by name any more.
        for client in clients {
            chat.people.entry(client).or_insert_with(|| guest(client));
        }
        CHAT.set(chat);
        Ok(())
    }

    fn connected(client: Client, request: Request) -> Result<(), Refusal> {
        let name = name(&request, client)?;
        CHAT.with_borrow_mut(|chat| {
            broadcast(&ToClient::Joined { name: &name }, &[client]);
            chat.people.insert(client, name.clone());
            let welcome = ToClient::Welcome {
                name: &name,
                people: chat.people.values().map(String::as_str).collect(),
                history: &chat.history,
            };
            room::send(client, &message(&welcome));
        });
        Ok(())
    }

    fn received(client: Client, message: Message) {
        let Message::Text(text) = message else {
            room::disconnect(client, 1008, "a chat consists of text");
            return;
        };
        if text.len() > LONGEST_TEXT {
            room::disconnect(client, 1008, "the message is too long");
            return;
        }
        CHAT.with_borrow_mut(|chat| {
            let Some(name) = chat.people.get(&client).cloned() else {
                return;
            };
            let said = Said { name, text };
            broadcast(&ToClient::Said(&said), &[]);
            chat.history.push_back(said);
            if chat.history.len() > HISTORY {
                chat.history.pop_front();
            }
        });
    }

    fn disconnected(client: Client) {
        let left = CHAT.with_borrow_mut(|chat| chat.people.remove(&client));
        if let Some(name) = left {
            broadcast(&ToClient::Left { name: &name }, &[]);
        }
    }

    fn woke() {}

    fn save() -> SavedState {
        let state = CHAT.with_borrow(serde_json::to_vec);
        SavedState {
            version: VERSION.to_owned(),
            state: state.expect("texts and numbers are JSON"),
        }
    }
}

/// The name in `?name=…`, or one that is made up.
fn name(request: &Request, client: Client) -> Result<String, Refusal> {
    let query = request.query.as_deref().unwrap_or_default();
    let given = query.split('&').find_map(|pair| pair.strip_prefix("name="));
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Ok(guest(client));
    };
    let name = decoded(given).filter(|name| name.len() <= LONGEST_NAME);
    name.ok_or_else(|| Refusal {
        code: 1008,
        reason: format!("a name has at most {LONGEST_NAME} bytes of UTF-8"),
    })
}

fn guest(client: Client) -> String {
    format!("guest {client}")
}

/// `+` is a space, and `%` with two hexadecimal digits is a byte.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn message(content: &ToClient<'_>) -> Message {
    Message::Text(serde_json::to_string(content).expect("texts are JSON"))
}

fn broadcast(content: &ToClient<'_>, except: &[Client]) {
    room::broadcast(&message(content), except);
}
