//! Repeats a name: JSON from standard input to standard output.
//!
//! The same source is a core module with WASI preview1 (`wasm32-wasip1`) and a component (`wasm32-wasip2`).

use repeat::Answer;
use std::{
    error::Error,
    io::{self, Read, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut order = Vec::new();
    io::stdin().read_to_end(&mut order)?;
    match repeat::answer(&order) {
        Answer::Error(error) => Err(error.into()),
        answer => Ok(write(&answer.to_json())?),
    }
}

fn write(json: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(json)?;
    stdout.flush()
}
