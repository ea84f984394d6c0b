//! The form of a backend's address: `SCHEME:PATH?KEY=VALUE&…`.

use std::str::FromStr;
use wit_host::untrusted::{Name, quoted_names};

/// An address, whose escapes are decoded.
pub struct Address {
    pub path: String,
    pub parameters: Parameters,
}

/// Parameters in their order. Taking one removes it.
pub struct Parameters {
    left: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (_, rest) = text.split_once(':').unwrap_or(("", text));
        let (path, parameters) = match rest.split_once('?') {
            Some((path, parameters)) => (path, parameters.split('&').map(parameter).collect()),
            None => (rest, Ok(Vec::new())),
        };
        let parameters: Vec<(String, String)> = parameters?;
        for (index, (key, _)) in parameters.iter().enumerate() {
            if parameters[..index]
                .iter()
                .any(|(earlier, _)| earlier == key)
            {
                return Err(format!("the parameter `{}` is given twice", Name(key)));
            }
        }
        Ok(Self {
            path: decoded(path)?,
            parameters: Parameters {
                left: parameters,
                known: Vec::new(),
            },
        })
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((decoded(key)?, decoded(value)?)),
        None => Err(format!(
            "the parameter `{}` is not of the form `KEY=VALUE`",
            Name(text)
        )),
    }
}

/// The text with `%` and two hexadecimal digits as the byte that they stand for.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let Some((digits, after)) = after.split_first_chunk::<2>() else {
            return Err(wrong_escape(text));
        };
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        match (high, low) {
            (Some(high), Some(low)) => bytes.push((high << 4 | low) as u8),
            _ => return Err(wrong_escape(text)),
        }
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| format!("the escapes in `{}` are not UTF-8", Name(text)))
}

fn wrong_escape(text: &str) -> String {
    format!(
        "in `{}` a `%` has no two hexadecimal digits after it; write `%25` for `%`",
        Name(text)
    )
}

impl Parameters {
    /// Takes the parameter of this name, parsed; `None` if it is not given.
    pub fn take<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.known.push(name);
        let Some(index) = self.left.iter().position(|(key, _)| key == name) else {
            return Ok(None);
        };
        let (_, value) = self.left.remove(index);
        let refused = |why| format!("`{name}={}`: {why}", Name(&value));
        parse(&value).map(Some).map_err(refused)
    }

    /// Refuses a parameter that was not taken.
    pub fn expect_none_left(&self) -> Result<(), String> {
        match self.left.first() {
            None => Ok(()),
            Some((key, _)) => Err(format!(
                "there is no parameter `{}`; the parameters are {}",
                Name(key),
                quoted_names(&self.known)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        for (text, path) in [
            ("dir:", ""),
            ("dir:/a b:c=d", "/a b:c=d"),
            ("dir:100%25%3F", "100%?"),
            ("dir:%c3%A4?max-bytes=1", "ä"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.path, path);
        }
        for text in [
            "dir:%",
            "dir:%2",
            "dir:%zz",
            "dir:%ff",
            "dir:a%é",
            "dir:a?b=%4",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_are_taken_once() {
        let address: Address = "x:?a=1&b=2=%26".parse().expect("an address");
        let mut parameters = address.parameters;
        let mut take = |name| {
            let taken = parameters.take(name, |text| Ok(text.to_owned()));
            taken.expect("a text")
        };
        assert_eq!(take("b").as_deref(), Some("2=&"));
        assert_eq!((take("b"), take("c")), (None, None));
        let left = parameters.expect_none_left().expect_err("`a` is left");
        assert!(left.starts_with("there is no parameter `a`"), "{left}");
        for text in ["x:?", "x:?a", "x:?a=1&", "x:?a=1&a=1"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
