//! Bombs by chance: constructs that are repeated and nested, as text and as bytes.

use super::{
    Bomb,
    named::{each, times},
};
use fastrand::Rng;

/// How long a bomb is at most, in bytes.
const SIZE: usize = 256 << 10;

/// A bomb of one of the forms that the command reads.
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

/// How often something is repeated: seldom or very often.
fn count(rng: &mut Rng) -> usize {
    let most = *rng
        .choice(&[3usize, 30, 300, 3000, 30_000])
        .expect("a number");
    rng.usize(1..=most)
}

/// `item` as often as there is room for it.
fn repeated(rng: &mut Rng, item: &str) -> String {
    let most = (SIZE / 4 / item.len().max(1)).max(1);
    times(item, count(rng).min(most))
}

/// The same, around `inner`.
fn nested(rng: &mut Rng, before: &str, inner: &str, after: &str) -> String {
    let most = (SIZE / 4 / (before.len() + after.len()).max(1)).max(1);
    let depth = count(rng).min(most);
    times(before, depth) + inner + &times(after, depth)
}

fn module(rng: &mut Rng) -> String {
    let values = *rng
        .choice(&["i32", "i64", "f64", "v128", "funcref", "externref"])
        .expect("a type");
    let arity = count(rng).min(1000);
    let list = times(&format!(" {values}"), arity);
    let mut fields =
        format!("(type $t (func (param{list}) (result{list}))) (type $r (func (result{list}))) ");
    for _ in 0..rng.u8(1..6) {
        let field = match rng.u8(..11) {
            0 => format!("(func (type $t) {})", code(rng)),
            1 => format!("(func (local{list}) {})", code(rng)),
            2 => format!("(table {} funcref)", rng.u32(..20_000_000)),
            3 => format!(
                "(table 10000000 funcref) (elem (i32.const {}) func 0)",
                rng.u32(..10_000_000)
            ),
            4 => format!(
                "(memory {}) (data (i32.const {}) \"x\")",
                rng.u32(..65536),
                rng.u32(..)
            ),
            5 => format!(
                "(global {values} {} unreachable)",
                nested(rng, "i32.const 1 ", "", "i32.add ")
            ),
            6 => format!("(type (func (param{list}) (result {values})))"),
            7 => format!("(import \"a\" \"b\" (func (param{list})))"),
            8 => format!("(func {})", code(rng)),
            9 => format!(
                "(@custom \"name\" \"{}\")",
                repeated(rng, "\\01\\05\\01\\00\\02")
            ),
            _ => format!("(elem func{})", repeated(rng, " 0")),
        };
        fields += &repeated(rng, &field);
        fields.truncate(SIZE);
    }
    fields + "(func (export \"_start\") unreachable) (func (export \"f\"))"
}

fn code(rng: &mut Rng) -> String {
    let mut code = String::new();
    for _ in 0..rng.u8(1..4) {
        code += &match rng.u8(..9) {
            0 => nested(rng, "block (type $r) ", "unreachable ", "end "),
            1 => nested(rng, "loop (type $t) ", "", "end "),
            2 => nested(rng, "i32.const 0 if ", "", "else end "),
            3 => repeated(rng, "unreachable call 0 "),
            4 => format!(
                "block (type $r) unreachable br_table {} end ",
                repeated(rng, " 0")
            ),
            5 => repeated(rng, "i32.const 0 drop "),
            6 => repeated(rng, "local.get 0 drop "),
            7 => repeated(rng, "unreachable select drop "),
            _ => nested(rng, "try_table (catch_all 0) ", "unreachable ", "end "),
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
        fields += &match rng.u8(..12) {
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
        };
        fields.truncate(SIZE);
    }
    fields + "(func (export \"f\") (canon lift (core func $i \"f\")))"
}

fn interfaces(rng: &mut Rng) -> String {
    let mut text = String::new();
    let mut items = String::from("type t0 = u8; ");
    let arity = count(rng);
    for _ in 0..rng.u8(1..4) {
        match rng.u8(..8) {
            0 => {
                text += &each(arity, |number| {
                    format!("interface a{number} {{ use a{}.{{t}}; }}\n", number + 1)
                })
            }
            1 => {
                text += &each(arity, |number| {
                    format!("package p:p{number} {{ interface i {{}} }}\n")
                })
            }
            2 => {
                text += &each(arity, |number| {
                    format!("world w{number} {{ include w{}; }}\n", number + 1)
                })
            }
            3 => items += &format!("type d = {}; ", nested(rng, "list<", "u8", ">")),
            4 => items += &format!("type e = {}; ", nested(rng, "tuple<t0, ", "u8", ">")),
            5 => {
                items += &each(arity, |number| {
                    format!("type t{} = tuple<t{number}, t{number}>; ", number + 1)
                })
            }
            6 => {
                items += &format!(
                    "record r {{ {} }} ",
                    each(arity, |number| format!("f{number}: t0, "))
                )
            }
            _ => {
                items += &each(arity, |number| {
                    format!("g{number}: func(a: list<t0>) -> result<string>; ")
                })
            }
        }
        text.truncate(SIZE);
        items.truncate(SIZE);
    }
    format!("interface i {{ {items} f: func(); }}\n{text}")
}

/// Sections with many entries that are all the same, in a module.
fn binary(rng: &mut Rng) -> Vec<u8> {
    let mut file = b"\0asm\x01\0\0\0".to_vec();
    let mut functions = 0;
    for id in [1u8, 2, 3, 4, 5, 6, 7, 9, 10, 11, 0] {
        if id != 1 && id != 10 && rng.bool() {
            continue;
        }
        let arity = rng.u8(..120) as usize;
        let values = vec![0x7f; arity];
        let entry: Vec<u8> = match id {
            1 => [&[0x60, arity as u8][..], &values, &[arity as u8], &values].concat(),
            2 => vec![1, b'a', 1, b'b', 0, 0],
            3 => vec![0],
            4 => vec![0x70, 0, 0x80, 0xad, 0xe2, 0x04],
            5 => vec![0, 0x10],
            6 => [
                &[0x7f, 0][..],
                &[0x41, 1].repeat(50),
                &[0x6a].repeat(49),
                &[0x0b],
            ]
            .concat(),
            7 => vec![1, b'e', 0, 0],
            9 => vec![0, 0x41, 0xff, 0xac, 0xe2, 0x04, 0x0b, 1, 0],
            10 => body(rng, arity),
            11 => vec![0, 0x41, 0, 0x0b, 1, b'x'],
            _ => vec![1, 5, 1, 0, 2, b'a', b'b'],
        };
        let most = (SIZE / 4 / entry.len()).max(1);
        let count = match id {
            10 => functions,
            _ => count(rng).min(most),
        };
        if id == 3 {
            functions = count;
        }
        let mut section = if id == 0 {
            b"\x04name".to_vec()
        } else {
            leb(count)
        };
        section.extend(entry.repeat(count.min(most)));
        file.push(id);
        file.extend(leb(section.len()));
        file.extend(section);
    }
    file
}

/// The code of a function, with its size.
fn body(rng: &mut Rng, arity: usize) -> Vec<u8> {
    let mut code = vec![1, 0xff, 0x03, 0x7f];
    let depth = count(rng).min(2000);
    match rng.u8(..4) {
        // Blocks with as many parameters and results as the function has.
        0 => {
            code.extend([0x41, 0].repeat(arity));
            code.extend([0x02, 0].repeat(depth));
            code.extend([0x0b].repeat(depth));
        }
        1 => {
            code.extend([0x02, 0x40].repeat(depth));
            code.extend([0x41, 0, 0x0e]);
            code.extend(leb(depth));
            code.extend((0..=depth).flat_map(|label| leb(label.min(depth - 1))));
            code.extend([0x0b].repeat(depth));
            code.push(0);
        }
        2 => {
            code.push(0);
            code.extend([0x10, 0].repeat(depth));
        }
        _ => {
            code.extend([0x20, 0].repeat(depth));
            code.extend([0x6a].repeat(depth - 1));
            code.extend([0x1a, 0]);
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
