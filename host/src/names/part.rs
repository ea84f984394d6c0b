//! Names of the parts of a composition.

use crate::untrusted::Name;
use std::{fmt, path::Path, str::FromStr};

/// The name of a part of a composition.
///
/// It is in lower-case kebab-case as the component model defines it for package namespaces: words of
/// `a`–`z` and digits, each starting with a letter, joined by single hyphens. It becomes part of
/// import names (`NAME:grant/preopens`), so nothing else is accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartName(String);

/// A text that is not a [`PartName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not the name of a part; names are lower-case words joined by hyphens, such as `cache-impl`",
    Name(.text)
)]
#[non_exhaustive]
pub struct InvalidPartName {
    /// The text.
    pub text: String,
}

impl PartName {
    /// The name that a file gives to its component: its stem in kebab-case, so that
    /// `target/cache_impl.wasm` is `cache-impl`. `None` if the stem contains no such name.
    pub fn of_file(path: &Path) -> Option<Self> {
        let stem = path.file_stem()?.to_str()?;
        let words: Vec<String> = stem
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        words.join("-").parse().ok()
    }

    /// `consumer`, the name for a component whose file gives it no name.
    pub fn consumer() -> Self {
        Self("consumer".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PartName {
    type Err = InvalidPartName;

    fn from_str(text: &str) -> Result<Self, InvalidPartName> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.split('-').all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPartName {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(path: &str) -> Option<String> {
        PartName::of_file(Path::new(path)).map(|name| name.0)
    }

    #[test]
    fn a_file_names_its_component_by_its_stem() {
        assert_eq!(
            of_file("target/cache_impl.wasm").as_deref(),
            Some("cache-impl")
        );
        assert_eq!(of_file("My.Cache__v2.wasm").as_deref(), Some("my-cache-v2"));
        assert_eq!(of_file("2048.wasm"), None);
        assert_eq!(of_file("-"), None);
        assert_eq!(of_file("日本.wasm"), None);
    }

    #[test]
    fn only_lower_case_kebab_is_a_name() {
        for good in ["cache", "cache-impl", "a1-b2"] {
            assert!(good.parse::<PartName>().is_ok(), "{good}");
        }
        for bad in [
            "", "-", "a-", "-a", "a--b", "Cache", "1a", "a_b", "a/b", "a:b", "a-1",
        ] {
            assert!(bad.parse::<PartName>().is_err(), "{bad}");
        }
    }
}
