//! What the session says to its chat's connection and hears from it. Plain values, as
//! `offhook_media::control` has them for audio.

mod file;
mod talk;

pub use self::file::{FileTold, FileWork};
pub use self::talk::{Ask, Disposition, DispositionKind, Say, Told};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::credentials::Credentials;
use crate::negotiate::{AcceptTypes, LocalChat, SettledChat};
use crate::timestamp::Timestamp;

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
    /// When it was written, as CPIM tells it; `None`: when it is sent.
    pub date: Option<Timestamp>,
}

/// The MSRP relay (RFC 4976) of an account. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MsrpRelay {
    /// Its host, as its certificate names it, and as the URI has it that it is asked by.
    pub host: String,
    /// Where it is.
    pub address: SocketAddr,
    /// Over TLS.
    pub tls: bool,
    /// How we prove who we are; empty: as the account does.
    pub credentials: Vec<Credentials>,
    /// For chats that others begin; on by default.
    pub for_inbound: bool,
    /// For chats that we begin; off by default.
    pub for_outbound: bool,
}

impl MsrpRelay {
    /// A relay at an address, over TLS, for chats that others begin.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            address,
            tls: true,
            credentials: Vec::new(),
            for_inbound: true,
            for_outbound: false,
        }
    }

    /// Its URI.
    #[must_use]
    pub fn uri(&self) -> String {
        let scheme = if self.tls { "msrps" } else { "msrp" };
        let is_ipv6 = self.host.parse::<std::net::Ipv6Addr>().is_ok();
        let (open, close) = if is_ipv6 { ("[", "]") } else { ("", "") };
        format!("{scheme}://{open}{}{close}:{};tcp", self.host, self.address.port())
    }
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
        /// We expect to wait for the peer's connection; else to connect. The answer decides.
        passive: bool,
        /// Over TLS.
        tls: bool,
        /// Through a relay; then the line is over TLS when the relay is.
        relay: Option<Arc<MsrpRelay>>,
    },
    /// The path of the peer is known: connect, or let it in. Answered by `Started` or `Failed`.
    Start {
        /// Which chat.
        chat: ChatId,
        /// The peer's side.
        peer: SettledChat,
        /// Who we are and who the peer is, for what is wrapped in CPIM.
        identities: Identities,
        /// What we take, as our line said.
        accept: AcceptTypes,
    },
    /// The path of the peer is known: connect, or let it in, and carry the file. Answered by `File`
    /// or `Failed`.
    StartFile {
        /// Which file.
        chat: ChatId,
        /// The peer's side.
        peer: SettledChat,
        /// What is to be done.
        work: Box<FileWork>,
    },
    /// Look at a file before it is spoken of: its hashes take their time. Answered by
    /// [`FileTold::Inspected`].
    Inspect {
        /// The session's files.
        chat: ChatId,
        /// What is to be done with it.
        work: Box<FileWork>,
    },
    /// Look no further at the file of a transfer that is given up.
    Overlook {
        /// The session's files.
        chat: ChatId,
        /// Which transfer.
        transfer_id: String,
    },
    /// Send a message, in order.
    Send {
        /// Which chat.
        chat: ChatId,
        /// What.
        message: ChatMessage,
    },
    /// Say something beside messages.
    Say {
        /// Which chat.
        chat: ChatId,
        /// What.
        say: Say,
    },
    /// The user gives up a file: nothing of it is kept, and the other side is to hear so. `Stop`
    /// follows.
    GiveUp {
        /// Which file.
        chat: ChatId,
    },
    /// Close the connection and forget the chat. What came of a file stays for another try.
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
        /// Its Message-ID.
        id: String,
        /// The content.
        content: Vec<u8>,
        /// Its media type.
        content_type: String,
        /// The CPIM headers in order, empty without CPIM.
        cpim_headers: Vec<(String, String)>,
    },
    /// Something beside messages.
    Told {
        /// Which chat.
        chat: ChatId,
        /// What.
        told: Told,
    },
    /// How a file is getting on.
    File {
        /// Which file.
        chat: ChatId,
        /// What.
        told: FileTold,
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
            | Self::Told { chat, .. }
            | Self::File { chat, .. }
            | Self::Delivered { chat, .. }
            | Self::NotDelivered { chat, .. } => *chat,
        }
    }
}
