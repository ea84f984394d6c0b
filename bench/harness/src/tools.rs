//! The programs that are compared: their paths and command lines.

use crate::process::Process;
use anyhow::Context;
use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

pub struct Tools {
    root: PathBuf,
    target: PathBuf,
}

impl Tools {
    pub fn find() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()
            .context("the sources are where this was built")?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        Ok(Self { root, target })
    }

    /// The path of a file in the folder of the benchmarks.
    pub fn bench(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join("bench").join(name)
    }

    /// A directory on a disk, with room for the stores.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The cache component of the release build.
    pub fn cache(&self) -> PathBuf {
        self.target.join("components/cache_impl.wasm")
    }

    /// A guest component of the benchmarks.
    pub fn guest(&self, name: &str) -> PathBuf {
        let file = Path::new(name).with_extension("wasm");
        self.target.join("bench/wasm32-wasip2/release").join(file)
    }

    /// A guest of the project, of the release build.
    pub fn component(&self, name: &str) -> PathBuf {
        let file = Path::new(name).with_extension("wasm");
        self.target.join("components").join(file)
    }

    /// A core module of the benchmarks.
    pub fn core_module(&self, name: &str) -> PathBuf {
        let file = Path::new(name).with_extension("wasm");
        self.target
            .join("bench/wasm32-unknown-unknown/release")
            .join(file)
    }

    /// The `wit-host` command.
    pub fn wit_host(&self) -> Command {
        let mut command = Command::new(self.target.join("release/wit-host"));
        command.env("WIT_HOST_CACHE", self.target.join("bench/code-cache"));
        command
    }

    /// A native program of the benchmarks.
    pub fn ours(&self, name: &str) -> Command {
        Command::new(self.target.join("bench/release").join(name))
    }

    /// A native program of another project.
    pub fn theirs(&self, name: &str) -> Command {
        Command::new(self.root.join(".tools/bin").join(name))
    }

    pub fn diskcache(&self, directory: &Path) -> Command {
        let mut command = Command::new("python3");
        command
            .env("PYTHONPATH", self.root.join(".tools/diskcache"))
            .arg(self.bench("peers/diskcache_peer.py"))
            .arg(directory);
        command
    }

    /// The consumer with a plug.
    pub fn run(&self, plug: &Path) -> Command {
        let mut command = self.wit_host();
        command
            .arg("run")
            .arg(self.guest("bench_consumer"))
            .args([OsStr::new("--plug"), &named("cache", plug)]);
        command
    }

    /// The consumer with a plug in a store of its own.
    pub fn isolate(&self, plug: &Path) -> Command {
        let mut command = self.run(plug);
        command.args(["--isolate", "cache"]);
        command
    }

    /// The consumer on a cache of the host.
    pub fn backend(&self, backend: &str) -> Command {
        let mut command = self.wit_host();
        command
            .arg("run")
            .arg(self.guest("bench_consumer"))
            .args(["--cache", backend]);
        command
    }

    /// The consumer on the cache on a directory.
    pub fn run_on(&self, directory: &Path) -> Command {
        let mut grant = named("cache", directory);
        grant.push("::/cache");
        let mut command = self.run(&self.cache());
        command.arg("--dir").arg(grant);
        command
    }

    /// The consumer on the cache on a directory, as a contender.
    pub fn fused(&self, directory: &Path) -> anyhow::Result<Process> {
        Process::start(&mut self.run_on(directory))
    }

    /// The cache on a directory, in a store of its own.
    pub fn isolated(&self, directory: &Path) -> anyhow::Result<Process> {
        Process::start(self.run_on(directory).args(["--isolate", "cache"]))
    }

    /// A native contender: the cache's engine, or another one.
    pub fn native(&self, contender: &str, directory: &Path) -> anyhow::Result<Process> {
        Process::start(self.ours("native").arg(contender).arg(directory))
    }

    /// Composes the consumer with a plug into a file that any WASI 0.2 runtime can run.
    pub fn compose(&self, plug: &Path, to: &Path) -> Command {
        let mut command = self.wit_host();
        command
            .arg("compose")
            .arg(self.guest("bench_consumer"))
            .args([OsStr::new("--plug"), &named("cache", plug)])
            .arg("-o")
            .arg(to);
        command
    }

    /// Composes the consumer with a plug by the tool of another project.
    pub fn wac_plug(&self, plug: &Path, to: &Path) -> Command {
        let mut command = self.theirs("wac");
        command
            .arg("plug")
            .arg(self.guest("bench_consumer"))
            .arg("--plug")
            .arg(plug)
            .arg("-o")
            .arg(to);
        command
    }

    /// A composed component on the stock runtime.
    pub fn on_wasmtime(
        &self,
        composed: &Path,
        directory: Option<&Path>,
    ) -> anyhow::Result<Process> {
        let mut command = self.wasmtime();
        if let Some(directory) = directory {
            let mut grant = directory.as_os_str().to_owned();
            grant.push("::/cache");
            command.arg("--dir").arg(grant);
        }
        Process::start(command.arg(composed))
    }

    /// The stock runtime, with its own code cache.
    pub fn wasmtime(&self) -> Command {
        let mut command = self.theirs("wasmtime");
        command.args(["run", "-C", "cache=y"]);
        command
    }
}

fn named(name: &str, path: &Path) -> OsString {
    let mut named = OsString::from(name);
    named.push("=");
    named.push(path);
    named
}
