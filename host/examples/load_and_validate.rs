//! Loads core modules, and refuses those that are not valid: `cargo run -p wit-host --example load_and_validate`.
//!
//! [`Wasm::parse`] reads a binary or text, and [`Runtime::load_module`] validates it before it compiles it. The
//! command does the same: `wit-host inspect mul.wat`.

use std::error::Error;
use wit_host::{Runtime, RuntimeOptions, Wasm, untrusted::Message};

const MUL: &str = include_str!("mul.wat");
/// Text that is not WebAssembly, a module whose function returns nothing, and a binary that ends early.
const BAD: [(&str, &[u8]); 3] = [
    ("text.wat", b"(module (func (export \"mul\")"),
    (
        "types.wat",
        b"(module (func (export \"mul\") (param i32 i32) (result i32)))",
    ),
    ("short.wasm", b"\0asm\x01\0\0\0\x01\x07"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new(&RuntimeOptions::new())?;
    let mul = Wasm::parse("mul.wat", MUL.as_bytes().to_vec())?;
    runtime.load_module(&"mul".parse()?, &mul)?;
    println!(
        "mul.wat is a valid core module of {} bytes",
        mul.bytes().len()
    );

    for (name, bytes) in BAD {
        match load(&runtime, name, bytes) {
            Ok(()) => return Err(format!("`{name}` was loaded").into()),
            // A message can quote the file, so it is escaped.
            Err(error) => println!("{name} is refused: {}", Message(in_words(&*error))),
        }
    }
    Ok(())
}

fn load(runtime: &Runtime, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let module = Wasm::parse(name, bytes.to_vec())?;
    runtime.load_module(&"bad".parse()?, &module)?;
    Ok(())
}

/// The first line of an error and of each of its causes.
fn in_words(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let lines = causes.map(|error| {
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    lines.collect::<Vec<_>>().join(": ")
}
