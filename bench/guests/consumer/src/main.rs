//! A consumer of a cache that executes orders.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "consumer" });
}

use bindings::toolkit::cache::cache::{self, Error};
use workload::{Cache, serve_cache};

fn main() {
    serve_cache(Plugged);
}

struct Plugged;

impl Cache for Plugged {
    fn set(&mut self, key: &str, value: &[u8]) {
        cache::set(key, value, None).expect("a set succeeds");
    }

    fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        match cache::get(key) {
            Err(Error::NotFoundError) => None,
            got => Some(got.expect("a get succeeds")),
        }
    }
}
