//! Where, when and from which sources the figures of a run come.

use crate::tools::Tools;
use anyhow::Context;
use std::{collections::HashSet, fs, path::Path, process::Command};

/// The text at the top of a table, as Markdown.
pub fn describe(tools: &Tools) -> anyhow::Result<String> {
    let today = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let commit = commit(tools)?;
    let machine = machine(tools)?;
    Ok(format!(
        "Taken on {today}, at commit {commit}, on this machine: {machine}.\n"
    ))
}

/// The results of earlier runs are not sources.
fn commit(tools: &Tools) -> anyhow::Result<String> {
    let git = || {
        let mut command = Command::new("git");
        command.arg("-C").arg(tools.bench(".."));
        command
    };
    let hash = output(git().args(["rev-parse", "--short", "HEAD"]))?;
    let changes = output(git().args(["status", "--porcelain", "--", ":/"]).args([
        ":(top,exclude)bench/results-*.md",
        ":(top,exclude)bench/*.svg",
    ]))?;
    let state = if changes.is_empty() {
        ""
    } else {
        " with uncommitted changes"
    };
    Ok(format!("`{hash}`{state}"))
}

fn machine(tools: &Tools) -> anyhow::Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let models: HashSet<&str> = values(&processors, "model name").collect();
    let model = models.into_iter().collect::<Vec<_>>().join(" and ");
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kib: u64 = values(&memory, "MemTotal")
        .next()
        .and_then(|amount| amount.split(' ').next())
        .context("the kernel knows the amount of memory")?
        .parse()?;
    let gib = (kib as f64 / f64::from(1 << 20)).round();
    let release = fs::read_to_string("/etc/os-release")?;
    let system = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or("an unknown distribution", |name| name.trim_matches('"'));
    let version = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    // What follows the numbers is the name of a build.
    let kernel: String = version
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let mounts = fs::read_to_string("/proc/mounts")?;
    let disk = file_system(&mounts, tools.target()).unwrap_or("an unknown file system");
    Ok(format!(
        "{model}, {cores} cores, {gib} GiB of memory, {system}, Linux {kernel}, a disk with {disk}"
    ))
}

/// The values of a key in a file such as `/proc/cpuinfo`.
fn values<'a>(text: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// The kind of the file system at the longest mount point above a path.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((Path::new(words.next()?), words.next()?))
    });
    mounted
        .filter(|(place, _)| path.starts_with(place))
        .max_by_key(|(place, _)| place.components().count())
        .map(|(_, kind)| kind)
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    anyhow::ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
