//! The interpreter, against the compiler and against another interpreter, on one core module.

use crate::{board::Board, process::Process, tools::Tools};

pub fn compare(tools: &Tools, board: &mut Board) -> anyhow::Result<()> {
    let module = tools.core_module("processor");
    let start = |program: &str, contender: &[&str]| {
        let mut command = tools.ours(program);
        Process::start(command.args(contender).arg(&module))
    };
    let mut interpreter = start("hosted", &["engine", "interpreter"])?;
    let mut compiler = start("hosted", &["engine", "compiler"])?;
    let mut wasmi = start("peers", &["wasmi"])?;
    for (work, name) in [
        ("sort_numbers 0 0", "sort"),
        ("find_primes 0 0", "the tightest loop"),
    ] {
        for (peer, other) in [("compiler", &mut compiler), ("wasmi", &mut wasmi)] {
            let row = format!("{name}, interpreter; {peer}");
            board.compare(&row, &mut interpreter.at(work), &mut other.at(work))?;
        }
    }
    Ok(())
}
