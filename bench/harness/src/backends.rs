//! Benchmarks of all that can stand behind a consumer: a fused plug, an isolated one, and the caches of the
//! host.

use crate::{
    board::{
        Board,
        Target::{Speed, Time},
    },
    chart::Chart,
    process::Process,
    redis::{RedisBenchmark, RedisServer},
    scratch::Scratch,
    tools::Tools,
};
use std::path::Path;

pub fn compare(tools: &Tools, board: &mut Board) -> anyhow::Result<Chart> {
    let memory = Scratch::below(Path::new("/dev/shm"))?;
    isolated(tools, board)?;
    in_memory(tools, board)?;
    let server = RedisServer::start(&memory.directory("redis")?)?;
    on_redis(tools, board, &server)?;
    sizes(tools, board, &memory, &server)
}

/// The same plug, fused and in a store of its own.
fn isolated(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let provider = tools.guest("last_value");
    let mut fused = Process::start(&mut tools.run(&provider))?;
    let mut isolated = Process::start(&mut tools.isolate(&provider))?;
    for (size, name, reach) in [
        (0, "0 B", Time(15.0)),
        (64 << 10, "64 KiB", Speed(8.0)),
        (1 << 20, "1 MiB", Speed(5.0)),
    ] {
        fused.fill(size, 1)?;
        isolated.fill(size, 1)?;
        for operation in ["get", "set"] {
            let row = format!("S9 {operation} {name}, isolated; fused");
            let work = format!("{operation} {size} 1");
            board.contest(&row, &mut isolated.at(&work), &mut fused.at(&work), reach)?;
        }
    }
    Ok(())
}

/// The cache in memory, and the same map behind a function of the host that is written by hand.
fn in_memory(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let mut ours = Process::start(&mut tools.backend("memory:"))?;
    let mut command = tools.ours("hosted");
    let mut peer = Process::start(command.arg("mapped").arg(tools.guest("bench_consumer")))?;
    ours.fill(1024, 1000)?;
    peer.fill(1024, 1000)?;
    let work = "get 1024 1000";
    let row = "S13 get 1 KiB, memory; by hand";
    board.contest(row, &mut ours.at(work), &mut peer.at(work), Time(1.3))
}

/// One connection without pipelining on both sides.
fn on_redis(tools: &Tools, board: &mut Board, server: &RedisServer) -> anyhow::Result<()> {
    let mut ours = Process::start(&mut tools.backend(&server.url()))?;
    ours.fill(1024, 1000)?;
    for operation in ["get", "set"] {
        let row = format!("S14 {operation} 1 KiB, redis; redis-benchmark");
        let work = format!("{operation} 1024 1000");
        let mut peer = RedisBenchmark::new(server, operation, 1024)?;
        board.contest(&row, &mut ours.at(&work), &mut peer, Speed(0.9))?;
    }
    Ok(())
}

/// Each kind of provider against the fused plug, over the sizes of values.
fn sizes(
    tools: &Tools,
    board: &mut Board,
    memory: &Scratch,
    server: &RedisServer,
) -> anyhow::Result<Chart> {
    let mut chart = Chart::new("a get");
    let provider = tools.guest("last_value");
    let directory = memory.directory("dir")?;
    let dir = format!("dir:{}", directory.display());
    let mut fused = Process::start(&mut tools.run(&provider))?;
    let mut others = [
        ("isolated", Process::start(&mut tools.isolate(&provider))?),
        ("memory", Process::start(&mut tools.backend("memory:"))?),
        ("dir", Process::start(&mut tools.backend(&dir))?),
        ("redis", Process::start(&mut tools.backend(&server.url()))?),
    ];
    for (size, name) in [
        (0, "0 B"),
        (64, "64 B"),
        (1 << 10, "1 KiB"),
        (16 << 10, "16 KiB"),
        (64 << 10, "64 KiB"),
        (256 << 10, "256 KiB"),
        (1 << 20, "1 MiB"),
        (4 << 20, "4 MiB"),
    ] {
        fused.fill(size, 1)?;
        let get = format!("get {size} 1");
        for (link, other) in &mut others {
            other.fill(size, 1)?;
            let row = format!("get {name}, {link}; fused");
            let score = board.compare(&row, &mut other.at(&get), &mut fused.at(&get))?;
            chart.add(link, size, score.ours);
            chart.add("fused", size, score.peer);
        }
    }
    Ok(chart)
}
