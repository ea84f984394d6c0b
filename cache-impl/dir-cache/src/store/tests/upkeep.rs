//! The store's upkeep: it keeps to its bound and removes files that are no longer useful.

use super::fixture::{Fixture, temporary_files};
use crate::directory::NativeDirectory;
use crate::key::Key;
use crate::max_bytes::{BLOCK_LEN, MaxBytes};
use crate::store::Error;
use crate::store::tally::Tally;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
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

/// Keys whose entries share a subdirectory.
fn keys_of_one_shelf() -> impl Iterator<Item = String> {
    let shelf = |key: &str| Key::new(key).expect("a short key").shelf_number();
    (0..).map(key).filter(move |key| shelf(key) == 0)
}

/// The number of files on the shelves, and the bytes that they occupy.
fn entries(root: &Path) -> (usize, u64) {
    let shelves = fs::read_dir(root.join("v1")).expect("a store").flatten();
    let shelves = shelves.filter(|shelf| shelf.file_name().len() == 2);
    let files = shelves.flat_map(|shelf| fs::read_dir(shelf.path()).expect("a shelf").flatten());
    let sizes = files.map(|file| file.metadata().expect("a file").len());
    sizes.fold((0, 0), |(count, sum), size| {
        (count + 1, sum + size.next_multiple_of(BLOCK_LEN))
    })
}

fn date(path: &Path, modified: SystemTime) {
    let file = File::options().write(true).open(path).expect("a file");
    file.set_modified(modified).expect("a date");
}

#[test]
fn a_store_with_a_bound_keeps_to_it_and_is_well_filled() -> Result<(), Error> {
    for (max, len) in [(4_000_000, 1000), (3_000_000, 1), (8_000_000, 20_000)] {
        let fixture = bounded(max);
        for number in 0..4 * max / (len as u64).next_multiple_of(BLOCK_LEN) {
            let key = key(number as usize);
            fixture.store.set(&key, &vec![1; len], None)?;
            assert!(fixture.get(&key).is_some(), "what was just set stays");
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
    let fixture = bounded(8_000_000);
    let sets = 6000;
    for number in 0..sets {
        fixture.store.set(&key(number), &[1; 500], None)?;
    }
    let survivors = |range: std::ops::Range<usize>| {
        range
            .filter(|number| fixture.get(&key(*number)).is_some())
            .count()
    };
    assert!(survivors(0..3000) < 50, "{}", survivors(0..3000));
    assert!(survivors(5500..sets) > 450, "{}", survivors(5500..sets));
    Ok(())
}

#[test]
fn a_large_value_fits_and_pays_for_itself() -> Result<(), Error> {
    let fixture = bounded(4_000_000);
    for number in 0..1000 {
        fixture.store.set(&key(number), &[1; 500], None)?;
    }
    for len in [400_000, 1_600_000, 3_990_000] {
        fixture.store.set("large", &vec![1; len], None)?;
        assert_eq!(fixture.get("large").map(|value| value.len()), Some(len));
        let (_, size) = entries(fixture.root.path());
        assert!(size <= 4_000_000, "{size} bytes");
    }
    // The large value is now the oldest entry, so it is evicted first.
    for number in 0..100 {
        fixture.store.set(&key(number), &[1; 500], None)?;
        let (_, size) = entries(fixture.root.path());
        assert!(
            size <= 4_000_000,
            "{size} bytes after {number} small values"
        );
    }
    assert_eq!(fixture.get("large"), None);
    Ok(())
}

#[test]
fn what_is_larger_than_the_bound_is_refused_and_the_old_value_stays() -> Result<(), Error> {
    let fixture = bounded(2 * BLOCK_LEN + 1);
    fixture.store.set("key", b"old", None)?;
    let max = 2 * BLOCK_LEN - 51;
    let outcome = fixture.store.set("key", &vec![1; max as usize + 1], None);
    assert!(matches!(
        outcome,
        Err(Error::ValueTooLarge { len, max: most }) if len == max + 1 && most == max
    ));
    assert_eq!(fixture.store.get("key")?, b"old");
    fixture.store.set("key", &vec![1; max as usize], None)?;
    assert_eq!(fixture.store.get("key")?.len() as u64, max);
    Ok(())
}

#[test]
fn a_key_that_no_entry_within_the_bound_can_have_is_refused() {
    let key = "k".repeat(4096);
    let fixture = bounded(BLOCK_LEN);
    for (value, ttl) in [(&b""[..], None), (b"v", None), (b"", Some(0))] {
        let outcome = fixture.store.set(&key, value, ttl);
        assert!(matches!(
            outcome,
            Err(Error::BoundTooSmall { max_bytes }) if max_bytes == BLOCK_LEN
        ));
        assert_eq!(fixture.get(&key), None);
    }
}

#[test]
fn a_bound_of_one_block_holds_one_entry() -> Result<(), Error> {
    let fixture = bounded(BLOCK_LEN);
    for number in 0..20 {
        fixture.store.set(&key(number), b"value", None)?;
        assert_eq!(fixture.store.get(&key(number))?, b"value");
        assert_eq!(entries(fixture.root.path()), (1, BLOCK_LEN));
    }
    Ok(())
}

#[test]
fn a_store_that_was_unbounded_comes_to_keep_a_bound() -> Result<(), Error> {
    let fixture = Fixture::new();
    for number in 0..2000 {
        fixture.store.set(&key(number), &[1; 1000], None)?;
    }
    let store = fixture.second_store().bounded(bound(4_000_000));
    for number in 2000..2100 {
        store.set(&key(number), &[1; 1000], None)?;
    }
    let (_, size) = entries(fixture.root.path());
    assert!(size <= 4_000_000, "{size} bytes");
    Ok(())
}

#[test]
fn stores_that_share_a_directory_share_the_bound() -> Result<(), Error> {
    for (stores, len) in [(4, 500), (50, 500), (4, 30_000), (8, 1_500_000)] {
        let fixture = bounded(4_000_000);
        let stores = Vec::from_iter((0..stores).map(|seed| {
            let store = fixture.store_with_seed(seed);
            store.bounded(bound(4_000_000))
        }));
        for number in 0..12_000_000 / (len as u64).next_multiple_of(BLOCK_LEN) {
            let store = &stores[number as usize % stores.len()];
            store.set(&key(number as usize), &vec![1; len], None)?;
        }
        let (_, size) = entries(fixture.root.path());
        assert!(
            (1_000_000..=4_000_000).contains(&size),
            "{size} bytes by {} stores with values of {len} bytes",
            stores.len()
        );
    }
    Ok(())
}

#[test]
fn what_is_being_written_counts_and_what_has_no_room_is_evicted_at_once() -> Result<(), Error> {
    let fixture = bounded(1000 * BLOCK_LEN);
    // Nothing of the file is written yet.
    let shelf = fixture.empty_path_of("key").with_file_name("");
    let temp = shelf.join("tmp-0123456789abcdef-00000384");
    fs::write(&temp, b"").expect("a temporary file of 900 blocks");

    for number in 0..1000 {
        fixture.store.set(&key(number), b"small", None)?;
    }
    let (_, size) = entries(fixture.root.path());
    assert!(size <= 110 * BLOCK_LEN, "{size} bytes");

    fixture.store.set("other", b"old", None)?;
    fixture.store.set("other", &vec![1; 101 * 4096], None)?;
    assert_eq!(fixture.get("other"), None);
    assert_eq!(temporary_files(fixture.root.path()), [&*temp]);
    let directory = NativeDirectory::open(fixture.root.path()).expect("a directory");
    let (_, size) = entries(fixture.root.path());
    let tallied = Tally::open(&directory).expect("a tally").total();
    assert_eq!(
        tallied,
        900 + size / BLOCK_LEN,
        "what found no room no longer counts"
    );
    fixture.store.set("other", &vec![1; 99 * 4096], None)?;
    assert!(fixture.get("other").is_some());

    // After a minute, the file counts as abandoned.
    date(&temp, SystemTime::now() - 2 * MINUTE);
    fixture.store.set("other", &vec![1; 900 * 4096], None)?;
    assert!(fixture.get("other").is_some());
    assert!(!temp.exists());
    Ok(())
}

#[test]
fn a_damaged_tally_is_put_right() -> Result<(), Error> {
    let damages: [fn(&str) -> Option<String>; 4] = [
        |_| None,
        |name| Some(format!("{}{}", &name[..2], "0".repeat(136))),
        |name| Some(format!("{}{}", &name[..2], "7".repeat(136))),
        |name| Some(format!("damaged {name}")),
    ];
    for damage in damages {
        let fixture = bounded(4_000_000);
        for number in 0..1000 {
            fixture.store.set(&key(number), &[1; 1000], None)?;
        }
        let tally = fixture.root.path().join("v1/tally");
        for file in fs::read_dir(&tally).expect("a tally").flatten() {
            let name = file.file_name().into_string().expect("digits");
            match damage(&name) {
                Some(other) => fs::rename(file.path(), tally.join(other)).expect("renamed"),
                None => fs::remove_file(file.path()).expect("removed"),
            }
        }
        for number in 1000..2500 {
            fixture.store.set(&key(number), &[1; 1000], None)?;
        }
        let (_, size) = entries(fixture.root.path());
        assert!((2_000_000..=4_000_000).contains(&size), "{size} bytes");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn nothing_in_the_tallys_place_is_written_to() -> Result<(), Error> {
    use std::os::unix::fs::symlink;
    let strangers: [fn(&Path, &Path); 5] = [
        |tally, _| fs::write(tally, [0; 2048]).expect("the file of an earlier release"),
        |tally, outside| fs::hard_link(outside.join("precious"), tally).expect("a link"),
        |tally, outside| symlink(outside.join("precious"), tally).expect("a link"),
        |tally, outside| symlink(outside, tally).expect("a link"),
        |tally, outside| {
            fs::create_dir(tally).expect("a directory");
            for row in 0..16 {
                let name = format!("{row:02x}{}", "00000001".repeat(17));
                fs::hard_link(outside.join("precious"), tally.join(name)).expect("a link");
            }
        },
    ];
    for put in strangers {
        let fixture = bounded(4_000_000);
        let outside = tempfile::tempdir_in(fixture.root.path()).expect("a directory");
        fs::write(outside.path().join("precious"), [7; 2048]).expect("a file");
        fs::create_dir(fixture.root.path().join("v1")).expect("a directory");
        put(&fixture.root.path().join("v1/tally"), outside.path());

        for number in 0..2000 {
            fixture.store.set(&key(number), &[1; 1000], None)?;
        }
        let (_, size) = entries(fixture.root.path());
        assert!((2_000_000..=4_000_000).contains(&size), "{size} bytes");
        assert!(fixture.root.path().join("v1/tally").is_dir());
        let names = fs::read_dir(outside.path()).expect("the outside").count();
        assert_eq!(names, 1);
        let precious = fs::read(outside.path().join("precious")).expect("a file");
        assert!(precious == [7; 2048]);
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_bound_that_cannot_be_kept_is_an_error() -> Result<(), Error> {
    let fixture = bounded(BLOCK_LEN);
    fixture.store.set("key", b"old", None)?;
    let tally = fixture.root.path().join("v1/tally");
    fs::rename(&tally, fixture.root.path().join("away")).expect("moved");
    std::os::unix::net::UnixListener::bind(&tally).expect("a socket");
    fixture.store.set("key", b"new", None)?;
    assert!(tally.is_dir(), "a socket makes way");

    fs::remove_dir_all(fixture.root.path().join("v1")).expect("removed");
    fs::write(fixture.root.path().join("v1"), "a file").expect("a file");
    assert!(fixture.store.set("key", b"new", None).is_err());
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
        ("tmp-old", now - 61 * SECOND, true),
        ("tmp-in-use", now, false),
        ("tmp-slow", now - 50 * SECOND, false),
        ("tmp-ahead", now + 50 * SECOND, false),
        ("tmp-future", now + 2 * HOUR, true),
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
    // All of these keys are on the shelf of "key".
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
