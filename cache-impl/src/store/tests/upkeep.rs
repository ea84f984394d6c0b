//! The store looks after itself: it keeps to its bound and clears away what is of no more use.

use super::fixture::{Fixture, temporary_files};
use crate::key::Key;
use crate::max_bytes::MaxBytes;
use crate::store::Error;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn bound(bytes: u64) -> MaxBytes {
    MaxBytes::new(bytes).expect("a bound")
}

fn bounded(bytes: u64) -> Fixture {
    let Fixture { root, clock, store } = Fixture::new();
    let store = store.bounded(bound(bytes));
    Fixture { root, clock, store }
}

fn key(number: usize) -> String {
    format!("key {number}")
}

/// Keys whose entries stand side by side.
fn keys_of_one_shelf() -> impl Iterator<Item = String> {
    let shelf = |key: &str| Key::new(key).expect("a short key").shelf_number();
    (0..).map(key).filter(move |key| shelf(key) == 0)
}

/// The files on the shelves, and their size all in all.
fn entries(root: &Path) -> (usize, u64) {
    let shelves = fs::read_dir(root.join("v1")).expect("a store").flatten();
    let shelves = shelves.filter(|shelf| shelf.path().is_dir());
    let files = shelves.flat_map(|shelf| fs::read_dir(shelf.path()).expect("a shelf").flatten());
    let sizes = files.map(|file| file.metadata().expect("a file").len());
    sizes.fold((0, 0), |(count, sum), size| (count + 1, sum + size))
}

fn date(path: &Path, modified: SystemTime) {
    let file = File::options().write(true).open(path).expect("a file");
    file.set_modified(modified).expect("a date");
}

#[test]
fn a_store_with_a_bound_keeps_to_it_and_is_well_filled() -> Result<(), Error> {
    for (max, len) in [(1_000_000, 1000), (200_000, 100), (300_000, 20_000)] {
        let fixture = bounded(max);
        for number in 0..5 * max as usize / len {
            fixture.store.set(&key(number), &vec![1; len], None)?;
            assert!(
                fixture.get(&key(number)).is_some(),
                "what was just set stays"
            );
            if number % 500 == 0 {
                let (_, size) = entries(fixture.root.path());
                assert!(size <= max, "{size} of {max} bytes");
            }
        }
        let (_, size) = entries(fixture.root.path());
        assert!((max / 2..=max).contains(&size), "{size} of {max} bytes");
    }
    Ok(())
}

#[test]
fn the_oldest_go_first() -> Result<(), Error> {
    let fixture = bounded(1_000_000);
    let sets = 4000;
    for number in 0..sets {
        fixture.store.set(&key(number), &[1; 500], None)?;
    }
    let survivors = |range: std::ops::Range<usize>| {
        range
            .filter(|number| fixture.get(&key(*number)).is_some())
            .count()
    };
    assert!(survivors(0..1000) < 50);
    assert!(survivors(3500..sets) > 400);
    Ok(())
}

#[test]
fn a_large_value_fits_and_pays_for_itself() -> Result<(), Error> {
    let fixture = bounded(1_000_000);
    for number in 0..2000 {
        fixture.store.set(&key(number), &[1; 500], None)?;
    }
    for len in [100_000, 400_000, 999_000] {
        fixture.store.set("large", &vec![1; len], None)?;
        assert_eq!(fixture.get("large").map(|value| value.len()), Some(len));
        let (_, size) = entries(fixture.root.path());
        assert!(size <= 1_000_000, "{size} bytes");
    }
    Ok(())
}

#[test]
fn what_is_larger_than_the_bound_is_refused_and_the_old_value_stays() -> Result<(), Error> {
    let fixture = bounded(1000);
    fixture.store.set("key", b"old", None)?;
    let outcome = fixture.store.set("key", &[1; 950], None);
    assert!(matches!(
        outcome,
        Err(Error::ValueTooLarge { len: 950, max: 949 })
    ));
    assert_eq!(fixture.store.get("key")?, b"old");
    fixture.store.set("key", &[1; 949], None)?;
    assert_eq!(fixture.store.get("key")?, [1; 949]);
    Ok(())
}

#[test]
fn a_bound_that_holds_nothing_refuses_everything() {
    let fixture = bounded(10);
    let outcome = fixture.store.set("key", b"", None).map(drop);
    assert!(outcome.is_ok() || matches!(outcome, Err(Error::ValueTooLarge { .. })));
    assert!(fixture.store.set("key", b"v", None).is_err());
}

#[test]
fn a_store_that_was_unbounded_comes_to_keep_a_bound() -> Result<(), Error> {
    let fixture = Fixture::new();
    for number in 0..2000 {
        fixture.store.set(&key(number), &[1; 1000], None)?;
    }
    let store = fixture.second_store().bounded(bound(1_000_000));
    for number in 2000..2100 {
        store.set(&key(number), &[1; 1000], None)?;
    }
    let (_, size) = entries(fixture.root.path());
    assert!(size <= 1_000_000, "{size} bytes");
    Ok(())
}

#[test]
fn stores_that_share_a_directory_share_the_bound() -> Result<(), Error> {
    let fixture = bounded(1_000_000);
    let others = [1, 2, 3].map(|_| fixture.second_store().bounded(bound(1_000_000)));
    for number in 0..1000 {
        fixture.store.set(&key(4 * number), &[1; 500], None)?;
        for (other, store) in others.iter().enumerate() {
            store.set(&key(4 * number + other + 1), &[1; 500], None)?;
        }
    }
    let (_, size) = entries(fixture.root.path());
    assert!((500_000..1_750_000).contains(&size), "{size} bytes");
    Ok(())
}

#[test]
fn a_damaged_tally_is_put_right() -> Result<(), Error> {
    for damage in [&[0xfe; 2048][..], &[0; 2048], b"tally"] {
        let fixture = bounded(1_000_000);
        for number in 0..1000 {
            fixture.store.set(&key(number), &[1; 1000], None)?;
        }
        fs::write(fixture.root.path().join("v1/tally"), damage).expect("a damaged tally");
        for number in 1000..2500 {
            fixture.store.set(&key(number), &[1; 1000], None)?;
        }
        let (_, size) = entries(fixture.root.path());
        assert!((500_000..=1_000_000).contains(&size), "{size} bytes");
    }
    Ok(())
}

#[test]
fn a_directory_in_the_tallys_place_is_harmless() -> Result<(), Error> {
    let fixture = bounded(1_000_000);
    fs::create_dir_all(fixture.root.path().join("v1/tally/full")).expect("a directory");
    for number in 0..100 {
        fixture.store.set(&key(number), &[1; 1000], None)?;
    }
    assert_eq!(temporary_files(fixture.root.path()).len(), 0);
    Ok(())
}

#[test]
fn expired_entries_are_cleared_away() -> Result<(), Error> {
    let fixture = Fixture::new();
    let keys: Vec<_> = keys_of_one_shelf().take(600).collect();
    for key in &keys[..400] {
        fixture.store.set(key, b"value", Some(1))?;
    }
    fixture.clock.forwards(Duration::from_secs(2));
    for _ in 0..3 {
        for key in &keys[400..] {
            fixture.store.set(key, b"value", Some(u32::MAX))?;
        }
    }
    let (count, _) = entries(fixture.root.path());
    assert!(count < 300, "{count} files, of which 200 have not expired");
    assert!(keys[400..].iter().all(|key| fixture.get(key).is_some()));
    Ok(())
}

#[test]
fn what_has_not_expired_is_never_cleared_away() -> Result<(), Error> {
    let fixture = Fixture::new();
    let keys: Vec<_> = keys_of_one_shelf().take(400).collect();
    for key in &keys[..200] {
        fixture.store.set(key, b"value", Some(10))?;
    }
    // By this clock all of them are from the future.
    fixture.clock.backwards(1000 * HOUR);
    for key in &keys[200..] {
        fixture.store.set(key, b"", Some(1))?;
    }
    fixture.clock.forwards(1000 * HOUR);
    assert!(keys[..200].iter().all(|key| fixture.get(key).is_some()));
    Ok(())
}

#[test]
fn temporary_files_that_nobody_writes_are_cleared_away() -> Result<(), Error> {
    let fixture = Fixture::new();
    let shelf = fixture.empty_path_of("key").with_file_name("");
    let now = SystemTime::now();
    for (name, modified, is_swept) in [
        ("tmp-old", now - 2 * HOUR, true),
        ("tmp-in-use", now, false),
        ("tmp-future", now + 2 * HOUR, false),
        ("notes", now - 2 * HOUR, false),
        ("tmp", now - 2 * HOUR, false),
    ] {
        let path = shelf.join(name);
        fs::write(&path, "x").expect("a file");
        date(&path, modified);
        for _ in 0..65 {
            fixture.store.set("key", b"value", Some(1))?;
        }
        assert_eq!(path.exists(), !is_swept, "{name}");
    }
    Ok(())
}

#[test]
fn what_a_wrong_clock_dated_goes_before_what_is_old() -> Result<(), Error> {
    let fixture = bounded(4_000_000);
    // All on the shelf of "key".
    let shelf = fixture.empty_path_of("key").with_file_name("");
    let now = SystemTime::now();
    for (name, modified) in [("00", now - 2 * HOUR), ("01", now + 2 * HOUR), ("02", now)] {
        let path = shelf.join(format!("{name}0000000000000000000000000000"));
        fs::write(&path, [0; 1_000_000]).expect("a file");
        date(&path, modified);
    }
    fixture.store.set("key", &[1; 500_000], None)?;
    let left = |name| {
        shelf
            .join(format!("{name}0000000000000000000000000000"))
            .exists()
    };
    assert_eq!(["00", "01", "02"].map(left), [true, false, true]);
    Ok(())
}

#[test]
fn what_is_not_ours_stays() -> Result<(), Error> {
    let fixture = bounded(100_000);
    let shelf = fixture.empty_path_of("key").with_file_name("");
    fs::write(shelf.join("precious"), [0; 100_000]).expect("a file");
    fs::create_dir(shelf.join("0123456789abcdef0123456789abcd")).expect("a directory");
    for number in 0..1000 {
        fixture.store.set(&key(number), &[1; 1000], Some(1))?;
    }
    assert!(shelf.join("precious").exists());
    assert!(shelf.join("0123456789abcdef0123456789abcd").exists());
    Ok(())
}
