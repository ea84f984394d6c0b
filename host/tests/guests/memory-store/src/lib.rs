//! A key-value store in memory: one bucket, without a name.
//!
//! It is as strict about keys as the strictest store that is known: 1 to 63 characters among `a` to `z`, `0` to
//! `9` and `-`. The environment variable `FAULT` makes it fail: `open` denies access to the bucket, `calls` fails
//! every call on it, and `foreign` returns bytes of another program for every key.

use bindings::exports::wasi::keyvalue::store::{Bucket, Error, Guest, GuestBucket, KeyResponse};
use std::{cell::RefCell, collections::HashMap, env};

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../../examples/keyvalue-bridge/wit/deps/keyvalue",
        inline: "package test:memory-store; world memory-store { export wasi:keyvalue/store@0.2.0-draft2; }",
        world: "test:memory-store/memory-store",
    });
    use super::Component;
    export!(Component with_types_in self);
}

struct Component;

impl Guest for Component {
    type Bucket = MemoryBucket;

    fn open(identifier: String) -> Result<Bucket, Error> {
        if has_fault("open") {
            Err(Error::AccessDenied)
        } else if identifier.is_empty() {
            Ok(Bucket::new(MemoryBucket::default()))
        } else {
            Err(Error::NoSuchStore)
        }
    }
}

#[derive(Default)]
struct MemoryBucket {
    values: RefCell<HashMap<String, Vec<u8>>>,
}

impl GuestBucket for MemoryBucket {
    fn get(&self, key: String) -> Result<Option<Vec<u8>>, Error> {
        check(&key)?;
        if has_fault("foreign") {
            return Ok(Some(b"of another program".into()));
        }
        Ok(self.values.borrow().get(&key).cloned())
    }

    fn set(&self, key: String, value: Vec<u8>) -> Result<(), Error> {
        check(&key)?;
        self.values.borrow_mut().insert(key, value);
        Ok(())
    }

    fn delete(&self, key: String) -> Result<(), Error> {
        check(&key)?;
        self.values.borrow_mut().remove(&key);
        Ok(())
    }

    fn exists(&self, key: String) -> Result<bool, Error> {
        check(&key)?;
        Ok(self.values.borrow().contains_key(&key))
    }

    fn list_keys(&self, _cursor: Option<String>) -> Result<KeyResponse, Error> {
        Ok(KeyResponse {
            keys: self.values.borrow().keys().cloned().collect(),
            cursor: None,
        })
    }
}

fn check(key: &str) -> Result<(), Error> {
    let accepted = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if has_fault("calls") {
        Err(Error::Other("no space left\n\u{1b}[31mon the disk".into()))
    } else if (1..=63).contains(&key.len()) && key.bytes().all(accepted) {
        Ok(())
    } else {
        Err(Error::Other(format!("`{key}` is not a key")))
    }
}

fn has_fault(fault: &str) -> bool {
    env::var("FAULT").is_ok_and(|set| set == fault)
}
