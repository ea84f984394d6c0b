//! Features of WebAssembly that an engine may lack.

use super::validate::validate_with;
use wasmparser::WasmFeatures;

/// The feature that an interpreter never has.
pub(crate) const THREADS: &str = "shared memory or atomic instructions (threads)";

/// Features that an engine may lack, in words.
const FEATURES: [(WasmFeatures, &str); 8] = [
    (WasmFeatures::THREADS, THREADS),
    (WasmFeatures::EXCEPTIONS, "exceptions"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exceptions"),
    (WasmFeatures::GC_TYPES, "garbage-collected types"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (
        WasmFeatures::CUSTOM_PAGE_SIZES,
        "a memory with a custom page size",
    ),
    (
        WasmFeatures::CM_ASYNC,
        "asynchronous functions of the component model",
    ),
];

/// The feature, in words, that an engine lacks and that makes it refuse a binary with this error. The engine
/// names the feature only in a text, with the position of its first use. Validating the binary without
/// the feature finds an error at the same position, and none with it.
pub(crate) fn missing(bytes: &[u8], error: &str) -> Option<&'static str> {
    let default = WasmFeatures::default();
    let all = FEATURES
        .iter()
        .fold(default, |all, (feature, _)| all.union(*feature));
    validate_with(bytes, all).ok()?;
    let is_missing = |feature| {
        let without = validate_with(bytes, default.difference(feature));
        let is_there = without.is_err_and(|found| {
            let offset = found.offset();
            error.ends_with(&format!("(at offset {offset:#x})"))
                || error.contains(&format!("at offset {offset}: "))
        });
        is_there && validate_with(bytes, default.union(feature)).is_ok()
    };
    let mut features = FEATURES.into_iter();
    features
        .find(|(feature, _)| is_missing(*feature))
        .map(|(_, words)| words)
}

#[cfg(test)]
mod tests {
    use crate::{PartName, Runtime, RuntimeOptions, Wasm, runtime::LoadError};

    #[test]
    fn a_feature_that_the_engine_lacks_is_named() {
        let runtime = Runtime::new(&RuntimeOptions::new()).expect("an engine");
        for (fields, expected) in [
            ("(memory 1 1 shared)", Some("threads")),
            (
                "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
                Some("threads"),
            ),
            ("(tag)", Some("exceptions")),
            ("(memory 1 1 shared) (tag)", Some("threads")),
            ("(type (struct))", Some("garbage-collected")),
            ("(type $f (func)) (type (cont $f))", Some("stack switching")),
            ("(memory 1 (pagesize 1))", Some("custom page size")),
            ("(func (result i32))", None),
        ] {
            let text = format!("(module {fields})").into_bytes();
            let module = Wasm::parse("module", text).expect("text");
            let error = runtime.load_module(&PartName::consumer(), &module).err();
            match (expected, error) {
                (Some(words), Some(LoadError::Unsupported { feature, .. })) => {
                    assert!(feature.contains(words), "{fields}: {feature}");
                }
                (None, Some(LoadError::Invalid { .. })) => {}
                (_, other) => panic!("{fields}: {other:?}"),
            }
        }
    }
}
