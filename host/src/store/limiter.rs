//! Keeps one store within its allowance.

use crate::store::{
    allowance::Allowance,
    limits::{Growing, Limits, Refusal},
};
use std::collections::HashMap;
use wasmtime::{ResourceLimiter, component::ResourceTable};

/// The amounts that one store has drawn from its allowance. They are given back when the store is dropped.
#[derive(Debug)]
pub(crate) struct Limiter {
    allowance: Allowance,
    /// `true` if other stores may draw from the allowance too.
    is_shared: bool,
    drawn: [usize; Growing::ALL.len()],
    /// The bytes that are held for each open stream, by its handle.
    streams: HashMap<u32, usize>,
    last_refusal: Option<Refusal>,
}

/// The number of handles that a store draws at a time from a shared allowance.
const HANDLES_AT_A_TIME: usize = 32;

impl Limiter {
    /// The limiter of a store that has an allowance for itself.
    pub(crate) fn alone(limits: &Limits) -> Self {
        Self {
            allowance: Allowance::new(limits),
            is_shared: false,
            drawn: Default::default(),
            streams: HashMap::new(),
            last_refusal: None,
        }
    }

    /// The limiter of a store that shares an allowance.
    pub(crate) fn sharing(allowance: Allowance) -> Self {
        Self {
            allowance,
            is_shared: true,
            drawn: Default::default(),
            streams: HashMap::new(),
            last_refusal: None,
        }
    }

    /// The number of handles that the table of a new store may have.
    pub(crate) fn first_handles(&self) -> usize {
        match self.is_shared {
            true => 0,
            false => self.limits().handles,
        }
    }

    /// Makes room in the table for `count` more handles, if the allowance has them.
    ///
    /// The engine does not report the number of handles in a table, so this function pushes as many
    /// handles and removes them again. A table does not become smaller, so handles that are drawn for
    /// it stay drawn.
    pub(crate) fn make_room_for_handles(&mut self, table: &mut ResourceTable, count: usize) {
        if !self.is_shared {
            return;
        }
        let mut tried = Vec::with_capacity(count);
        while tried.len() < count {
            match table.push(()) {
                Ok(handle) => tried.push(handle),
                Err(_) => {
                    let left = self.allowance.left(Growing::Handles);
                    let more = left.min(HANDLES_AT_A_TIME);
                    if more == 0 || self.allowance.draw(Growing::Handles, more).is_err() {
                        break;
                    }
                    self.drawn[Growing::Handles.index()] += more;
                    table.set_max_capacity(table.max_capacity() + more);
                }
            }
        }
        for handle in tried {
            // The handle was pushed above, so it is in the table.
            let _ = table.delete(handle);
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.allowance.limits()
    }

    /// The last growth that was refused; usually the cause of a trap that follows.
    pub(crate) fn last_refusal(&self) -> Option<Refusal> {
        self.last_refusal
    }

    /// Draws the bytes of one more stream before it is opened. `false` if that is refused.
    pub(crate) fn reserve_stream(&mut self, bytes: usize) -> bool {
        self.draw(Growing::Streams, bytes)
    }

    /// Gives the bytes back if the stream could not be opened.
    pub(crate) fn unreserve_stream(&mut self, bytes: usize) {
        self.give_back(Growing::Streams, bytes);
    }

    /// Records that the stream for which these bytes were drawn is open.
    pub(crate) fn open_stream(&mut self, handle: u32, bytes: usize) {
        self.streams.insert(handle, bytes);
    }

    /// Gives back the bytes of a stream, if any were drawn for it.
    pub(crate) fn close_stream(&mut self, handle: u32) {
        if let Some(bytes) = self.streams.remove(&handle) {
            self.give_back(Growing::Streams, bytes);
        }
    }

    /// Counts handles that a call has returned and the instance keeps.
    pub(crate) fn keep_handles(&mut self, count: usize) -> Result<(), Refusal> {
        self.allowance.draw(Growing::Handles, count)?;
        self.drawn[Growing::Handles.index()] += count;
        Ok(())
    }

    /// Gives back handles that were counted.
    pub(crate) fn release_handles(&mut self, count: usize) {
        self.give_back(Growing::Handles, count);
    }

    fn grow(&mut self, what: Growing, from: usize, to: usize, maximum: Option<usize>) -> bool {
        // The engine refuses a growth beyond the maximum of the memory or table itself, so it must not
        // be counted.
        if maximum.is_some_and(|maximum| to > maximum) {
            return false;
        }
        // A growth that fails in the engine after this stays counted. The engine reports such failures,
        // but it also reports failures of growths for which it has never asked. If these were given
        // back, a guest could hold memory that is not counted.
        self.draw(what, to.saturating_sub(from))
    }

    fn draw(&mut self, what: Growing, amount: usize) -> bool {
        match self.allowance.draw(what, amount) {
            Ok(()) => {
                self.drawn[what.index()] += amount;
                true
            }
            Err(refusal) => {
                self.last_refusal = Some(refusal);
                false
            }
        }
    }

    fn give_back(&mut self, what: Growing, amount: usize) {
        let drawn = &mut self.drawn[what.index()];
        // A larger amount would be taken from the account of other stores.
        let amount = amount.min(*drawn);
        *drawn -= amount;
        self.allowance.give_back(what, amount);
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        for what in Growing::ALL {
            self.allowance.give_back(what, self.drawn[what.index()]);
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(Growing::Memory, current, desired, maximum))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(Growing::Tables, current, desired, maximum))
    }

    fn instances(&self) -> usize {
        self.limits().instances
    }

    fn tables(&self) -> usize {
        self.limits().instances
    }

    fn memories(&self) -> usize {
        self.limits().instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(memory: usize) -> Limiter {
        Limiter::alone(&Limits {
            memory,
            ..Limits::default()
        })
    }

    #[test]
    fn memories_share_one_budget() {
        let mut limiter = limiter(100);
        assert!(limiter.grow(Growing::Memory, 0, 60, None));
        assert!(limiter.grow(Growing::Memory, 0, 40, None));
        assert!(!limiter.grow(Growing::Memory, 60, 61, None));
        let refusal = Refusal {
            what: Growing::Memory,
            wanted: 101,
            limit: 100,
        };
        assert_eq!(limiter.last_refusal(), Some(refusal));
        assert!(limiter.grow(Growing::Tables, 0, 10, None));
    }

    #[test]
    fn what_a_stream_held_is_given_back_once_and_only_if_it_was_counted() {
        let mut limiter = Limiter::alone(&Limits {
            streams: 100,
            ..Limits::default()
        });
        assert!(limiter.reserve_stream(60));
        limiter.open_stream(7, 60);
        assert!(!limiter.reserve_stream(41));
        let refusal = Refusal {
            what: Growing::Streams,
            wanted: 101,
            limit: 100,
        };
        assert_eq!(limiter.last_refusal(), Some(refusal));
        limiter.close_stream(8);
        assert!(!limiter.reserve_stream(41));
        limiter.close_stream(7);
        limiter.close_stream(7);
        assert!(limiter.reserve_stream(100));
        limiter.unreserve_stream(100);
        assert!(limiter.reserve_stream(100));
    }

    #[test]
    fn a_growth_past_its_own_maximum_is_not_counted() {
        let mut limiter = limiter(100);
        assert!(!limiter.grow(Growing::Memory, 0, 90, Some(50)));
        assert!(limiter.grow(Growing::Memory, 0, 100, None));
        assert_eq!(limiter.last_refusal(), None);
    }

    #[test]
    fn more_than_was_drawn_is_not_given_back() {
        let allowance = Allowance::new(&Limits::default());
        let mut one = Limiter::sharing(allowance.clone());
        let mut other = Limiter::sharing(allowance.clone());
        one.keep_handles(2).expect("there is room");
        other.keep_handles(3).expect("there is room");
        one.release_handles(5);
        assert_eq!(allowance.used(Growing::Handles), 3);
    }

    #[test]
    fn what_a_limiter_has_drawn_is_given_back_when_it_is_dropped() {
        let allowance = Allowance::new(&Limits::default());
        let mut limiter = Limiter::sharing(allowance.clone());
        assert!(limiter.grow(Growing::Memory, 0, 60, None));
        assert!(limiter.grow(Growing::Memory, 60, 90, None));
        assert!(limiter.grow(Growing::Tables, 0, 5, None));
        assert!(limiter.reserve_stream(7));
        limiter.open_stream(1, 7);
        assert_eq!(Growing::ALL.map(|what| allowance.used(what)), [90, 5, 7, 0]);
        drop(limiter);
        assert_eq!(Growing::ALL.map(|what| allowance.used(what)), [0; 4]);
    }

    #[test]
    fn tables_of_two_stores_share_the_handles() {
        let allowance = Allowance::new(&Limits {
            handles: 40,
            ..Limits::default()
        });
        let fill = |limiter: &mut Limiter, table: &mut ResourceTable| {
            let handles = std::iter::from_fn(|| {
                limiter.make_room_for_handles(table, 2);
                table.push(()).ok()
            });
            handles.count()
        };
        let mut first = (Limiter::sharing(allowance.clone()), ResourceTable::new());
        let mut second = (Limiter::sharing(allowance.clone()), ResourceTable::new());
        first.1.set_max_capacity(first.0.first_handles());
        second.1.set_max_capacity(second.0.first_handles());
        first.0.make_room_for_handles(&mut first.1, 1);
        assert_eq!(fill(&mut second.0, &mut second.1), 8);
        assert_eq!(fill(&mut first.0, &mut first.1), 32);
        assert_eq!(allowance.used(Growing::Handles), 40);
        drop(first.0);
        assert_eq!(fill(&mut second.0, &mut second.1), 32);
        drop(second.0);
        assert_eq!(allowance.used(Growing::Handles), 0);
    }
}
