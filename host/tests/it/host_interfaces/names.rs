//! Names, versions and types of other interfaces.

use super::{NUMBERS, expect_exit, outcome};
use crate::embedding::{NUMBER, part};
use libtest_mimic::{Failed, Trial};
use wit_host::{HostInterface, Part, Value};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "host_interfaces::types_of_other_interfaces",
            types_of_others,
        ),
        Trial::test(
            "host_interfaces::versions_and_equal_labels",
            versions_and_labels,
        ),
    ]
}

/// Expects this exit code from the part alone, which keeps its own binary, and from the part composed
/// with a plug.
fn expect_exit_alone_and_composed(
    text: &str,
    provided: &[HostInterface],
    code: i32,
) -> Result<(), Failed> {
    let import =
        format!(r#"(component (import "{NUMBERS}" (instance (export "get" (func (result u32)))))"#);
    let with_plug = text.replacen("(component", &import, 1);
    for (text, plugs) in [(text, &[][..]), (&with_plug, &[part("number", NUMBER)?])] {
        let consumer = provided
            .iter()
            .cloned()
            .fold(part("consumer", text)?, Part::provide);
        expect_exit(&outcome(consumer, plugs)?, code)?;
    }
    Ok(())
}

/// An interface whose types come from another one; the other one is provided without functions.
fn types_of_others() -> Result<(), Failed> {
    let text = r#"(component
        (import "a:b/types" (instance $types
          (type $e (enum "one" "two")) (export "number" (type (eq $e)))
          (type $r (record (field "x" u8))) (export "unused" (type (eq $r)))))
        (alias export $types "number" (type $number))
        (import "a:b/store@1.0.0" (instance $store (alias outer 1 $number (type $o)) (export "number" (type $n (eq $o)))
          (export "f" (func (result $n)))))
        (core func $f (canon lower (func $store "f")))
        (core module $m (import "h" "f" (func $f (result i32)))
          (func (export "run") (result i32) (call $f)))
        (core instance $i (instantiate $m (with "h" (instance (export "f" (func $f))))))
        (func $run (result (result)) (canon lift (core func $i "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.6" (instance $command)))"#;
    for (case, code) in [("one", 0), ("two", 1)] {
        let store = HostInterface::new("a:b/store@1.0.0")
            .function("f", move |_| Ok(Some(Value::Enum(case.to_owned()))));
        let provided = [store, HostInterface::new("a:b/types")];
        expect_exit_alone_and_composed(text, &provided, code)?;
    }
    Ok(())
}

/// Interfaces whose private names would be equal, and two versions of one interface.
fn versions_and_labels() -> Result<(), Failed> {
    let names = [
        "a:b/store@1.0.0",
        "a:b/store@1.1.0",
        "a:b/store@2.0.0",
        "c:d/store",
        "c:d/store-2",
        "c:d/STORE",
        "store",
        "store2",
    ];
    let mut imports = String::new();
    let mut calls = String::new();
    let mut lowered = String::new();
    for (index, name) in names.iter().enumerate() {
        imports += &format!(
            r#"(import "{name}" (instance $i{index} (export "get" (func (result u32)))))
               (core func $f{index} (canon lower (func $i{index} "get")))"#
        );
        lowered += &format!(r#"(export "{index}" (func $f{index}))"#);
        calls += &format!(
            r#"(if (i32.ne (call $f{index}) (i32.const {index})) (then (return (i32.const 1))))"#
        );
    }
    let functions = (0..names.len())
        .map(|index| format!(r#"(import "h" "{index}" (func $f{index} (result i32)))"#))
        .collect::<String>();
    let text = format!(
        r#"(component {imports}
          (core module $m {functions} (func (export "run") (result i32) {calls} (i32.const 0)))
          (core instance $i (instantiate $m (with "h" (instance {lowered}))))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $command (export "run" (func $run)))
          (export "wasi:cli/run@0.2.6" (instance $command)))"#
    );
    let get = |name: &str, number: u32| {
        HostInterface::new(name).function("get", move |_| Ok(Some(Value::U32(number))))
    };
    let each = || {
        names
            .iter()
            .zip(0..)
            .map(|(name, number)| get(name, number))
    };
    let all: Vec<HostInterface> = each().collect();
    expect_exit_alone_and_composed(&text, &all, 0)?;

    // A compatible version satisfies an import if its own version is not provided.
    let second = HostInterface::new("a:b/store@1.2.0").function("get", |_| Ok(Some(Value::U32(1))));
    let others = each().enumerate().filter(|(index, _)| *index != 1);
    let others = others.map(|(_, interface)| interface).chain([second]);
    expect_exit_alone_and_composed(&text, &others.collect::<Vec<_>>(), 0)
}
