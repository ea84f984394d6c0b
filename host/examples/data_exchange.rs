//! Passes JSON to a core module that asks for it:
//! `cargo run -p wit-host --example data_exchange -- FILE NAME NUMBER`, where FILE is `json_exchange.wasm` of
//! `examples/data-in-and-out`.

use repeat::{Answer, Order};
use std::error::Error;
use wit_host::{HostFunctions, Limits, Runtime, RuntimeOptions, Sandboxes, Wasm};

fn main() -> Result<(), Box<dyn Error>> {
    let [_, file, name, number] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: data_exchange FILE NAME NUMBER".into());
    };
    let order = Order {
        name: name.clone(),
        number: number.parse()?,
    };
    let module = Wasm::read(file)?;
    let runtime = Runtime::new(&RuntimeOptions::new())?;
    let functions = HostFunctions::new().exchange("host");
    let program = runtime.load_module_with(&"json".parse()?, &module, &functions)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = tokio.block_on(async {
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        let mut instance = program.instantiate(&sandboxes, &limits).await?;
        let order = serde_json::to_vec(&order)?;
        Ok::<_, Box<dyn Error>>(instance.exchange("repeat", order).await?)
    })?;
    // An answer that is not the expected JSON is an error that names the line and the column.
    let answer: Answer = serde_json::from_slice(&answer)?;
    println!("{answer:?}");
    Ok(())
}
