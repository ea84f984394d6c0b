//! A running instance of the logic of a room.

mod component;
mod module;

use super::{
    clients::ClientId,
    effects::{Action, Effects},
    logic::{Kind, Logic},
    message::{Close, Received},
    name::RoomName,
    saved::Saved,
    words,
};
use crate::{
    program::{
        InstantiateError, call::error::CallError, command::Outcome, hand_over::HandOverError,
        instance::Instance,
    },
    store::{allowance::Allowance, deadline::Deadline},
};
use bytes::Bytes;
use std::{fmt, sync::Arc};

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

/// The functions that the instance exports.
enum Functions {
    Component(component::Functions),
    Module(Box<module::Functions>),
}

/// The reason why an event has no effect. The instance cannot go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// The instance could not be made.
    NotStarted(Box<InstantiateError>),
    /// The logic refused the state.
    Refused(String),
    /// The call trapped, took too long, or exited.
    Ended(Outcome),
    /// The logic is a core module and broke the rules of its memory.
    HandOver(HandOverError),
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
            Self::Ended(Outcome::Exited(code)) => {
                write!(f, "the logic called `exit` with code {code}")
            }
            Self::Ended(Outcome::Trapped(trap)) => write!(f, "{trap}"),
            Self::Ended(Outcome::TimedOut(timed_out)) => write!(f, "{timed_out}"),
            Self::HandOver(error) => write!(f, "{}", words(error)),
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
        let functions = Functions::of(&mut instance, &logic)?;
        let mut running = Self {
            logic,
            instance,
            functions,
        };
        let deadline = running.begin(clients.clone())?;
        let instance = &mut running.instance;
        match &running.functions {
            Functions::Component(functions) => {
                functions.start(instance, deadline, room, saved).await?;
            }
            Functions::Module(functions) => {
                functions.start(instance, deadline, &clients, saved).await?;
            }
        }
        Ok(running)
    }

    /// A client connects. The result is the reason of the logic if it refuses the client.
    pub(super) async fn connected(
        &mut self,
        clients: Arc<[ClientId]>,
        client: ClientId,
        request: &Request,
    ) -> Result<Result<(), Close>, Failure> {
        let deadline = self.begin(clients)?;
        let instance = &mut self.instance;
        match &self.functions {
            Functions::Component(functions) => {
                functions
                    .connected(instance, deadline, client, request)
                    .await
            }
            Functions::Module(functions) => functions
                .connected(instance, deadline, client)
                .await
                .map(Ok),
        }
    }

    pub(super) async fn received(
        &mut self,
        clients: Arc<[ClientId]>,
        client: ClientId,
        message: Received<'_>,
    ) -> Result<(), Failure> {
        let deadline = self.begin(clients)?;
        let instance = &mut self.instance;
        match &self.functions {
            Functions::Component(functions) => {
                functions
                    .received(instance, deadline, client, message)
                    .await
            }
            Functions::Module(functions) => {
                functions
                    .received(instance, deadline, client, message.bytes())
                    .await
            }
        }
    }

    pub(super) async fn disconnected(
        &mut self,
        clients: Arc<[ClientId]>,
        client: ClientId,
    ) -> Result<(), Failure> {
        let deadline = self.begin(clients)?;
        let instance = &mut self.instance;
        match &self.functions {
            Functions::Component(functions) => {
                functions.disconnected(instance, deadline, client).await
            }
            Functions::Module(functions) => {
                functions.disconnected(instance, deadline, client).await
            }
        }
    }

    pub(super) async fn woke(&mut self, clients: Arc<[ClientId]>) -> Result<(), Failure> {
        let deadline = self.begin(clients)?;
        match &self.functions {
            Functions::Component(functions) => functions.woke(&mut self.instance, deadline).await,
            // The timer is that of a component before it.
            Functions::Module(_) => Ok(()),
        }
    }

    /// The version and the state. A core module gives no version.
    pub(super) async fn save(
        &mut self,
        clients: Arc<[ClientId]>,
    ) -> Result<(String, Bytes), Failure> {
        let deadline = self.begin(clients)?;
        let instance = &mut self.instance;
        match &self.functions {
            Functions::Component(functions) => functions.save(instance, deadline).await,
            Functions::Module(functions) => {
                let state = functions.save(instance, deadline).await?;
                Ok((String::new(), state))
            }
        }
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

    /// Begins an event, which has its own fuel. Returns its deadline.
    fn begin(&mut self, clients: Arc<[ClientId]>) -> Result<Option<Deadline>, Failure> {
        if self.instance.expect_whole().is_err() {
            let reason = "the call before was interrupted".to_owned();
            return Err(Failure::Wrong(reason));
        }
        if let Some(effects) = self.effects() {
            effects.clear();
            effects.clients = clients;
        }
        if let Some(fuel) = self.logic.plan.limits.fuel {
            // The engine counts fuel if there is a limit, so setting it cannot fail.
            let _ = self.instance.store.set_fuel(fuel);
        }
        Ok(self.instance.deadline_of_call())
    }
}

impl Functions {
    fn of(instance: &mut Instance, logic: &Logic) -> Result<Self, Failure> {
        match logic.kind {
            Kind::Component(places) => component::Functions::of(instance, places)
                .map(Self::Component)
                .map_err(|error| Failure::Wrong(format!("{error:#}"))),
            Kind::Module { .. } => Ok(Self::Module(Box::new(module::Functions::of(instance)?))),
        }
    }
}

impl From<HandOverError> for Failure {
    fn from(error: HandOverError) -> Self {
        match error {
            HandOverError::Call(CallError::Ended { outcome, .. }) => Self::Ended(outcome),
            error => Self::HandOver(error),
        }
    }
}
