//! Messages between a room and its clients.

use bytes::Bytes;

/// A message of a WebSocket. Clones share its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text. The bytes are UTF-8.
    Text(Bytes),
    /// Any bytes.
    Binary(Bytes),
}

impl Message {
    /// The number of bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// A message that is borrowed for the time of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received<'a> {
    /// Text.
    Text(&'a str),
    /// Any bytes.
    Binary(&'a [u8]),
}

impl<'a> Received<'a> {
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// The reason why a connection is closed: a code of RFC 6455, section 7.4, and words for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: u16,
    /// The reason: at most 123 bytes, the rest of a control frame.
    pub reason: String,
}

/// The largest number of bytes of a reason.
pub(crate) const LONGEST_REASON: usize = 123;

impl Close {
    pub(crate) const GONE: u16 = 1001;
    pub(crate) const POLICY: u16 = 1008;
    pub(crate) const TOO_LARGE: u16 = 1009;
    pub(crate) const FAILED: u16 = 1011;
    pub(crate) const RESTART: u16 = 1012;
    pub(crate) const TRY_LATER: u16 = 1013;

    /// Makes a reason, which is cut if it is too long.
    pub(crate) fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason: String = reason.into();
        let end = (0..=LONGEST_REASON.min(reason.len()))
            .rev()
            .find(|end| reason.is_char_boundary(*end));
        reason.truncate(end.unwrap_or(0));
        Self { code, reason }
    }

    /// The reason that the logic of a room gives; `None` if it may not give this code, or if the reason is
    /// too long.
    pub(crate) fn of_logic(code: u16, reason: &str) -> Option<Self> {
        let is_allowed = matches!(code, 1000 | 1008 | 3000..=4999);
        (is_allowed && reason.len() <= LONGEST_REASON).then(|| Self {
            code,
            reason: reason.to_owned(),
        })
    }
}
