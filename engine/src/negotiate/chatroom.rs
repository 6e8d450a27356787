//! What a chat room says of itself (RFC 7701 §8).

use crate::sdp::MediaDescription;

/// The peer of a chat is a room, and this is what it can do.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Debug)]
pub struct Chatroom {
    /// It gives nicknames.
    pub nickname: bool,
    /// It carries messages from one participant to another.
    pub private_messages: bool,
}

impl Chatroom {
    /// `a=chatroom` of a line; `None` when there is none. Words that are not known count nothing.
    pub(super) fn of(media: &MediaDescription<'_>) -> Option<Self> {
        let value = media.attribute("chatroom")?;
        let has = |word: &str| {
            value
                .split(u8::is_ascii_whitespace)
                .any(|found| found.eq_ignore_ascii_case(word.as_bytes()))
        };
        Some(Self { nickname: has("nickname"), private_messages: has("private-messages") })
    }
}
