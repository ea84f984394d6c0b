//! Benchmarks of the cache on a directory: the cost of WebAssembly, and other caches.

use crate::{
    board::{
        Board,
        Target::{Speed, Time},
    },
    process::Process,
    scratch::Scratch,
    started::Started,
    tools::Tools,
};
use std::{fs, path::Path};
use wasmparser::{Parser, Payload};

pub fn compare(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let (memory, disk) = (Path::new("/dev/shm"), tools.target());
    for (medium, path) in [("tmpfs", memory), ("disk", disk)] {
        set_against_native(tools, board, medium, path)?;
    }
    get_against_native(tools, board, memory)?;
    against_std_fs(tools, board, memory)?;
    for (medium, path) in [("tmpfs", memory), ("disk", disk)] {
        against_others(tools, board, medium, path)?;
    }
    with_many_entries(tools, board, memory)?;
    with_a_hot_key(tools, board, disk)?;
    let size = stripped_size(&fs::read(tools.cache())?)?;
    board.size("S16 size of the component, stripped", size, 60_000);
    Ok(())
}

/// The size of a component without its custom sections, which contain names.
fn stripped_size(component: &[u8]) -> anyhow::Result<u64> {
    let mut size = component.len() as u64;
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::CustomSection(section) = payload? {
            let range = section.range();
            size -= range.end - range.start;
        }
    }
    Ok(size)
}

/// The cache's engine in a guest, and natively.
fn set_against_native(
    tools: &Tools,
    board: &mut Board,
    medium: &str,
    path: &Path,
) -> anyhow::Result<()> {
    let scratch = Scratch::below(path)?;
    let mut fused = tools.fused(&scratch.directory("fused")?)?;
    let mut native = tools.native("engine", &scratch.directory("native")?)?;
    let row = format!("S1 set 1 KiB, {medium}; native");
    let work = "set 1024 1000";
    board.contest(&row, &mut fused.at(work), &mut native.at(work), Time(1.25))
}

/// The same comparison on one store.
fn get_against_native(tools: &Tools, board: &mut Board, path: &Path) -> anyhow::Result<()> {
    let scratch = Scratch::below(path)?;
    for (size, name, reach) in [
        (1 << 10, "1 KiB", 1.6),
        (64 << 10, "64 KiB", 1.5),
        (1 << 20, "1 MiB", 1.5),
    ] {
        const KEYS: u64 = 100;
        let shared = scratch.directory(name)?;
        let mut native = tools.native("engine", &shared)?;
        native.fill(size, KEYS)?;
        let get = format!("get {size} {KEYS}");
        for (link, reach, mut contender) in [
            ("fused", Some(Time(reach)), tools.fused(&shared)?),
            ("isolated", None, tools.isolated(&shared)?),
        ] {
            let name = format!("S2 get {name}, {link}; native");
            board.contest(&name, &mut contender.at(&get), &mut native.at(&get), reach)?;
        }
        fs::remove_dir_all(shared)?;
    }

    let empty = scratch.directory("empty")?;
    let mut fused = tools.fused(&empty)?;
    let miss = "miss 0 1000";
    for (name, contender, reach) in [
        ("a failed open", "open", Some(Time(1.5))),
        ("native", "engine", None),
    ] {
        let row = format!("S3 get, a miss; {name}");
        let mut peer = tools.native(contender, &empty)?;
        board.contest(&row, &mut fused.at(miss), &mut peer.at(miss), reach)?;
    }
    Ok(())
}

/// The alternatives that users have today.
fn against_std_fs(tools: &Tools, board: &mut Board, path: &Path) -> anyhow::Result<()> {
    let scratch = Scratch::below(path)?;
    let mut fused = tools.fused(&scratch.directory("wasip2")?)?;
    let composed = scratch.file("composed.wasm");
    Started::once(tools.compose(&tools.guest("std_fs"), &composed))?;
    let mut std_fs = tools.on_wasmtime(&composed, Some(&scratch.directory("std-fs")?))?;
    fused.fill(1024, 1000)?;
    std_fs.fill(1024, 1000)?;
    for (operation, reach) in [("set", 3.0), ("get", 1.3)] {
        let row = format!("S4 {operation} 1 KiB; std::fs on wasmtime");
        let work = format!("{operation} 1024 1000");
        board.contest(
            &row,
            &mut fused.at(&work),
            &mut std_fs.at(&work),
            Speed(reach),
        )?;
    }
    Ok(())
}

/// Comparisons with other caches, with many keys.
fn against_others(
    tools: &Tools,
    board: &mut Board,
    medium: &str,
    path: &Path,
) -> anyhow::Result<()> {
    let scratch = Scratch::below(path)?;
    let keys = 10_u64.pow(board.pace.magnitude - 1);
    let place = |name| scratch.directory(name);
    let mut fused = tools.fused(&place("ours")?)?;
    fused.fill(1024, keys)?;
    for (name, set_reach, get_reach) in [
        ("cacache", Some(1.3), 2.0),
        ("diskcache", None, 1.5),
        ("sqlite", None, 0.6),
        ("redis", None, 3.0),
    ] {
        let directory = place(name)?;
        let mut peer = match name {
            "diskcache" => Process::start(&mut tools.diskcache(&directory))?,
            _ => Process::start(tools.ours("peers").arg(name).arg(&directory))?,
        };
        peer.fill(1024, keys)?;
        for (operation, reach) in [("set", set_reach), ("get", Some(get_reach))] {
            let row = format!("S5 {operation} 1 KiB, {keys} keys, {medium}; {name}");
            let work = format!("{operation} 1024 {keys}");
            board.contest(
                &row,
                &mut fused.at(&work),
                &mut peer.at(&work),
                reach.map(Speed),
            )?;
        }
    }
    Ok(())
}

/// A thousand keys in a small store, and the same keys in a large one.
fn with_many_entries(tools: &Tools, board: &mut Board, path: &Path) -> anyhow::Result<()> {
    let scratch = Scratch::below(path)?;
    let entries = 10_u64.pow(board.pace.magnitude);
    let (small, large) = (scratch.directory("small")?, scratch.directory("large")?);
    tools.native("engine", &small)?.fill(1024, 1000)?;
    tools.native("engine", &large)?.fill(1024, entries)?;
    let (mut small, mut large) = (tools.fused(&small)?, tools.fused(&large)?);
    for operation in ["get", "set"] {
        let row = format!("S6 {operation} 1 KiB, {entries} entries; 1000 entries");
        let work = format!("{operation} 1024 1000");
        board.contest(&row, &mut large.at(&work), &mut small.at(&work), Time(1.2))?;
    }
    Ok(())
}

/// One key that is set repeatedly.
fn with_a_hot_key(tools: &Tools, board: &mut Board, path: &Path) -> anyhow::Result<()> {
    let scratch = Scratch::below(path)?;
    let (hot, cold) = (scratch.directory("hot")?, scratch.directory("cold")?);
    let (mut hot, mut cold) = (tools.fused(&hot)?, tools.fused(&cold)?);
    let mut cacache = Process::start(
        tools
            .ours("peers")
            .arg("cacache")
            .arg(scratch.directory("cacache")?),
    )?;
    cold.fill(1024, 1)?;
    for contender in [&mut hot, &mut cacache] {
        for _ in 0..10_000 {
            contender.fill(1024, 1)?;
        }
    }
    let get = "get 1024 1";
    for (name, mut peer, reach) in [
        ("after one", cold, Time(1.05)),
        ("cacache", cacache, Speed(100.0)),
    ] {
        let row = format!("S7 get after 10⁴ sets; {name}");
        board.contest(&row, &mut hot.at(get), &mut peer.at(get), reach)?;
    }
    Ok(())
}
