//! What a power loss may take.

use core::str::FromStr;
use thiserror::Error;

/// What of an acknowledged `set` survives a power loss, from the fastest to the safest.
///
/// A killed process costs nothing in any mode, and what a power loss damages is a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing is synchronised: the operating system writes back when it likes.
    #[default]
    None,
    /// The file is synchronised before it takes the place of the old entry: a power loss leaves
    /// the old value or the new one.
    File,
    /// The directory is synchronised too: the new value stays, and a deleted one stays away.
    ///
    /// Only in this mode can a call fail after its work is done, when this last step fails: a
    /// `get` then gives what was set, or finds nothing of what was deleted, but a power loss may
    /// still undo it.
    Full,
}

/// The text is none of `none`, `file` and `full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown durability; say `none`, `file` or `full`")]
pub struct UnknownDurability;

impl FromStr for Durability {
    type Err = UnknownDurability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "file" => Ok(Self::File),
            "full" => Ok(Self::Full),
            _ => Err(UnknownDurability),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_has_a_name() {
        assert_eq!("none".parse(), Ok(Durability::None));
        assert_eq!("file".parse(), Ok(Durability::File));
        assert_eq!("full".parse(), Ok(Durability::Full));
        assert_eq!(Durability::default(), Durability::None);
    }

    #[test]
    fn nonsense_is_refused_and_never_guessed() {
        for text in ["", "None", " full", "full\n", "fsync", "true", "1"] {
            assert_eq!(
                text.parse::<Durability>(),
                Err(UnknownDurability),
                "{text:?}"
            );
        }
    }
}
