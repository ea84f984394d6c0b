//! `--cache`: the caches of the host that satisfy imports.

use crate::cli::{
    backend::{self, Backend},
    exit::UsageError,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use wit_host::{
    ComposeError, FileOperations, HostInterface, Part, PartName,
    untrusted::{Name, quoted_names},
};

/// Caches of the host.
#[derive(clap::Args)]
pub struct CacheArgs {
    /// Satisfy the import `toolkit:cache/cache` of FILE, or of the part NAME, with a cache of the host.
    ///
    /// BACKEND is `memory:`, which holds entries until the command ends, or `dir:PATH`, which stores
    /// entries in the directory PATH in the files of the component `cache-impl`. Parameters follow a
    /// `?`, with `&` between them: `max-bytes=SIZE` is the size above which entries are evicted, such as
    /// `64MiB`; without it `memory:` holds 256 MiB, and `dir:` has no bound. `fsync=none`, `file` or
    /// `full` says which entries of `dir:` a loss of power can destroy. In PATH and in parameters, `%3F`
    /// is a `?` and `%25` a `%`.
    ///
    /// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` is a Redis server, and `rediss://` one with TLS. Its
    /// parameters are `prefix` (of keys), `timeout` and `connect-timeout` (such as `500ms`),
    /// `connections`, `cluster=true`, `seed=HOST:PORT` (a further node of the cluster) and `ca=PATH` (the
    /// certificate authority).
    #[arg(long = "cache", value_name = "[NAME=]BACKEND", help_heading = "Caches")]
    caches: Vec<String>,
    /// The caches that have been opened, by their flags. A server that loads its logic again keeps them.
    #[arg(skip)]
    opened: Opened,
}

type Opened = Mutex<BTreeMap<String, HostInterface>>;

/// The backends of parts.
pub struct Caches<'a> {
    backends: BTreeMap<PartName, (&'a str, Backend)>,
    opened: &'a Opened,
    file_operations: FileOperations,
}

impl CacheArgs {
    /// The backend of each part that has one. The consumer is the first of `parts`. No backend is opened.
    pub fn of_parts(
        &self,
        parts: &[PartName],
        file_operations: FileOperations,
    ) -> Result<Caches<'_>, UsageError> {
        let mut caches = BTreeMap::new();
        for text in &self.caches {
            let refused = |why: String| UsageError(format!("`--cache {}`: {why}", shown(text)));
            let (name, address) = split_name(text);
            let part = match name {
                None => &parts[0],
                Some(name) => parts
                    .iter()
                    .find(|part| part.as_str() == name)
                    .ok_or_else(|| refused(no_such_part(name, parts)))?,
            };
            let backend = address.parse().map_err(refused)?;
            if let Some((first, _)) = caches.insert(part.clone(), (text.as_str(), backend)) {
                let first = shown(first);
                return Err(refused(format!(
                    "`{part}` has the cache `{first}` already; give each part one cache"
                )));
            }
        }
        Ok(Caches {
            backends: caches,
            opened: &self.opened,
            file_operations,
        })
    }
}

impl Caches<'_> {
    /// The first flag, without secrets.
    pub fn first(&self) -> Option<String> {
        self.backends.values().next().map(|(text, _)| shown(text))
    }

    /// Opens the cache of a part, and provides it to the part.
    pub fn provide_to(&self, part: Part) -> anyhow::Result<Part> {
        let Some((text, backend)) = self.backends.get(&part.name) else {
            return Ok(part);
        };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = match opened.get(*text) {
            Some(cache) => cache.clone(),
            None => {
                let cache = backend.open(self.file_operations)?;
                opened.insert((*text).to_owned(), cache.clone());
                cache
            }
        };
        Ok(part.provide(cache))
    }

    /// An error of composing. One that a cache causes names the flag.
    pub fn explain(&self, error: ComposeError) -> anyhow::Error {
        let part = match &error {
            ComposeError::IdleHostInterface { part, .. } => part,
            ComposeError::SatisfiedTwice { importer, .. } => importer,
            _ => return error.into(),
        };
        match self.backends.get(part) {
            Some((text, _)) => UsageError(format!("`--cache {}`: {error}", shown(text))).into(),
            None => error.into(),
        }
    }
}

/// The value of a flag without secrets, escaped.
fn shown(text: &str) -> String {
    let (name, address) = split_name(text);
    let address = backend::shown(address);
    let shown = match name {
        Some(name) => format!("{name}={address}"),
        None => address,
    };
    Name(shown).to_string()
}

/// The text before the first equals sign is NAME if it can be the name of a part. No scheme contains an equals
/// sign, and no name contains the colon that ends a scheme.
fn split_name(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, address)) if !name.contains(':') => (Some(name), address),
        _ => (None, text),
    }
}

fn no_such_part(name: &str, parts: &[PartName]) -> String {
    let (name, names) = (Name(name), quoted_names(parts));
    match parts {
        [_] => format!("no part is named `{name}`; the only part is {names}"),
        _ => format!("no part is named `{name}`; the parts are {names}"),
    }
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn a_name_ends_before_the_scheme() {
        for (text, expected) in [
            ("memory:", (None, "memory:")),
            ("memory:?max-bytes=1MB", (None, "memory:?max-bytes=1MB")),
            ("dir:a=b", (None, "dir:a=b")),
            ("lru=memory:", (Some("lru"), "memory:")),
            (
                "lru=dir:/a=b?fsync=full",
                (Some("lru"), "dir:/a=b?fsync=full"),
            ),
            ("=memory:", (Some(""), "memory:")),
            ("", (None, "")),
        ] {
            assert_eq!(split_name(text), expected, "{text}");
        }
    }
}
