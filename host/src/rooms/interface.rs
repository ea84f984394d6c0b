//! The interfaces of `wit/rooms.wit`: their types as the engine passes them, and the functions of `room`,
//! which the host provides.

use super::{
    effects::{Action, Effects},
    message::{Close, LONGEST_REASON, Message},
};
use crate::{
    host_interface::{
        HostInterface,
        import::Import,
        typed::{Signature, TypedFunction},
    },
    store::state::State,
    value::byte_list::ByteList,
};
use bytes::Bytes;
use std::sync::Arc;
use wasmtime::{
    StoreContextMut,
    component::{ComponentNamedList, ComponentType, Lift, LinkerInstance, Lower},
};

/// The interface that the host provides to logic.
pub(super) const ROOM: &str = "toolkit:rooms/room@0.1.0";
/// The interface that logic exports.
pub(super) const LOGIC: &str = "toolkit:rooms/logic@0.1.0";

/// The types of the functions that logic exports, by their structure.
pub(super) const EXPORTS: [(&str, &str); 6] = [
    (
        "start",
        "func(room: string, saved: option<record { version: string, state: list<u8> }>) -> result<_, string>",
    ),
    (
        "connected",
        "func(client: u64, request: record { path: string, query: option<string>, headers: list<tuple<string, string>> }) -> result<_, record { code: u16, reason: string }>",
    ),
    (
        "received",
        "func(client: u64, message: variant { text(string), binary(list<u8>) })",
    ),
    ("disconnected", "func(client: u64)"),
    ("woke", "func()"),
    (
        "save",
        "func() -> record { version: string, state: list<u8> }",
    ),
];

const MESSAGE: &str = "variant { text(string), binary(list<u8>) }";

/// `message`, as a guest passes it.
#[derive(Debug, ComponentType, Lift)]
#[component(variant)]
pub(super) enum GuestMessage {
    #[component(name = "text")]
    Text(String),
    #[component(name = "binary")]
    Binary(ByteList),
}

/// `message`, as it is passed to a guest.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(variant)]
pub(super) enum MessageToGuest<'a> {
    #[component(name = "text")]
    Text(&'a str),
    #[component(name = "binary")]
    Binary(&'a [u8]),
}

/// `request`
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(super) struct RequestToGuest<'a> {
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a [(String, String)],
}

/// `refusal`
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(super) struct GuestRefusal {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// `saved-state`, as a guest returns it.
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(super) struct GuestSaved {
    pub(super) version: String,
    pub(super) state: ByteList,
}

/// `saved-state`, as it is passed to a guest.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub(super) struct SavedToGuest<'a> {
    pub(super) version: &'a str,
    pub(super) state: &'a [u8],
}

impl From<GuestMessage> for Message {
    fn from(message: GuestMessage) -> Self {
        match message {
            GuestMessage::Text(text) => Self::Text(Bytes::from(text)),
            GuestMessage::Binary(ByteList(bytes)) => Self::Binary(bytes),
        }
    }
}

impl HostInterface {
    /// The interface `toolkit:rooms/room@0.1.0`, which the logic of rooms imports. It works in instances
    /// that [`Rooms`](crate::rooms::Rooms) makes, and traps in any other.
    pub fn room() -> Self {
        Function::ALL
            .into_iter()
            .fold(Self::new(ROOM.to_owned()), |interface, function| {
                interface.with_typed(function.name(), Arc::new(function))
            })
            .provider("the room")
    }
}

/// The functions of `room`.
#[derive(Debug, Clone, Copy)]
enum Function {
    Send,
    Broadcast,
    Disconnect,
    Clients,
    WakeAfter,
}

impl Function {
    const ALL: [Self; 5] = [
        Self::Send,
        Self::Broadcast,
        Self::Disconnect,
        Self::Clients,
        Self::WakeAfter,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Broadcast => "broadcast",
            Self::Disconnect => "disconnect",
            Self::Clients => "clients",
            Self::WakeAfter => "wake-after",
        }
    }
}

/// The reason for a trap.
type Fault = String;

impl TypedFunction for Function {
    fn signature(&self) -> Signature {
        let (parameters, result) = match self {
            Self::Send => (&["u64", MESSAGE][..], None),
            Self::Broadcast => (&[MESSAGE, "list<u64>"][..], None),
            Self::Disconnect => (&["u64", "u16", "string"][..], None),
            Self::Clients => (&[][..], Some("list<u64>")),
            Self::WakeAfter => (&["option<u32>"][..], None),
        };
        Signature {
            parameters: parameters.iter().map(ToString::to_string).collect(),
            result: result.map(ToOwned::to_owned),
        }
    }

    fn define(
        self: Arc<Self>,
        instance: &mut LinkerInstance<'_, State>,
        import: Import,
    ) -> wasmtime::Result<()> {
        match *self {
            Self::Send => wrap(
                instance,
                import,
                |effects, (to, message): (u64, GuestMessage)| {
                    let message = message.into();
                    add(effects, Action::Send { to, message })
                },
            ),
            Self::Broadcast => wrap(
                instance,
                import,
                |effects, (message, except): (GuestMessage, Vec<u64>)| {
                    let message = message.into();
                    add(effects, Action::Broadcast { message, except })
                },
            ),
            Self::Disconnect => wrap(
                instance,
                import,
                |effects, (client, code, reason): (u64, u16, String)| {
                    let close = of_logic(code, &reason)?;
                    add(effects, Action::Disconnect { client, close })
                },
            ),
            Self::Clients => wrap(instance, import, |effects, (): ()| {
                Ok((effects.clients.clone(),))
            }),
            Self::WakeAfter => wrap(instance, import, |effects, (after,): (Option<u32>,)| {
                effects.wake_after = Some(after);
                Ok(())
            }),
        }
    }
}

/// Defines a function with the effects of the event that calls it.
fn wrap<P, R>(
    instance: &mut LinkerInstance<'_, State>,
    import: Import,
    function: fn(&mut Effects, P) -> Result<R, Fault>,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + 'static,
    R: ComponentNamedList + Lower + 'static,
{
    let name = import.function.clone();
    instance.func_wrap(
        &name,
        move |mut store: StoreContextMut<'_, State>, arguments: P| {
            let effects = store.data_mut().attachment_mut::<Effects>();
            let effects = effects.ok_or_else(|| import.trap("there is no room".to_owned()))?;
            function(effects, arguments).map_err(|fault| import.trap(fault))
        },
    )
}

fn add(effects: &mut Effects, action: Action) -> Result<(), Fault> {
    effects.add(action).map_err(|error| error.to_string())
}

/// The close code and reason that logic gives.
pub(super) fn of_logic(code: u16, reason: &str) -> Result<Close, Fault> {
    Close::of_logic(code, reason).ok_or_else(|| {
        format!(
            "a client is disconnected with 1000, 1008, or a code from 3000 to 4999, and at most {LONGEST_REASON} bytes of a reason; the code is {code}, and the reason has {} bytes",
            reason.len()
        )
    })
}
