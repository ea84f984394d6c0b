//! A simple cache on `std::fs`: the same files in the same folders, a header, a temporary file and a
//! rename, without checks.

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "provider" });
    use super::StdFs;
    export!(StdFs with_types_in self);
}

use bindings::exports::toolkit::cache::cache::{Error, Guest};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{ErrorKind, Result as IoResult},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

struct StdFs;

impl Guest for StdFs {
    fn set(key: String, value: Vec<u8>, ttl: Option<u32>) -> Result<(), Error> {
        let expires = ttl.map_or(u64::MAX, |ttl| now() + u64::from(ttl));
        write(&path(&key), expires, &value).map_err(error)
    }

    fn get(key: String) -> Result<Vec<u8>, Error> {
        let mut file = fs::read(path(&key)).map_err(error)?;
        let header = file.first_chunk().ok_or(Error::RuntimeError)?;
        if u64::from_le_bytes(*header) <= now() {
            return Err(Error::NotFoundError);
        }
        file.drain(..HEADER);
        Ok(file)
    }

    fn delete(key: String) -> Result<(), Error> {
        fs::remove_file(path(&key)).map_err(error)
    }
}

const HEADER: usize = size_of::<u64>();

fn write(path: &Path, expires: u64, value: &[u8]) -> IoResult<()> {
    let temporary = path.with_extension("tmp");
    let entry = [&expires.to_le_bytes(), value].concat();
    if fs::write(&temporary, &entry).is_err() {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(&temporary, &entry)?;
    }
    fs::rename(temporary, path)
}

fn path(key: &str) -> PathBuf {
    let name: String = Sha256::digest(key)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Path::new("/cache").join(&name[..2]).join(&name[2..])
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

fn error(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::NotFoundError,
        _ => Error::RuntimeError,
    }
}
