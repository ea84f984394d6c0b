//! Random bombs: constructs that are repeated and nested, as text and as bytes.

use super::{
    Bomb,
    named::{each, times},
};
use fastrand::Rng;

/// The largest size of a bomb, in bytes.
const SIZE: usize = 256 << 10;

/// A random bomb, in one of the formats that the command reads.
pub fn bomb(rng: &mut Rng, name: String) -> Bomb {
    let wasm: &[&str] = &[
        "run --no-cache bomb",
        "invoke --no-cache bomb f()",
        "inspect bomb",
        "componentize bomb -o out.wasm",
        "compose bomb --plug plug=bomb -o out.wasm",
        "precompile bomb -o out.cwasm",
    ];
    let (file, contents, lines) = match rng.u8(..4) {
        0 => (
            "bomb",
            format!("(module {})", module(rng)).into_bytes(),
            wasm,
        ),
        1 => (
            "bomb",
            format!("(component {})", component(rng)).into_bytes(),
            wasm,
        ),
        2 => ("bomb", binary(rng), wasm),
        _ => (
            "bomb.wit",
            format!(
                "package a:b; world w {{ import i; export i; }}\n{}",
                interfaces(rng)
            )
            .into_bytes(),
            &["bindgen rust bomb.wit --world w --out-dir out"][..],
        ),
    };
    Bomb {
        name,
        files: vec![(file, contents)],
        lines: vec![*rng.choice(lines).expect("a line")],
    }
}

/// A number of repetitions: small or very large.
fn count(rng: &mut Rng) -> usize {
    let most = rng
        .choice([3usize, 30, 300, 3000, 30_000])
        .expect("a number");
    rng.usize(1..=most)
}

/// `item`, repeated as often as the size allows.
fn repeated(rng: &mut Rng, item: &str) -> String {
    let most = (SIZE / 4 / item.len().max(1)).max(1);
    times(item, count(rng).min(most))
}

/// `inner`, with an opening and a closing text repeated around it as often as the size allows.
fn nested(rng: &mut Rng, before: &str, inner: &str, after: &str) -> String {
    let most = (SIZE / 4 / (before.len() + after.len()).max(1)).max(1);
    let depth = count(rng).min(most);
    times(before, depth) + inner + &times(after, depth)
}

/// A module that is valid, apart from the sizes of its tables and memories.
fn module(rng: &mut Rng) -> String {
    let values = rng
        .choice(["i32", "i64", "f64", "v128", "funcref", "externref"])
        .expect("a type");
    let list = times(&format!(" {values}"), count(rng).min(1000));
    let types = format!(
        "(type $t (func (param{list}) (result{list}))) (type $r (func (result{list}))) (type $p (func (param{list})))"
    );
    let mut imports = String::new();
    let mut fields = String::from("(func $give (type $r) unreachable) (func $take (type $p)) ");
    for _ in 0..rng.u8(1..6) {
        let field = match rng.u8(..11) {
            0 => format!("(func (type $t) (local i32) {} call $give)", code(rng)),
            1 => format!("(func (local i32{list}) {})", code(rng)),
            2 => format!("(table {} funcref)", rng.u32(..10_000_000)),
            3 => {
                let far = rng.u32(..10_000_000);
                format!("(table 10000000 funcref) (elem (i32.const {far}) func $give)")
            }
            4 => format!(
                "(memory {}) (data (i32.const {}) \"x\")",
                rng.u32(..65536),
                rng.u32(..)
            ),
            5 => format!(
                "(global i32 i32.const 1 {})",
                nested(rng, "i32.const 1 ", "", "i32.add ")
            ),
            6 => format!("(type (func (param{list} i32) (result {values})))"),
            7 => {
                imports += &within(repeated(
                    rng,
                    &format!("(import \"a\" \"b\" (func (param{list})))"),
                ));
                continue;
            }
            8 => format!("(func (local i32) {})", code(rng)),
            9 => format!(
                "(@custom \"name\" \"{}\")",
                repeated(rng, "\\01\\05\\01\\00\\02")
            ),
            _ => format!("(elem declare func{})", repeated(rng, " $give")),
        };
        fields += &within(repeated(rng, &field));
    }
    let start = format!(
        "(func (export \"_start\") (local i32) {} unreachable)",
        code(rng)
    );
    format!("{types} {imports} {fields} {start} (func (export \"f\"))")
}

/// The text, if it is not too long.
fn within(text: String) -> String {
    if text.len() <= SIZE {
        text
    } else {
        String::new()
    }
}

/// Code that leaves the stack unchanged, in a function whose first local is an `i32`.
fn code(rng: &mut Rng) -> String {
    let mut code = String::new();
    for _ in 0..rng.u8(1..4) {
        code += &match rng.u8(..9) {
            0 => nested(rng, "block (type $r) ", "call $give ", "end ") + "call $take ",
            1 => format!(
                "call $give {} call $take ",
                nested(rng, "loop (type $t) ", "", "end ")
            ),
            2 => nested(rng, "i32.const 0 if ", "", "else end "),
            3 => repeated(rng, "call $give call $take "),
            4 => format!(
                "block (type $r) call $give i32.const 0 br_table {} end call $take ",
                repeated(rng, "0 ")
            ),
            5 => repeated(rng, "i32.const 0 drop "),
            6 => repeated(rng, "local.get 0 i32.const 1 i32.add local.set 0 "),
            7 => repeated(rng, "i32.const 0 i32.const 1 local.get 0 select drop "),
            _ => nested(rng, "block local.get 0 br_if 0 ", "", "end "),
        };
    }
    code
}

fn component(rng: &mut Rng) -> String {
    let arity = count(rng).min(1000);
    let mut fields = String::from(
        "(core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) (type $u u32) ",
    );
    for _ in 0..rng.u8(1..5) {
        fields += &within(match rng.u8(..12) {
            0 => repeated(rng, "(core instance (instantiate $m))"),
            1 => nested(rng, "(component ", "", ")"),
            2 => each(arity, |number| {
                format!("(import \"a:b/i{number}@1.{number}.0\" (instance (export \"f\" (func))))")
            }),
            3 => repeated(
                rng,
                "(type (instance (export \"f\" (func (param \"a\" (list string))))))",
            ),
            4 => nested(rng, "(type (component ", "(import \"f\" (func))", "))"),
            5 => format!(
                "(type (record {}))",
                each(arity, |number| format!("(field \"f{number}\" u32)"))
            ),
            6 => format!("(type (tuple{}))", times(" u32", arity)),
            7 => {
                let number = rng.u32(..);
                let chain = each(arity, |level| {
                    format!("(type $c{number}x{} (list $c{number}x{level}))", level + 1)
                });
                format!("(type $c{number}x0 (list u8)) {chain}")
            }
            8 => repeated(rng, "(alias core export $i \"f\" (core func))"),
            9 => repeated(rng, "(func (canon lift (core func $i \"f\")))"),
            10 => {
                let ten = repeated(rng, "(instance (instantiate $x))");
                format!("(component (import \"x\" (component $x)) {ten})")
            }
            _ => format!("(core module {})", module(rng)),
        });
    }
    fields + "(func (export \"f\") (canon lift (core func $i \"f\")))"
}

fn interfaces(rng: &mut Rng) -> String {
    let (mut text, mut packages) = (String::new(), String::new());
    let mut items = String::from("type t0 = u8; ");
    // Each kind appears once, because names must be unique.
    let mut kinds: Vec<u8> = (0..8).collect();
    rng.shuffle(&mut kinds);
    for kind in &kinds[..rng.usize(1..4)] {
        let last = count(rng);
        let chain =
            |item: &dyn Fn(usize, usize) -> String| each(last, |number| item(number, number + 1));
        match kind {
            0 => {
                text +=
                    &chain(&|this, next| format!("interface a{this} {{ use a{next}.{{t}}; }}\n"));
                text += &format!("interface a{last} {{ type t = u8; }}\n");
            }
            1 => {
                packages += &chain(&|this, _| format!("package p:p{this} {{ interface i {{}} }}\n"))
            }
            2 => {
                text += &chain(&|this, next| format!("world w{this} {{ include w{next}; }}\n"));
                text += &format!("world w{last} {{}}\n");
            }
            3 => items += &format!("type d = {}; ", nested(rng, "list<", "u8", ">")),
            4 => items += &format!("type e = {}; ", nested(rng, "tuple<t0, ", "u8", ">")),
            5 => items += &chain(&|this, next| format!("type t{next} = tuple<t{this}, t{this}>; ")),
            6 => {
                let fields = chain(&|this, _| format!("x{this}: t0, "));
                items += &format!("record r {{ {fields} }} ");
            }
            _ => {
                items +=
                    &chain(&|this, _| format!("g{this}: func(a: list<t0>) -> result<string>; "))
            }
        }
    }
    format!("interface i {{ {items} h: func(); }}\n{text}{packages}")
}

/// A module whose sections have many equal entries.
fn binary(rng: &mut Rng) -> Vec<u8> {
    let arity = rng.usize(..120);
    let types = count(rng).min(10_000);
    // The type of each function is the last one, which has neither parameters nor results.
    let last = leb(types);
    let values = vec![0x7f; arity];
    let (with_values, without) = (
        [&[0x60, arity as u8][..], &values, &[arity as u8], &values].concat(),
        [0x60, 0, 0],
    );
    let functions = count(rng).min(10_000);
    let code = body(rng, arity);
    let functions = functions.min((SIZE / code.len()).max(1));
    let constant = [
        &[0x7f, 0, 0x41, 1][..],
        &[0x41, 1].repeat(arity),
        &[0x6a].repeat(arity),
        &[0x0b],
    ]
    .concat();
    let mut file = b"\0asm\x01\0\0\0".to_vec();
    let mut section = |id: u8, count: usize, entries: Vec<u8>| {
        let contents = [leb(count), entries].concat();
        file.push(id);
        file.extend(leb(contents.len()));
        file.extend(contents);
    };
    section(
        1,
        types + 1,
        [with_values.repeat(types), without.to_vec()].concat(),
    );
    section(3, functions, last.repeat(functions));
    let tables = rng.usize(1..100);
    section(4, tables, [0x70, 0, 0x80, 0xad, 0xe2, 0x04].repeat(tables));
    let memories = rng.usize(1..100);
    section(5, memories, [0, 0x10].repeat(memories));
    let globals = count(rng).min(1000);
    section(6, globals, constant.repeat(globals));
    section(7, 1, b"\x06_start\0\0".to_vec());
    let elements = count(rng).min(10_000);
    section(
        9,
        elements,
        [0, 0x41, 0xff, 0xac, 0xe2, 0x04, 0x0b, 1, 0].repeat(elements),
    );
    section(10, functions, code.repeat(functions));
    let data = count(rng).min(10_000);
    section(11, data, [0, 0x41, 0, 0x0b, 1, b'x'].repeat(data));
    file
}

/// The body of a function without parameters and results, prefixed with its size.
fn body(rng: &mut Rng, arity: usize) -> Vec<u8> {
    let mut code = vec![1, 0xff, 0x03, 0x7f];
    let depth = count(rng).min(2000);
    match rng.u8(..4) {
        // Blocks with many parameters and results.
        0 => {
            code.extend([0x41, 0].repeat(arity));
            code.extend([0x02, 0].repeat(depth));
            code.extend([0x0b].repeat(depth));
            code.extend([0x1a].repeat(arity));
        }
        1 => {
            code.extend([0x02, 0x40].repeat(depth));
            code.extend([0x41, 0, 0x0e]);
            code.extend(leb(depth));
            code.extend((0..=depth).flat_map(|label| leb(label.min(depth - 1))));
            code.extend([0x0b].repeat(depth));
        }
        2 => code.extend([0x10, 0].repeat(depth)),
        _ => {
            code.extend([0x20, 0].repeat(depth));
            code.extend([0x6a].repeat(depth - 1));
            code.push(0x1a);
        }
    }
    code.push(0x0b);
    [leb(code.len()), code].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}
