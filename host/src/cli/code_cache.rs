//! The directory of the code cache.

use std::path::PathBuf;
use wit_host::{CodeCache, CodeCacheError, CodeCacheReached, Sandboxes};

/// Its path in the user's cache directory.
const BELOW: &str = "wit-host/code";

/// Opens the cache in `WIT_HOST_CACHE`, or in `wit-host/code` in the user's cache directory. If the
/// latter cannot be used, there is no cache, and everything is compiled each time.
pub fn open() -> Result<Option<CodeCache>, CodeCacheError> {
    match named() {
        Some(directory) => CodeCache::open(directory).map(Some),
        None => Ok(default().and_then(|directory| CodeCache::open(directory).ok())),
    }
}

/// Refuses grants that let a guest write code which a later run executes: into the cache of this run,
/// whether it is used or not, and into the default caches, which other runs use.
pub fn refuse_reaching(
    cache: Option<&CodeCache>,
    sandboxes: &Sandboxes,
) -> Result<(), CodeCacheReached> {
    if let Some(cache) = cache {
        cache.refuse_reaching(sandboxes)?;
    }
    let of_home = home_cache().map(|directory| directory.join(BELOW));
    let mut others = default().into_iter().chain(of_home);
    others.try_for_each(|directory| CodeCache::refuse_reaching_path(&directory, sandboxes))
}

fn named() -> Option<PathBuf> {
    let named = std::env::var_os("WIT_HOST_CACHE");
    named.filter(|name| !name.is_empty()).map(PathBuf::from)
}

fn default() -> Option<PathBuf> {
    Some(user_cache()?.join(BELOW))
}

fn user_cache() -> Option<PathBuf> {
    // An empty or relative path is ignored, as the XDG Base Directory Specification says.
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    if let Some(directory) = named.filter(|directory| directory.is_absolute()) {
        return Some(directory);
    }
    home_cache()
}

fn home_cache() -> Option<PathBuf> {
    let home = std::env::home_dir()?;
    Some(match std::env::consts::OS {
        "macos" => home.join("Library/Caches"),
        "windows" => home.join("AppData/Local"),
        _ => home.join(".cache"),
    })
}
