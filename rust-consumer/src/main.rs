//! The cache demo in Rust: set, get, overwrite, expire and delete, through `wit/cache.wit`.
//!
//! The program names no implementation. Whatever exports `toolkit:cache/cache` can stand behind it.

use std::{process::ExitCode, thread::sleep, time::Duration};
use toolkit::cache::cache::{self, Error};

mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "consumer" });
}
use bindings::toolkit;

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the cache failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<(), Error> {
    set(
        "five-good-emperors",
        "Nerva, Trajan, Hadrian, Pius, and Marcus Aurelius",
        None,
    )?;
    set("almost-consul", "Caligula's horse, Incitatus", None)?;
    get("five-good-emperors")?;
    get("almost-consul")?;

    println!("-- an entry is replaced");
    set(
        "almost-consul",
        "Incitatus, who kept his ivory manger",
        None,
    )?;
    get("almost-consul")?;

    println!("-- an entry expires");
    set("year-of-the-six", "Pupienus and Balbinus", Some(1))?;
    get("year-of-the-six")?;
    sleep(Duration::from_millis(1100));
    get("year-of-the-six")?;

    println!("-- entries are deleted");
    delete("almost-consul")?;
    get("almost-consul")?;
    delete("almost-consul")?;
    delete("five-good-emperors")
}

fn set(key: &str, value: &str, ttl: Option<u32>) -> Result<(), Error> {
    cache::set(key, value.as_bytes(), ttl)?;
    match ttl {
        Some(seconds) => println!("set {key} for {seconds} s"),
        None => println!("set {key}"),
    }
    Ok(())
}

/// A missing entry is an answer; only a failing cache is an error.
fn get(key: &str) -> Result<(), Error> {
    match cache::get(key) {
        Ok(value) => println!("get {key}: {}", String::from_utf8_lossy(&value)),
        Err(Error::NotFoundError) => println!("get {key}: not found"),
        Err(error) => return Err(error),
    }
    Ok(())
}

fn delete(key: &str) -> Result<(), Error> {
    match cache::delete(key) {
        Ok(()) => println!("delete {key}"),
        Err(Error::NotFoundError) => println!("delete {key}: not found"),
        Err(error) => return Err(error),
    }
    Ok(())
}
