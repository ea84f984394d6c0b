mod fixture;
mod upkeep;

use super::*;
use crate::directory::NativeDirectory;
use crate::entry::MAX_PREFIX_LEN;
use alloc::vec;
use fixture::Fixture;
use std::fs;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_value_that_was_set_is_got() -> Result<(), Error> {
    let fixture = Fixture::new();
    for (key, value) in [
        ("", &b""[..]),
        ("key", b"value"),
        ("../../x\0", b"\0\xff"),
        ("é", b"1"),
    ] {
        fixture.store.set(key, value, None)?;
        assert_eq!(fixture.store.get(key)?, value);
    }
    Ok(())
}

#[test]
fn values_of_all_sizes_are_got() -> Result<(), Error> {
    let fixture = Fixture::new();
    let edges = [4096, 8192, MAX_PREFIX_LEN + 8192, 32768, 65536, 1 << 20];
    let around = |edge: usize| [edge - 51, edge - 50, edge - 1, edge, edge + 1];
    let sizes = edges.into_iter().flat_map(around);
    for size in sizes {
        let value: Vec<u8> = (0..size).map(|i| (i ^ i >> 8) as u8).collect();
        fixture.store.set("key", &value, None)?;
        let got = fixture.store.get("key")?;
        assert!(got == value, "{size} bytes");
        assert_eq!(got.capacity(), size, "memory of exactly the value's size");
    }
    Ok(())
}

#[test]
fn a_later_value_takes_the_place_of_an_earlier_one() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", &[1; 10_000], Some(1))?;
    fixture.store.set("key", b"new", None)?;
    fixture.clock.forwards(2 * SECOND);
    assert_eq!(fixture.store.get("key")?, b"new");
    Ok(())
}

#[test]
fn what_was_never_set_is_not_found() {
    let fixture = Fixture::new();
    assert!(matches!(fixture.store.get("key"), Err(Error::NotFound)));
    assert!(matches!(fixture.store.delete("key"), Err(Error::NotFound)));
}

#[test]
fn what_was_deleted_is_not_found() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"value", None)?;
    fixture.store.delete("key")?;
    assert_eq!(fixture.get("key"), None);
    assert!(matches!(fixture.store.delete("key"), Err(Error::NotFound)));
    assert!(!fixture.path_of("key").exists());
    Ok(())
}

#[test]
fn a_ttl_is_counted_from_the_call() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"value", Some(2))?;
    fixture.clock.forwards(2 * SECOND - Duration::from_nanos(1));
    assert!(fixture.get("key").is_some());
    fixture.clock.forwards(Duration::from_nanos(1));
    assert!(fixture.get("key").is_none());
    assert!(matches!(fixture.store.delete("key"), Err(Error::NotFound)));
    Ok(())
}

#[test]
fn a_ttl_of_zero_leaves_no_entry() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"value", Some(0))?;
    assert_eq!(fixture.get("key"), None);
    fixture.store.set("key", b"value", None)?;
    fixture.store.set("key", b"value", Some(0))?;
    assert_eq!(fixture.get("key"), None);
    assert!(!fixture.path_of("key").exists());
    Ok(())
}

#[test]
fn the_longest_ttl_is_served_to_its_end() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"value", Some(u32::MAX))?;
    fixture
        .clock
        .forwards(Duration::from_secs(u64::from(u32::MAX) - 1));
    assert!(fixture.get("key").is_some());
    fixture.clock.forwards(SECOND);
    assert!(fixture.get("key").is_none());
    Ok(())
}

#[test]
fn an_entry_from_the_future_is_a_miss_until_it_is_set_again() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"future", None)?;
    fixture.clock.backwards(SECOND);
    assert_eq!(fixture.get("key"), None);
    fixture.store.set("key", b"now", None)?;
    assert_eq!(fixture.store.get("key")?, b"now");
    Ok(())
}

#[test]
fn a_key_that_is_too_long_changes_nothing() {
    let fixture = Fixture::new();
    let key = "k".repeat(4097);
    assert!(matches!(
        fixture.store.set(&key, b"", None),
        Err(Error::KeyTooLong(_))
    ));
    assert!(matches!(
        fixture.store.set(&key, b"", Some(0)),
        Err(Error::KeyTooLong(_))
    ));
    assert!(matches!(fixture.store.get(&key), Err(Error::KeyTooLong(_))));
    assert!(matches!(
        fixture.store.delete(&key),
        Err(Error::KeyTooLong(_))
    ));
    assert_eq!(
        fs::read_dir(fixture.root.path()).expect("the root").count(),
        0
    );
}

#[test]
fn a_value_that_is_too_large_leaves_the_old_one() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"old", None)?;
    let value = vec![0; MAX_VALUE_LEN as usize + 1];
    let outcome = fixture.store.set("key", &value, None);
    assert!(matches!(outcome, Err(Error::ValueTooLarge { max, .. }) if max == MAX_VALUE_LEN));
    assert_eq!(fixture.store.get("key")?, b"old");
    Ok(())
}

#[test]
fn the_largest_value_is_got() -> Result<(), Error> {
    let fixture = Fixture::new();
    let value = vec![7; MAX_VALUE_LEN as usize];
    fixture.store.set("key", &value, None)?;
    assert!(fixture.store.get("key")? == value);
    Ok(())
}

#[test]
fn two_stores_on_one_directory_see_each_other() -> Result<(), Error> {
    let first = Fixture::new();
    let second = first.second_store();
    first.store.set("key", b"first", None)?;
    assert_eq!(second.get("key")?, b"first");
    second.set("key", b"second", None)?;
    assert_eq!(first.store.get("key")?, b"second");
    first.store.delete("key")?;
    assert!(matches!(second.get("key"), Err(Error::NotFound)));
    Ok(())
}

#[test]
fn every_durability_stores_and_deletes() -> Result<(), Error> {
    for durability in [Durability::None, Durability::File, Durability::Full] {
        let fixture = Fixture::with(durability);
        fixture.store.set("key", b"value", None)?;
        assert_eq!(fixture.store.get("key")?, b"value");
        fixture.store.delete("key")?;
        fixture.store.set("key", b"value", Some(0))?;
        assert_eq!(fixture.get("key"), None);
    }
    Ok(())
}

#[test]
fn a_damaged_entry_is_a_miss_until_it_is_set_again() -> Result<(), Error> {
    let fixture = Fixture::new();
    for size in [5, 20_000] {
        fixture.store.set("key", &vec![3; size], None)?;
        let path = fixture.path_of("key");
        let entry = fs::read(&path).expect("an entry");
        let mut flipped = entry.clone();
        flipped[entry.len() - 1] ^= 1;
        let grown = [&entry[..], b"x"].concat();
        for damaged in [
            &b""[..],
            b"not an entry",
            &entry[..60.min(size)],
            &flipped,
            &grown,
        ] {
            fs::write(&path, damaged).expect("a damaged entry");
            assert_eq!(fixture.get("key"), None);
            assert!(matches!(fixture.store.delete("key"), Err(Error::NotFound)));
            fixture.store.set("key", b"healed", None)?;
            assert_eq!(fixture.store.get("key")?, b"healed");
        }
    }
    Ok(())
}

#[test]
fn a_header_that_promises_more_than_the_file_holds_is_a_miss() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"value", None)?;
    let path = fixture.path_of("key");
    let mut entry = fs::read(&path).expect("an entry");
    entry[16..24].copy_from_slice(&MAX_VALUE_LEN.to_le_bytes());
    fs::write(&path, entry).expect("a hostile entry");
    assert_eq!(fixture.get("key"), None);
    Ok(())
}

#[test]
fn another_keys_entry_at_our_path_is_a_miss() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("other", b"secret", None)?;
    fs::copy(fixture.path_of("other"), fixture.empty_path_of("key")).expect("a copy");
    assert_eq!(fixture.get("key"), None);
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_shelf_that_is_a_link_leads_nowhere_outside() -> Result<(), Error> {
    let fixture = Fixture::new();
    let outside = tempfile::tempdir().expect("a directory");
    let path = fixture.empty_path_of("key");
    let shelf = path.parent().expect("a shelf");
    fs::remove_dir(shelf).expect("an empty shelf");
    std::os::unix::fs::symlink(outside.path(), shelf).expect("a link");
    assert!(fixture.store.get("key").is_err());
    assert!(matches!(
        fixture.store.set("key", b"value", None),
        Err(Error::Directory(_))
    ));
    assert_eq!(
        fs::read_dir(outside.path()).expect("the outside").count(),
        0
    );
    Ok(())
}

#[test]
fn a_store_of_a_newer_format_is_refused_and_kept() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.root.path().join("v2")).expect("a newer store");
    let directory = NativeDirectory::open(fixture.root.path()).expect("a directory");
    let opened = Store::open(directory, fixture.clock.clone(), Durability::None, 0);
    assert!(matches!(opened, Err(Error::NewerFormat { directory }) if directory == "v2"));
    // The store that was already open notices before it would create its directory again.
    let set = fixture.store.set("key", b"value", None);
    assert!(matches!(set, Err(Error::NewerFormat { .. })));
    assert!(!fixture.root.path().join("v1").exists());
}

#[test]
fn a_native_store_may_be_shared_by_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Store<NativeDirectory, crate::SystemClock>>();
}

/// A clock that runs an action during its first reading.
struct Meanwhile<F> {
    now: crate::Timestamp,
    happens: core::cell::Cell<Option<F>>,
}

impl<F: FnOnce()> Clock for Meanwhile<F> {
    fn now(&self) -> crate::Timestamp {
        if let Some(happens) = self.happens.take() {
            happens();
        }
        self.now
    }
}

#[test]
fn a_value_that_is_replaced_while_it_is_read_is_found() -> Result<(), Error> {
    let fixture = Fixture::new();
    fixture.store.set("key", b"old", None)?;
    let clock = Meanwhile {
        now: fixture.clock.now(),
        happens: core::cell::Cell::new(Some(|| {
            fixture.clock.forwards(SECOND);
            let set = fixture.store.set("key", b"new", None);
            set.expect("a set by another process, a moment later");
        })),
    };
    let directory = NativeDirectory::open(fixture.root.path()).expect("a directory");
    let store = Store::open(directory, clock, Durability::None, 1)?;
    assert_eq!(store.get("key")?, b"old");
    Ok(())
}
