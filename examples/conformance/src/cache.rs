//! The cache under test, as a check sees it: calls that report the expected and the actual result.

use crate::bindings::toolkit::cache::cache::{self, Error};
use crate::check::Verdict;
use crate::letters::{difference, letters};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Display;

/// Deletes, when it is dropped, every key that was set through it.
pub struct Cache {
    prefix: String,
    used: RefCell<BTreeSet<String>>,
    misses: Cell<usize>,
}

impl Cache {
    pub fn new(prefix: String) -> Self {
        Self {
            prefix,
            used: RefCell::default(),
            misses: Cell::new(0),
        }
    }

    /// A key that no other check and no other run uses.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub fn set(&self, key: &str, value: impl AsRef<[u8]>, ttl: Option<u32>) -> Verdict {
        self.try_set(key, value.as_ref(), ttl).map_err(|error| {
            let ttl = ttl.map_or("no ttl".to_owned(), |seconds| format!("ttl {seconds}"));
            let call = format!("set({}, {}, {ttl})", quote(key), bytes(value.as_ref()));
            unexpected(call, "success", name(error))
        })
    }

    /// Sets a value that [`Self::expect_letters`] recognises.
    pub fn set_letters(&self, key: &str, name: u64, length: usize, ttl: Option<u32>) -> Verdict {
        self.set(key, letters(name, length), ttl)
    }

    /// For a key that is too long.
    pub fn expect_set_to_fail(&self, key: &str) -> Verdict {
        expect_runtime_error(
            format!("set({})", quote(key)),
            self.try_set(key, b"value", None),
        )
    }

    /// The value of an entry that has to be there.
    pub fn get(&self, key: &str) -> Result<Vec<u8>, String> {
        let call = || format!("get({})", quote(key));
        cache::get(key).map_err(|error| unexpected(call(), "a value", name(error)))
    }

    /// The value of an entry that the cache may have forgotten; a missing entry is counted.
    pub fn get_unless_forgotten(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        match cache::get(key) {
            Ok(value) => Ok(Some(value)),
            Err(Error::NotFoundError) => {
                self.misses.set(self.misses.get() + 1);
                Ok(None)
            }
            Err(error) => {
                let call = format!("get({})", quote(key));
                Err(unexpected(call, "a value or not-found-error", name(error)))
            }
        }
    }

    /// The number of forgotten entries.
    pub fn misses(&self) -> usize {
        self.misses.get()
    }

    pub fn expect(&self, key: &str, value: impl AsRef<[u8]>) -> Verdict {
        let (expected, found) = (value.as_ref(), self.get(key)?);
        if found == expected {
            return Ok(());
        }
        Err(unexpected(
            format!("get({})", quote(key)),
            bytes(expected),
            bytes(&found),
        ))
    }

    pub fn expect_letters(&self, key: &str, name: u64, length: usize) -> Verdict {
        are_letters(key, name, length, &self.get(key)?)
    }

    pub fn expect_nothing(&self, key: &str) -> Verdict {
        let found = match cache::get(key) {
            Err(Error::NotFoundError) => return Ok(()),
            Err(error) => name(error).to_owned(),
            Ok(value) => bytes(&value),
        };
        Err(unexpected(
            format!("get({})", quote(key)),
            "not-found-error",
            found,
        ))
    }

    /// For a key that is too long.
    pub fn expect_get_to_fail(&self, key: &str) -> Verdict {
        expect_runtime_error(format!("get({})", quote(key)), cache::get(key).map(drop))
    }

    pub fn delete(&self, key: &str) -> Verdict {
        let call = || format!("delete({})", quote(key));
        cache::delete(key).map_err(|error| unexpected(call(), "success", name(error)))
    }

    /// Deletes an entry that the cache may have forgotten; a missing entry is not counted.
    pub fn delete_unless_forgotten(&self, key: &str) -> Verdict {
        match cache::delete(key) {
            Ok(()) | Err(Error::NotFoundError) => Ok(()),
            Err(error) => {
                let call = format!("delete({})", quote(key));
                Err(unexpected(call, "success or not-found-error", name(error)))
            }
        }
    }

    pub fn expect_nothing_to_delete(&self, key: &str) -> Verdict {
        let found = match cache::delete(key) {
            Err(Error::NotFoundError) => return Ok(()),
            Err(error) => name(error),
            Ok(()) => "success",
        };
        Err(unexpected(
            format!("delete({})", quote(key)),
            "not-found-error",
            found,
        ))
    }

    /// For a key that is too long.
    pub fn expect_delete_to_fail(&self, key: &str) -> Verdict {
        expect_runtime_error(format!("delete({})", quote(key)), cache::delete(key))
    }

    fn try_set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), Error> {
        self.used.borrow_mut().insert(key.to_owned());
        cache::set(key, value, ttl)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        for key in self.used.get_mut().iter() {
            // Most keys are gone already; some are too long to be deleted.
            let _ = cache::delete(key);
        }
    }
}

/// Checks that `found` is the value that `set_letters` stored.
pub fn are_letters(key: &str, name: u64, length: usize, found: &[u8]) -> Verdict {
    let Some(position) = difference(name, length, found) else {
        return Ok(());
    };
    let found = format!("{} bytes that differ from byte {position} on", found.len());
    Err(unexpected(
        format!("get({})", quote(key)),
        format!("{length} bytes"),
        found,
    ))
}

fn expect_runtime_error(call: String, found: Result<(), Error>) -> Verdict {
    let found = match found {
        Err(Error::RuntimeError) => return Ok(()),
        Err(error) => name(error),
        Ok(()) => "success",
    };
    Err(unexpected(call, "runtime-error", found))
}

fn unexpected(call: String, expected: impl Display, found: impl Display) -> String {
    format!("{call}: expected {expected}, found {found}")
}

/// The name of the error in `wit/cache.wit`.
fn name(error: Error) -> &'static str {
    match error {
        Error::RuntimeError => "runtime-error",
        Error::NotFoundError => "not-found-error",
    }
}

/// Quotes a key; a long one by its end, which distinguishes it from others.
fn quote(key: &str) -> String {
    const SHOWN: usize = 60;
    let beginning = key.floor_char_boundary(SHOWN / 2);
    let end = key.ceil_char_boundary(key.len().saturating_sub(SHOWN / 2));
    if beginning < end {
        let (beginning, end) = (key[..beginning].escape_debug(), key[end..].escape_debug());
        format!("`{beginning}…{end}` of {} bytes", key.len())
    } else {
        format!("`{}`", key.escape_debug())
    }
}

fn bytes(value: &[u8]) -> String {
    const SHOWN: usize = 40;
    match value.split_at_checked(SHOWN) {
        None | Some((_, [])) => format!("`{}`", value.escape_ascii()),
        Some((beginning, _)) => format!("`{}…` of {} bytes", beginning.escape_ascii(), value.len()),
    }
}
