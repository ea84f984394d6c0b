//! Stores that share a directory and a bound set values of all sizes, and are stopped at random, as
//! if killed: after every `set`, all files together occupy no more than the bound.

use crate::count::{Count, Scale, rule};
use crate::disk::Disk;
use crate::faulty::{Fault, Faulty, Script};
use crate::holdings::BLOCK;
use crate::world::{SECOND, Time, open};
use dir_cache::{Durability, Error, MaxBytes, Store};
use fastrand::Rng;

/// A bound in blocks, and sizes in bytes, each equally likely.
const MIXTURES: &[(u64, &[usize])] = &[
    (1000, &[1, 1000, 4000]),
    (1000, &[1, 1000, 30_000, 300_000]),
    (2000, &[7_500_000, 1, 1, 1, 1, 1]),
    (2000, &[4_000_000]),
    (300, &[1, 100_000, 1_000_000]),
    (16, &[1, 20_000]),
];

type Member = (Store<Faulty<Disk>, Time>, Script);

pub fn run(scale: &Scale, count: &mut Count) {
    let random = &mut Rng::with_seed(scale.seed);
    for _ in 0..scale.times(1, 20) {
        for &(blocks, sizes) in MIXTURES {
            for members in [1, 8, 40] {
                let bound = blocks * BLOCK;
                let total = scale.times(2, 8) * bound;
                let outcome = crowd(random, bound, total, sizes, members, count);
                count.case(outcome.map_err(|what| {
                    format!("{what} by {members} with {blocks} blocks for {sizes:?}")
                }));
            }
        }
    }
}

fn crowd(
    random: &mut Rng,
    bound: u64,
    total: u64,
    sizes: &[usize],
    members: usize,
    count: &mut Count,
) -> Result<(), String> {
    let time = Time::new();
    let disk = Disk::new(&time);
    let join = || -> Member {
        let (directory, script) = Faulty::new(disk.clone());
        let store = open(directory, time.clone(), Durability::None);
        (
            store.bounded(MaxBytes::new(bound).expect("a bound")),
            script,
        )
    };
    let mut crowd: Vec<Member> = (0..members).map(|_| join()).collect();
    let (mut set, mut hits, mut sets) = (0, 0, 0);
    while set < total {
        let at = random.usize(..members);
        let size = *random.choice(sizes).expect("a size");
        let key = format!("key {}", random.u32(..10_000));
        let is_killed = random.u8(..10) == 0;
        let fault = is_killed.then(|| (random.usize(..8), Fault::StopsBefore));
        let (store, script) = &crowd[at];
        script.begin(fault);
        match store.set(&key, &vec![1; size], None) {
            Ok(()) => {
                sets += 1;
                hits += u64::from(store.get(&key).is_ok());
            }
            Err(Error::Directory(_)) if is_killed => {}
            Err(error) => return Err(format!("failed to set: {error:?}")),
        }
        if is_killed {
            crowd[at] = join();
        }
        set += (size as u64 + 64).next_multiple_of(BLOCK);
        time.forwards(random.u64(..10 * SECOND));
        let occupied = disk.occupied();
        count.case(rule(occupied <= bound, || {
            format!("{occupied} of {bound} bytes with values of {sizes:?} by {members}")
        }));
    }
    rule(2 * hits > sets, || {
        format!("only {hits} of {sets} values were there after they were set")
    })
}
