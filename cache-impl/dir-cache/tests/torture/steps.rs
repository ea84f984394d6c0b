//! Not a fault: the number of operations on the directory that the most frequent calls take. Each
//! additional one costs every user a system call.

use crate::count::{Count, Scale, rule};
use crate::disk::Disk;
use crate::faulty::Faulty;
use crate::faulty::Operation::{self, Create, Open, Read, Rename, Size, Write};
use crate::world::{Time, open};
use dir_cache::{Durability, Error};

pub fn run(_: &Scale, count: &mut Count) {
    let time = Time::new();
    let (directory, script) = Faulty::new(Disk::new(&time));
    let store = open(directory, time, Durability::None);
    let mut takes = |expected: &[Operation], call: &dyn Fn() -> Result<(), Error>| {
        script.begin(None);
        let outcome = call();
        let taken = script.taken();
        count.case(rule(taken == expected, || {
            format!("{taken:?} for {outcome:?}")
        }));
    };
    store.set("key", b"old", None).expect("a set");
    takes(&[Create, Write, Rename], &|| {
        store.set("key", &[1; 1024], None)
    });
    takes(&[Open, Read], &|| store.get("key").map(drop));
    takes(&[Open], &|| store.get("absent").map(drop));

    takes(&[Create, Write, Write, Rename], &|| {
        store.set("key", &[1; 100_000], None)
    });
    takes(&[Open, Read, Size, Read], &|| store.get("key").map(drop));
}
