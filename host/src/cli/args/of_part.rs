//! Values of the form `[NAME=]VALUE`, for the whole program or for one isolated plug.

use crate::cli::exit::UsageError;
use wit_host::PartName;

/// A value for the whole program, or for the part with this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfPart<T> {
    pub part: Option<PartName>,
    pub value: T,
}

impl<T> OfPart<T> {
    /// Parses `[NAME=]VALUE`.
    pub fn parse<E: ToString>(
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Self, String> {
        let (part, value) = match text.split_once('=') {
            None => (None, text),
            Some((name, value)) => {
                let name = name
                    .parse::<PartName>()
                    .map_err(|error| error.to_string())?;
                (Some(name), value)
            }
        };
        let value = parse(value).map_err(|error| error.to_string())?;
        Ok(Self { part, value })
    }
}

/// The value for the whole program. Fails if a flag has two values for the same part or for the program.
pub fn of_program<'a, T>(flag: &str, values: &'a [OfPart<T>]) -> Result<Option<&'a T>, UsageError> {
    for (index, OfPart { part, .. }) in values.iter().enumerate() {
        if values[..index].iter().any(|earlier| earlier.part == *part) {
            return Err(UsageError(match part {
                None => format!("`{flag}` is given twice"),
                Some(part) => format!("`{flag} {part}=…` is given twice"),
            }));
        }
    }
    let whole = values.iter().find(|value| value.part.is_none());
    Ok(whole.map(|whole| &whole.value))
}

/// The value for one part.
pub fn of_part<'a, T>(values: &'a [OfPart<T>], name: &PartName) -> Option<&'a T> {
    let own = values
        .iter()
        .find(|value| value.part.as_ref() == Some(name));
    own.map(|own| &own.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<OfPart<u64>, String> {
        OfPart::parse(text, str::parse::<u64>)
    }

    #[test]
    fn a_name_before_the_equals_sign_is_a_part() {
        let of = |part: Option<&str>, value| {
            let part = part.map(|name| name.parse().expect("a name"));
            Ok(OfPart { part, value })
        };
        assert_eq!(parse("7"), of(None, 7));
        assert_eq!(parse("cache=7"), of(Some("cache"), 7));
        for text in ["", "=7", "cache=", "Cache=7", "a=b=7", "cache"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn two_values_for_the_same_part_are_refused() {
        let values = |texts: &[&str]| {
            let values = texts.iter().map(|text| parse(text).expect("it parses"));
            values.collect::<Vec<_>>()
        };
        let of_both = |texts: &[&str]| of_program("--fuel", &values(texts)).is_ok();
        assert!(of_both(&["1", "a=1", "b=1"]));
        assert!(!of_both(&["1", "a=1", "2"]));
        assert!(!of_both(&["a=1", "1", "a=1"]));
        assert_eq!(of_program("--fuel", &values(&["a=1"])).ok().flatten(), None);
        let name = "a".parse().expect("a name");
        assert_eq!(of_part(&values(&["1", "a=2"]), &name), Some(&2));
        assert_eq!(of_part(&values(&["1"]), &name), None);
    }
}
