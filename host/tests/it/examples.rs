//! The programs in `host/examples/` print what they promise. Those that provide a cache print what every other
//! cache makes the consumer print.

use crate::guests::Guest;
use libtest_mimic::{Failed, Trial};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// The programs that show one duty of a host each, and what they print.
const DUTIES: [(&str, &str); 5] = [
    (
        "load_and_validate",
        "mul.wat is a valid core module of 41 bytes\n\
         text.wat is refused: failed to parse `text.wat` as WebAssembly text: expected `)`\n\
         types.wat is refused: `bad` is damaged or uses features that are not supported here: type mismatch: expected i32 but nothing on stack (at offset 0x23)\n\
         short.wasm is refused: `short.wasm` is damaged or uses features that are not supported here: unexpected end-of-file (at offset 0xa)\n",
    ),
    (
        "list_exports",
        "imports host.notify: func(i32, i32)\n\
         exports memory: memory of 1 pages or more\n\
         exports mul: func(i32, i32) -> i32\n",
    ),
    (
        "satisfy_imports",
        "without functions: `notify` imports `host.notify`, and nothing satisfies it\n\
         notified: a product is computed\n\
         mul(6, 7) returned [S32(42)]\n",
    ),
    (
        "execute",
        "mul: [S32(42)]\n\
         loop: `loop` was computing, and was not done within 100ms\n",
    ),
    (
        "isolate",
        "the instance that keeps the number finds it at [S32(1024)]\n\
         the other one finds it at [S32(-1)]\n\
         beyond its memory: it touched memory outside of its own\n\
         the first one still finds it at [S32(1024)]\n",
    ),
];

/// The trials.
pub fn trials() -> Vec<Trial> {
    let of_caches = ["typed_functions", "cache_backend"].map(|example| {
        Trial::test(format!("examples::{example}"), move || {
            let consumer = Guest::RustConsumer.path()?;
            prints(example, &[&consumer], crate::matrix::TRANSCRIPT)
        })
    });
    let of_duties = DUTIES.map(|(example, expected)| {
        Trial::test(format!("examples::{example}"), move || {
            prints(example, &[], expected)
        })
    });
    let of_data = [
        (
            "data_stdio",
            Guest::JsonStdio,
            "Repeated([\"ab\", \"ab\"])\n",
        ),
        (
            "data_exchange",
            Guest::JsonExchange,
            "Repeated([\"ab\", \"ab\"])\n",
        ),
        (
            "data_hand_over",
            Guest::JsonHandOver,
            "Repeated([\"ab\", \"ab\"])\n",
        ),
        ("data_record", Guest::Record, "ok([\"ab\", \"ab\"])\n"),
    ];
    let of_data = of_data.map(|(example, guest, expected)| {
        Trial::test(format!("examples::{example}"), move || {
            for file in guest.paths()? {
                prints(example, &[&file, Path::new("ab"), Path::new("2")], expected)?;
            }
            Ok(())
        })
    });
    of_caches
        .into_iter()
        .chain(of_duties)
        .chain(of_data)
        .collect()
}

fn prints(example: &str, arguments: &[&Path], expected: &str) -> Result<(), Failed> {
    let output = Command::new(built()?.join(example))
        .args(arguments)
        .output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && stdout == expected {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{stdout}{stderr}", output.status).into())
}

/// The directory of the programs. They are built once, with the features that `cargo test --workspace`
/// builds them with.
fn built() -> Result<PathBuf, Failed> {
    static BUILT: Mutex<bool> = Mutex::new(false);
    let mut is_built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !*is_built {
        let status = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--workspace", "--examples"])
            .status()?;
        if !status.success() {
            return Err("the examples are not built".into());
        }
        *is_built = true;
    }
    Ok(Path::new(crate::wit_host()).with_file_name("examples"))
}
