//! The backends of `--cache`, by their addresses.

mod address;
mod failures;

use super::{args::parse_size, heap};
use address::{Address, Parameters};
use anyhow::Context;
use failures::Failures;
use std::{fmt, path::PathBuf, str::FromStr};
use tokio::runtime::Builder;
use wit_host::{
    Cache, DirCache, DirCacheOptions, FileOperations, HostInterface, MaxBytes, MemoryCache,
    MemoryCacheOptions, RedisCache, RedisError, RedisOptions, untrusted::Name,
};

/// A cache of the host, which is not open yet.
pub enum Backend {
    Memory(MemoryCacheOptions),
    Dir(PathBuf, DirCacheOptions),
    Redis(Box<RedisOptions>),
}

/// The schemes, for a message.
const SCHEMES: &str = "`memory:`, `dir:PATH`, `redis://…` and `rediss://…`";

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Only the scheme of an unknown address is quoted, because the rest may contain a password.
        let scheme = match text.split_once(':') {
            None => return Err("write a scheme and a colon, as in `memory:`".to_owned()),
            Some((scheme @ ("memory" | "dir"), _)) => scheme,
            Some(("redis" | "rediss", _)) => {
                let options: RedisOptions = text
                    .parse()
                    .map_err(|error: RedisError| error.to_string())?;
                return Ok(Self::Redis(Box::new(options)));
            }
            Some((other, _)) => {
                return Err(format!(
                    "there is no cache `{}:`; the caches are {SCHEMES}",
                    Name(other)
                ));
            }
        };
        let Address {
            path,
            mut parameters,
        } = text.parse()?;
        let backend = match scheme {
            "memory" => {
                if !path.is_empty() {
                    return Err("`memory:` has no path; parameters follow a `?`".to_owned());
                }
                Self::Memory(memory(&mut parameters)?)
            }
            _ => {
                if path.is_empty() {
                    return Err("name a directory, as in `dir:PATH`".to_owned());
                }
                Self::Dir(path.into(), dir(&mut parameters)?)
            }
        };
        parameters.expect_none_left()?;
        Ok(backend)
    }
}

/// The address without its secrets, for a message about it. Only the scheme of an address other than `memory:`
/// and `dir:` is shown, because the rest may contain a password, even if the scheme is mistyped.
pub fn shown(address: &str) -> String {
    match address.split_once(':') {
        Some(("memory" | "dir", _)) => address.to_owned(),
        Some((scheme, _)) => format!("{scheme}:…"),
        None if address.contains('@') => "…".to_owned(),
        None => address.to_owned(),
    }
}

fn memory(parameters: &mut Parameters) -> Result<MemoryCacheOptions, String> {
    let options = MemoryCacheOptions::default();
    // The other half is for everything else that the host allocates.
    let most = heap::allowed() as u64 / 2;
    let Some(max_bytes) = parameters.take("max-bytes", parse_bytes)? else {
        return Ok(options.max_bytes(options.max_bytes.min(most)));
    };
    if max_bytes > most {
        return Err(format!(
            "`max-bytes` can be {most} bytes at most, half of what the host may allocate; allow more with `--max-host-memory`"
        ));
    }
    Ok(options.max_bytes(max_bytes))
}

fn dir(parameters: &mut Parameters) -> Result<DirCacheOptions, String> {
    let mut options = DirCacheOptions::default();
    let parse_max_bytes = |text: &str| {
        let too_small = "it must be 4096 bytes or more, because each file takes a block";
        MaxBytes::new(parse_bytes(text)?).ok_or_else(|| too_small.to_owned())
    };
    if let Some(max_bytes) = parameters.take("max-bytes", parse_max_bytes)? {
        options = options.max_bytes(max_bytes);
    }
    let parse_fsync = |text: &str| {
        let expected = "write `none`, `file` or `full`";
        text.parse().map_err(|_| expected.to_owned())
    };
    if let Some(durability) = parameters.take("fsync", parse_fsync)? {
        options = options.durability(durability);
    }
    Ok(options)
}

fn parse_bytes(text: &str) -> Result<u64, String> {
    Ok(parse_size(text)?.as_u64())
}

impl Backend {
    /// Opens the cache as a host interface.
    pub fn open(&self, file_operations: FileOperations) -> anyhow::Result<HostInterface> {
        Ok(match self {
            Self::Memory(options) => self.interface(MemoryCache::new(*options)),
            Self::Dir(path, options) => {
                let opened = DirCache::open(path, options.file_operations(file_operations))
                    .with_context(|| {
                        let shown = Name(self);
                        format!(
                            "failed to open the cache `{shown}`; it needs an existing directory"
                        )
                    })?;
                self.interface(opened)
            }
            Self::Redis(options) => {
                // The program makes its own connections. This one shows that there is a server.
                let tokio = Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .context("failed to set up the event loop")?;
                let connecting = RedisCache::connect_with(RedisOptions::clone(options));
                let cache = tokio.block_on(connecting);
                self.interface(cache.with_context(|| format!("failed to open the cache `{self}`"))?)
            }
        })
    }

    fn interface(&self, cache: impl Cache) -> HostInterface {
        let failures = Failures::new(self.to_string());
        HostInterface::cache_reporting(cache, move |failure| failures.warn(&failure))
            .provider(self.to_string())
    }
}

/// The address without its parameters.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(_) => f.write_str("memory:"),
            Self::Dir(path, _) => write!(f, "dir:{}", path.display()),
            Self::Redis(options) => {
                let scheme = if options.is_tls() { "rediss" } else { "redis" };
                write!(f, "{scheme}://{}", options.addresses().join(","))
            }
        }
    }
}
