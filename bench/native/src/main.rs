//! `native engine DIRECTORY` is the cache's engine without WebAssembly; `native open DIRECTORY` only
//! opens files that do not exist.

use dir_cache::{Durability, Error, NativeDirectory, Store, SystemClock};
use std::{fs::File, path::Path};
use workload::{Cache, serve_cache, serve_keys};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(contender), Some(directory)) = (args.next(), args.next()) else {
        anyhow::bail!("usage: native <engine|open> DIRECTORY");
    };
    match contender.as_str() {
        "engine" => {
            let directory = NativeDirectory::open(directory)?;
            let seed = u64::from(std::process::id());
            let store = Store::open(directory, SystemClock, Durability::None, seed)?;
            serve_cache(Engine(store));
        }
        "open" => {
            let open = |key: &str| File::open(Path::new(&directory).join(key));
            serve_keys(|_, key, _| assert!(open(key).is_err(), "it is not there"));
        }
        other => anyhow::bail!("there is no contender `{other}`"),
    }
    Ok(())
}

struct Engine(Store<NativeDirectory, SystemClock>);

impl Cache for Engine {
    fn set(&mut self, key: &str, value: &[u8]) {
        self.0.set(key, value, None).expect("a set succeeds");
    }

    fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        match self.0.get(key) {
            Err(Error::NotFound) => None,
            got => Some(got.expect("a get succeeds")),
        }
    }
}
