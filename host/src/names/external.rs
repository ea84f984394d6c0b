//! Names of imports and exports.

use super::interface::InterfaceName;
use std::fmt;

/// The name of an import or an export of a component, as it stands in the binary.
///
/// It is the name of an interface, or any other text: a plain name such as `run`, or an older form
/// such as `url=<…>`. In both cases [`as_str`](Self::as_str) returns exactly the text of the binary,
/// which may contain any characters: show it through [`untrusted::Name`](crate::untrusted::Name).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ExternName {
    /// The name of an interface.
    Interface(InterfaceName),
    /// Any other text.
    Other(String),
}

impl ExternName {
    /// The text of the binary.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Interface(name) => name.as_str(),
            Self::Other(text) => text,
        }
    }

    /// The interface that it names.
    pub fn interface(&self) -> Option<&InterfaceName> {
        match self {
            Self::Interface(name) => Some(name),
            Self::Other(_) => None,
        }
    }

    /// `true` if both are equal, or name [compatible](InterfaceName::is_compatible_with) interfaces.
    pub fn is_compatible_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Interface(one), Self::Interface(other)) => one.is_compatible_with(other),
            _ => self == other,
        }
    }
}

impl From<&str> for ExternName {
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(name) => Self::Interface(name),
            Err(_) => Self::Other(text.to_owned()),
        }
    }
}

impl From<String> for ExternName {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<InterfaceName> for ExternName {
    fn from(name: InterfaceName) -> Self {
        Self::Interface(name)
    }
}

impl PartialEq<str> for ExternName {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == text
    }
}

impl PartialEq<&str> for ExternName {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

/// The text as it is in the binary.
impl fmt::Display for ExternName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_stays_as_it_is() {
        for (text, is_interface) in [
            ("a:b/c@1.0.0+01", true),
            ("a:b/c", true),
            ("run", false),
            ("", false),
            ("a:b/c@1.0", false),
            ("a:b:c/d@1.0.0", false),
            ("url=<https://x\u{1b}[2K\nerror>", false),
            ("locked-dep=<a:b/c@1.0.0>", false),
            ("[method]a.b", false),
        ] {
            let name = ExternName::from(text);
            assert_eq!(name.as_str(), text);
            assert_eq!(name.to_string(), text);
            assert_eq!(name.interface().is_some(), is_interface, "{text}");
        }
    }

    #[test]
    fn what_is_not_an_interface_is_compatible_only_with_itself() {
        let compatible = |one: &str, other: &str| {
            ExternName::from(one).is_compatible_with(&ExternName::from(other))
        };
        assert!(compatible("a:b/c@0.2.0", "a:b/c@0.2.6"));
        assert!(compatible("run", "run"));
        assert!(!compatible("run@1.0.0", "run@1.0.1"));
        assert!(!compatible("a:b:c/d@1.0.0", "a:b:c/d@1.0.1"));
        assert!(!compatible("a:b/c", "run"));
    }
}
