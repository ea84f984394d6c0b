//! `wasmi`, an interpreter.

use std::path::Path;
use wasmi::{Engine, Linker, Module, Store};
use workload::serve;

pub fn serve_functions(module: &Path) -> anyhow::Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, std::fs::read(module)?)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    serve(
        |order| order.work.to_owned(),
        |order, name| {
            let function = instance.get_typed_func::<(), ()>(&store, name);
            let function = function.expect("it is exported");
            for _ in 0..order.count {
                function.call(&mut store, ()).expect("it returns");
            }
        },
    );
    Ok(())
}
