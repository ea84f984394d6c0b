//! The directory of the code cache.

use std::path::PathBuf;
use wit_host::{CodeCache, CodeCacheError, Plan};

/// Its path in the user's cache directory.
const BELOW: &str = "wit-host/code";

/// Gives a plan the code cache of this run, and the directories that other runs use as one: grants must
/// not let a guest write code there, which a later run would execute. Where nothing could be read or
/// written there, the cache is not opened.
pub fn protect(plan: &mut Plan) -> Result<(), CodeCacheError> {
    if !(plan.keeps_code || plan.sandboxes.grant_writing()) {
        return Ok(());
    }
    let in_home = home_cache().map(|directory| directory.join(BELOW));
    plan.protected = default().into_iter().chain(in_home).collect();
    plan.code_cache = match open() {
        Err(error) if plan.keeps_code => return Err(error),
        opened => opened.ok().flatten(),
    };
    Ok(())
}

/// Opens the cache in `WIT_HOST_CACHE`, or in `wit-host/code` in the user's cache directory. If the
/// latter cannot be used, there is no cache, and everything is compiled each time.
fn open() -> Result<Option<CodeCache>, CodeCacheError> {
    match named() {
        Some(directory) => CodeCache::open(directory).map(Some),
        None => Ok(default().and_then(|directory| CodeCache::open(directory).ok())),
    }
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
