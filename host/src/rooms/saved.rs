//! Saved states of rooms, as bytes.

use super::{clients::ClientId, name::RoomName};
use bytes::Bytes;
use twox_hash::XxHash3_64;

/// The state of a room, as its logic saved it. Clones share the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    /// The version of the logic that saved the state.
    pub(crate) version: String,
    pub(crate) state: Bytes,
    /// The client that connected last.
    pub(crate) last_client: ClientId,
}

/// Bytes that are not the saved state of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are damaged, or not the saved state of this room")]
pub struct NotSaved;

/// The first bytes. The last one is the version of the form.
const MAGIC: &[u8; 8] = b"WHROOM\0\x01";

impl Saved {
    /// `MAGIC`, a checksum of all that follows, the last client, the lengths of name and version, and then name, version and
    /// state. Numbers are little-endian.
    pub(super) fn to_bytes(&self, room: &RoomName) -> Vec<u8> {
        let (name, version) = (room.as_str().as_bytes(), self.version.as_bytes());
        let mut rest = Vec::with_capacity(16 + name.len() + version.len() + self.state.len());
        rest.extend_from_slice(&self.last_client.to_le_bytes());
        // A text of a guest with a 32-bit memory is shorter than 4 GiB.
        rest.extend_from_slice(&(name.len() as u32).to_le_bytes());
        rest.extend_from_slice(&(version.len() as u32).to_le_bytes());
        rest.extend_from_slice(name);
        rest.extend_from_slice(version);
        rest.extend_from_slice(&self.state);
        let mut bytes = Vec::with_capacity(16 + rest.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&XxHash3_64::oneshot(&rest).to_le_bytes());
        bytes.append(&mut rest);
        bytes
    }

    pub(super) fn of_bytes(room: &RoomName, bytes: &Bytes) -> Result<Self, NotSaved> {
        Self::parse(room, bytes).ok_or(NotSaved)
    }

    fn parse(room: &RoomName, bytes: &Bytes) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (checksum, rest) = rest.split_first_chunk()?;
        if u64::from_le_bytes(*checksum) != XxHash3_64::oneshot(rest) {
            return None;
        }
        let (last_client, rest) = rest.split_first_chunk()?;
        let (name_length, rest) = rest.split_first_chunk()?;
        let (version_length, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*name_length) as usize)?;
        let (version, state) =
            rest.split_at_checked(u32::from_le_bytes(*version_length) as usize)?;
        if name != room.as_str().as_bytes() {
            return None;
        }
        Some(Self {
            version: std::str::from_utf8(version).ok()?.to_owned(),
            state: bytes.slice_ref(state),
            last_client: ClientId::from_le_bytes(*last_client),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_read_and_nothing_else_is() {
        let room = RoomName::of_path("/lobby").expect("a name");
        let saved = Saved {
            version: "chat 2".to_owned(),
            state: Bytes::from_static(b"\0state"),
            last_client: 7,
        };
        let bytes = saved.to_bytes(&room);
        let read = |bytes: &[u8]| Saved::of_bytes(&room, &Bytes::copy_from_slice(bytes));
        assert_eq!(read(&bytes), Ok(saved));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err(NotSaved), "{length}");
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert_eq!(read(&damaged), Err(NotSaved), "{place}");
        }
        let other = RoomName::of_path("/other").expect("a name");
        assert_eq!(Saved::of_bytes(&other, &bytes.into()), Err(NotSaved));
    }
}
