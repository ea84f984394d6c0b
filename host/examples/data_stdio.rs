//! Passes JSON through the standard streams of a program, in memory:
//! `cargo run -p wit-host --example data_stdio -- FILE NAME NUMBER`, where FILE is `json_stdio.wasm` or
//! `json_stdio_module.wasm` of `examples/data-in-and-out`.

use repeat::{Answer, Order};
use std::error::Error;
use wit_host::{
    Capture, Input, Limits, Outcome, Output, Plan, Sandbox, Sandboxes, Source, Wasm,
    untrusted::Text,
};

/// The longest output that is kept, in bytes.
const LONGEST: usize = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let [_, file, name, number] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: data_stdio FILE NAME NUMBER".into());
    };
    let order = Order {
        name: name.clone(),
        number: number.parse()?,
    };
    let (stdout, stderr) = (Capture::new(LONGEST), Capture::new(LONGEST));
    let sandbox = Sandbox::new()
        .stdin(Input::bytes(serde_json::to_vec(&order)?))
        .stdout(Output::captured(&stdout))
        .stderr(Output::captured(&stderr));

    let source = Source::new("json-stdio".parse()?, Wasm::read(file)?, &[])?;
    let plan = Plan::new(source, Sandboxes::new(sandbox), Limits::default())?;
    let program = plan.load(&plan.runtime()?)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let instance = tokio.block_on(plan.instantiate(&program))?;
    match tokio.block_on(instance.run()) {
        Outcome::Exited(0) => {}
        Outcome::Exited(code) => {
            let message = String::from_utf8_lossy(&stderr.bytes()).into_owned();
            return Err(format!("it exited with {code}: {}", Text(message)).into());
        }
        Outcome::Trapped(trap) => return Err(trap.into()),
        Outcome::TimedOut(timed_out) => return Err(timed_out.into()),
    }
    // An output that is not the expected JSON is an error that names the line and the column.
    let answer: Answer = serde_json::from_slice(&stdout.take())?;
    println!("{answer:?}");
    Ok(())
}
