//! Plugs and consumers that violate the rules by which values are passed: the one at fault suffers.

use super::{
    interface::{Function, Interface},
    service::{ending, expect_words, observed, on_tokio},
};
use crate::embedding::part;
use libtest_mimic::{Failed, Trial};
use wit_host::{
    Allowance, Form, Isolation, Limits, Program, Restarts, Runtime, RuntimeOptions, Sandboxes,
    Value, compose,
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("isolation::hostile::results", results),
        Trial::test("isolation::hostile::arguments", arguments),
    ]
}

/// The functions: names, types, the number of flat parameters, and the code or arguments.
fn interface(functions: &[(&str, usize, &str)], is_plug_hostile: bool) -> Interface {
    let function = |(index, (ty, flat, code)): (usize, &(&str, usize, &str))| Function {
        name: format!("f{index}x"),
        ty: (*ty).to_owned(),
        flat: *flat,
        returns: ty.contains("(result "),
        code: match (is_plug_hostile, ty.contains("(result ")) {
            (true, _) => (*code).to_owned(),
            (false, true) => "(i32.const 256)".to_owned(),
            (false, false) => String::new(),
        },
        sent: (!is_plug_hostile).then(|| (*code).to_owned()),
    };
    let good = Function {
        name: "good".to_owned(),
        ty: "(result (list u8))".to_owned(),
        returns: true,
        code: "(i64.store (i32.const 256) (i64.const 0)) (i32.const 256)".to_owned(),
        ..Function::default()
    };
    let types = [
        r#"(enum "runtime-error" "b" "c")"#,
        r#"(variant (case "a") (case "b" u32))"#,
        r#"(record (field "a" string) (field "b" char))"#,
    ];
    let named = |(index, ty): (usize, &&str)| (format!("t{index}"), ty.to_string());
    Interface {
        types: types.iter().enumerate().map(named).collect(),
        functions: functions
            .iter()
            .enumerate()
            .map(function)
            .chain([good])
            .collect(),
    }
}

fn load(interface: &Interface, isolation: Isolation) -> Result<Program, Failed> {
    let plug = part("hostile", &interface.provider())?.isolate(isolation);
    let composition = compose(
        &part("consumer", &interface.consumer())?,
        &[plug],
        Form::Granted,
    )?;
    Ok(Runtime::new(&RuntimeOptions::new())?.load(&composition)?)
}

/// A value for the parameter that this text begins with: `NAME" TYPE) …`.
fn value(parameter: &str) -> Value {
    let (_, ty) = parameter.split_once("\" ").unwrap_or_default();
    match ty {
        ty if ty.starts_with("string") => "".into(),
        ty if ty.starts_with("$t0") => Value::Enum("b".to_owned()),
        ty if ty.starts_with("(option") => Value::Option(None),
        ty if ty.starts_with("char") => Value::Char('a'),
        _ => Value::List(Vec::new()),
    }
}

/// Calls each function, in an instance of its own, and then `good`.
fn call_each(
    functions: &[(&str, usize, &str)],
    is_plug_hostile: bool,
    check: impl Fn(&str, Result<Vec<Value>, String>) -> Result<(), Failed>,
) -> Result<usize, Failed> {
    let many = Restarts::new(1000, std::time::Duration::from_secs(60));
    let (isolation, failures) = observed(Isolation::new().restarts(many));
    let program = load(&interface(functions, is_plug_hostile), isolation)?;
    on_tokio(async || {
        let sandboxes = Sandboxes::default();
        let allowance = Allowance::new(&Limits::default());
        let plugs = program.isolated_plugs(&sandboxes, &allowance, None).await?;
        for (index, (ty, _, code)) in functions.iter().enumerate() {
            let with = || program.instantiate_with(&sandboxes, &allowance, None, &plugs);
            let mut one = with().await?;
            let arguments = ty.split(r#"(param ""#).skip(1).map(value);
            let function = program.function(&format!("f{index}x"))?.clone();
            let called = one.call(&function, arguments.collect()).await;
            check(&format!("{ty}: {code}"), called.map_err(ending))?;
            let good = program.function("good")?.clone();
            let returned = with().await?.call(&good, Vec::new()).await?;
            assert_eq!(returned, [Value::Bytes(Vec::new())]);
        }
        Ok(())
    })?;
    let failures = failures.lock().map_err(|_| "a panic")?;
    Ok(failures.len())
}

/// The result is an error of the call: `runtime-error` where the interface has it, and otherwise a trap
/// of the caller that names the plug.
fn results() -> Result<(), Failed> {
    const CASE_3: &str = "(i32.store8 (i32.const 256) (i32.const 1)) (i32.store8 (i32.const 257) (i32.const 3)) (i32.store8 (i32.const 260) (i32.const 3)) (i32.const 256)";
    const NO_UTF8: &str = "(i32.store8 (i32.const 80) (i32.const 0xff)) (i32.store (i32.const 256) (i32.const 80)) (i32.store (i32.const 260) (i32.const 1)) (i32.const 256)";
    const NO_UTF8_INSIDE: &str = "(i32.store8 (i32.const 80) (i32.const 0xff)) (i32.store (i32.const 260) (i32.const 80)) (i32.store (i32.const 264) (i32.const 1)) (i32.const 256)";
    const DISCRIMINANT: &str = "(i32.store8 (i32.const 256) (i32.const 2)) (i32.const 256)";
    const OUTSIDE: &str = "(i32.store (i32.const 260) (i32.const 0xfffffff0)) (i32.store (i32.const 264) (i32.const 100)) (i32.const 256)";
    const HUGE: &str = "(i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const -1)) (i32.const 256)";
    const HUGE_BARE: &str = "(i32.store (i32.const 256) (i32.const 0)) (i32.store (i32.const 260) (i32.const -1)) (i32.const 256)";
    const ADDRESS: &str = "(i32.const -1)";
    const UNALIGNED: &str = "(i32.const 257)";
    // 130 MiB are in the plug's memory, and more than what may be passed.
    const TOO_LARGE: &str = "(drop (memory.grow (i32.const 2100))) (i32.store (i32.const 256) (i32.const 0)) (i32.store (i32.const 260) (i32.const 136314880)) (i32.const 256)";
    const TOO_LARGE_TREE: &str = "(drop (memory.grow (i32.const 2100))) (i32.store (i32.const 256) (i32.const 1024)) (i32.store (i32.const 260) (i32.const 16000000)) (i32.const 256)";
    let functions = [
        ("(result (result (error $t0)))", 0, CASE_3),
        ("(result (result (list u8) (error $t0)))", 0, CASE_3),
        ("(result (result (list u8) (error $t0)))", 0, DISCRIMINANT),
        ("(result (result (list u8) (error $t0)))", 0, OUTSIDE),
        ("(result (result (list u8) (error $t0)))", 0, HUGE),
        ("(result (result string (error $t0)))", 0, NO_UTF8_INSIDE),
        ("(result (result string (error $t0)))", 0, HUGE),
        ("(result (result string (error $t0)))", 0, ADDRESS),
        ("(result (result u32 (error $t0)))", 0, CASE_3),
        ("(result (result u32 (error $t0)))", 0, UNALIGNED),
        ("(result (result (list $t1) (error $t0)))", 0, HUGE),
        ("(result string)", 0, NO_UTF8),
        ("(result string)", 0, HUGE_BARE),
        ("(result (list u8))", 0, HUGE_BARE),
        ("(result (list u8))", 0, ADDRESS),
        ("(result (list u8))", 0, TOO_LARGE),
        ("(result (option string))", 0, DISCRIMINANT),
        ("(result (option string))", 0, NO_UTF8_INSIDE.trim_start()),
        ("(result (result string (error string)))", 0, NO_UTF8_INSIDE),
        ("(result (list string))", 0, TOO_LARGE_TREE),
        ("(result (list $t2))", 0, TOO_LARGE_TREE),
        ("(result (list (list u64)))", 0, HUGE_BARE),
    ];
    let count = call_each(&functions, true, |what, result| {
        // `none` and `ok` of a discriminant of zero hide what stands behind it.
        if what.contains("(option string)") && what.contains("0xff") {
            return Ok(());
        }
        match (what.contains("$t0"), result) {
            (true, Ok(returned)) if returned[0].to_string() == "err(runtime-error)" => Ok(()),
            (true, other) => Err(format!("{what}: {other:?}").into()),
            (false, other) => expect_words(
                &other,
                &["`consumer` trapped: the isolated plug `hostile` failed"],
            )
            .map_err(|error| format!("{what}: {error:?}").into()),
        }
    })?;
    assert_eq!(count, functions.len() - 1);
    Ok(())
}

/// The consumer traps, and the plug has not failed.
fn arguments() -> Result<(), Failed> {
    const TEXT: &str = r#"(param "a" string)"#;
    const BYTES: &str = r#"(param "a" (list u8))"#;
    const THREE: &str = r#"(param "a" string) (param "b" (list u8)) (param "c" (option u32)) (result (result (error $t0)))"#;
    let functions = [
        // 0xff is stored where the text begins.
        (
            TEXT,
            2,
            "(i32.store8 (i32.const 80) (i32.const 0xff)) (i32.const 80) (i32.const 1)",
        ),
        (TEXT, 2, "(i32.const -16) (i32.const 32)"),
        (TEXT, 2, "(i32.const 0) (i32.const -1)"),
        (BYTES, 2, "(i32.const -16) (i32.const 32)"),
        (BYTES, 2, "(i32.const 0) (i32.const -1)"),
        (
            THREE,
            6,
            "(i32.store8 (i32.const 80) (i32.const 0xff)) (i32.const 80) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)",
        ),
        (
            THREE,
            6,
            "(i32.const 0) (i32.const 0) (i32.const 131000) (i32.const 1000) (i32.const 0) (i32.const 0)",
        ),
        (
            THREE,
            6,
            "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0)",
        ),
        (r#"(param "a" $t0)"#, 1, "(i32.const 3)"),
        (
            r#"(param "a" $t0) (result (result (error $t0)))"#,
            1,
            "(i32.const -1)",
        ),
        (r#"(param "a" char)"#, 1, "(i32.const 0xd800)"),
        (
            r#"(param "a" (list $t2))"#,
            2,
            "(i32.const 0) (i32.const 0x10000000)",
        ),
        (
            r#"(param "a" (list string))"#,
            2,
            "(i32.const 4) (i32.const 0x20000000)",
        ),
        (
            r#"(param "a" (list u64))"#,
            2,
            "(i32.const 4) (i32.const 1)",
        ),
    ];
    let count = call_each(&functions, false, |what, result| match result {
        Err(words) if words.contains("trapped") && !words.contains("isolated plug") => Ok(()),
        other => Err(format!("{what}: {other:?}").into()),
    })?;
    assert_eq!(count, 0);
    Ok(())
}
