//! Random interfaces and values through a stack of parts that pass them on.

use super::{
    component::{DIGEST, World},
    forms::Forms,
    values::Type,
};
use crate::{
    count::Count,
    torture::{number_from, sized},
};
use fastrand::Rng;
use libtest_mimic::Failed;
use std::sync::{Arc, Mutex, PoisonError};
use wit_host::{HostInterface, Part, Value};
use wit_parser::abi::{AbiVariant, WasmType};

/// The number of calls of each interface.
const CALLS: usize = 200;

/// The largest number of types, cases and flags in the signature of a function whose byte lists are
/// carried as strings.
const MAX_TYPES: usize = 400;

/// A random function of the interface `test:bulk/x`.
struct Signature {
    params: Vec<Type>,
    result: Option<Type>,
}

pub fn mean_the_same() -> Result<(), Failed> {
    let seed = number_from("TORTURE_SEED").unwrap_or(1);
    let mut count = Count::of("F19");
    let (mut calls, mut carried) = (0, 0);
    for case in 0..sized(10, 200) {
        let mut rng = Rng::with_seed(seed ^ ((case as u64) << 20));
        let signature = Signature::random(&mut rng);
        let tried = signature.is_carried_unchanged(&mut rng, sized(20, CALLS));
        match tried {
            Ok(is_carried) => {
                calls += sized(20, CALLS);
                carried += usize::from(is_carried);
                count.case(Ok::<(), String>(()));
            }
            Err(error) => count.case(Err(format!(
                "TORTURE_SEED={seed}, case {case}: {}",
                error.message().unwrap_or_default()
            ))),
        }
    }
    count.finish(format_args!(
        " interfaces; {carried} of them carried as strings, {calls} calls"
    ))
}

impl Signature {
    fn random(rng: &mut Rng) -> Self {
        let params = (0..rng.usize(..5)).map(|_| Type::random(rng, 2)).collect();
        let result = (rng.u32(..8) > 0).then(|| Type::random(rng, 3));
        Self { params, result }
    }

    /// Calls the function with random values in both forms. The host at the end of the stack must get what
    /// the caller passes, and the caller what the host returns.
    fn is_carried_unchanged(&self, rng: &mut Rng, calls: usize) -> Result<bool, Failed> {
        let world = World::parse(&self.wit())?;
        let passed = Arc::new(Mutex::new(Vec::new()));
        let returned = Arc::new(Mutex::new(None::<Value>));
        let (record, answer) = (passed.clone(), returned.clone());
        let host = HostInterface::new("test:bulk/x")
            .function("f", move |call| {
                let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
                record.push(call.arguments);
                Ok(answer
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone())
            })
            .function("log", |_| Ok(Some(Value::U64(7))));
        let mut part = |name: &str| -> Result<Part, Failed> {
            let component = world.component(&self.module(&world, rng.u32(..3)))?;
            Ok(Part::new(name, component)?)
        };
        let (consumer, first) = (part("consumer")?, part("first")?);
        // Two parts that are byte-identical.
        let mut second = first.clone();
        second.name = "second".parse()?;
        let last = part("last")?;

        let (mut forms, fast) = Forms::providing(&consumer, &[first, second, last], &host)?;
        let types = || self.params.iter().chain(&self.result);
        let result: Vec<&Type> = self.result.iter().collect();
        let has_nested = |types: &[&Type]| {
            types.iter().any(|ty| ty.has_strings()) && types.iter().any(|ty| ty.has_list_in_list())
        };
        let expected = types().any(Type::has_bytes)
            && !types().any(Type::has_obstacle)
            && types().map(Type::size).sum::<usize>() <= MAX_TYPES
            && !has_nested(&self.params.iter().collect::<Vec<_>>())
            && !has_nested(&result);
        let functions = fast.functions_between_parts();
        let plain: Vec<Option<String>> = functions
            .filter(|function| function.function == "f")
            .map(|function| function.plain)
            .collect();
        if plain.len() != 3 || plain.iter().any(|plain| plain.is_none() != expected) {
            return Err(format!("{plain:?} of {}", self.wit()).into());
        }
        for call in 0..calls {
            let arguments: Vec<Value> = self.params.iter().map(|ty| ty.value(rng)).collect();
            let result = self.result.as_ref().map(|ty| ty.value(rng));
            *returned.lock().unwrap_or_else(PoisonError::into_inner) = result.clone();
            let got = forms.call("f", &arguments)?;
            if got != Some(result.into_iter().collect()) {
                return Err(format!("the result is not that of the host: {got:?}").into());
            }
            let passed =
                std::mem::take(&mut *passed.lock().unwrap_or_else(PoisonError::into_inner));
            if passed != [arguments.clone(), arguments] {
                return Err("the arguments are not those of the caller".into());
            }
            // The log of the parts depends on all calls of their `realloc` and on their memories.
            if call % 8 == 0 && forms.call("log", &[])?.is_none() {
                return Err("`log` trapped".into());
            }
        }
        Ok(expected)
    }

    fn wit(&self) -> String {
        let mut definitions = Vec::new();
        let params = self.params.iter().zip(0..);
        let params: Vec<String> = params
            .map(|(ty, at)| format!("p{at}: {}", ty.wit(&mut definitions)))
            .collect();
        let result = self.result.as_ref().map(|ty| ty.wit(&mut definitions));
        let result = result.map_or(String::new(), |ty| format!(" -> {ty}"));
        format!(
            "package test:bulk;\ninterface x {{\n  {}\n  f: func({}){result};\n  log: func() -> u64;\n}}\nworld w {{ import x; export x; }}\n",
            definitions.join("\n  "),
            params.join(", ")
        )
    }

    /// A core module that passes each call on. Its `realloc` returns multiples of eight, odd addresses where
    /// it may, or the next address that is allowed.
    fn module(&self, world: &World, realloc: u32) -> String {
        let address = match realloc {
            0 => "(i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8))",
            1 => {
                "(select (i32.or (global.get $next) (i32.const 1)) (local.get $aligned) (i32.eq (local.get $align) (i32.const 1)))"
            }
            _ => "(local.get $aligned)",
        };
        let (_, interface) = world.resolve.interfaces.iter().next().expect("`x`");
        let function = &interface.functions["f"];
        let of_import = world
            .resolve
            .wasm_signature(AbiVariant::GuestImport, function);
        let of_export = world
            .resolve
            .wasm_signature(AbiVariant::GuestExport, function);
        let names = |types: &[WasmType]| {
            let names = types.iter().map(|ty| match ty {
                WasmType::I64 | WasmType::PointerOrI64 => "i64",
                WasmType::F32 => "f32",
                WasmType::F64 => "f64",
                _ => "i32",
            });
            names.collect::<Vec<_>>().join(" ")
        };
        let arguments: String = (0..of_export.params.len())
            .map(|at| format!("(local.get {at})"))
            .collect();
        let call = match of_import.retptr {
            true => format!("(call $f {arguments} (i32.const 256)) (i32.const 256)"),
            false => format!("(call $f {arguments})"),
        };
        let post_return = match self.result.as_ref().is_some_and(Type::has_lists) {
            true => {
                r#"(func (export "cabi_post_test:bulk/x#f") (param $area i32)
                    (call $note (i64.load (local.get $area)))
                    (call $note (i64.load offset=8 (local.get $area)))
                    (global.set $next (i32.const 8192)))"#
            }
            false => "",
        };
        format!(
            r#"(module
  (import "test:bulk/x" "f" (func $f (param {}) (result {})))
  (import "test:bulk/x" "log" (func $log-of-next (result i64)))
  (memory (export "memory") 8)
  (global $next (mut i32) (i32.const 8192))
  (global $log (mut i64) (i64.const 0))
  (func $note (param i64)
    (global.set $log
      (i64.add (i64.mul (global.get $log) (i64.const 31)) (local.get 0))))
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $aligned i32) (local $new i32)
    (if (i32.gt_u (global.get $next) (i32.const 260000)) (then (global.set $next (i32.const 8192))))
    (local.set $aligned
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (local.set $new {address})
    (global.set $next (i32.add (local.get $new) (local.get $size)))
    (call $note (i64.extend_i32_u (local.get $old)))
    (call $note (i64.extend_i32_u (local.get $old-size)))
    (call $note (i64.extend_i32_u (local.get $align)))
    (call $note (i64.extend_i32_u (local.get $size)))
    (local.get $new))
  (func (export "test:bulk/x#f") (param {}) (result {}) {call})
  {post_return}
  {DIGEST}
  (func (export "test:bulk/x#log") (result i64)
    (i64.add
      (i64.mul (call $log-of-next) (i64.const 31))
      (i64.add (call $digest) (global.get $log)))))"#,
            names(&of_import.params),
            names(&of_import.results),
            names(&of_export.params),
            names(&of_export.results),
        )
    }
}
