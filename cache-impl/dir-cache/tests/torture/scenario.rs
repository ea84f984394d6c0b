//! The operations during which a fault occurs.

use dir_cache::{Clock, Directory, Error, MaxBytes, Store};

/// One operation on one key, and the values stored under it before and after.
pub struct Scenario {
    pub name: &'static str,
    pub before: Option<usize>,
    pub action: Action,
    pub is_bounded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Set(usize),
    SetToExpire(usize),
    SetToNothing,
    Get,
    Delete,
}

pub const KEY: &str = "key";

const SMALL: usize = 100;
/// A length that takes more than one call to write and to read.
const LARGE: usize = 33_000;

pub const SCENARIOS: &[Scenario] = &[
    scenario("a first set", None, Action::Set(SMALL)),
    scenario("a first set of a large value", None, Action::Set(LARGE)),
    scenario("a set", Some(SMALL + 1), Action::Set(SMALL)),
    scenario(
        "a set that expires",
        Some(SMALL + 1),
        Action::SetToExpire(SMALL),
    ),
    scenario("a set of a large value", Some(SMALL), Action::Set(LARGE)),
    scenario("a set over a large value", Some(LARGE), Action::Set(SMALL)),
    scenario("a set to nothing", Some(SMALL), Action::SetToNothing),
    scenario("a get of nothing", None, Action::Get),
    scenario("a get", Some(SMALL), Action::Get),
    scenario("a get of a large value", Some(LARGE), Action::Get),
    scenario("a delete of nothing", None, Action::Delete),
    scenario("a delete", Some(SMALL), Action::Delete),
    scenario("a delete of a large value", Some(LARGE), Action::Delete),
    bounded("a first set within a bound", None, Action::Set(SMALL)),
    bounded("a set within a bound", Some(SMALL + 1), Action::Set(SMALL)),
    bounded(
        "a set of a large value within a bound",
        Some(SMALL),
        Action::Set(LARGE),
    ),
];

/// Ten blocks, so that each `set` makes room, and a large value takes nine of them.
const BOUND: u64 = 10 * 4096;

const fn scenario(name: &'static str, before: Option<usize>, action: Action) -> Scenario {
    Scenario {
        name,
        before,
        action,
        is_bounded: false,
    }
}

const fn bounded(name: &'static str, before: Option<usize>, action: Action) -> Scenario {
    Scenario {
        is_bounded: true,
        ..scenario(name, before, action)
    }
}

impl Scenario {
    /// Stores the value before the operation.
    pub fn prepare<D: Directory, C: Clock>(&self, store: &Store<D, C>) {
        if self.is_bounded {
            for number in 0..5 {
                let key = format!("other {number}");
                store.set(&key, &value(SMALL), None).expect("a set");
            }
        }
        if let Some(len) = self.before {
            store.set(KEY, &value(len), None).expect("a set");
        }
    }

    pub fn limit<D: Directory, C: Clock>(&self, store: Store<D, C>) -> Store<D, C> {
        if self.is_bounded {
            store.bounded(MaxBytes::new(BOUND).expect("a bound"))
        } else {
            store
        }
    }

    pub fn act<D: Directory, C: Clock>(&self, store: &Store<D, C>) -> Result<(), Error> {
        match self.action {
            Action::Set(len) => store.set(KEY, &value(len), None),
            Action::SetToExpire(len) => store.set(KEY, &value(len), Some(1)),
            Action::SetToNothing => store.set(KEY, &value(SMALL), Some(0)),
            Action::Get => store.get(KEY).map(drop),
            Action::Delete => store.delete(KEY),
        }
    }

    /// The value before the operation.
    pub fn value_before(&self) -> Option<Vec<u8>> {
        self.before.map(value)
    }

    /// The value after the operation, if no fault occurs.
    pub fn value_after(&self) -> Option<Vec<u8>> {
        match self.action {
            Action::Set(len) | Action::SetToExpire(len) => Some(value(len)),
            Action::SetToNothing | Action::Delete => None,
            Action::Get => self.value_before(),
        }
    }
}

/// A different value for each length.
pub fn value(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8 ^ len) as u8).collect()
}
