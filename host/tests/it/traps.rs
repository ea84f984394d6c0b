//! A provider that traps in every possible way: the trap is attributed to it and to no other part, and a
//! new instance of the program runs again.

use crate::{
    count::Count,
    embedding::{CONSUMER, part, run},
    torture::sized,
};
use libtest_mimic::{Failed, Trial};
use wit_host::{Form, Outcome, Pool, Program, Runtime, RuntimeOptions, Sandboxes, compose};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("traps::a_provider_that_traps", provider)]
}

/// The code of the provider instead of returning a number, and a part of the message.
const WAYS: [(&str, &str); 6] = [
    ("unreachable", "`unreachable`"),
    ("(i32.div_s (i32.const 1) (i32.const 0))", "by zero"),
    ("(i32.load (i32.const -1))", "memory outside"),
    ("(call $get)", "call stack"),
    ("(call_indirect (type $f) (i32.const 0))", "is null"),
    ("(call_indirect (type $f) (i32.const 9))", "does not exist"),
];

fn provider() -> Result<(), Failed> {
    let pool = Pool::new(1, 1 << 20);
    let runtime = Runtime::new(&RuntimeOptions::new().pool(pool))?;
    let programs = WAYS.iter().map(|(way, _)| load(&runtime, way));
    let programs: Vec<Program> = programs.collect::<Result<_, _>>()?;
    let mut count = Count::of("F18");
    for number in 0..sized(120, 10_000) {
        let (way, said) = WAYS[number % WAYS.len()];
        let outcome = run(&programs[number % WAYS.len()], &Sandboxes::default())?;
        let is_right = match &outcome {
            Outcome::Trapped(trap) => {
                trap.part
                    .as_ref()
                    .is_some_and(|part| part.as_str() == "number")
                    && trap.to_string().contains(said)
            }
            _ => false,
        };
        count.holds(is_right, || format!("{way}: {outcome:?}"));
    }
    count.finish("")
}

fn load(runtime: &Runtime, way: &str) -> Result<Program, Failed> {
    let number = part(
        "number",
        &format!(
            r#"(component
              (core module $m
                (memory 1)
                (table 1 funcref)
                (type $f (func (result i32)))
                (func $get (export "get") (result i32) {way}))
              (core instance $i (instantiate $m))
              (func $get (result u32) (canon lift (core func $i "get")))
              (instance $number (export "get" (func $get)))
              (export "test:numbers/number@1.0.0" (instance $number)))"#
        ),
    )?;
    let composition = compose(&part("consumer", CONSUMER)?, &[number], Form::Granted)?;
    Ok(runtime.load(&composition)?)
}
