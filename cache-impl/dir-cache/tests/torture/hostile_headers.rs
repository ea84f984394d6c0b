//! F5: headers whose lengths, versions and times are hostile, in files of any size, also sparse
//! ones. No panic, no wrong value is served, and no allocation exceeds the largest value.

use crate::count::{Count, Scale, rule};
use crate::disk::Disk;
use crate::world::{Time, got, open, scratch};
use dir_cache::entry::{MAX_PREFIX_LEN, MAX_VALUE_LEN, Prefix};
use dir_cache::key::{Key, MAX_KEY_LEN};
use dir_cache::{Durability, NativeDirectory, SystemClock};
use fastrand::Rng;
use std::fs::File;
use std::io::Write;
use std::iter::repeat_with;

const KEY: &str = "key";

const LENGTHS: &[u64] = &[
    0,
    1,
    3,
    4,
    47,
    MAX_KEY_LEN as u64,
    MAX_KEY_LEN as u64 + 1,
    u16::MAX as u64,
    u32::MAX as u64 - 48,
    u32::MAX as u64,
    MAX_VALUE_LEN - 1,
    MAX_VALUE_LEN,
    MAX_VALUE_LEN + 1,
    i64::MAX as u64,
    u64::MAX - 51,
    u64::MAX - 48,
    u64::MAX,
];

pub fn run(scale: &Scale, count: &mut Count) {
    let random = &mut Rng::with_seed(scale.seed);
    for _ in 0..scale.times(200_000, 10_000_000) {
        let bytes = hostile(random);
        count.case(decode(&bytes));
    }
    for _ in 0..scale.times(2_000, 100_000) {
        let bytes = hostile(random);
        count.case(get(bytes));
    }
    for value_len in LENGTHS {
        for file_len in [48, MAX_VALUE_LEN, MAX_VALUE_LEN + 51, 1 << 40] {
            count.case(get_from_sparse(*value_len, file_len));
        }
    }
    let largest = memory::largest();
    let cap = MAX_VALUE_LEN as usize + MAX_PREFIX_LEN;
    count.case(rule(largest <= cap, || {
        format!("{largest} bytes were asked for at once")
    }));
    count.note(format!("{largest} bytes at once at most, allowed {cap}"));
}

/// A header that is plausible except for the fields under test, or not even that.
fn hostile(random: &mut Rng) -> Vec<u8> {
    let mut bytes = header(
        random
            .choice([0, 1, 1, 1, 1, 2, u32::MAX])
            .expect("a version"),
        *random.choice(LENGTHS).expect("a length") as u32,
        *random.choice(LENGTHS).expect("a length"),
    );
    if random.bool() {
        random.fill(&mut bytes[24..40]);
    }
    let rest = random.usize(..100);
    bytes.extend(repeat_with(|| random.u8(..)).take(rest));
    match random.u8(..8) {
        0 => bytes.truncate(random.usize(..bytes.len())),
        1 => {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        2 => bytes.resize(random.usize(..2 * MAX_PREFIX_LEN), 0),
        _ => {}
    }
    bytes
}

fn header(version: u32, key_len: u32, value_len: u64) -> Vec<u8> {
    let mut bytes = b"\x93cache\r\n".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(key_len.to_le_bytes());
    bytes.extend(value_len.to_le_bytes());
    // Created long ago, never expires, has a wrong checksum.
    bytes.extend([0; 8]);
    bytes.extend([0xff; 8]);
    bytes.extend([0; 8]);
    bytes
}

fn decode(bytes: &[u8]) -> Result<(), String> {
    let Some(prefix) = Prefix::decode(bytes) else {
        return Ok(());
    };
    let within = prefix.value_len() <= MAX_VALUE_LEN && prefix.value_offset() <= bytes.len();
    let vouches = bytes
        .get(prefix.value_offset()..)
        .is_some_and(|value| prefix.vouches_for(value));
    rule(within && !vouches, || format!("decoded {bytes:x?}"))
}

fn get(bytes: Vec<u8>) -> Result<(), String> {
    let time = Time::new();
    let disk = Disk::new(&time);
    let store = open(disk.clone(), time, Durability::None);
    store.set(KEY, b"value", None).expect("a set");
    let path = String::from(Key::new(KEY).expect("a short key").path());
    disk.edit(&path, |entry| *entry = bytes.clone());
    let served = got(store.get(KEY))?;
    rule(served.is_none(), || format!("served from {bytes:x?}"))
}

fn get_from_sparse(value_len: u64, file_len: u64) -> Result<(), String> {
    let root = scratch();
    let directory = NativeDirectory::open(root.path()).expect("a directory");
    let store = open(directory, SystemClock, Durability::None);
    store.set(KEY, b"value", None).expect("a set");

    let path = root.path().join(Key::new(KEY).expect("a short key").path());
    let mut file = File::create(path).expect("a file");
    let mut bytes = header(1, KEY.len() as u32, value_len);
    bytes.extend(KEY.bytes());
    file.write_all(&bytes).expect("a header");
    // On a file system that does not support such a length, the header alone is hostile enough.
    let _ = file.set_len(file_len);
    let served = got(store.get(KEY))?;
    rule(served.is_none(), || {
        format!("served {value_len} of {file_len} bytes")
    })?;
    store
        .set(KEY, b"healed", None)
        .map_err(|error| format!("did not heal: {error:?}"))
}

/// The size of memory requests.
mod memory {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The largest request so far, in bytes.
    pub fn largest() -> usize {
        LARGEST.load(Ordering::Relaxed)
    }

    static LARGEST: AtomicUsize = AtomicUsize::new(0);

    #[global_allocator]
    static ALLOCATOR: Watched = Watched;

    struct Watched;

    #[expect(
        unsafe_code,
        reason = "an allocator is unsafe to implement; this one only watches"
    )]
    // SAFETY: every call is passed on to the system's allocator.
    unsafe impl GlobalAlloc for Watched {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
            // SAFETY: as the caller promises.
            unsafe { System.alloc_zeroed(layout) }
        }

        unsafe fn realloc(&self, memory: *mut u8, layout: Layout, len: usize) -> *mut u8 {
            LARGEST.fetch_max(len, Ordering::Relaxed);
            // SAFETY: as the caller promises.
            unsafe { System.realloc(memory, layout, len) }
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            // SAFETY: as the caller promises.
            unsafe { System.dealloc(memory, layout) }
        }
    }
}
