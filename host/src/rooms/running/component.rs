//! The functions of logic that is a component.

use crate::{
    program::{instance::Instance, prepared::Entry},
    rooms::{
        interface::{GuestRefusal, GuestSaved, MessageToGuest, RequestToGuest, SavedToGuest},
        logic::Logic,
    },
};
use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};

/// The name of the room, and the state that was saved last.
type Start = (&'static str, Option<SavedToGuest<'static>>);

/// The functions of the instance, in the order of `EXPORTS`.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    pub(super) start: TypedFunc<Start, (Result<(), String>,)>,
    pub(super) connected: TypedFunc<(u64, RequestToGuest<'static>), (Result<(), GuestRefusal>,)>,
    pub(super) received: TypedFunc<(u64, MessageToGuest<'static>), ()>,
    pub(super) disconnected: TypedFunc<(u64,), ()>,
    pub(super) woke: TypedFunc<(), ()>,
    pub(super) save: TypedFunc<(), (GuestSaved,)>,
}

impl Functions {
    pub(super) fn of(instance: &mut Instance, logic: &Logic) -> wasmtime::Result<Self> {
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
