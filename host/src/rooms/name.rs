//! Names of rooms.

use crate::untrusted::Name;
use std::{fmt, sync::Arc};

/// The name of a room: 1 to 255 bytes of UTF-8. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<str>);

/// The longest name, in bytes.
const LONGEST: usize = 255;

/// The reason why a text is not the name of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRoomName {
    /// The name is empty.
    #[error("the name of the room is missing; write it after the address, as in `/lobby`")]
    Empty,
    /// The name is too long.
    #[error("the name of the room has {0} bytes; it can have {LONGEST}")]
    TooLong(usize),
    /// The name is not UTF-8.
    #[error("the name of the room is not UTF-8")]
    NotUtf8,
}

impl RoomName {
    /// The name in the path of a URL, which is everything after the first `/`. `%` and two hexadecimal
    /// digits stand for a byte.
    pub fn of_path(path: &str) -> Result<Self, InvalidRoomName> {
        let name = path.strip_prefix('/').unwrap_or(path);
        let name = percent_encoding::percent_decode_str(name)
            .decode_utf8()
            .map_err(|_| InvalidRoomName::NotUtf8)?;
        match name.len() {
            0 => Err(InvalidRoomName::Empty),
            1..=LONGEST => Ok(Self(name.as_ref().into())),
            length => Err(InvalidRoomName::TooLong(length)),
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name is a stranger's text, so it is escaped.
impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Name(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_of_utf8_within_its_bound() {
        let name = |path: &str| RoomName::of_path(path).map(|name| name.as_str().to_owned());
        assert_eq!(name("/lobby"), Ok("lobby".to_owned()));
        assert_eq!(name("/a/b"), Ok("a/b".to_owned()));
        assert_eq!(name("/caf%C3%A9%20"), Ok("café ".to_owned()));
        assert_eq!(name("/"), Err(InvalidRoomName::Empty));
        assert_eq!(name("/%FF"), Err(InvalidRoomName::NotUtf8));
        assert_eq!(
            name(&format!("/{}", "a".repeat(255))).map(|name| name.len()),
            Ok(255)
        );
        assert_eq!(
            name(&format!("/{}", "a".repeat(256))),
            Err(InvalidRoomName::TooLong(256))
        );
    }
}
