//! Other stores act between two operations of a `set`, at every position: all files together occupy no
//! more than the bound that the stores share, and the tally counts each of them.

use crate::count::{Count, Scale, rule};
use crate::disk::{Disk, failed};
use crate::faulty::{Fault, Faulty, Operation};
use crate::holdings::{BLOCK, keys, make_known, uncounted};
use crate::world::{SECOND, Time, open};
use dir_cache::{Directory, Durability, File, MaxBytes, Store};
use std::io::ErrorKind;
use std::rc::Rc;

/// The bound, in blocks.
const BOUND: u64 = 100;

/// The temporary file of a store that was paused for more than a minute, of 51 blocks.
const SLOW: &str = "v1/00/tmp-0123456789abcdef-00000033";

/// The temporary files of two stores that are about to write 60 and 41 blocks.
const ANNOUNCED: [&str; 2] = [
    "v1/00/tmp-0123456789abcdef-0000003c",
    "v1/01/tmp-0123456789abcdef-00000029",
];

struct Case {
    what: &'static str,
    before: fn(&World),
    /// The size of the value that is set, in blocks.
    set: u64,
    meanwhile: fn(&World),
}

const CASES: &[Case] = &[
    Case {
        what: "the old value is evicted for as large a one",
        before: |world| world.set(&world.keys[0], 75),
        set: 25,
        meanwhile: |world| world.set(&world.keys[1], 75),
    },
    Case {
        what: "the old value is replaced by a small one, and a large one is set",
        before: |world| world.set(&world.keys[0], 74),
        set: 25,
        meanwhile: |world| {
            world.set(&world.keys[0], 1);
            world.set(&world.keys[1], 74);
        },
    },
    Case {
        what: "a value nearby takes the room",
        before: |world| world.set(&world.keys[0], 74),
        set: 30,
        meanwhile: |world| world.set(&world.near, 75),
    },
    Case {
        what: "a value far away takes the room",
        before: |_| {},
        set: 40,
        // So much that no subdirectory is weighed for it.
        meanwhile: |world| world.set(&world.far, 70),
    },
    Case {
        what: "the old value is deleted",
        before: |world| world.set(&world.keys[0], 74),
        set: 60,
        meanwhile: |world| {
            // It may have been evicted.
            let _ = world.other().delete(&world.keys[0]);
            world.set(&world.near, 60);
        },
    },
    Case {
        what: "a store goes on that has paused for a minute",
        before: |world| {
            let slow = world.disk.create(SLOW).expect("a file");
            slow.write(0, &value(51)).expect("written");
            world.time.forwards(61 * SECOND);
        },
        set: 10,
        meanwhile: |world| {
            let entry = "v1/00/0123456789abcdef0123456789abcd";
            // Its file may have been swept.
            let _ = world.disk.rename(SLOW, entry);
        },
    },
    Case {
        what: "its own file is swept, and the room announced",
        before: |_| {},
        set: 50,
        meanwhile: |world| {
            let paths = world.disk.paths().into_iter();
            for temp in paths.filter(|path| path.contains("/tmp-")) {
                world.disk.remove_file(&temp).expect("swept");
            }
            for temp in ANNOUNCED {
                world.disk.create(temp).expect("announced");
            }
            world.set(&world.keys[1], 1);
            world.set(&world.near, 1);
        },
    },
];

struct World {
    time: Time,
    disk: Disk,
    /// Keys of one subdirectory.
    keys: Vec<String>,
    /// A key of another one, whose figure is in the same row of the tally, and one in another row.
    near: String,
    far: String,
}

pub fn run(_: &Scale, count: &mut Count) {
    for case in CASES {
        for position in 0.. {
            let (outcome, has_acted) = case.run(position);
            let what = case.what;
            count.case(outcome.map_err(|found| format!("{what}, before {position}: {found}")));
            if !has_acted {
                break;
            }
        }
    }
    count.case(others_announce_all_the_time());
    count.case(nothing_can_be_announced());
}

/// A store that never gets to announce its file writes nothing.
fn others_announce_all_the_time() -> Result<(), String> {
    let world = Rc::new(World::new());
    let (directory, script) = Faulty::new(world.disk.clone());
    let store = world.bounded(directory);
    let acting = world.clone();
    script.begin(None);
    script.meanwhile(0..=usize::MAX, move || acting.set(&acting.near, 1));
    store.set(&world.keys[1], &value(10), None).expect("set");
    rule(store.get(&world.keys[1]).is_err(), || {
        "it was stored".into()
    })?;
    world.is_counted()
}

/// A disk on which nothing can be announced, as it is full, gets room, though the `set` fails.
fn nothing_can_be_announced() -> Result<(), String> {
    let world = World::new();
    world.set(&world.keys[0], 90);
    let (directory, script) = Faulty::new(world.disk.clone());
    let store = world.bounded(directory);
    let set = || store.set(&world.keys[1], &value(20), None);
    script.begin(None);
    set().expect("set");
    let rename = |operation| operation == Operation::Rename;
    let position = script.taken().into_iter().position(rename);
    let position = position.expect("an announcement");

    world.set(&world.keys[0], 90);
    script.begin(Some((
        position,
        Fault::Fails(|| failed(ErrorKind::StorageFull)),
    )));
    rule(set().is_err(), || "it was set unannounced".into())?;
    let occupied = world.disk.occupied() / BLOCK;
    rule(occupied < 20, || {
        format!("{occupied} blocks are still there")
    })
}

impl Case {
    /// Sets a value; meanwhile, before the operation at this position, others act. Returns what was
    /// found, and `true` if there was such an operation.
    fn run(&'static self, position: usize) -> (Result<(), String>, bool) {
        let world = Rc::new(World::new());
        (self.before)(&world);

        let (directory, script) = Faulty::new(world.disk.clone());
        let store = world.bounded(directory);
        let acting = world.clone();
        script.begin(None);
        script.meanwhile(position..=position, move || (self.meanwhile)(&acting));
        let set = store.set(&world.keys[2], &value(self.set), None);
        set.expect("set");
        (world.is_counted(), position < script.taken().len())
    }
}

impl World {
    fn new() -> Self {
        let time = Time::new();
        let world = Self {
            disk: Disk::new(&time),
            time,
            keys: keys(vec![0]).take(3).collect(),
            near: keys(vec![1]).next().expect("a key"),
            far: keys(vec![16]).next().expect("a key"),
        };
        make_known(&world.other());
        world.set(&world.near, 1);
        world.set(&world.keys[0], 1);
        world
    }

    fn other(&self) -> Store<Disk, Time> {
        self.bounded(self.disk.clone())
    }

    fn bounded<D: Directory>(&self, directory: D) -> Store<D, Time> {
        let store = open(directory, self.time.clone(), Durability::None);
        store.bounded(MaxBytes::new(BOUND * BLOCK).expect("a bound"))
    }

    fn set(&self, key: &str, blocks: u64) {
        let set = self.other().set(key, &value(blocks), None);
        set.expect("set");
    }

    fn is_counted(&self) -> Result<(), String> {
        let uncounted = uncounted(&self.disk);
        rule(uncounted.is_empty(), || uncounted.join(", "))?;
        let occupied = self.disk.occupied() / BLOCK;
        rule(occupied <= BOUND, || {
            format!("{occupied} of {BOUND} blocks")
        })
    }
}

fn value(blocks: u64) -> Vec<u8> {
    vec![1; (blocks * BLOCK) as usize - 100]
}
