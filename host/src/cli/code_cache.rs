//! Where compiled code is kept.

use std::path::PathBuf;
use wit_host::{CodeCache, CodeCacheError};

/// In `WIT_HOST_CACHE`, else in `wit-host/code` in the user's cache directory. Where that cannot be
/// used, everything is compiled each time.
pub fn open() -> Result<Option<CodeCache>, CodeCacheError> {
    let named = std::env::var_os("WIT_HOST_CACHE").filter(|name| !name.is_empty());
    if let Some(directory) = named {
        return CodeCache::open(PathBuf::from(directory)).map(Some);
    }
    let Some(directory) = user_cache() else {
        return Ok(None);
    };
    Ok(CodeCache::open(directory.join("wit-host/code")).ok())
}

fn user_cache() -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os("XDG_CACHE_HOME") {
        return Some(PathBuf::from(directory)).filter(|directory| directory.is_absolute());
    }
    let home = std::env::home_dir()?;
    Some(match std::env::consts::OS {
        "macos" => home.join("Library/Caches"),
        "windows" => home.join("AppData/Local"),
        _ => home.join(".cache"),
    })
}
