//! Mutations: what damage, chance and malice do to a file.

/// SplitMix64: the same seed gives the same numbers everywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Bytes that mean much in the binary format: bounds of LEB128, kinds, opcodes.
const TELLING: [u8; 12] = [
    0x00, 0x01, 0x02, 0x0a, 0x0b, 0x40, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x70,
];

/// Damages a file that may be anything.
pub fn bytes(rng: &mut Rng, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..=rng.below(3) {
        if file.is_empty() {
            break;
        }
        let at = rng.below(file.len());
        let end = at + 1 + rng.below((file.len() - at).min(64));
        match rng.below(8) {
            0 => file.truncate(at),
            1 => file[at] ^= 1 << rng.below(8),
            2 => file[at] = *rng.choose(&TELLING),
            3 => file[at] = file[at].wrapping_add(1),
            4 => file.insert(at, *rng.choose(&TELLING)),
            5 => drop(file.drain(at..end)),
            6 => drop(file.splice(at..at, file[at..end].to_vec())),
            _ if other.is_empty() => file.reverse(),
            _ => {
                let from = rng.below(other.len());
                let length = 1 + rng.below((other.len() - from).min(64));
                file.splice(at..end, other[from..from + length].iter().copied());
            }
        }
    }
    file
}

/// Rearranges text at its parentheses and words, so that much of it still parses.
pub fn text(rng: &mut Rng, text: &str, other: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=rng.below(2) {
        let (pieces, others) = (pieces(&text), pieces(other));
        if pieces.is_empty() || others.is_empty() {
            break;
        }
        let piece = rng.choose(&pieces).clone();
        let replacement = match rng.below(4) {
            0 => String::new(),
            1 => format!("{0} {0}", &text[piece.clone()]),
            2 => text[rng.choose(&pieces).clone()].to_owned(),
            _ => other[rng.choose(&others).clone()].to_owned(),
        };
        text.replace_range(piece, &replacement);
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
