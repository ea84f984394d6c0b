//! Where compiled code is kept.

use std::{error::Error, fmt, path::PathBuf};
use wit_host::{CodeCache, CodeCacheError, CodeCacheReached, Sandboxes};

/// In `WIT_HOST_CACHE`, else in `wit-host/code` in the user's cache directory. Where that cannot be
/// used, everything is compiled each time.
pub fn open() -> anyhow::Result<Option<CodeCache>> {
    let named = std::env::var_os("WIT_HOST_CACHE").filter(|name| !name.is_empty());
    if let Some(directory) = named {
        let opened = CodeCache::open(PathBuf::from(directory));
        return Ok(Some(opened.map_err(not_opened)?));
    }
    let Some(directory) = user_cache() else {
        return Ok(None);
    };
    Ok(CodeCache::open(directory.join("wit-host/code")).ok())
}

/// Refuses grants by which a guest could put code there that a later run executes. It does not
/// matter whether this run uses the cache.
pub fn refuse_reaching(cache: &CodeCache, sandboxes: &Sandboxes) -> anyhow::Result<()> {
    Ok(cache.refuse_reaching(sandboxes).map_err(reached)?)
}

fn not_opened(error: CodeCacheError) -> WithRemedy<CodeCacheError> {
    WithRemedy {
        error,
        remedy: ", or give `--no-cache`",
    }
}

fn reached(error: CodeCacheReached) -> WithRemedy<CodeCacheReached> {
    WithRemedy {
        error,
        remedy: " with `:ro`, or keep compiled code elsewhere with `WIT_HOST_CACHE=DIRECTORY`",
    }
}

/// An error of the library with what the command offers against it.
#[derive(Debug)]
struct WithRemedy<E> {
    error: E,
    remedy: &'static str,
}

impl<E: fmt::Display> fmt::Display for WithRemedy<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.error, self.remedy)
    }
}

impl<E: Error> Error for WithRemedy<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
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
