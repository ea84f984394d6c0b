//! Contenders that embed a runtime: `hosted pooled|on-demand CONSUMER CACHE` instantiates a composition,
//! `hosted mapped CONSUMER` runs a consumer on a map, `hosted data WAY GUEST` passes data, and `hosted
//! engine compiler|interpreter MODULE` calls functions of a core module.

mod data;
mod engines;
mod instances;
mod mapped;

use std::path::Path;
use wit_host::Engine;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["data", way, guest] => data::serve_calls(way, Path::new(guest)),
        ["engine", "compiler", module] => {
            engines::serve_functions(Engine::Compiler, Path::new(module))
        }
        ["engine", "interpreter", module] => {
            engines::serve_functions(Engine::Interpreter, Path::new(module))
        }
        ["mapped", consumer] => mapped::run(Path::new(consumer)),
        ["pooled", consumer, cache] => instances::serve_instances(true, consumer, cache),
        ["on-demand", consumer, cache] => instances::serve_instances(false, consumer, cache),
        _ => anyhow::bail!(
            "usage: hosted pooled|on-demand FILE FILE, hosted mapped FILE, hosted data|engine WORD FILE"
        ),
    }
}
