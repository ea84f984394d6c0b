//! Runs a consumer of the cache on a cache that alone sees a directory:
//! `cargo run -p wit-host --example embed -- CONSUMER CACHE DIRECTORY`.

use std::{error::Error, time::Duration};
use wit_host::{
    Component, Form, Limits, Outcome, Part, Preopen, Runtime, RuntimeOptions, Sandbox, Sandboxes,
    compose,
};

fn main() -> Result<(), Box<dyn Error>> {
    let [_, consumer, cache, directory] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: embed CONSUMER CACHE DIRECTORY".into());
    };
    let consumer = Part::new("consumer", Component::open(consumer)?)?;
    let cache = Part::new("cache", Component::open(cache)?)?;
    let store = Sandbox::new().preopen(Preopen::read_write(directory, "/cache"));
    let sandboxes = Sandboxes::new(Sandbox::new().inherit_stdout().inherit_stderr())
        .plug(cache.name.clone(), store);
    let limits = Limits::new().timeout(Duration::from_secs(10));
    let options = RuntimeOptions::new().interruptible(true);

    let program = Runtime::new(&options)?.load(&compose(&consumer, &[cache], Form::Granted)?)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let instance = tokio.block_on(program.instantiate(&sandboxes, &limits))?;
    match tokio.block_on(instance.run()) {
        Outcome::Exited(code) => std::process::exit(code),
        Outcome::Trapped(trap) => Err(trap.into()),
        Outcome::TimedOut(timed_out) => Err(timed_out.into()),
    }
}
