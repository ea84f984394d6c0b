//! A running instance of the logic of a room.

mod component;

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
    program::{InstantiateError, instance::Instance},
    store::{allowance::Allowance, deadline::within},
    value::byte_list::ByteList,
};
use bytes::Bytes;
use component::Functions;
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
