//! The bytes that are kept.

use crate::fault::Fault;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The stored bytes: the value itself, unless the fault is about values.
pub fn stored(fault: Fault, mut value: Vec<u8>) -> Vec<u8> {
    let length = value.len();
    match fault {
        Fault::EmptiesOneByte if length == 1 => value.clear(),
        Fault::RemovesBackslashes => value.retain(|byte| *byte != b'\\'),
        Fault::TrimsValue => value = without_spaces_at_the_ends(&value).to_vec(),
        Fault::TranslatesLineEnds => value.retain(|byte| *byte != b'\r'),
        Fault::EndsValueAtNul => end_at(&mut value, 0),
        Fault::EndsValueAtControlZ => end_at(&mut value, 0x1a),
        Fault::DecodesUtf8 => value = String::from_utf8_lossy(&value).into_owned().into_bytes(),
        Fault::StripsByteOrderMark if value.starts_with("\u{feff}".as_bytes()) => {
            value.drain(..3);
        }
        Fault::LosesEndOfFullBlocks if length < 64 * KIB && length.is_multiple_of(4 * KIB) => {
            value.pop();
        }
        Fault::LosesByteAfterChunk if length > 1 && length % (64 * KIB) == 1 => {
            value.pop();
        }
        Fault::DamagesSizeClass if (MIB..2 * MIB).contains(&length) => value[length / 2] ^= 1,
        _ => {}
    }
    value
}

/// The stored bytes of a value that replaces a long one.
pub fn stored_over(fault: Fault, old: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    match fault {
        Fault::SkipsSameLength if value.len() == old.len() => value.copy_from_slice(old),
        Fault::KeepsTail => value.extend(old.iter().skip(value.len())),
        Fault::KeepsLength => value.truncate(old.len()),
        _ => {}
    }
    value
}

pub fn is_too_large(fault: Fault, value: &[u8]) -> bool {
    fault == Fault::HoldsTwoMebibytes && value.len() > 2 * MIB
}

fn without_spaces_at_the_ends(mut value: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = value {
        value = rest;
    }
    value
}

fn end_at(value: &mut Vec<u8>, end: u8) {
    if let Some(position) = value.iter().position(|byte| *byte == end) {
        value.truncate(position);
    }
}
