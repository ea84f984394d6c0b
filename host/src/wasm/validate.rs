//! Validating binaries.

use anyhow::Context as _;
use std::{
    num::NonZero,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};
use wasmparser::{
    BinaryReaderError, FuncToValidate, FuncValidatorAllocations, FunctionBody, Parser,
    ValidPayload, Validator, ValidatorResources, WasmFeatures, types::Types,
};

/// An error in a WebAssembly binary: the binary is damaged, or uses features that are not enabled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at offset {offset:#x})")]
#[non_exhaustive]
pub struct InvalidBinary {
    /// The error in words. They may quote names from the binary.
    pub message: String,
    /// The position of the error, in bytes from the start of the binary.
    pub offset: u64,
}

impl InvalidBinary {
    pub(crate) fn new(error: &BinaryReaderError) -> Self {
        Self {
            message: error.message().to_owned(),
            offset: error.offset(),
        }
    }
}

/// Validates a binary; function bodies are validated on all cores. Of several errors, the one at the
/// lowest offset is returned.
pub(crate) fn validate(bytes: &[u8]) -> wasmparser::Result<()> {
    validate_with(bytes, WasmFeatures::default())
}

/// Validates a binary that may use these features.
pub(crate) fn validate_with(bytes: &[u8], features: WasmFeatures) -> wasmparser::Result<()> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut validator = Validator::new_with_features(features);
    let mut batches = vec![Batch::default()];
    let mut first = None;
    for payload in parser.parse_all(bytes) {
        match payload.and_then(|payload| validator.payload(&payload)) {
            Ok(ValidPayload::Func(function, body)) => Batch::push(&mut batches, function, body),
            Ok(_) => {}
            Err(error) => {
                first = Some(error);
                break;
            }
        }
    }
    let helpers = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(batches.len())
        - 1;
    let (batches, first) = (Mutex::new(batches), Mutex::new(first));
    let work = || {
        while let Some(batch) = locked(&batches).pop() {
            batch.validate(&first);
        }
    };
    thread::scope(|scope| {
        for _ in 0..helpers {
            // If no thread can be started, this thread does the work alone.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    locked(&first).take().map_or(Ok(()), Err)
}

/// Validates a binary except for its function bodies, and returns its types.
pub(crate) fn types_of(bytes: &[u8]) -> anyhow::Result<Types> {
    let mut validator = Validator::new();
    let mut last = None;
    for payload in Parser::new(0).parse_all(bytes) {
        if let ValidPayload::End(types) = validator.payload(&payload?)? {
            last = Some(types);
        }
    }
    last.context("the binary has no end")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Functions that one thread validates one after the other.
#[derive(Default)]
struct Batch<'a> {
    functions: Vec<(FuncToValidate<ValidatorResources>, FunctionBody<'a>)>,
    bytes: usize,
}

impl<'a> Batch<'a> {
    /// The size of a full batch, in bytes. Validating this amount of code takes many times longer than
    /// starting a thread.
    const FULL: usize = 64 << 10;

    fn push(
        batches: &mut Vec<Self>,
        function: FuncToValidate<ValidatorResources>,
        body: FunctionBody<'a>,
    ) {
        if batches.last().is_none_or(|last| last.bytes >= Self::FULL) {
            batches.push(Self::default());
        }
        if let Some(last) = batches.last_mut() {
            last.bytes += body.as_bytes().len();
            last.functions.push((function, body));
        }
    }

    fn validate(self, first: &Mutex<Option<BinaryReaderError>>) {
        let mut allocations = FuncValidatorAllocations::default();
        for (function, body) in self.functions {
            let mut validator = function.into_validator(allocations);
            if let Err(error) = validator.validate(&body) {
                return keep_first(first, error);
            }
            allocations = validator.into_allocations();
        }
    }
}

fn keep_first(first: &Mutex<Option<BinaryReaderError>>, error: BinaryReaderError) {
    let mut first = locked(first);
    if first
        .as_ref()
        .is_none_or(|first| error.offset() < first.offset())
    {
        *first = Some(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::file::{ReadError, Wasm};

    #[test]
    fn validating_returns_the_first_error() {
        let bad = "(func (result i32))".repeat(100);
        let parse = |text: String| Wasm::parse("m", text.into_bytes()).expect("whole sections");
        let code = |text: &str| parse(format!("(module {text})")).validate();
        assert!(code("(func)").is_ok());
        let offset = |error: ReadError| match error {
            ReadError::Invalid { source, .. } => source.offset,
            other => panic!("{other}"),
        };
        let first = offset(code(&bad).expect_err("no result"));
        for _ in 0..10 {
            assert_eq!(offset(code(&bad).expect_err("no result")), first);
        }
        let later =
            offset(code(&format!("(func (result i32) i32.const 1) {bad}")).expect_err("no"));
        assert!(first < later);
        // Each function is a batch of its own, and the last batch may be validated first.
        let padding = "nop ".repeat(Batch::FULL);
        let large = format!("(func (result i32) {padding})").repeat(3);
        for _ in 0..10 {
            assert!(offset(code(&large).expect_err("no result")) < 2 * Batch::FULL as u64);
        }
    }
}
