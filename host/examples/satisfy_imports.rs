//! Satisfies the import of a core module: `cargo run -p wit-host --example satisfy_imports`.
//!
//! A module gets exactly the functions that it is given. An import that nothing satisfies is refused before
//! anything runs. `--plug` of the command satisfies the imports of components.

use std::error::Error;
use wit_host::{
    HostFunctions, Limits, Runtime, RuntimeOptions, Sandboxes, Value, Wasm, untrusted::Text,
};

const NOTIFY: &str = include_str!("notify.wat");

fn main() -> Result<(), Box<dyn Error>> {
    let module = Wasm::parse("notify.wat", NOTIFY.as_bytes().to_vec())?;
    let name = "notify".parse()?;
    let runtime = Runtime::new(&RuntimeOptions::new())?;
    match runtime.load_module(&name, &module) {
        Ok(_) => return Err("the module was loaded without its import".into()),
        Err(error) => println!("without functions: {error}"),
    }

    // The types of the closure are the type of the function. The memory is that of the module that calls.
    let functions =
        HostFunctions::new().typed("host", "notify", |caller, (pointer, length): (u32, u32)| {
            println!(
                "notified: {}",
                Text(caller.memory()?.text(pointer, length)?)
            );
            Ok(())
        });
    let program = runtime.load_module_with(&name, &module, &functions)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let product = tokio.block_on(async {
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        let mut instance = program.instantiate(&sandboxes, &limits).await?;
        let mul = program.function("mul")?;
        let product = instance
            .call(mul, vec![Value::S32(6), Value::S32(7)])
            .await?;
        Ok::<_, Box<dyn Error>>(product)
    })?;
    println!("mul(6, 7) returned {product:?}");
    Ok(())
}
