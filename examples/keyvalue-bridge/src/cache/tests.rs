//! The operations on a bucket in memory, which can fail and be tampered with.

use super::*;
use dir_cache::key::MAX_KEY_LEN;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

/// A bucket and a clock that a test shares with the cache.
#[derive(Default, Clone)]
struct World(Rc<State>);

#[derive(Default)]
struct State {
    values: RefCell<HashMap<String, Vec<u8>>>,
    seconds: Cell<u64>,
    fails: Cell<bool>,
}

/// The failure of the bucket.
#[derive(Debug, PartialEq, Eq)]
struct Failure;

impl Bucket for World {
    type Error = Failure;

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.call()?;
        Ok(self.0.values.borrow().get(name).cloned())
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), Failure> {
        self.call()?;
        let mut values = self.0.values.borrow_mut();
        values.insert(name.into(), value.into());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), Failure> {
        self.call()?;
        self.0.values.borrow_mut().remove(name);
        Ok(())
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_parts(self.0.seconds.get(), 0)
    }
}

impl World {
    fn call(&self) -> Result<(), Failure> {
        if self.0.fails.get() {
            Err(Failure)
        } else {
            Ok(())
        }
    }

    fn cache(&self) -> Cache<Self, Self> {
        Cache::new(self.clone(), self.clone())
    }

    fn len(&self) -> usize {
        self.0.values.borrow().len()
    }

    fn tamper(&self, change: impl Fn(&mut Vec<u8>)) {
        self.0.values.borrow_mut().values_mut().for_each(change);
    }
}

fn world() -> (World, Cache<World, World>) {
    let world = World::default();
    world.0.seconds.set(1_000);
    let cache = world.cache();
    (world, cache)
}

#[test]
fn an_entry_is_set_read_replaced_and_deleted() {
    let (world, cache) = world();
    assert_eq!(cache.get("key"), Err(Error::NotFound));
    assert_eq!(cache.set("key", b"old", None), Ok(()));
    assert_eq!(cache.set("key", b"new", None), Ok(()));
    assert_eq!(cache.get("key"), Ok(b"new".to_vec()));
    assert_eq!(cache.get("Key"), Err(Error::NotFound));
    assert_eq!(cache.delete("key"), Ok(()));
    assert_eq!(cache.delete("key"), Err(Error::NotFound));
    assert_eq!(world.len(), 0);
}

#[test]
fn an_entry_expires_after_its_ttl() {
    let (world, cache) = world();
    for ttl in [Some(1), Some(u32::MAX), None] {
        let lifetime = ttl.map_or(u64::from(u32::MAX) * 2, u64::from);
        world.0.seconds.set(1_000);
        assert_eq!(cache.set("key", b"value", ttl), Ok(()));
        world.0.seconds.set(1_000 + lifetime - 1);
        assert_eq!(cache.get("key"), Ok(b"value".to_vec()), "{ttl:?}");
        world.0.seconds.set(1_000 + lifetime);
        assert_eq!(cache.get("key").is_ok(), ttl.is_none(), "{ttl:?}");
    }
}

#[test]
fn an_expired_entry_is_not_deleted_but_removed() {
    let (world, cache) = world();
    for read in [true, false] {
        world.0.seconds.set(1_000);
        assert_eq!(cache.set("key", b"value", Some(1)), Ok(()));
        world.0.seconds.set(1_001);
        if read {
            assert_eq!(cache.get("key"), Err(Error::NotFound));
        } else {
            assert_eq!(cache.delete("key"), Err(Error::NotFound));
        }
        assert_eq!(world.len(), 0);
    }
}

#[test]
fn a_ttl_of_zero_removes_the_entry() {
    let (world, cache) = world();
    assert_eq!(cache.set("key", b"old", None), Ok(()));
    assert_eq!(cache.set("key", b"new", Some(0)), Ok(()));
    assert_eq!(cache.get("key"), Err(Error::NotFound));
    assert_eq!(world.len(), 0);
}

#[test]
fn a_damaged_entry_is_missing_until_the_next_set() {
    let (world, cache) = world();
    let changes: [fn(&mut Vec<u8>); 3] = [
        |entry| *entry = b"of another program".to_vec(),
        |entry| entry.clear(),
        |entry| entry.truncate(50),
    ];
    for change in changes {
        assert_eq!(cache.set("key", b"value", None), Ok(()));
        world.tamper(change);
        assert_eq!(cache.get("key"), Err(Error::NotFound));
        assert_eq!(cache.delete("key"), Err(Error::NotFound));
        assert_eq!(world.len(), 1, "the value of another program stays");
        assert_eq!(cache.set("key", b"value", None), Ok(()));
        assert_eq!(cache.get("key"), Ok(b"value".to_vec()));
    }
}

#[test]
fn a_key_that_is_too_long_is_refused_by_every_call() {
    let (world, cache) = world();
    let longest = "k".repeat(MAX_KEY_LEN);
    assert_eq!(cache.set(&longest, b"value", None), Ok(()));
    assert_eq!(cache.get(&longest), Ok(b"value".to_vec()));
    let longer = longest + "k";
    for ttl in [None, Some(0)] {
        assert_eq!(cache.set(&longer, b"value", ttl), Err(Error::TooLong));
    }
    assert_eq!(cache.get(&longer), Err(Error::TooLong));
    assert_eq!(cache.delete(&longer), Err(Error::TooLong));
    assert_eq!(world.len(), 1);
}

#[test]
fn a_failure_of_the_store_is_an_error_and_the_entry_stays() {
    let (world, cache) = world();
    assert_eq!(cache.set("key", b"old", None), Ok(()));
    world.0.fails.set(true);
    let failed = || Err(Error::Store(Failure));
    assert_eq!(cache.set("key", b"new", None), failed());
    assert_eq!(cache.set("key", b"new", Some(0)), failed());
    assert_eq!(cache.delete("key"), failed());
    assert_eq!(cache.get("key"), Err(Error::Store(Failure)));
    world.0.fails.set(false);
    assert_eq!(cache.get("key"), Ok(b"old".to_vec()));
}
