//! Host functions with Rust types.

use super::{load, on_tokio};
use libtest_mimic::{Failed, Trial};
use std::sync::{Arc, Mutex};
use wit_host::{
    CallError, HostFunctions, Limits, MemoryError, Outcome, Plan, Program, Sandbox, Sandboxes,
    Source, Trap, Value, Wasm,
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("hand_over::functions::numbers_of_all_types_pass", numbers),
        Trial::test("hand_over::functions::the_memory_is_the_callers", memory),
        Trial::test(
            "hand_over::functions::an_error_is_a_trap_with_its_words",
            error,
        ),
        Trial::test("hand_over::functions::they_are_explained", explained),
    ]
}

async fn call(program: &Program, name: &str, arguments: Vec<Value>) -> Result<Vec<Value>, Failed> {
    let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
    let mut instance = program.instantiate(&sandboxes, &limits).await?;
    Ok(instance.call(program.function(name)?, arguments).await?)
}

async fn trap(program: &Program, name: &str) -> Result<Box<Trap>, Failed> {
    let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
    let mut instance = program.instantiate(&sandboxes, &limits).await?;
    match instance.call(program.function(name)?, Vec::new()).await {
        Err(CallError::Ended {
            outcome: Outcome::Trapped(trap),
            ..
        }) => Ok(trap),
        other => Err(format!("a trap was expected, found {other:?}").into()),
    }
}

fn numbers() -> Result<(), Failed> {
    const MODULE: &str = r#"(module
      (import "host" "all" (func $all (param i32 i32 i64 i64 f32 f64) (result f64 i64 i32 f32)))
      (import "host" "most" (func $most (result i32)))
      (import "host" "none" (func $none))
      (func (export "all") (result f64 i64 i32 f32)
        (call $none)
        (call $all (i32.const -1) (i32.const -2) (i64.const -3) (i64.const -4) (f32.const 0.5) (f64.const 0.25)))
      (func (export "most") (result i32) (call $most)))"#;
    type All = (i32, u32, i64, u64, f32, f64);
    let functions = HostFunctions::new()
        .typed("host", "all", |_, all: All| {
            assert_eq!(all, (-1, u32::MAX - 1, -3, u64::MAX - 3, 0.5, 0.25));
            Ok((all.5, all.3, all.1, all.4))
        })
        .typed("host", "most", |_, ()| Ok(u32::MAX))
        .typed("host", "none", |_, ()| Ok(()));
    on_tokio(async || {
        let program = load(MODULE, &functions)?;
        let results = call(&program, "all", Vec::new()).await?;
        let expected = [0.25.into(), Value::S64(-4), Value::S32(-2), Value::F32(0.5)];
        assert_eq!(results, expected);
        assert_eq!(call(&program, "most", Vec::new()).await?, [Value::S32(-1)]);
        Ok(())
    })
}

/// Each instance has a memory of its own, and the function sees that of its caller.
fn memory() -> Result<(), Failed> {
    const MODULE: &str = r#"(module
      (import "host" "notify" (func $notify (param i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 65531) "hello")
      (func (export "text") (call $notify (i32.const 65531) (i32.const 5)))
      (func (export "beyond") (call $notify (i32.const 65531) (i32.const 6)))
      (func (export "grown") (drop (memory.grow (i32.const 1))) (call $notify (i32.const 65531) (i32.const 6))))"#;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    let functions = HostFunctions::new().typed(
        "host",
        "notify",
        move |caller, (pointer, length): (u32, u32)| {
            let mut memory = caller.memory()?;
            let text = memory.text(pointer, length)?.to_owned();
            memory.write(pointer, b"HE")?;
            hear.lock().expect("no panic").push(text);
            Ok(())
        },
    );
    on_tokio(async || {
        let program = load(MODULE, &functions)?;
        call(&program, "text", Vec::new()).await?;
        call(&program, "text", Vec::new()).await?;
        call(&program, "grown", Vec::new()).await?;
        let trap = trap(&program, "beyond").await?;
        let words = "the host's `host.notify` failed: 6 bytes at 65531 are not inside the memory, which has 65536 bytes";
        assert!(trap.reason.contains(words), "{trap}");
        assert_eq!(
            *heard.lock().expect("no panic"),
            ["hello", "hello", "hello\0"]
        );
        Ok(())
    })
}

fn error() -> Result<(), Failed> {
    const MODULE: &str = r#"(module
      (import "host" "read" (func $read))
      (import "host" "fail" (func $fail))
      (func (export "read") (call $read))
      (func (export "fail") (call $fail)))"#;
    let functions = HostFunctions::new()
        .typed("host", "read", |caller, ()| match caller.memory() {
            Err(MemoryError::NoMemory) => Ok(caller.memory().map(drop)?),
            other => Err(format!("{other:?}").into()),
        })
        .typed("host", "fail", |_, ()| -> Result<(), _> {
            Err("\u{1b}[31mred".into())
        });
    on_tokio(async || {
        let program = load(MODULE, &functions)?;
        let read = trap(&program, "read").await?;
        assert!(
            read.reason
                .contains("exports no memory that is named `memory`"),
            "{read}"
        );
        let fail = trap(&program, "fail").await?.to_string();
        assert!(
            fail.contains(r"`host.fail` failed: \u{1b}[31mred"),
            "{fail}"
        );
        Ok(())
    })
}

fn explained() -> Result<(), Failed> {
    let module = Wasm::parse("module", b"(module)".to_vec())?;
    let mut source = Source::new("module".parse()?, module, &[])?;
    let Source::Module { functions, .. } = &mut source else {
        return Err("a module was expected".into());
    };
    *functions = HostFunctions::new().typed("bank", "pay", |_, (_,): (u64,)| Ok(()));
    let sandbox = Sandbox::new().env("A", "1");
    let plan = Plan::new(source, Sandboxes::new(sandbox), Limits::default())?;
    let explanation = plan.explain().to_string();
    assert!(
        explanation.contains("the function `bank.pay` of the host"),
        "{explanation}"
    );
    assert!(explanation.contains("variable `A`"), "{explanation}");
    Ok(())
}
