//! Runs a consumer of the cache on a map of this process, without a component that exports the cache:
//! `cargo run -p wit-host --example satisfy_an_interface -- CONSUMER`.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};
use wit_host::{
    Component, Form, HostInterface, Limits, Outcome, Part, Runtime, RuntimeOptions, Sandbox,
    Sandboxes, Value, compose,
};

/// `toolkit:cache/cache` of `wit/cache.wit`, without expiry.
fn cache() -> HostInterface {
    let entries = Arc::new(Mutex::new(HashMap::<String, Vec<u8>>::new()));
    let (of_get, of_delete) = (entries.clone(), entries.clone());
    let not_found = || Value::err(Value::Enum("not-found-error".to_owned()));
    HostInterface::new("toolkit:cache/cache@0.1.0")
        .function("set", move |call| {
            let [Value::String(key), Value::Bytes(value), _ttl] = &call.arguments[..] else {
                return Err("`set` takes a key, a value and a ttl".into());
            };
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.insert(key.clone(), value.clone());
            Ok(Some(Value::Result(Ok(None))))
        })
        .function("get", move |call| {
            let [Value::String(key)] = &call.arguments[..] else {
                return Err("`get` takes a key".into());
            };
            let entries = of_get.lock().unwrap_or_else(PoisonError::into_inner);
            let found = entries.get(key).cloned();
            Ok(Some(found.map_or_else(not_found, Value::ok)))
        })
        .function("delete", move |call| {
            let [Value::String(key)] = &call.arguments[..] else {
                return Err("`delete` takes a key".into());
            };
            let mut entries = of_delete.lock().unwrap_or_else(PoisonError::into_inner);
            let removed = entries.remove(key);
            Ok(Some(
                removed.map_or_else(not_found, |_| Value::Result(Ok(None))),
            ))
        })
}

fn main() -> Result<(), Box<dyn Error>> {
    let [_, consumer] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: satisfy_an_interface CONSUMER".into());
    };
    let consumer = Part::new("consumer", Component::open(consumer)?)?.provide(cache());
    let sandboxes = Sandboxes::new(Sandbox::new().inherit_stdout().inherit_stderr());

    let composition = compose(&consumer, &[], Form::Granted)?;
    let program = Runtime::new(&RuntimeOptions::default())?.load(&composition)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let instance = tokio.block_on(program.instantiate(&sandboxes, &Limits::default()))?;
    match tokio.block_on(instance.run()) {
        Outcome::Exited(code) => std::process::exit(code),
        Outcome::Trapped(trap) => Err(trap.into()),
        Outcome::TimedOut(timed_out) => Err(timed_out.into()),
    }
}
