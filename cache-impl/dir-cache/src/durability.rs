//! The durability of a `set` or a `delete` when the power fails.

use core::str::FromStr;
use thiserror::Error;

/// The part of an acknowledged `set` that survives a power loss, from the fastest to the safest.
///
/// A killed process loses nothing in any mode, and an entry that a power loss damages is a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing is synchronised: the operating system decides when to write back.
    #[default]
    None,
    /// The file is synchronised before it replaces the old entry: after a power loss, the old value
    /// or the new one is there.
    File,
    /// The directory is synchronised too: the new value stays, and a deleted one stays away.
    ///
    /// Only in this mode can a call fail after its work is done, when this last step fails: a `get`
    /// then returns the new value, or does not find the deleted one, but a power loss may still
    /// undo the call.
    Full,
}

/// The text is not `none`, `file` or `full`.
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
