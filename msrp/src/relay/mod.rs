//! A client's place at relays (RFC 4976), as a pure core: bytes and time in; bytes, questions for
//! credentials, and the path out.
//!
//! Whoever owns the connection drives it so:
//!
//! 1. Make a [`Relay`] with the relays' URIs, the nearest first, and our own URI. Connect to the
//!    nearest one, over TLS for `msrps`, and tell [`Input::Connected`].
//! 2. Give it all bytes that come ([`Input::Received`]), for as long as the connection stands: once
//!    there is a [`Chat`](crate::chat::Chat), give the same bytes to both. It looks at the answers
//!    to its own AUTHs alone, and the chat ignores those. Write what it transmits between the
//!    chat's own outputs, and do not count it in [`chat::Input::Written`](crate::chat::Input).
//! 3. Answer [`Output::Authorize`] with [`Input::Authorization`]: the value of an Authorization
//!    header for method AUTH and that URI (RFC 4976 §5.1), or `None` without
//!    credentials. No password is known here.
//! 4. [`Event::Ready`] tells the path for `a=path`, and what goes in front of the peer's path
//!    ([`Path to the peer`](Relay::path_to)). It comes again when a relay moved us: then the peer
//!    needs another offer.
//! 5. [`Event::Failed`] is the end; the connection is of no use any more.
//!
//! An AUTH is repeated before the time that was granted is over: to the same URI, and what the
//! answer says holds.

mod core;

use std::fmt;

use offhook_fsm::Instant;
use offhook_fsm::msrp_relay::State;

pub use self::core::Relay;

/// Relays one behind the other.
pub const RELAYS_MAX: usize = 4;
/// Challenges that one AUTH is answered with before the relay counts as one that refuses.
pub const CHALLENGES_MAX: u32 = 4;
/// How long an answer, or credentials, are waited for (REFERENCE 1.9).
pub const ANSWER_MS: u64 = 30_000;
/// A refresh comes so long before the end of what was granted, at the latest, where there is time.
pub const MARGIN_MS: u64 = 10_000;

/// Whose place at which relays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// URIs of the relays, the nearest first: `msrps://relay.example.com:2855;tcp`.
    pub relays: Vec<String>,
    /// Our own URI, as [`new_uri`](crate::new_uri) makes it.
    pub local: String,
    /// For how many seconds each relay is asked; `None`: as it likes.
    pub expires: Option<u32>,
}

/// Something that happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input<'a> {
    /// The connection to the nearest relay stands.
    Connected,
    /// Bytes came over it.
    Received(&'a [u8]),
    /// The answer to [`Output::Authorize`].
    Authorization(Option<String>),
    /// The connection is gone or could not be made, for this reason.
    Disconnected(String),
    /// The place is not needed any more.
    Stop,
    /// The time that [`Output::Timeout`] told has come.
    Timeout,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Write these bytes, in one piece.
    Transmit(Vec<u8>),
    /// Compute the credentials for an AUTH.
    Authorize {
        /// The URI that the digest is made for: the relay that is asked, the last in To-Path.
        uri: String,
        /// Values of WWW-Authenticate; empty when that relay asked before: then the next count of
        /// the last nonce will do, and a new series of attempts begins.
        challenges: Vec<String>,
    },
    /// Tell.
    Event(Event),
    /// Nothing more for now. Come back then, at the latest.
    Timeout(Option<Instant>),
}

/// What the owner is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Every relay serves us.
    Ready {
        /// For `a=path`: the relays, the farthest first, and our own URI behind them.
        path: String,
    },
    /// It cannot be.
    Failed(RelayFailure),
}

/// Why there is no place at the relays.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RelayFailure {
    /// The connection is gone or could not be made; why, for people.
    Disconnected(String),
    /// What the relay says cannot be read; what is wrong, for people.
    Unreadable(String),
    /// This relay did not answer within [`ANSWER_MS`].
    TimedOut(String),
    /// There are no credentials for this relay.
    NoCredentials(String),
    /// A relay refuses.
    Refused {
        /// Its URI.
        relay: String,
        /// The status: 401 after [`CHALLENGES_MAX`] challenges, 403, 423 with times that cannot be
        /// met, or another.
        status: u16,
        /// Its comment.
        comment: String,
    },
    /// This relay agreed, and gave no path or time that can be used.
    NoPath(String),
}

impl fmt::Display for RelayFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(why) => write!(f, "the connection to the relay is gone: {why}"),
            Self::Unreadable(why) => write!(f, "the relay cannot be understood: {why}"),
            Self::TimedOut(relay) => write!(f, "the relay {relay} does not answer"),
            Self::NoCredentials(relay) => {
                write!(f, "the relay {relay} wants a password that we do not have for it")
            }
            Self::Refused { relay, status, comment } => {
                write!(f, "the relay {relay} refuses: {status} {comment}")
            }
            Self::NoPath(relay) => write!(f, "the relay {relay} gives no path or no time"),
        }
    }
}

/// A mistake of the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RelayError {
    /// A setting that cannot be used.
    Invalid(&'static str),
    /// An input that has no place in this state.
    State(State),
    /// Credentials that no header can carry.
    Unprintable,
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(what) => write!(f, "{what} cannot be used"),
            Self::State(state) => write!(f, "not in state {state:?}"),
            Self::Unprintable => f.write_str("no header can carry these credentials"),
        }
    }
}

impl std::error::Error for RelayError {}
