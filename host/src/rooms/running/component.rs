//! The calls of logic that is a component.

use super::{Failure, Request};
use crate::{
    program::{instance::Instance, prepared::Entry},
    rooms::{
        clients::ClientId,
        interface::{
            EXPORTS, GuestRefusal, GuestSaved, MessageToGuest, RequestToGuest, SavedToGuest,
            of_logic,
        },
        message::{Close, Received},
        name::RoomName,
        saved::Saved,
    },
    store::deadline::{Deadline, within},
    value::byte_list::ByteList,
};
use bytes::Bytes;
use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};

/// The name of the room, and the state that was saved last.
type Start = (&'static str, Option<SavedToGuest<'static>>);

/// The functions that the instance exports, in the order of `EXPORTS`.
pub(super) struct Functions {
    start: TypedFunc<Start, (Result<(), String>,)>,
    connected: TypedFunc<(u64, RequestToGuest<'static>), (Result<(), GuestRefusal>,)>,
    received: TypedFunc<(u64, MessageToGuest<'static>), ()>,
    disconnected: TypedFunc<(u64,), ()>,
    woke: TypedFunc<(), ()>,
    save: TypedFunc<(), (GuestSaved,)>,
}

impl Functions {
    /// Finds the functions at these positions of the exports.
    pub(super) fn of(
        instance: &mut Instance,
        [start, connected, received, disconnected, woke, save]: [usize; EXPORTS.len()],
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            start: typed(instance, start)?,
            connected: typed(instance, connected)?,
            received: typed(instance, received)?,
            disconnected: typed(instance, disconnected)?,
            woke: typed(instance, woke)?,
            save: typed(instance, save)?,
        })
    }

    pub(super) async fn start(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        room: &RoomName,
        saved: Option<&Saved>,
    ) -> Result<(), Failure> {
        let saved = saved.map(|saved| SavedToGuest {
            version: &saved.version,
            state: &saved.state,
        });
        let arguments = (room.as_str(), saved);
        let (started,) = call(instance, deadline, self.start, arguments).await?;
        started.map_err(Failure::Refused)
    }

    pub(super) async fn connected(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        client: ClientId,
        request: &Request,
    ) -> Result<Result<(), Close>, Failure> {
        let request = RequestToGuest {
            path: &request.path,
            query: request.query.as_deref(),
            headers: &request.headers,
        };
        let (answer,) = call(instance, deadline, self.connected, (client, request)).await?;
        match answer {
            Ok(()) => Ok(Ok(())),
            Err(GuestRefusal { code, reason }) => {
                let close = of_logic(code, &reason).map_err(Failure::Wrong)?;
                Ok(Err(close))
            }
        }
    }

    pub(super) async fn received(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        client: ClientId,
        message: Received<'_>,
    ) -> Result<(), Failure> {
        let message = match message {
            Received::Text(text) => MessageToGuest::Text(text),
            Received::Binary(bytes) => MessageToGuest::Binary(bytes),
        };
        call(instance, deadline, self.received, (client, message)).await
    }

    pub(super) async fn disconnected(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
        client: ClientId,
    ) -> Result<(), Failure> {
        call(instance, deadline, self.disconnected, (client,)).await
    }

    pub(super) async fn woke(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
    ) -> Result<(), Failure> {
        call(instance, deadline, self.woke, ()).await
    }

    /// The version and the state.
    pub(super) async fn save(
        &self,
        instance: &mut Instance,
        deadline: Option<Deadline>,
    ) -> Result<(String, Bytes), Failure> {
        let (saved,) = call(instance, deadline, self.save, ()).await?;
        let GuestSaved {
            version,
            state: ByteList(state),
        } = saved;
        Ok((version, state))
    }
}

/// Calls a function, until the deadline.
async fn call<P, R>(
    instance: &mut Instance,
    deadline: Option<Deadline>,
    function: TypedFunc<P, R>,
    arguments: P,
) -> Result<R, Failure>
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    instance.begin_until(deadline);
    let running = function.call_async(&mut instance.store, arguments);
    let result = within(deadline, running).await;
    let returned = instance.end(result, deadline);
    returned.map_err(|ended| Failure::Ended(ended.into()))
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
