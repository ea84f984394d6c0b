//! Lists what a core module exports and imports: `cargo run -p wit-host --example list_exports [FILE]`.
//!
//! Nothing of the module runs. The command does the same: `wit-host inspect notify.wat`.

use std::error::Error;
use wit_host::{Wasm, inspect, untrusted::Name};

const NOTIFY: &str = include_str!("notify.wat");

fn main() -> Result<(), Box<dyn Error>> {
    let module = match std::env::args().nth(1) {
        Some(file) => Wasm::read(file)?,
        None => Wasm::parse("notify.wat", NOTIFY.as_bytes().to_vec())?,
    };
    let report = inspect(&module)?;
    for import in &report.imports {
        let ty = import.ty.as_deref().unwrap_or("see the WIT");
        println!("imports {}: {}", Name(&import.name), Name(ty));
    }
    for export in &report.exports {
        let ty = export.ty.as_deref().unwrap_or("see the WIT");
        println!("exports {}: {}", Name(&export.name), Name(ty));
    }
    Ok(())
}
