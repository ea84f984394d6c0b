//! Bombs written by hand: one for each known way in which a small file causes much work.

use super::Bomb;
use std::fmt::Display;

/// All bombs.
pub fn all() -> Vec<Bomb> {
    let mut bombs = modules();
    bombs.extend(components());
    bombs.extend(interfaces());
    bombs.extend(stacks());
    bombs
}

/// `text`, repeated.
pub fn times(text: &str, count: usize) -> String {
    text.repeat(count)
}

/// The concatenated results of `item` for the numbers below `count`.
pub fn each<T: Display>(count: usize, item: impl Fn(usize) -> T) -> String {
    (0..count).map(|number| item(number).to_string()).collect()
}

fn module(name: &str, fields: String) -> Bomb {
    Bomb {
        name: name.to_owned(),
        files: vec![("bomb.wat", format!("(module {fields})").into_bytes())],
        lines: vec!["run --no-cache bomb.wat", "inspect bomb.wat"],
    }
}

fn component(name: &str, fields: String) -> Bomb {
    Bomb {
        name: name.to_owned(),
        files: vec![("bomb.wat", format!("(component {fields})").into_bytes())],
        lines: vec!["invoke --no-cache bomb.wat f()", "inspect bomb.wat"],
    }
}

fn wit(name: &str, text: String) -> Bomb {
    Bomb {
        name: name.to_owned(),
        files: vec![("bomb.wit", text.into_bytes())],
        lines: vec!["bindgen rust bomb.wit --world w --out-dir out"],
    }
}

fn modules() -> Vec<Bomb> {
    let many = times(" i32", 1000);
    let zeros = times("i32.const 0 ", 1000);
    let drops = times("drop ", 1000);
    vec![
        module(
            "nested blocks with many results",
            format!(
                r#"(type $t (func (result{many}))) (func (export "_start") {}{zeros}{}{drops})"#,
                times("block (type $t) ", 1500),
                times("end ", 1500)
            ),
        ),
        module(
            "loops with many parameters",
            format!(
                r#"(type $t (func (param{many}) (result{many}))) (func (export "_start") {zeros}{}{}{drops})"#,
                times("loop (type $t) ", 1500),
                times("end ", 1500)
            ),
        ),
        module(
            "`br_table` with many targets and results",
            format!(
                r#"(type $t (func (result{many}))) (func (export "_start") {}{zeros}i32.const 0 br_table{} {}{drops})"#,
                times("block (type $t) ", 1000),
                each(1000, |label| format!(" {label}")),
                times("end ", 1000)
            ),
        ),
        module(
            "calls with many parameters",
            format!(
                r#"(func $f (param{many}) (result{many}) {zeros}) (func (export "_start") {zeros}{}{drops})"#,
                times("call $f ", 5000)
            ),
        ),
        module(
            "tables with one far element",
            format!(
                r#"(func $f) {} (func (export "_start"))"#,
                each(100, |table| format!(
                    "(table 10000000 funcref) (elem (table {table}) (i32.const 9999999) func $f)"
                ))
            ),
        ),
        module(
            "memories with one far byte",
            format!(
                r#"{} (func (export "_start"))"#,
                each(50, |memory| format!(
                    "(memory 65536) (data (memory {memory}) (i32.const 0xfffffff0) \"x\")"
                ))
            ),
        ),
        module(
            "inline function types",
            format!(
                r#"{} (func (export "_start"))"#,
                each(3000, |length| format!(
                    "(func (param{}) unreachable)",
                    times(" i32", length % 1000)
                ))
            ),
        ),
        module(
            "long constant expressions",
            format!(
                r#"(global i64 {}{}) (func (export "_start"))"#,
                times("i64.const 1 ", 100_000),
                times("i64.add ", 99_999)
            ),
        ),
        module(
            "a function of many locals",
            format!(
                r#"{} (func (export "_start"))"#,
                times(
                    &format!("(func (local{}) unreachable)", times(" v128", 5000)),
                    100
                )
            ),
        ),
        module(
            "many functions",
            format!("{} (func (export \"_start\"))", times("(func)", 200_000)),
        ),
        module(
            "many types",
            format!(
                "{} (func (export \"_start\"))",
                each(50_000, |number| format!(
                    "(type (func (param{})))",
                    each(17, |bit| if number >> bit & 1 == 1 {
                        " i32"
                    } else {
                        " i64"
                    })
                ))
            ),
        ),
        module(
            "many imports",
            each(50_000, |number| {
                format!("(import \"a\" \"f{number}\" (func))")
            }),
        ),
        module(
            "many exports",
            each(50_000, |number| format!("(func (export \"f{number}\"))")),
        ),
        module(
            "huge names",
            format!(
                "{} (func (export \"_start\") unreachable)",
                each(1000, |number| format!(
                    "(func $\"{number}{}\")",
                    times("name", 2000)
                ))
            ),
        ),
        module(
            "a name that is much longer demangled",
            format!(
                r#"(func $"_Z1fI{}E{}v" (export "_start") unreachable)"#,
                times("1aIiE", 40),
                each(36, |number| format!(
                    "1bIS{}_S{}_E",
                    base_36(number),
                    base_36(number)
                ))
            ),
        ),
        module(
            "parentheses without an end",
            times("(func (block ", 200_000),
        ),
        module(
            "deep expressions",
            format!(
                "(func (export \"_start\") (drop {}(i32.const 0){}))",
                times("(i32.eqz ", 100_000),
                times(")", 100_000)
            ),
        ),
        module(
            "one long function",
            format!(
                "(memory 1) (func (export \"_start\") (local i32) {})",
                times("local.get 0 i32.load local.set 0 ", 60_000)
            ),
        ),
        module(
            "many branches out of many blocks",
            format!(
                "(func (export \"_start\") (local i32) {} {} {})",
                times("block ", 5000),
                each(5000, |label| format!("local.get 0 br_if {label} ")),
                times("end ", 5000)
            ),
        ),
    ]
}

fn components() -> Vec<Bomb> {
    vec![
        component("instances with many arguments", {
            let exports = each(1000, |name| format!("(export \"f{name}\" (func $f))"));
            let imports = each(1000, |name| format!("(import \"a\" \"f{name}\" (func))"));
            let instance = "(core instance (instantiate $m (with \"a\" (instance $a))))";
            format!(
                "(core module $p (func $f) {exports}) (core module $m {imports}) (core instance $a (instantiate $p)) {}",
                times(instance, 2000)
            )
        }),
        component("a chain of imported components", {
            // Each component instantiates its import ten times, and the next one passes itself on.
            let ten = times("(instance (instantiate $x))", 10);
            let chain = each(8, |level| {
                format!(
                    "(component $c{} (import \"x\" (component $x)) {ten})",
                    level + 1
                )
            });
            let calls = each(8, |level| {
                times(
                    &format!(
                        "(instance (instantiate $c{} (with \"x\" (component $c0))))",
                        level + 1
                    ),
                    100,
                )
            });
            let core = times("(core instance (instantiate $m))", 100);
            format!("(component $c0 (core module $m (func)) {core}) {chain} {calls}")
        }),
        component("components that import and pass on components", {
            // Each level imports the level below, and instantiates it ten times.
            let mut inner =
                "(component (core module $m) (core instance (instantiate $m)))".to_owned();
            for level in 0..8 {
                let ten = times("(instance (instantiate $x))", 10);
                inner = format!(
                    "(component (component $below{level} {}) (component $times (import \"x\" (component $x)) {ten}) (instance (instantiate $times (with \"x\" (component $below{level})))))",
                    inner
                        .trim_start_matches("(component")
                        .strip_suffix(')')
                        .unwrap_or_default()
                );
            }
            inner
                .trim_start_matches("(component")
                .strip_suffix(')')
                .unwrap_or_default()
                .to_owned()
        }),
        component("components in components", {
            format!("{}{}", times("(component ", 20_000), times(")", 20_000))
        }),
        component("types in types", {
            format!(
                "(type $t0 u8) {}",
                each(5000, |number| format!(
                    "(type $t{} (list $t{number}))",
                    number + 1
                ))
            )
        }),
        component("types that double", {
            format!(
                "(type $t0 (tuple u8 u8)) {}",
                each(64, |number| format!(
                    "(type $t{} (tuple $t{number} $t{number}))",
                    number + 1
                ))
            )
        }),
        component("a record of many fields", {
            let fields = each(50_000, |number| format!("(field \"f{number}\" u32)"));
            format!("(type $r (record {fields})) (export \"r\" (type $r))")
        }),
        component("many imports", {
            each(20_000, |number| {
                format!("(import \"a:b/i{number}@1.0.0\" (instance (export \"f\" (func))))")
            })
        }),
        component("many aliases", {
            let exports = each(100, |number| format!("(export \"f{number}\" (func))"));
            format!(
                "(import \"i\" (instance $i {exports})) {}",
                each(50_000, |number| format!(
                    "(alias export $i \"f{}\" (func))",
                    number % 100
                ))
            )
        }),
        component("an interface in each of many types", {
            times(
                "(type (instance (type (instance (export \"f\" (func (param \"a\" (list string)))))) (export \"g\" (instance (type 0)))))",
                10_000,
            )
        }),
    ]
}

fn interfaces() -> Vec<Bomb> {
    let world = "package a:b;\nworld w { import i; export i; }\n";
    vec![
        wit(
            "many packages",
            format!(
                "package a:b; world w {{ {} }}\n{}",
                each(5000, |number| format!("import n:p{number}/i; ")),
                each(5000, |number| format!(
                    "package n:p{number} {{ interface i {{ f: func(); }} }}\n"
                ))
            ),
        ),
        wit(
            "a chain of `use`",
            format!(
                "package a:b; world w {{ import i20000; }} interface i0 {{ type t = u32; }}\n{}",
                each(20_000, |number| format!(
                    "interface i{} {{ use i{number}.{{t}}; }}\n",
                    number + 1
                ))
            ),
        ),
        wit(
            "a chain of `include`",
            format!(
                "package a:b; world w {{ include w20000; }} world w0 {{ import f: func(); }}\n{}",
                each(20_000, |number| format!(
                    "world w{} {{ include w{number}; }}\n",
                    number + 1
                ))
            ),
        ),
        wit(
            "a deep type",
            format!(
                "{world} interface i {{ type t = {}u8{}; }}",
                times("list<", 100_000),
                times(">", 100_000)
            ),
        ),
        wit(
            "a chain of types",
            format!(
                "{world} interface i {{ type t0 = u8; {} f: func(a: t20000); }}",
                each(20_000, |number| format!(
                    "type t{} = list<t{number}>; ",
                    number + 1
                ))
            ),
        ),
        wit(
            "types that double",
            format!(
                "{world} interface i {{ type t0 = u8; {} f: func(a: t60); }}",
                each(60, |number| format!(
                    "type t{} = tuple<t{number}, t{number}>; ",
                    number + 1
                ))
            ),
        ),
        wit(
            "many functions",
            format!(
                "{world} interface i {{ {} }}",
                each(20_000, |number| format!(
                    "f{number}: func(a: list<string>) -> list<string>; "
                ))
            ),
        ),
        wit(
            "many flags",
            format!(
                "{world} interface i {{ flags t {{ {} }} f: func(a: t); }}",
                each(50_000, |number| format!("x{number}, "))
            ),
        ),
        wit(
            "many parameters",
            format!(
                "{world} interface i {{ f: func({}); }}",
                each(20_000, |number| format!("p{number}: string, "))
            ),
        ),
        wit("a comment without an end", times("/* ", 200_000)),
    ]
}

/// Bombs of more than one file.
fn stacks() -> Vec<Bomb> {
    let interface = |number: usize| format!("\"a:b/i{number}@1.0.0\"");
    let imports = |count| {
        each(count, |number| {
            format!(
                "(import {} (instance (export \"f\" (func))))",
                interface(number)
            )
        })
    };
    let exports = |count| {
        let instance = "(core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) (func $f (canon lift (core func $i \"f\"))) (instance $e (export \"f\" (func $f)))";
        let exports = each(count, |number| {
            format!("(export {} (instance $e))", interface(number))
        });
        format!("{instance} {exports}")
    };
    let long = format!("a:{}/i@1.0.0", times("b", 90_000));
    let stack = |name: &str, consumer: String, plug: String| Bomb {
        name: name.to_owned(),
        files: vec![
            (
                "consumer.wat",
                format!("(component {consumer})").into_bytes(),
            ),
            ("plug.wat", format!("(component {plug})").into_bytes()),
        ],
        lines: vec![
            "compose consumer.wat --plug plug.wat -o out.wasm",
            "run --no-cache --explain consumer.wat --plug plug.wat",
            "precompile consumer.wat --plug plug.wat -o out.cwasm",
        ],
    };
    vec![
        stack(
            "many imports that are satisfied",
            imports(5000),
            exports(5000),
        ),
        stack(
            "many versions",
            each(5000, |number| {
                format!("(import \"a:b/i@1.{number}.0\" (instance (export \"f\" (func))))")
            }),
            exports(1)
                + &each(5000, |number| {
                    format!("(export \"a:b/i@1.{number}.1\" (instance $e))")
                }),
        ),
        stack(
            "one function passed inside many times under a long name",
            format!(
                "(import \"{long}\" (instance $s (export \"f\" (func)))) (alias export $s \"f\" (func $f)) \
                 (component $c {}) (instance $bag {}) (instance (instantiate $c {}))",
                each(1000, |number| format!("(import \"a{number}\" (instance))")),
                each(1000, |number| format!("(export \"f{number}\" (func $f))")),
                each(1000, |number| format!(
                    "(with \"a{number}\" (instance $bag))"
                ))
            ),
            exports(1).replace(&interface(0), &format!("\"{long}\"")),
        ),
        stack(
            "many grants",
            imports(1),
            format!(
                "{} {}",
                exports(1),
                each(10_000, |number| format!(
                    "(import \"wasi:cli/stdin@0.2.{number}\" (instance))"
                ))
            ),
        ),
    ]
}

/// The digits of a substitution in a mangled name.
fn base_36(number: usize) -> String {
    match number {
        0 => String::new(),
        number => char::from_digit((number as u32 - 1) % 36, 36)
            .map(|digit| digit.to_ascii_uppercase().to_string())
            .unwrap_or_default(),
    }
}
