//! A running instance of the logic of a room.

use super::{
    clients::ClientId,
    effects::{Action, Effects},
    interface::{GuestRefusal, GuestSaved, MessageToGuest, RequestToGuest, SavedToGuest, of_logic},
    logic::Logic,
    message::{Close, Received},
    name::RoomName,
    saved::Saved,
    words,
};
use crate::{
    ending::Ended,
    program::{InstantiateError, instance::Instance, prepared::Entry},
    store::{allowance::Allowance, deadline::within},
    value::byte_list::ByteList,
};
use bytes::Bytes;
use std::{fmt, sync::Arc};
use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};

/// A request of a client, as logic gets it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request {
    /// The path of the URL, as it was sent.
    pub path: String,
    /// The part of the URL after `?`, as it was sent.
    pub query: Option<String>,
    /// The headers in their order, with lowercase names.
    pub headers: Vec<(String, String)>,
}

/// A running instance of the logic of a room.
pub(super) struct Running {
    pub(super) logic: Arc<Logic>,
    instance: Instance,
    functions: Functions,
}

/// The name of the room, and the state that was saved last.
type Start = (&'static str, Option<SavedToGuest<'static>>);

/// The functions of the instance, in the order of `EXPORTS`.
#[derive(Clone, Copy)]
struct Functions {
    start: TypedFunc<Start, (Result<(), String>,)>,
    connected: TypedFunc<(u64, RequestToGuest<'static>), (Result<(), GuestRefusal>,)>,
    received: TypedFunc<(u64, MessageToGuest<'static>), ()>,
    disconnected: TypedFunc<(u64,), ()>,
    woke: TypedFunc<(), ()>,
    save: TypedFunc<(), (GuestSaved,)>,
}

/// The reason why an event has no effect. The instance cannot go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// The instance could not be made.
    NotStarted(Box<InstantiateError>),
    /// The logic refused the state.
    Refused(String),
    /// The call trapped, took too long, or exited.
    Ended(Ended),
    /// The logic gave a wrong answer.
    Wrong(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "{}", words(&**error)),
            Self::Refused(reason) => {
                write!(
                    f,
                    "the logic refused the state: {}",
                    crate::untrusted::Name(reason)
                )
            }
            Self::Ended(Ended::Exited(code)) => {
                write!(f, "the logic called `exit` with code {code}")
            }
            Self::Ended(Ended::Trapped(trap)) => write!(f, "{trap}"),
            Self::Ended(Ended::TimedOut(timed_out)) => write!(f, "{timed_out}"),
            Self::Wrong(reason) => write!(f, "{reason}"),
        }
    }
}

impl Running {
    /// Makes an instance and starts it with the state that was saved last.
    pub(super) async fn start(
        logic: Arc<Logic>,
        room: &RoomName,
        clients: Arc<[ClientId]>,
        saved: Option<&Saved>,
    ) -> Result<Self, Failure> {
        let allowance = Allowance::new(&logic.plan.limits);
        let sandboxes = &logic.plan.sandboxes;
        let instance = logic
            .program
            .instantiate_with(sandboxes, &allowance, None, &logic.plugs);
        let not_started = |error| Failure::NotStarted(Box::new(error));
        let mut instance = instance.await.map_err(not_started)?;
        instance.store.data_mut().attach(Effects::default());
        let functions = Functions::of(&mut instance, &logic)
            .map_err(|error| Failure::Wrong(format!("{error:#}")))?;
        let mut running = Self {
            logic,
            instance,
            functions,
        };
        let saved = saved.map(|saved| SavedToGuest {
            version: &saved.version,
            state: &saved.state,
        });
        let start = running.functions.start;
        let (started,) = running.call(clients, start, (room.as_str(), saved)).await?;
        started.map_err(Failure::Refused)?;
        Ok(running)
    }

    /// A client connects. The result is the reason of the logic if it refuses the client.
    pub(super) async fn connected(
        &mut self,
        clients: Arc<[ClientId]>,
        client: ClientId,
        request: &Request,
    ) -> Result<Result<(), Close>, Failure> {
        let request = RequestToGuest {
            path: &request.path,
            query: request.query.as_deref(),
            headers: &request.headers,
        };
        let connected = self.functions.connected;
        let (answer,) = self.call(clients, connected, (client, request)).await?;
        match answer {
            Ok(()) => Ok(Ok(())),
            Err(GuestRefusal { code, reason }) => {
                let close = of_logic(code, &reason).map_err(Failure::Wrong)?;
                Ok(Err(close))
            }
        }
    }

    pub(super) async fn received(
        &mut self,
        clients: Arc<[ClientId]>,
        client: ClientId,
        message: Received<'_>,
    ) -> Result<(), Failure> {
        let message = match message {
            Received::Text(text) => MessageToGuest::Text(text),
            Received::Binary(bytes) => MessageToGuest::Binary(bytes),
        };
        let received = self.functions.received;
        self.call(clients, received, (client, message)).await
    }

    pub(super) async fn disconnected(
        &mut self,
        clients: Arc<[ClientId]>,
        client: ClientId,
    ) -> Result<(), Failure> {
        let disconnected = self.functions.disconnected;
        self.call(clients, disconnected, (client,)).await
    }

    pub(super) async fn woke(&mut self, clients: Arc<[ClientId]>) -> Result<(), Failure> {
        let woke = self.functions.woke;
        self.call(clients, woke, ()).await
    }

    /// The version and the state.
    pub(super) async fn save(
        &mut self,
        clients: Arc<[ClientId]>,
    ) -> Result<(String, Bytes), Failure> {
        let save = self.functions.save;
        let (saved,) = self.call(clients, save, ()).await?;
        let GuestSaved {
            version,
            state: ByteList(state),
        } = saved;
        Ok((version, state))
    }

    /// The effects of the last event.
    pub(super) fn take_effects(&mut self) -> (Vec<Action>, Option<Option<u32>>) {
        match self.effects() {
            None => (Vec::new(), None),
            Some(effects) => (effects.take(), effects.wake_after.take()),
        }
    }

    fn effects(&mut self) -> Option<&mut Effects> {
        self.instance.store.data_mut().attachment_mut()
    }

    /// Calls a function, as one event with its own time and its own fuel.
    async fn call<P, R>(
        &mut self,
        clients: Arc<[ClientId]>,
        function: TypedFunc<P, R>,
        arguments: P,
    ) -> Result<R, Failure>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        if self.instance.expect_whole().is_err() {
            let reason = "the call before was interrupted".to_owned();
            return Err(Failure::Wrong(reason));
        }
        if let Some(effects) = self.effects() {
            effects.clear();
            effects.clients = clients;
        }
        let deadline = self.instance.begin();
        if let Some(fuel) = self.logic.plan.limits.fuel {
            // The engine counts fuel if there is a limit, so setting it cannot fail.
            let _ = self.instance.store.set_fuel(fuel);
        }
        let running = function.call_async(&mut self.instance.store, arguments);
        let result = within(deadline, running).await;
        self.instance.end(result, deadline).map_err(Failure::Ended)
    }
}

impl Functions {
    fn of(instance: &mut Instance, logic: &Logic) -> wasmtime::Result<Self> {
        let [start, connected, received, disconnected, woke, save] = logic.functions;
        Ok(Self {
            start: typed(instance, start)?,
            connected: typed(instance, connected)?,
            received: typed(instance, received)?,
            disconnected: typed(instance, disconnected)?,
            woke: typed(instance, woke)?,
            save: typed(instance, save)?,
        })
    }
}

/// The function at this position of the exports, whose type was checked when the logic was loaded.
fn typed<P, R>(instance: &mut Instance, index: usize) -> wasmtime::Result<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let place = instance.program.exports().place(index).index;
    let Entry::Component(entry) = &instance.entry else {
        return Err(wasmtime::Error::msg("the logic is a component"));
    };
    place
        .and_then(|place| entry.get_func(&mut instance.store, place))
        .ok_or_else(|| wasmtime::Error::msg("the logic exports the function"))?
        .typed(&instance.store)
}
