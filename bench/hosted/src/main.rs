//! Contenders that embed a runtime: `hosted isolated DIRECTORY CACHE` calls a cache component in a
//! store of its own, `hosted pooled|on-demand CONSUMER CACHE` instantiates a composition, and `hosted
//! mapped CONSUMER` runs a consumer on a map.

mod instances;
mod isolated;
mod mapped;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["isolated", directory, cache] => isolated::serve(Path::new(directory), Path::new(cache)),
        ["mapped", consumer] => mapped::run(Path::new(consumer)),
        ["pooled", consumer, cache] => instances::serve_instances(true, consumer, cache),
        ["on-demand", consumer, cache] => instances::serve_instances(false, consumer, cache),
        _ => anyhow::bail!("usage: hosted isolated|pooled|on-demand FILE FILE, hosted mapped FILE"),
    }
}
