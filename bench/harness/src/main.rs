//! Compares contenders that take turns.
//!
//! `bench store|host|backends|data|engines|rooms [--quick]` prints a table, and writes it as `results-*.md` and a picture next to
//! this folder. `--quick` takes a few samples and writes nothing.

mod backends;
mod board;
mod chart;
mod circumstances;
mod contest;
mod data;
mod engines;
mod host;
mod legend;
mod process;
mod redis;
mod room_server;
mod rooms;
mod scratch;
mod started;
mod store;
mod svg;
mod tools;

use board::Board;
use contest::Pace;
use std::fs;
use tools::Tools;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (what, pace) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [what] => (what, Pace::FULL),
        [what, "--quick"] => (what, Pace::QUICK),
        _ => anyhow::bail!("usage: bench <store|host|backends|data|engines|rooms> [--quick]"),
    };
    let tools = Tools::find()?;
    let circumstances = circumstances::describe(&tools)?;
    println!("{circumstances}");
    let mut board = Board::new(pace);
    let mut chart = None;
    match what {
        "store" => store::compare(&tools, &mut board)?,
        "host" => host::compare(&tools, &mut board)?,
        "backends" => chart = Some(backends::compare(&tools, &mut board)?),
        "data" => chart = Some(data::compare(&tools, &mut board)?),
        "engines" => engines::compare(&tools, &mut board)?,
        "rooms" => rooms::compare(&tools, &mut board)?,
        other => anyhow::bail!("nothing is known of `{other}`"),
    }
    if pace == Pace::FULL {
        fs::write(
            tools.bench(format!("results-{what}.md")),
            format!("{circumstances}\n{}", board.to_markdown()),
        )?;
        fs::write(tools.bench(format!("{what}.svg")), svg::draw(board.rows()))?;
        if let Some(chart) = chart {
            fs::write(tools.bench(format!("{what}-sizes.svg")), chart.draw())?;
        }
    }
    Ok(())
}
