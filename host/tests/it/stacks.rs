//! Stacks of plugs: the caches of this repository.

use crate::guests::Guest;
use libtest_mimic::Failed;
use std::path::Path;

/// Plugs that together provide a cache, nearest to the consumer first.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// The name of the stack in tests.
    pub name: &'static str,
    plugs: &'static [(&'static str, Guest)],
}

/// All stacks. The last plug of each is called `cache` and is granted a directory.
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
    /// The missing toolchain, if the stack cannot be built here.
    pub fn missing_toolchain(&self) -> Option<String> {
        self.plugs
            .iter()
            .find_map(|(_, guest)| guest.missing_toolchain())
    }

    /// The arguments of `wit-host` that add the plugs.
    pub fn plug_args(&self) -> Result<Vec<String>, Failed> {
        self.plugs
            .iter()
            .map(|(name, guest)| Ok(format!("--plug={name}={}", guest.path()?.display())))
            .collect()
    }

    /// The arguments of `wit-host` that isolate each plug.
    pub fn isolate_args(&self) -> impl Iterator<Item = String> {
        self.plugs
            .iter()
            .map(|(name, _)| format!("--isolate={name}"))
    }

    /// The argument that grants a directory to the plug `cache`.
    pub fn grant_arg(&self, directory: &Path) -> String {
        format!("--dir=cache={}::/cache", directory.display())
    }
}
