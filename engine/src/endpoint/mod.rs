//! The endpoint: what arrives at a user agent's sockets, before and beside its sessions.
//!
//! [`Core`] parses, refuses what no session needs to see, answers retransmissions from the last
//! response, absorbs ACKs and strays, and routes the rest by the session number in branch or tag.
//! It is pure: [`Core::handle_input`], then [`Core::poll_output`] until [`Output::Timeout`].

mod callee;
mod core;
mod request;

use offhook_fsm::Instant;

use crate::id::{AccountId, SessionId};
use crate::negotiate::{Capabilities, Offered};
use crate::transaction::{ClientTransaction, ServerKey, Timers};
use crate::transport::{Destination, Received, Transmit};

pub use self::callee::{Callee, called};
pub use self::core::Core;

/// Server transactions at once, unless the settings say otherwise; one more new call is answered
/// 503.
pub const SERVER_TRANSACTIONS_MAX: usize = 65_536;
/// Client transactions that ended sessions left behind; beyond it the oldest is forgotten.
pub const LEFTOVERS_MAX: usize = 65_536;

/// What does not change in an endpoint's life.
#[derive(Clone, Debug)]
pub struct Settings {
    /// T1, T2, T4.
    pub timers: Timers,
    /// What an offer to anybody but `callees` is held against before there is a session.
    pub capabilities: Capabilities,
    /// Who is here by name.
    pub callees: Vec<Callee>,
    /// Whether any other user is here, too; otherwise 404.
    pub takes_anybody: bool,
    /// User-Agent and Server.
    pub user_agent: String,
    /// Server transactions at once.
    pub server_transactions_max: usize,
}

/// What happens to the endpoint.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram, or a message cut from a stream.
    Message {
        /// The way it came.
        source: Destination,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A session took the call of [`Output::NewCall`].
    Opened(ServerKey, SessionId),
    /// No session could take it: 503.
    NotOpened(ServerKey),
    /// The session that a request was for has ended: 481.
    Gone(ServerKey, Box<Received>),
    /// The session that a request was for has too much to do: 503.
    NotTaken(ServerKey, Box<Received>),
    /// The application lets this INVITE not ring: that code.
    Refused(ServerKey, Box<Received>, u16),
    /// The session that a response was for has ended before it read it.
    Unread(Box<Received>),
    /// A session sent this response.
    Responded {
        /// Whose answer it is.
        key: ServerKey,
        /// Its code.
        status: u16,
        /// The bytes that were sent.
        transmit: Transmit,
    },
    /// An ended session's transaction, to be run to its end.
    HandOver(Box<ClientTransaction>),
    /// The time of [`Output::Timeout`] has come.
    Timeout,
}

/// What the endpoint wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this.
    Transmit(Transmit),
    /// A request for a session.
    Request(SessionId, ServerKey, Received),
    /// A response for a session.
    Response(SessionId, Received),
    /// A response for an account.
    AccountResponse(AccountId, Received),
    /// An INVITE of ours, whose session has ended, is answered 2xx after all: it must be
    /// acknowledged and ended.
    LateAnswer(Box<(Transmit, Received)>),
    /// A call that passed every filter; 100 is on its way.
    NewCall(ServerKey, Received, Offered),
    /// Nothing more for now; come back at that time, if any.
    Timeout(Option<Instant>),
}

/// What was dropped, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Bytes that no answer can be sent to.
    pub garbage: u64,
    /// Responses and ACKs that belong to nobody.
    pub strays: u64,
    /// Requests that were refused without a session.
    pub refused: u64,
    /// Leftover transactions that were forgotten because there were too many.
    pub forgotten: u64,
}
