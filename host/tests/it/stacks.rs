//! The caches of this repository, as stacks of plugs.

use crate::guests::Guest;
use libtest_mimic::Failed;
use std::path::Path;

/// Plugs that provide a cache together, nearest to the consumer first.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// What tests call it.
    pub name: &'static str,
    plugs: &'static [(&'static str, Guest)],
}

/// All of them. The last plug of each is called `cache`, and is the one to grant a directory to.
pub const STACKS: [Stack; 2] = [
    Stack {
        name: "cache-impl",
        plugs: &[("cache", Guest::CacheImpl)],
    },
    Stack {
        name: "cpp-lru-on-cache-impl",
        plugs: &[("lru", Guest::CppLru), ("cache", Guest::CacheImpl)],
    },
];

impl Stack {
    /// Why it cannot be built here, if it cannot.
    pub fn missing_toolchain(&self) -> Option<String> {
        self.plugs
            .iter()
            .find_map(|(_, guest)| guest.missing_toolchain())
    }

    /// The arguments that plug it.
    pub fn plug_args(&self) -> Result<Vec<String>, Failed> {
        self.plugs
            .iter()
            .map(|(name, guest)| Ok(format!("--plug={name}={}", guest.path()?.display())))
            .collect()
    }

    /// The argument that grants a directory to the cache alone.
    pub fn grant_arg(&self, directory: &Path) -> String {
        format!("--dir=cache={}::/cache", directory.display())
    }
}
