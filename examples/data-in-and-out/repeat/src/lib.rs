//! The program that the guests of this folder share: a name and a number in, that name repeated out.
//!
//! It is plain Rust, without WebAssembly and without a host, so that the guests differ only in how the data reaches
//! them. A host can use [`Order`] and [`Answer`] too.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A name, and how often to repeat it. As JSON: `{"name":"ab","number":3}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The name to repeat; any text.
    pub name: String,
    /// The length of the list, at most [`MAX_NUMBER`].
    pub number: u32,
}

/// The answer to an [`Order`]. As JSON: `{"repeated":["ab","ab","ab"]}` or `{"error":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The name, as often as it was ordered.
    Repeated(Vec<String>),
    /// The reason why there is no list.
    Error(String),
}

/// The answer to an order in JSON. JSON that is not an order gives an [`Answer::Error`], which says where the
/// mistake is.
pub fn answer(order: &[u8]) -> Answer {
    match serde_json::from_slice(order) {
        Ok(Order { name, number }) => match repeated(&name, number) {
            Ok(names) => Answer::Repeated(names),
            Err(error) => Answer::Error(error.to_string()),
        },
        Err(error) => Answer::Error(error.to_string()),
    }
}

/// The same as [`answer`], with the answer in JSON.
pub fn answer_json(order: &[u8]) -> Vec<u8> {
    answer(order).to_json()
}

impl Answer {
    /// The answer in JSON, without spaces or line breaks.
    pub fn to_json(&self) -> Vec<u8> {
        // Serializing fails for a map whose keys are not strings, and an answer has no map.
        serde_json::to_vec(self).expect("an answer has a form in JSON")
    }
}

/// The name `number` times.
///
/// # Errors
///
/// [`TooMuch`], before anything is repeated, if the list would be larger than [`MAX_NUMBER`] or [`MAX_SIZE`] allow.
pub fn repeated(name: &str, number: u32) -> Result<Vec<String>, TooMuch> {
    if number > MAX_NUMBER {
        return Err(TooMuch::Number(number));
    }
    let size = name.len() as u64 * u64::from(number);
    if size > MAX_SIZE {
        return Err(TooMuch::Size(size));
    }
    Ok((0..number).map(|_| name.to_owned()).collect())
}

/// The largest number of an order.
pub const MAX_NUMBER: u32 = 65_535;

/// The largest size of all names of an answer together, in bytes of UTF-8: 64 MiB.
pub const MAX_SIZE: u64 = 64 << 20;

/// An order asks for a list that is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMuch {
    /// The number of the order, which is above [`MAX_NUMBER`].
    Number(u32),
    /// The size of all names together in bytes, which is above [`MAX_SIZE`].
    Size(u64),
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => {
                write!(f, "the number is {number}; at most {MAX_NUMBER} is allowed")
            }
            Self::Size(size) => write!(
                f,
                "the names have {size} bytes together; at most {MAX_SIZE} are allowed"
            ),
        }
    }
}

impl std::error::Error for TooMuch {}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(order: &str) -> String {
        String::from_utf8(answer_json(order.as_bytes())).expect("JSON is UTF-8")
    }

    #[test]
    fn the_name_is_repeated() {
        for (order, answer) in [
            (
                r#"{"name":"ab","number":3}"#,
                r#"{"repeated":["ab","ab","ab"]}"#,
            ),
            (
                r#" { "number": 1, "name": "é\n" } "#,
                r#"{"repeated":["é\n"]}"#,
            ),
            (r#"{"name":"ab","number":0}"#, r#"{"repeated":[]}"#),
            (r#"{"name":"","number":2}"#, r#"{"repeated":["",""]}"#),
        ] {
            assert_eq!(json(order), answer);
        }
    }

    #[test]
    fn json_that_is_not_an_order_is_an_error_that_says_where() {
        for (order, error) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            (
                r#"{"name":"ab"}"#,
                "missing field `number` at line 1 column 13",
            ),
            (
                "{\"name\":\"ab\",\n\"number\":-1}",
                "invalid value: integer `-1`, expected u32 at line 2 column 11",
            ),
            (
                r#"{"name":"ab","number":3,"colour":1}"#,
                "unknown field `colour`, expected `name` or `number` at line 1 column 32",
            ),
            (
                r#"{"name":"ab","number":3}}"#,
                "trailing characters at line 1 column 25",
            ),
        ] {
            assert_eq!(answer(order.as_bytes()), Answer::Error(error.to_owned()));
        }
        let not_utf8 = answer(b"{\"name\":\"\xff\",\"number\":3}");
        let error = "invalid unicode code point at line 1 column 10";
        assert_eq!(not_utf8, Answer::Error(error.to_owned()));
    }

    #[test]
    fn the_largest_number_and_the_largest_size_are_allowed() {
        let names = repeated("", MAX_NUMBER).expect("the largest number");
        assert_eq!(names.len(), MAX_NUMBER as usize);
        let largest = "a".repeat(MAX_SIZE as usize);
        assert_eq!(repeated(&largest, 1).expect("the largest size"), [largest]);
    }

    #[test]
    fn more_is_an_error() {
        let number = MAX_NUMBER + 1;
        assert_eq!(repeated("", number), Err(TooMuch::Number(number)));
        let name = "a".repeat(MAX_SIZE as usize / 2 + 1);
        assert_eq!(repeated(&name, 2), Err(TooMuch::Size(MAX_SIZE + 2)));
        assert_eq!(
            json(r#"{"name":"ab","number":65536}"#),
            r#"{"error":"the number is 65536; at most 65535 is allowed"}"#
        );
    }

    #[test]
    fn a_host_can_write_an_order_and_read_an_answer() {
        let order = Order {
            name: "a\"b".to_owned(),
            number: 2,
        };
        let order = serde_json::to_vec(&order).expect("an order has a form in JSON");
        let answer: Answer = serde_json::from_slice(&answer_json(&order)).expect("an answer");
        assert_eq!(answer, Answer::Repeated(vec!["a\"b".to_owned(); 2]));
    }
}
