//! Bytes as the hexadecimal digits of a file name.

use alloc::string::String;

/// Lower case, so that names stay distinct on a file system that ignores case.
const DIGITS: &str = "0123456789abcdef";

/// Appends two digits for each byte.
// Inlined, it would add half a kilobyte to the guest.
#[inline(never)]
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            let digit = usize::from(digit);
            text.push_str(DIGITS.get(digit..=digit).unwrap_or_default());
        }
    }
}

/// The number that at most eight of these digits represent; `None` for any other text.
#[inline(never)]
pub(crate) fn parse_hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number: u32, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_again() {
        for number in [0, 9, 10, 0xfedc_ba98, 0x0765_4321, u32::MAX] {
            let mut text = String::new();
            push_hex(&mut text, &number.to_be_bytes());
            assert_eq!(parse_hex(text.as_bytes()), Some(number));
        }
        for text in ["A", "g", "+1", "-1", " 1", "1_", "/", ":", "`", "é"] {
            assert_eq!(parse_hex(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn every_byte_has_two_digits() {
        let mut text = String::new();
        push_hex(&mut text, &[0x00, 0x09, 0x0a, 0x9f, 0xf9, 0xff]);
        assert_eq!(text, "00090a9ff9ff");
    }
}
