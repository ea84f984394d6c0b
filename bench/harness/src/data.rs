//! The cost of a call in the four ways of passing data.

use crate::{board::Board, chart::Chart, process::Process, tools::Tools};

/// Each way against the first one, over the sizes of the data.
pub fn compare(tools: &Tools, board: &mut Board) -> anyhow::Result<Chart> {
    let mut chart = Chart::new("a call");
    let start = |way: &str, guest: &str| {
        let mut command = tools.ours("hosted");
        Process::start(command.args(["data", way]).arg(tools.component(guest)))
    };
    let mut record = start("record", "record")?;
    let mut others = [
        ("hand-over", start("hand-over", "json_hand_over")?),
        ("exchange", start("exchange", "json_exchange")?),
        ("stdio, module", start("stdio", "json_stdio_module")?),
        ("stdio, component", start("stdio", "json_stdio")?),
    ];
    for (size, name) in [
        (16, "16 B"),
        (1 << 10, "1 KiB"),
        (64 << 10, "64 KiB"),
        (1 << 20, "1 MiB"),
    ] {
        let call = format!("call {size} 0");
        for (way, other) in &mut others {
            let row = format!("{name}, {way}; record");
            let score = board.compare(&row, &mut other.at(&call), &mut record.at(&call))?;
            chart.add(way, size, score.ours);
            chart.add("record", size, score.peer);
        }
    }
    Ok(chart)
}
