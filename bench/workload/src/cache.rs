//! Work for a cache.

use crate::{Order, processor, serve};
use std::{hint::black_box, rc::Rc};

/// A cache under test. Failures panic.
pub trait Cache {
    fn set(&mut self, key: &str, value: &[u8]);
    fn get(&mut self, key: &str) -> Option<Vec<u8>>;
}

/// Executes orders on a cache.
pub fn serve_cache(mut cache: impl Cache) {
    serve_keys(|work, key, value| match work {
        "set" => cache.set(key, value),
        "get" => assert_eq!(cache.get(key).map(|got| got.len()), Some(value.len())),
        "miss" => assert_eq!(cache.get(key), None),
        "sort" => _ = black_box(processor::sort()),
        "sieve" => _ = black_box(processor::sieve()),
        other => panic!("nobody knows how to {other}"),
    });
}

/// Executes orders with a function of the work, the key and the value.
pub fn serve_keys(mut perform: impl FnMut(&str, &str, &[u8])) {
    let mut kept = Rc::new(Materials::default());
    let mut turn = 0;
    let prepare = |order: &Order<'_>| {
        if !kept.serve(order) {
            kept = Rc::new(Materials::of(order));
        }
        kept.clone()
    };
    serve(prepare, |order, materials| {
        for _ in 0..order.count {
            turn = (turn + STRIDE) % order.keys;
            perform(order.work, &materials.keys[turn], &materials.value);
        }
    });
}

/// The step between keys: for any power of ten keys it visits all of them before the first comes again,
/// in an order unrelated to that of a directory.
const STRIDE: usize = 61_803;

/// The keys and the value of an order, made once for all equal orders.
#[derive(Default)]
struct Materials {
    name: &'static str,
    keys: Vec<String>,
    value: Vec<u8>,
}

impl Materials {
    fn of(order: &Order<'_>) -> Self {
        let name = name(order);
        Self {
            name,
            keys: (0..order.keys).map(|n| format!("{name}-{n:06}")).collect(),
            value: (0..order.size).map(|n| (n % 251) as u8).collect(),
        }
    }

    fn serve(&self, order: &Order<'_>) -> bool {
        (self.name, self.keys.len(), self.value.len()) == (name(order), order.keys, order.size)
    }
}

fn name(order: &Order<'_>) -> &'static str {
    match order.work {
        "miss" => "absent",
        _ => "key",
    }
}
