//! Shows that two instances cannot see each other's memory: `cargo run -p wit-host --example isolate`.
//!
//! Both are instances of one module. One keeps a number in its memory, and the other one searches for it, in
//! all memory that its code can reach and beyond.

use std::error::Error;
use wit_host::{
    CallError, Instance, Limits, Outcome, Program, Runtime, RuntimeOptions, Sandboxes, Value, Wasm,
};

const SEARCH: &str = include_str!("search.wat");
const SECRET: Value = Value::S64(0x5ec2_e75e_c2e7);

fn main() -> Result<(), Box<dyn Error>> {
    let module = Wasm::parse("search.wat", SEARCH.as_bytes().to_vec())?;
    let program = Runtime::new(&RuntimeOptions::new())?.load_module(&"search".parse()?, &module)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio.block_on(async {
        let (mut one, mut other) = (instance(&program).await?, instance(&program).await?);
        call(&mut one, "keep", vec![SECRET]).await?;
        let found = call(&mut one, "search", vec![SECRET]).await?;
        println!("the instance that keeps the number finds it at {found:?}");
        let found = call(&mut other, "search", vec![SECRET]).await?;
        println!("the other one finds it at {found:?}");
        match call(&mut other, "read-beyond", Vec::new()).await {
            Ok(read) => return Err(format!("it read {read:?} beyond its memory").into()),
            Err(CallError::Ended {
                outcome: Outcome::Trapped(trap),
                ..
            }) => println!("beyond its memory: {}", trap.reason),
            Err(error) => return Err(error.into()),
        }
        // The instance that trapped is lost. The first one never noticed.
        let found = call(&mut one, "search", vec![SECRET]).await?;
        println!("the first one still finds it at {found:?}");
        Ok(())
    })
}

async fn instance(program: &Program) -> Result<Instance, Box<dyn Error>> {
    let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
    Ok(program.instantiate(&sandboxes, &limits).await?)
}

async fn call(
    instance: &mut Instance,
    name: &str,
    arguments: Vec<Value>,
) -> Result<Vec<Value>, CallError> {
    let function = instance.program().function(name)?.clone();
    instance.call(&function, arguments).await
}
