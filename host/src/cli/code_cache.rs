//! Where compiled code is kept.

use std::path::PathBuf;
use wit_host::{CodeCache, CodeCacheError, CodeCacheReached, Sandboxes};

/// Where it is in the user's cache directory.
const BELOW: &str = "wit-host/code";

/// In `WIT_HOST_CACHE`, else in `wit-host/code` in the user's cache directory. Where that cannot be
/// used, everything is compiled each time.
pub fn open() -> Result<Option<CodeCache>, CodeCacheError> {
    match named() {
        Some(directory) => CodeCache::open(directory).map(Some),
        None => Ok(default().and_then(|directory| CodeCache::open(directory).ok())),
    }
}

/// Refuses grants by which a guest could put code there that a later run executes: into the cache of
/// this run, used or not, and into the default ones, which other runs use.
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
    // One that is empty or relative is to be ignored: XDG Base Directory Specification.
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
