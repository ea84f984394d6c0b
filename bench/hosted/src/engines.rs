//! Functions of a core module, on one of the two engines.

use std::path::Path;
use wit_host::{Engine, Limits, Runtime, RuntimeOptions, Sandboxes, Wasm};
use workload::serve;

pub fn serve_functions(engine: Engine, module: &Path) -> anyhow::Result<()> {
    let runtime = Runtime::new(&RuntimeOptions::new().engine(engine))?;
    let program = runtime.load_module(&"module".parse()?, &Wasm::read(module)?)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
    let mut instance = tokio.block_on(program.instantiate(&sandboxes, &limits))?;
    serve(
        |order| {
            program
                .function(order.work)
                .expect("it is exported")
                .clone()
        },
        |order, function| {
            for _ in 0..order.count {
                let called = tokio.block_on(instance.call(function, Vec::new()));
                called.expect("it returns");
            }
        },
    );
    Ok(())
}
