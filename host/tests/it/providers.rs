//! The caches of this repository: the matrix and the conformance component run on each of them.

use crate::guests::Guest;
use libtest_mimic::Failed;
use std::path::Path;

/// A cache, as plugs or in the host.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// The name of the provider in tests.
    pub name: &'static str,
    /// The plugs, nearest to the consumer first.
    plugs: &'static [(&'static str, Guest)],
    /// The other arguments of `wit-host`. `{store}` stands for a directory that is empty at first.
    arguments: &'static [&'static str],
}

/// All providers.
pub const PROVIDERS: [Provider; 5] = [
    Provider {
        name: "cache-impl",
        plugs: &[("cache", Guest::CacheImpl)],
        arguments: &["--dir=cache={store}::/cache"],
    },
    Provider {
        name: "cpp-lru-on-cache-impl",
        plugs: &[("lru", Guest::CppLru), ("cache", Guest::CacheImpl)],
        arguments: &["--dir=cache={store}::/cache"],
    },
    Provider {
        name: "memory",
        plugs: &[],
        arguments: &["--cache=memory:"],
    },
    Provider {
        name: "dir",
        plugs: &[],
        arguments: &["--cache=dir:{store}"],
    },
    Provider {
        name: "cpp-lru-on-dir",
        plugs: &[("lru", Guest::CppLru)],
        arguments: &["--cache=lru=dir:{store}"],
    },
];

impl Provider {
    /// The missing toolchain, if the provider cannot be built here.
    pub fn missing_toolchain(&self) -> Option<String> {
        self.plugs
            .iter()
            .find_map(|(_, guest)| guest.missing_toolchain())
    }

    /// `true` if the provider consists of plugs that any host can run.
    pub fn is_portable(&self) -> bool {
        let is_grant = |argument: &&str| argument.starts_with("--dir=");
        self.arguments.iter().all(is_grant)
    }

    /// The arguments of `wit-host` that add the plugs.
    pub fn plugs(&self) -> Result<Vec<String>, Failed> {
        self.plugs
            .iter()
            .map(|(name, guest)| Ok(format!("--plug={name}={}", guest.path()?.display())))
            .collect()
    }

    /// The arguments of `wit-host` that isolate each plug.
    pub fn isolate_arguments(&self) -> impl Iterator<Item = String> {
        self.plugs
            .iter()
            .map(|(name, _)| format!("--isolate={name}"))
    }

    /// All arguments of `wit-host run`. Entries that survive the process are in the directory `store`.
    pub fn arguments(&self, store: &Path) -> Result<Vec<String>, Failed> {
        let store = store.display().to_string();
        let mut arguments = self.plugs()?;
        let others = self.arguments.iter();
        arguments.extend(others.map(|argument| argument.replace("{store}", &store)));
        Ok(arguments)
    }
}
