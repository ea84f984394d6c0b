//! `peers cacache|sqlite|redis DIRECTORY`: other caches, natively; `peers wasmi MODULE`: another interpreter.

mod content;
mod database;
mod interpreter;
mod server;

use std::path::Path;
use workload::serve_cache;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(contender), Some(directory)) = (args.next(), args.next()) else {
        anyhow::bail!("usage: peers <cacache|sqlite|redis> DIRECTORY, peers wasmi MODULE");
    };
    match contender.as_str() {
        "cacache" => serve_cache(content::Cacache::open(directory)),
        "sqlite" => serve_cache(database::Sqlite::open(directory)?),
        "redis" => serve_cache(server::Redis::start(directory)?),
        "wasmi" => interpreter::serve_functions(Path::new(&directory))?,
        other => anyhow::bail!("there is no contender `{other}`"),
    }
    Ok(())
}
