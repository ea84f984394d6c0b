//! Benchmarks of the host: calls, starts, composing, and the cost of limits.

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
use std::path::Path;

pub fn compare(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let memory = Scratch::below(Path::new("/dev/shm"))?;
    calls(tools, board, &memory)?;
    starts(tools, board, &memory)?;
    instances(tools, board)?;
    compositions(tools, board, &memory)?;
    limits(tools, board, &memory)
}

/// Calls between the parts of one component, with bytes as the result and as a parameter.
fn calls(tools: &Tools, board: &mut Board, memory: &Scratch) -> anyhow::Result<()> {
    let provider = tools.guest("last_value");
    let composed = memory.file("calls.wasm");
    Started::once(tools.wac_plug(&provider, &composed))?;
    let mut ours = Process::start(&mut tools.run(&provider))?;
    let mut stock = tools.on_wasmtime(&composed, None)?;
    for (size, name, reach) in [
        (0, "0 B", 1.1),
        (64, "64 B", 1.0),
        (1 << 10, "1 KiB", 0.2),
        (64 << 10, "64 KiB", 0.06),
        (1 << 20, "1 MiB", 0.06),
    ] {
        ours.fill(size, 1)?;
        stock.fill(size, 1)?;
        for operation in ["get", "set"] {
            let work = format!("{operation} {size} 1");
            let row = format!("S17 {operation} {name}, fused; wac and wasmtime");
            let score = board.score(
                &row,
                &mut ours.at(&work),
                &mut stock.at(&work),
                Some(Time(reach)),
            )?;
            if size == 0 && operation == "get" {
                let row = "S8 get 0 B, as in S17; wac and wasmtime";
                board.judge(row, score, Some(Time(0.7)));
            }
        }
    }
    Ok(())
}

/// The whole duration of a process, with compiled code in the code cache. The guest gets no orders.
fn starts(tools: &Tools, board: &mut Board, memory: &Scratch) -> anyhow::Result<()> {
    let composed = memory.file("start.wasm");
    Started::once(tools.compose(&tools.cache(), &composed))?;
    let mut ours = tools.wit_host();
    ours.arg("run").arg(&composed);
    let mut stock = tools.wasmtime();
    stock.arg(&composed);
    let row = "S10 run, code cached; wasmtime";
    board.contest(row, &mut Started(ours), &mut Started(stock), Time(0.6))
}

fn instances(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let host = |strategy| {
        let mut command = tools.ours("hosted");
        command
            .arg(strategy)
            .arg(tools.guest("bench_consumer"))
            .arg(tools.cache());
        Process::start(&mut command)
    };
    let (mut pooled, mut on_demand) = (host("pooled")?, host("on-demand")?);
    let work = "instantiate 0 0";
    let row = "S11 instantiate, pooled; on demand";
    board.contest(
        row,
        &mut pooled.at(work),
        &mut on_demand.at(work),
        Speed(5.0),
    )
}

fn compositions(tools: &Tools, board: &mut Board, memory: &Scratch) -> anyhow::Result<()> {
    let ours = tools.compose(&tools.cache(), &memory.file("ours.wasm"));
    let wac = tools.wac_plug(&tools.cache(), &memory.file("wac.wasm"));
    let row = "S12 compose; wac plug";
    board.contest(row, &mut Started(ours), &mut Started(wac), Time(1.0))
}

/// All limits except fuel. Fuel is a meter for programs that need to know the number of steps, not only
/// to stop.
fn limits(tools: &Tools, board: &mut Board, memory: &Scratch) -> anyhow::Result<()> {
    let (with, without) = (memory.directory("with")?, memory.directory("without")?);
    let limits = ["--timeout", "1h", "--max-memory", "1GiB"];
    let mut limited = Process::start(tools.run_on(&with).args(limits))?;
    let mut unlimited = tools.fused(&without)?;
    limited.fill(1024, 1000)?;
    unlimited.fill(1024, 1000)?;
    for (name, work, reach) in [
        ("set 1 KiB", "set 1024 1000", 1.03),
        ("get 1 KiB", "get 1024 1000", 1.03),
        ("sort", "sort 0 1", 1.15),
        ("the tightest loop", "sieve 0 1", 1.15),
    ] {
        let row = format!("S15 {name}, limited; unlimited");
        board.contest(
            &row,
            &mut limited.at(work),
            &mut unlimited.at(work),
            Time(reach),
        )?;
    }
    Ok(())
}
