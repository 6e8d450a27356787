//! One MSRP session on its connection, as a pure core: commands, bytes and time in; bytes and
//! events out (RFC 4975 §5–§7; RFC 6714 where it is asked for).
//!
//! [`Chat::handle_input`] takes one input; then [`Chat::poll_output`] is called until it gives
//! [`Output::Timeout`]. Messages may be sent from the start: they wait in order until the session
//! is bound to its connection. A message that fits in a chunk overtakes those that do not; all
//! else keeps its order.

mod core;
mod dispositions;
mod incoming;
mod naming;
mod outgoing;
mod refuser;
mod talk;

use std::fmt;

use offhook_fsm::Instant;
use offhook_fsm::msrp_link::State;

pub use self::core::Chat;
pub use self::dispositions::{ASKED_MAX, Ask, DISPLAYS_MAX, WANTS_BYTES_MAX};
pub use self::outgoing::{
    IN_FLIGHT_MAX, QUEUE_BYTES_MAX, QUEUE_MAX, SOURCE_BYTES, TRANSACTIONS_MAX,
};
pub use self::refuser::Refuser;
pub use self::talk::{WRITER_BYTES_MAX, WRITERS_MAX};
use crate::assembler::Limits;
use crate::composing::Composing;
use crate::imdn::Imdn;
use crate::message::FailureReport;

/// Bytes of content in a chunk (RFC 4975 §5.1: what is longer must be interruptible).
pub const CHUNK_BYTES: usize = 2048;
/// How long a connection, a binding or the answer to a chunk is waited for.
pub const WAIT_MS: u64 = 30_000;
/// How long the rest is waited for when the application ends the session.
pub const FLUSH_MS: u64 = 2_000;
/// Bytes that are handed out and not yet written before no further chunk is made.
pub const WINDOW_BYTES: u64 = 64 * 1024;
/// Bytes handed out and not yet written from which on [`Chat::wants_bytes`] says no.
pub const BACKLOG_BYTES: u64 = 1024 * 1024;
/// Bytes of a refused chunk that are skipped before the connection is given up.
pub const SKIP_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Requests for other sessions that are answered with 481 before the connection is given up.
pub const STRANGERS_MAX: u32 = 16;

/// How a request is known to belong to the session.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Matching {
    /// Both paths are those of the descriptions, URI by URI (RFC 4975 §5.4).
    #[default]
    ExactPath,
    /// The session ids are (RFC 6714 §4): something between us may have changed the addresses.
    SessionId,
}

/// Our side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Local {
    /// Our own URI, as [`new_uri`](crate::new_uri) makes it.
    pub uri: String,
    /// We connect and send the first SEND; else the peer does.
    pub active: bool,
    /// The media types that we take, with blanks between them, as in `a=accept-types`; `*` takes
    /// all, `type/*` all of a kind.
    pub accept_types: String,
    /// Those that we take inside of CPIM only.
    pub accept_wrapped_types: String,
    /// How requests are matched.
    pub matching: Matching,
    /// Whether messages are taken at all; else they are answered with 403.
    pub receives: bool,
    /// What is taken at most.
    pub limits: Limits,
    /// Contents are told piece by piece as they come, and not kept: for files.
    pub pass_on: bool,
    /// Bytes of content in a chunk at most; [`CHUNK_BYTES`] unless told.
    pub chunk_bytes: usize,
    /// Who we are, for CPIM: display name, empty when there is none, and full URI.
    pub identity: (String, String),
    /// What a wall clock shows at `Instant::ZERO`, in microseconds since 1970 UTC.
    pub epoch_us: i64,
    /// What the session does beside carrying messages.
    pub features: Features,
}

/// What the session does beside carrying messages; nothing unless it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Features {
    /// Messages of several chunks tell how far they are: [`Event::Progress`],
    /// [`Event::Receiving`].
    pub progress: bool,
    /// Who writes is told both ways (RFC 3994), where the peer takes it: [`Input::Composing`],
    /// [`Event::Composing`].
    pub composing: bool,
    /// Who asks is told that a message was delivered, and on [`Input::Displayed`] that it was
    /// displayed (RFC 5438); what we asked for ([`Input::Ask`]) is [`Event::Disposition`]. Never is
    /// anything told about a notification.
    pub dispositions: bool,
}

impl Local {
    /// A side that takes all types and 10 MiB a message.
    #[must_use]
    pub fn new(uri: impl Into<String>, active: bool) -> Self {
        Self {
            uri: uri.into(),
            active,
            accept_types: "*".into(),
            accept_wrapped_types: "*".into(),
            matching: Matching::default(),
            receives: true,
            limits: Limits::default(),
            pass_on: false,
            chunk_bytes: CHUNK_BYTES,
            identity: <(String, String)>::default(),
            epoch_us: 0,
            features: Features::default(),
        }
    }
}

/// The peer's side, known from its description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its path as in `a=path`, behind the relays of ours if there are any.
    pub path: String,
    /// Its `a=accept-types`.
    pub accept_types: String,
    /// Its `a=accept-wrapped-types`.
    pub accept_wrapped_types: String,
    /// Who it is, for CPIM: display name, empty when there is none, and full URI.
    pub identity: (String, String),
}

impl Peer {
    /// A peer that takes all types.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            accept_types: "*".into(),
            accept_wrapped_types: "*".into(),
            identity: <(String, String)>::default(),
        }
    }
}

/// What the sender wants to hear about a message (RFC 4975 §7.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reports {
    /// A REPORT when it arrived.
    pub success: bool,
    /// When to hear of failures.
    pub failure: FailureReport,
}

/// What is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// All of it.
    Bytes(Vec<u8>),
    /// So many bytes, asked for by [`Event::NeedData`] as they are needed. Never wrapped in CPIM,
    /// and everything else overtakes it.
    Source {
        /// How many.
        total: u64,
    },
}

/// One message to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Its Message-ID: letters, digits and `.-+%=`.
    pub id: String,
    /// The content.
    pub content: Content,
    /// Its media type.
    pub content_type: String,
    /// To whom, where it is not the peer itself; needs CPIM.
    pub to: Option<String>,
    /// When it was written, in microseconds since 1970, UTC, as CPIM tells it; `None`: now.
    pub written_us: Option<i64>,
    /// What to hear about it. Unless told: with CPIM success and failures, without it neither
    /// header, which means failures alone (REFERENCE 1.9).
    pub reports: Option<Reports>,
}

impl Outgoing {
    /// A message to the peer with the usual reports.
    #[must_use]
    pub fn new(id: impl Into<String>, content_type: impl Into<String>, content: Vec<u8>) -> Self {
        Self {
            id: id.into(),
            content: Content::Bytes(content),
            content_type: content_type.into(),
            to: None,
            written_us: None,
            reports: None,
        }
    }
}

/// Something that happens to the session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input<'a> {
    /// The peer's side is known.
    Start(Peer),
    /// The connection stands.
    Connected,
    /// Bytes came over it.
    Received(&'a [u8]),
    /// So many of the bytes that were handed out are written.
    Written(usize),
    /// The connection is gone: closed by the peer, or for the reason that is told; also one that
    /// could not be made.
    Disconnected(Option<String>),
    /// Send a message.
    Send(Outgoing),
    /// The next bytes of a message whose content is a source.
    Data {
        /// Its Message-ID.
        id: &'a str,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Give up a message of ours.
    Abort {
        /// Its Message-ID.
        id: &'a str,
    },
    /// Take no more of a message of the peer's.
    Refuse {
        /// Its Message-ID.
        id: &'a str,
        /// What its chunks are answered with, like 413.
        status: u16,
    },
    /// The user writes (to be told at every key), or gave up what was being written. That a
    /// message goes out, or that nothing was written for a while, need not be told.
    Composing(bool),
    /// What our messages ask from now on, where the peer takes notifications wrapped in CPIM;
    /// nothing at first.
    Ask(Ask),
    /// A message of the peer's was shown to the user. Told on, once, where its sender wants to know.
    Displayed {
        /// Its Message-ID.
        id: &'a str,
    },
    /// Ask the chat room for a nickname (RFC 7701 §7); an empty one gives it back.
    /// [`Event::Nickname`] tells. Only where the room's description says that it gives them.
    Nickname(&'a str),
    /// End the session once all that is queued went out.
    Stop,
    /// The time that [`Output::Timeout`] told has come.
    Timeout,
}

/// What the session orders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Write these bytes; tell with [`Input::Written`] when they are.
    Transmit(Vec<u8>),
    /// Tell the application.
    Event(Event),
    /// Close the connection once everything handed out is written.
    Close,
    /// Nothing more for now. Come back then, at the latest.
    Timeout(Option<Instant>),
}

/// What the application is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Messages flow.
    Started,
    /// The session could not be made, or broke. Messages that are not delivered follow.
    Failed {
        /// Why, for people.
        reason: String,
    },
    /// The session ended. Nothing follows.
    Ended,
    /// A whole message came.
    Message(Incoming),
    /// A piece of a message came ([`Local::pass_on`]). Each byte is told once, in any order.
    Piece {
        /// Its Message-ID.
        id: String,
        /// Where it belongs.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The last piece of a message was told.
    Complete {
        /// Its Message-ID.
        id: String,
        /// Its media type.
        content_type: String,
        /// How many bytes it has.
        total: u64,
    },
    /// The peer gave up a message of its own.
    Withdrawn {
        /// Its Message-ID.
        id: String,
    },
    /// A message of ours went out, and where an answer was asked for, every chunk of it was
    /// answered; only without a success report.
    Sent {
        /// Its Message-ID.
        id: String,
    },
    /// The peer has a message of ours.
    Delivered {
        /// Its Message-ID.
        id: String,
        /// The status of the report.
        code: u16,
        /// Its comment.
        reason: String,
    },
    /// The peer does not have a message of ours, as far as we know.
    NotDelivered {
        /// Its Message-ID.
        id: String,
        /// The status of the report or response; 408 when none came; 0 when it is our own doing.
        code: u16,
        /// Its comment, or why.
        reason: String,
    },
    /// A message of ours of several chunks goes on ([`Features::progress`]): at most a hundred times
    /// for each of its two numbers. Its end is told by the events above alone.
    Progress {
        /// Its Message-ID.
        id: String,
        /// Bytes that were handed out.
        sent: u64,
        /// Bytes that the peer answered or reported to have.
        acknowledged: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A message of the peer's of several chunks goes on ([`Features::progress`]), unless it is
    /// passed on piece by piece.
    Receiving {
        /// Its Message-ID.
        id: String,
        /// Bytes that came.
        received: u64,
        /// Bytes in all, where the peer told.
        total: Option<u64>,
    },
    /// Somebody began to write, or stopped: told once each ([`Features::composing`]).
    Composing {
        /// The URI in CPIM; empty without.
        from: String,
        /// What was said; where a message or a long silence ended it, no more than `idle`.
        told: Composing,
    },
    /// What became of a message of ours that asked for it ([`Features::dispositions`]).
    Disposition {
        /// Who tells: the URI in CPIM.
        from: String,
        /// What; its `message_id` is our Message-ID.
        told: Imdn,
    },
    /// The nickname that we asked for is ours, with 200; else it is not.
    Nickname {
        /// Which.
        nickname: String,
        /// What the room answers: 425 when it cannot be had; 408 when it does not answer; 0 when the
        /// session is over.
        code: u16,
        /// Its comment, or why.
        reason: String,
    },
    /// [`Input::Data`] is wanted.
    NeedData {
        /// Its Message-ID.
        id: String,
        /// From where on.
        offset: u64,
        /// How many bytes at most.
        bytes: usize,
    },
}

/// A whole message of the peer's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Incoming {
    /// Its Message-ID.
    pub id: String,
    /// The content, out of its CPIM wrapper.
    pub content: Vec<u8>,
    /// Its media type.
    pub content_type: String,
    /// The CPIM headers in order, escapes resolved; empty without CPIM.
    pub cpim_headers: Vec<(String, String)>,
}

/// A mistake of the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ChatError {
    /// A message with that id is still queued or in flight.
    DuplicateId,
    /// More bytes than a source said, or than were asked for.
    ExcessData,
    /// The Message-ID, media type, path or URI is none.
    Invalid(&'static str),
    /// Another receiver than the peer, and the peer takes no CPIM.
    NeedsCpim,
    /// A nickname is asked for already.
    Pending,
    /// Too many messages or bytes wait already.
    QueueFull,
    /// It cannot be done in this state.
    State(State),
    /// No such message.
    UnknownId,
}

impl fmt::Display for ChatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateId => f.write_str("a message with this id is not done yet"),
            Self::ExcessData => f.write_str("more content than was told or asked for"),
            Self::Invalid(what) => write!(f, "{what} is none"),
            Self::NeedsCpim => f.write_str("only CPIM names another receiver than the peer"),
            Self::Pending => f.write_str("a nickname is asked for already"),
            Self::QueueFull => f.write_str("too many messages wait already"),
            Self::State(state) => write!(f, "not in the state {state}"),
            Self::UnknownId => f.write_str("there is no such message"),
        }
    }
}

impl std::error::Error for ChatError {}

/// Whether a list of media types (RFC 4975 §8.6) takes `content_type`, whatever its parameters.
#[must_use]
pub fn accepts(list: &str, content_type: &str) -> bool {
    let found = crate::scan::media_type(content_type);
    let kind = found.split('/').next().unwrap_or_default();
    list.split_ascii_whitespace().any(|entry| {
        entry == "*"
            || entry.eq_ignore_ascii_case(found)
            || entry.strip_suffix("/*").is_some_and(|entry| entry.eq_ignore_ascii_case(kind))
    })
}
