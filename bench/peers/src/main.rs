//! `peers cacache|sqlite|redis DIRECTORY`: other caches, natively.

mod content;
mod database;
mod server;

use workload::serve_cache;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(contender), Some(directory)) = (args.next(), args.next()) else {
        anyhow::bail!("usage: peers <cacache|sqlite|redis> DIRECTORY");
    };
    match contender.as_str() {
        "cacache" => serve_cache(content::Cacache::open(directory)),
        "sqlite" => serve_cache(database::Sqlite::open(directory)?),
        "redis" => serve_cache(server::Redis::start(directory)?),
        other => anyhow::bail!("there is no contender `{other}`"),
    }
    Ok(())
}
