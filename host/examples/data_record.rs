//! Calls a component with a record: `cargo run -p wit-host --example data_record -- FILE NAME NUMBER`, where FILE
//! is `record.wasm` of `examples/data-in-and-out`.
//!
//! The types stand in the component. A value of another type is an error before the call.

use std::error::Error;
use wit_host::{Component, Form, Limits, Part, Runtime, RuntimeOptions, Sandboxes, Value, compose};

fn main() -> Result<(), Box<dyn Error>> {
    let [_, file, name, number] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: data_record FILE NAME NUMBER".into());
    };
    let order = Value::Record(vec![
        ("name".to_owned(), name.as_str().into()),
        ("number".to_owned(), Value::U32(number.parse()?)),
    ]);
    let part = Part::new("record", Component::open(file)?)?;
    let composition = compose(&part, &[], Form::Granted)?;
    let program = Runtime::new(&RuntimeOptions::new())?.load(&composition)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = tokio.block_on(async {
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        let mut instance = program.instantiate(&sandboxes, &limits).await?;
        let repeat = program.function("repeat")?;
        Ok::<_, Box<dyn Error>>(instance.call(repeat, vec![order]).await?)
    })?;
    for value in answer {
        println!("{value}");
    }
    Ok(())
}
