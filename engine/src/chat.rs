//! What the session says to its chat's connection and hears from it. Plain values, as
//! `offhook_media::control` has them for audio.

use crate::negotiate::{LocalChat, SettledChat};

/// Names one chat of one session. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChatId {
    /// The session's number.
    pub session: u64,
    /// Counts the chats that this session has had.
    pub index: u32,
}

/// One message to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChatMessage {
    /// Its Message-ID, chosen when `send_message` was called.
    pub id: String,
    /// The content.
    pub content: Vec<u8>,
    /// Its media type, like `text/plain`.
    pub content_type: String,
    /// To whom, where it is not the peer itself; needs CPIM.
    pub to: Option<String>,
}

/// Display name, empty when there is none, and URI of both sides.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Identities {
    /// Us.
    pub own: (String, String),
    /// The peer.
    pub peer: (String, String),
}

/// Orders to the chat's connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChatCommand {
    /// Make our path. Answered by `Prepared` or `PrepareFailed`.
    Prepare {
        /// The new chat.
        chat: ChatId,
        /// Our address.
        address: std::net::IpAddr,
        /// We wait for the peer's connection; else we connect.
        passive: bool,
    },
    /// The path of the peer is known: connect, or let it in. Answered by `Started` or `Failed`.
    Start {
        /// Which chat.
        chat: ChatId,
        /// The peer's side.
        peer: SettledChat,
        /// Who we are and who the peer is, for what is wrapped in CPIM.
        identities: Identities,
    },
    /// Send a message, in order.
    Send {
        /// Which chat.
        chat: ChatId,
        /// What.
        message: ChatMessage,
    },
    /// Close the connection and forget the chat.
    Stop {
        /// Which chat.
        chat: ChatId,
    },
}

/// What the chat's connection tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChatEvent {
    /// Our path is made.
    Prepared {
        /// Which chat.
        chat: ChatId,
        /// Our side of the line.
        local: LocalChat,
    },
    /// Our path could not be made.
    PrepareFailed {
        /// Which chat.
        chat: ChatId,
        /// What failed, for people.
        reason: String,
    },
    /// The connection stands and is bound to the session.
    Started {
        /// Which chat.
        chat: ChatId,
    },
    /// It could not be made, or broke.
    Failed {
        /// Which chat.
        chat: ChatId,
        /// What failed, for people.
        reason: String,
    },
    /// The peer closed it.
    Ended {
        /// Which chat.
        chat: ChatId,
    },
    /// A whole message came.
    Message {
        /// Which chat.
        chat: ChatId,
        /// The content.
        content: Vec<u8>,
        /// Its media type.
        content_type: String,
        /// The CPIM headers in order, empty without CPIM.
        cpim_headers: Vec<(String, String)>,
    },
    /// The peer has the message.
    Delivered {
        /// Which chat.
        chat: ChatId,
        /// Which message.
        id: String,
        /// The status of the report.
        code: u16,
        /// Its comment.
        reason: String,
    },
    /// The peer does not have the message.
    NotDelivered {
        /// Which chat.
        chat: ChatId,
        /// Which message.
        id: String,
        /// The status of the report or response; 408 when none came.
        code: u16,
        /// Its comment.
        reason: String,
    },
}

impl ChatEvent {
    /// The chat that the event is about.
    #[must_use]
    pub const fn chat(&self) -> ChatId {
        match self {
            Self::Prepared { chat, .. }
            | Self::PrepareFailed { chat, .. }
            | Self::Started { chat }
            | Self::Failed { chat, .. }
            | Self::Ended { chat }
            | Self::Message { chat, .. }
            | Self::Delivered { chat, .. }
            | Self::NotDelivered { chat, .. } => *chat,
        }
    }
}
