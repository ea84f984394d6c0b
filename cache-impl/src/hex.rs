//! Bytes as the digits of a file name.

use alloc::string::String;

/// Lower case, so that names stay apart on a file system that ignores case.
const DIGITS: &str = "0123456789abcdef";

/// Appends two digits for each byte.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            let digit = usize::from(digit);
            text.push_str(DIGITS.get(digit..=digit).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits() {
        let mut text = String::new();
        push_hex(&mut text, &[0x00, 0x09, 0x0a, 0x9f, 0xf9, 0xff]);
        assert_eq!(text, "00090a9ff9ff");
    }
}
