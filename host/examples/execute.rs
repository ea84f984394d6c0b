//! Calls a function of a core module within limits: `cargo run -p wit-host --example execute`.
//!
//! The command does the same: `wit-host invoke mul.wat 'mul(6, 7)'`, with `--timeout` and `--fuel`.

use std::{error::Error, time::Duration};
use wit_host::{
    CallError, Limits, Outcome, Program, Runtime, RuntimeOptions, Sandboxes, Value, Wasm,
};

const MUL: &str = include_str!("mul.wat");
/// A module that computes for ever.
const LOOP: &str =
    r#"(module (func (export "mul") (param i32 i32) (result i32) (loop (br 0)) (unreachable)))"#;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new(&RuntimeOptions::new().interruptible(true))?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for (name, text) in [("mul", MUL), ("loop", LOOP)] {
        let module = Wasm::parse(name, text.as_bytes().to_vec())?;
        let program = runtime.load_module(&name.parse()?, &module)?;
        match tokio.block_on(six_times_seven(&program)) {
            Ok(results) => println!("{name}: {results:?}"),
            Err(CallError::Ended {
                outcome: Outcome::TimedOut(timed_out),
                ..
            }) => println!("{name}: {timed_out}"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn six_times_seven(program: &Program) -> Result<Vec<Value>, CallError> {
    let sandboxes = Sandboxes::default();
    let limits = Limits::new()
        .timeout(Duration::from_millis(100))
        .memory(1 << 20);
    let instance = program.instantiate(&sandboxes, &limits).await;
    let mut instance = instance.expect("neither module has memory or start-up code");
    let mul = program.function("mul")?;
    instance.call(mul, vec![Value::S32(6), Value::S32(7)]).await
}
