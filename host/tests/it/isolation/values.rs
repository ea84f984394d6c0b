//! Values of every type pass an isolated link as they pass a fused one.

use super::interface::{Function, Interface};
use crate::{
    embedding::{part, tokio},
    torture::{number_from, sized},
};
use fastrand::Rng;
use libtest_mimic::{Failed, Trial};
use std::iter;
use wit_host::{
    Form, Instance, Isolation, Limits, Program, Runtime, RuntimeOptions, Sandboxes, Value, compose,
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("isolation::values::of_every_type", every_type),
        Trial::test("isolation::values::of_every_typed_shape", every_shape),
        Trial::test("isolation::values::of_every_size", every_size),
    ]
}

/// The types, each of which may use those before it.
const TYPES: [&str; 28] = [
    "bool",
    "s8",
    "u8",
    "s16",
    "u16",
    "s32",
    "u32",
    "s64",
    "u64",
    "f32",
    "f64",
    "char",
    "string",
    "(list $t2)",
    "(tuple $t1 $t10 $t12)",
    "(option $t12)",
    "(result $t8 (error $t12))",
    "(result)",
    "(result (error $t0))",
    r#"(record (field "a" $t2) (field "b" $t15) (field "long-name" $t14))"#,
    r#"(variant (case "none") (case "one" $t19) (case "two" $t7))"#,
    r#"(enum "a" "b" "c")"#,
    r#"(flags "x" "y" "z")"#,
    r#"(flags "a" "b" "c" "d" "e" "f" "g" "h" "i")"#,
    "(option (option $t2))",
    "(list $t20)",
    "(list (list $t16))",
    r#"(option (tuple $t21 $t22))"#,
];

/// A random value of the type at this position.
fn value(ty: usize, rng: &mut Rng) -> Value {
    let text = |rng: &mut Rng| -> String {
        let length = rng.usize(..12);
        iter::repeat_with(|| rng.char(..)).take(length).collect()
    };
    let boxed = |ty, rng: &mut Rng| Some(Box::new(value(ty, rng)));
    let flags = |names: &[&str], rng: &mut Rng| {
        let set = names.iter().filter(|_| rng.bool());
        Value::Flags(set.map(ToString::to_string).collect())
    };
    match ty {
        0 => Value::Bool(rng.bool()),
        1 => Value::S8(rng.i8(..)),
        2 => Value::U8(rng.u8(..)),
        3 => Value::S16(rng.i16(..)),
        4 => Value::U16(rng.u16(..)),
        5 => Value::S32(rng.i32(..)),
        6 => Value::U32(rng.u32(..)),
        7 => Value::S64(rng.i64(..)),
        8 => Value::U64(rng.u64(..)),
        9 => Value::F32(f32::from_bits(rng.u32(..))),
        10 => Value::F64(f64::from_bits(rng.u64(..))),
        11 => Value::Char(rng.char(..)),
        12 => Value::String(text(rng)),
        13 => list(2, rng),
        14 => Value::Tuple([1, 10, 12].map(|ty| value(ty, rng)).into()),
        15 => Value::Option(rng.bool().then(|| Box::new(value(12, rng)))),
        16 => Value::Result(match rng.bool() {
            true => Ok(boxed(8, rng)),
            false => Err(boxed(12, rng)),
        }),
        17 => Value::Result(if rng.bool() { Ok(None) } else { Err(None) }),
        18 => Value::Result(if rng.bool() {
            Ok(None)
        } else {
            Err(boxed(0, rng))
        }),
        19 => {
            let fields = [("a", 2), ("b", 15), ("long-name", 14)];
            Value::Record(
                fields
                    .map(|(name, ty)| (name.to_owned(), value(ty, rng)))
                    .into(),
            )
        }
        20 => match rng.u8(..3) {
            0 => Value::Variant("none".to_owned(), None),
            1 => Value::Variant("one".to_owned(), boxed(19, rng)),
            _ => Value::Variant("two".to_owned(), boxed(7, rng)),
        },
        21 => Value::Enum(["a", "b", "c"][rng.usize(..3)].to_owned()),
        22 => flags(&["x", "y", "z"], rng),
        23 => flags(&["a", "b", "c", "d", "e", "f", "g", "h", "i"], rng),
        24 => {
            let inner = Value::Option(rng.bool().then(|| Box::new(value(2, rng))));
            Value::Option(rng.bool().then(|| Box::new(inner)))
        }
        25 => list(20, rng),
        26 => Value::List(iter::repeat_with(|| list(16, rng)).take(2).collect()),
        _ => {
            let tuple = Value::Tuple([21, 22].map(|ty| value(ty, rng)).into());
            Value::Option(rng.bool().then(|| Box::new(tuple)))
        }
    }
}

/// A list of values of this type.
fn list(ty: usize, rng: &mut Rng) -> Value {
    let length = rng.usize(..6);
    match ty {
        2 => Value::Bytes(iter::repeat_with(|| rng.u8(..)).take(length).collect()),
        _ => Value::List(iter::repeat_with(|| value(ty, rng)).take(length).collect()),
    }
}

impl Interface {
    /// The program with a fused plug, and the one with an isolated plug.
    fn both(&self) -> Result<[Program; 2], Failed> {
        let load = |plug| -> Result<Program, Failed> {
            let consumer = part("consumer", &self.consumer())?;
            let composition = compose(&consumer, &[plug], Form::Granted)?;
            Ok(Runtime::new(&RuntimeOptions::new())?.load(&composition)?)
        };
        let plug = || part("values", &self.provider());
        Ok([load(plug()?)?, load(plug()?.isolate(Isolation::new()))?])
    }

    /// Calls each function with these numbers of random arguments, in both programs.
    fn compare(
        &self,
        calls: usize,
        arguments: impl Fn(usize, &mut Rng) -> Vec<Value>,
    ) -> Result<(), Failed> {
        let seed = number_from("SEED").unwrap_or(11);
        let mut rng = Rng::with_seed(seed);
        let programs = self.both()?;
        let tokio = tokio()?;
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        let start = |program: &Program| tokio.block_on(program.instantiate(&sandboxes, &limits));
        let mut instances = [start(&programs[0])?, start(&programs[1])?];
        for (index, function) in self.functions.iter().enumerate() {
            for _ in 0..calls {
                let given = arguments(index, &mut rng);
                let call = |instance: &mut Instance| {
                    let callee = instance.program().function(&function.name)?.clone();
                    let results = tokio.block_on(instance.call(&callee, given.clone()))?;
                    // `Debug` also compares numbers that are not equal to themselves.
                    Ok::<_, Failed>(format!("{results:?}"))
                };
                let [fused, isolated] = &mut instances;
                let (fused, isolated) = (call(fused)?, call(isolated)?);
                if fused != isolated {
                    let text = format!(
                        "seed {seed}: {} {} of {given:?}\nfused: {fused}\nisolated: {isolated}",
                        function.name, function.ty
                    );
                    return Err(text.into());
                }
            }
        }
        Ok(())
    }
}

/// A list of each type, which the plug returns as it is.
fn every_type() -> Result<(), Failed> {
    let many: Vec<String> = (0..300).map(|case| format!("\"c{case}\"")).collect();
    let types = TYPES.iter().map(ToString::to_string);
    let types = types.chain([format!("(enum {})", many.join(" "))]);
    let types: Vec<(String, String)> = types
        .enumerate()
        .map(|(index, ty)| (format!("t{index}"), ty))
        .collect();
    let echo = |index: usize| {
        Function {
        name: format!("echo{index}"),
        ty: format!(r#"(param "v" (list $t{index})) (result (list $t{index}))"#),
        flat: 2,
        returns: true,
        code: "(i32.store (i32.const 256) (local.get 0)) (i32.store (i32.const 260) (local.get 1)) (i32.const 256)".to_owned(),
        ..Function::default()
    }
    };
    let functions = (0..types.len()).map(echo).collect();
    let interface = Interface { types, functions };
    interface.compare(sized(20, 2000), |index, rng| {
        let list = match index {
            28 => Value::List(vec![Value::Enum(format!("c{}", rng.usize(..300)))]),
            index => list(index, rng),
        };
        vec![list]
    })
}

/// The parameters and results that are passed by typed calls. The content of the result is the last
/// argument, and its first byte decides between the cases.
fn every_shape() -> Result<(), Failed> {
    let text = ("string", 2);
    let bytes = ("(list u8)", 2);
    let number = ("(option u32)", 2);
    let parameters: [&[(&str, usize)]; 8] = [
        &[],
        &[text],
        &[bytes],
        &[text, text],
        &[text, bytes],
        &[text, bytes, number],
        // These are not typed.
        &[bytes, text],
        &[number],
    ];
    let results = [
        None,
        Some("(result (error $t0))"),
        Some("(result (list u8) (error $t0))"),
        Some("(result string (error $t0))"),
        Some("(result (error string))"),
        Some("(result (list u8) (error string))"),
        Some("(result string (error string))"),
        Some("(option (list u8))"),
        Some("(option string)"),
        Some("(list u8)"),
        Some("string"),
        Some("(option $t0)"),
        Some("(result (list u8))"),
    ];
    let mut functions = Vec::new();
    for (row, parameters) in parameters.iter().enumerate() {
        for (column, result) in results.iter().enumerate() {
            let names = ["a", "b", "c"];
            let params: String = parameters
                .iter()
                .zip(names)
                .map(|((ty, _), name)| format!(r#"(param "{name}" {ty})"#))
                .collect();
            let flat: usize = parameters.iter().map(|(_, flat)| flat).sum();
            // The address and length of the content; text stays text.
            let content = match (row, result) {
                (0 | 7, _) => ("(i32.const 0)", "(i32.const 0)"),
                (1 | 2 | 6, _) => ("(local.get 0)", "(local.get 1)"),
                (_, Some(result)) if result.contains("string") => {
                    ("(local.get 0)", "(local.get 1)")
                }
                _ => ("(local.get 2)", "(local.get 3)"),
            };
            let content = match (row, result) {
                // Bytes cannot be returned as text.
                (2 | 6, Some(result)) if result.contains("string") => {
                    ("(i32.const 0)", "(i32.const 0)")
                }
                _ => content,
            };
            let (at, length) = content;
            let choice = match row {
                5 => "(local.get 4)".to_owned(),
                7 => "(local.get 0)".to_owned(),
                _ => format!("(i32.and {length} (i32.const 1))"),
            };
            let bare = matches!(result, Some("(list u8)" | "string"));
            let code = match result {
                None => String::new(),
                Some(_) if bare => format!(
                    "(i32.store (i32.const 256) {at}) (i32.store (i32.const 260) {length}) (i32.const 256)"
                ),
                Some("(option $t0)") => format!(
                    "(i32.store8 (i32.const 256) {choice}) (i32.store8 (i32.const 257) (i32.rem_u {length} (i32.const 3))) (i32.const 256)"
                ),
                Some("(result (error $t0))") => format!(
                    "(i32.store8 (i32.const 256) {choice}) (i32.store8 (i32.const 257) (i32.rem_u {length} (i32.const 3))) (i32.const 256)"
                ),
                Some(result) if result.contains("$t0") => format!(
                    "(i32.store8 (i32.const 256) {choice})
                     (if {choice}
                       (then (i32.store8 (i32.const 260) (i32.rem_u {length} (i32.const 3))))
                       (else (i32.store (i32.const 260) {at}) (i32.store (i32.const 264) {length})))
                     (i32.const 256)"
                ),
                Some(_) => format!(
                    "(i32.store8 (i32.const 256) {choice}) (i32.store (i32.const 260) {at}) (i32.store (i32.const 264) {length}) (i32.const 256)"
                ),
            };
            functions.push(Function {
                name: format!("f{row}x{column}x"),
                ty: match result {
                    Some(result) => format!("{params} (result {result})"),
                    None => params,
                },
                flat,
                returns: result.is_some(),
                code,
                ..Function::default()
            });
        }
    }
    let interface = Interface {
        types: vec![("t0".to_owned(), r#"(enum "a" "b" "c")"#.to_owned())],
        functions,
    };
    interface.compare(sized(20, 1000), |index, rng| {
        let parameters = parameters[index / results.len()];
        let argument = |(ty, _): &(&str, usize)| match *ty {
            "string" => value(12, rng),
            "(list u8)" => list(2, rng),
            _ => Value::Option(rng.bool().then(|| Box::new(value(6, rng)))),
        };
        parameters.iter().map(argument).collect()
    })
}

/// Bytes of up to 64 MiB.
fn every_size() -> Result<(), Failed> {
    let interface = Interface {
        types: Vec::new(),
        functions: vec![Function {
            name: "echo".to_owned(),
            ty: r#"(param "v" (list u8)) (result (list u8))"#.to_owned(),
            flat: 2,
            returns: true,
            code: "(i32.store (i32.const 256) (local.get 0)) (i32.store (i32.const 260) (local.get 1)) (i32.const 256)".to_owned(),
            ..Function::default()
        }],
    };
    // The tree of values of the embedder's own calls takes 40 times as much, so the sizes in between are
    // left to the program that checks caches.
    let sizes = [0, 1, 63, 4095, 4096, 65_535, 65_536, 65_537, 1 << 20];
    let [_, isolated] = interface.both()?;
    let tokio = tokio()?;
    let mut instance =
        tokio.block_on(isolated.instantiate(&Sandboxes::default(), &Limits::default()))?;
    let echo = isolated.function("echo")?.clone();
    let mut rng = Rng::with_seed(7);
    for size in sizes {
        let bytes: Vec<u8> = iter::repeat_with(|| rng.u8(..)).take(size).collect();
        let returned = tokio.block_on(instance.call(&echo, vec![Value::Bytes(bytes.clone())]))?;
        assert!(returned == [Value::Bytes(bytes)], "{size} bytes");
    }
    Ok(())
}
