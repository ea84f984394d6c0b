//! Mutations of files: random damage, and bytes and words that matter to a parser.

use fastrand::Rng;

/// Bytes with a meaning in the binary format: bounds of LEB128, kinds, opcodes.
const TELLING: [u8; 12] = [
    0x00, 0x01, 0x02, 0x0a, 0x0b, 0x40, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x70,
];

/// Damages a file of any kind.
pub fn bytes(rng: &mut Rng, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..rng.u8(1..=3) {
        if file.is_empty() {
            break;
        }
        let at = rng.usize(..file.len());
        let end = at + rng.usize(1..=(file.len() - at).min(64));
        match rng.u8(..8) {
            0 => file.truncate(at),
            1 => file[at] ^= 1 << rng.u8(..8),
            2 => file[at] = rng.choice(TELLING).expect("a byte"),
            3 => file[at] = file[at].wrapping_add(1),
            4 => file.insert(at, rng.choice(TELLING).expect("a byte")),
            5 => drop(file.drain(at..end)),
            6 => drop(file.splice(at..at, file[at..end].to_vec())),
            _ if other.is_empty() => file.reverse(),
            _ => {
                let from = rng.usize(..other.len());
                let length = rng.usize(1..=(other.len() - from).min(64));
                file.splice(at..end, other[from..from + length].iter().copied());
            }
        }
    }
    file
}

/// Rearranges text at its parentheses and words, so that much of it still parses.
pub fn text(rng: &mut Rng, text: &str, other: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..rng.u8(1..=2) {
        let own = pieces(&text);
        let (Some(piece), Some(another), Some(foreign)) = (
            rng.choice(&own),
            rng.choice(&own),
            rng.choice(pieces(other)),
        ) else {
            break;
        };
        let replacement = match rng.u8(..4) {
            0 => String::new(),
            1 => format!("{0} {0}", &text[piece.clone()]),
            2 => text[another.clone()].to_owned(),
            _ => other[foreign].to_owned(),
        };
        text.replace_range(piece.clone(), &replacement);
    }
    text
}

/// Every parenthesized expression, and every word.
fn pieces(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut pieces = Vec::new();
    let mut open = Vec::new();
    let mut word = None;
    for (at, c) in text.char_indices() {
        let is_inside = !c.is_whitespace() && !"()<>{},;".contains(c);
        match (word, is_inside) {
            (None, true) => word = Some(at),
            (Some(start), false) => {
                pieces.push(start..at);
                word = None;
            }
            _ => {}
        }
        match c {
            '(' | '<' | '{' => open.push(at),
            ')' | '>' | '}' => pieces.extend(open.pop().map(|start| start..at + 1)),
            _ => {}
        }
    }
    pieces
}
