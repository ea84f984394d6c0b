//! The work of every contender, measured in the same way natively, in a guest, and in a client of a
//! server.
//!
//! A contender reads orders from standard input, one per line, and answers with the nanoseconds that
//! the order took. So two contenders can take turns of a few milliseconds.

mod cache;
mod processor;

pub use cache::{Cache, serve_cache, serve_keys};
pub use processor::{sieve, sort};

use std::{io, time::Instant};

/// One order: `set 1024 1000 50` sets values of 1,024 bytes 50 times, under 1,000 keys in turn.
pub struct Order<'a> {
    pub work: &'a str,
    pub size: usize,
    pub keys: usize,
    pub count: u64,
}

impl<'a> Order<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        Some(Self {
            work: words.next()?,
            size: words.next()?.parse().ok()?,
            keys: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
        })
    }
}

/// Executes orders until there are no more. Preparing an order is not timed.
pub fn serve<R>(mut prepare: impl FnMut(&Order<'_>) -> R, mut perform: impl FnMut(&Order<'_>, &R)) {
    for line in io::stdin().lines() {
        let line = line.expect("an order can be read");
        let order = Order::parse(&line).expect("an order is a word and three numbers");
        let ready = prepare(&order);
        let started = Instant::now();
        perform(&order, &ready);
        println!("{}", started.elapsed().as_nanos());
    }
}
