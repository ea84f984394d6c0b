//! Where compiled code is kept.

use std::path::PathBuf;

/// `WIT_HOST_CACHE`, else `wit-host` in the user's cache directory. `None` where there is none, or
/// where it cannot be made: then everything is compiled each time.
pub fn directory() -> Option<PathBuf> {
    let directory = match std::env::var_os("WIT_HOST_CACHE") {
        Some(directory) => PathBuf::from(directory),
        None => user_cache()?.join("wit-host"),
    };
    // The engine wants an absolute path.
    let directory = std::path::absolute(directory).ok()?;
    std::fs::create_dir_all(&directory).ok()?;
    Some(directory)
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
