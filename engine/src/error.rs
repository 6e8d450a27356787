//! What can go wrong with a call of this library, by whose fault it is.

use std::fmt;

use crate::notification::SessionState;

/// A method was called in a state that does not allow it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionStateError {
    /// The method, as `accept()`; where it is not the state that stands in the way, with what does,
    /// as `stop_recording_audio() without a recording`.
    pub method: &'static str,
    /// Where the session stands.
    pub state: SessionState,
    /// Where the method is legal, from the state table.
    pub allowed: Vec<SessionState>,
}

/// Why a session's method did nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The state does not allow it.
    State(SessionStateError),
    /// An argument cannot be used; the text says which and why.
    InvalidArgument(String),
    /// The session's mailbox is full: it has more orders than it can work off. Try again.
    Busy,
    /// The engine has ended.
    EngineEnded,
    /// The operating system refused something; the text says what.
    Local(String),
    /// This capability is not built yet.
    NotBuilt(&'static str),
}

impl SessionError {
    /// The error's name: `SessionStateError`, `InvalidArgument`, ….
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::State(_) => "SessionStateError",
            Self::InvalidArgument(_) => "InvalidArgument",
            Self::Busy => "Busy",
            Self::EngineEnded => "EngineEnded",
            Self::Local(_) => "SIPCoreError",
            Self::NotBuilt(_) => "NotBuilt",
        }
    }
}

/// Why an order to an account did nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// The engine has no such account; none at all, when none was named.
    NoAccount(Option<String>),
    /// There are too many orders to work off. Try again.
    Busy,
    /// The engine has ended.
    EngineEnded,
    /// The operating system refused something; the text says what.
    Local(String),
}

impl AccountError {
    /// The error's name: `InvalidArgument`, `Busy`, ….
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoAccount(_) => "InvalidArgument",
            Self::Busy => "Busy",
            Self::EngineEnded => "EngineEnded",
            Self::Local(_) => "SIPCoreError",
        }
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount(None) => f.write_str("there is no account; start the engine with one"),
            Self::NoAccount(Some(account)) => {
                write!(f, "{account} is no account of this engine")
            }
            Self::Busy => f.write_str("the accounts have too much to do; try again"),
            Self::EngineEnded => f.write_str("the engine has ended"),
            Self::Local(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AccountError {}

impl fmt::Display for SessionStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed: Vec<_> = self.allowed.iter().map(ToString::to_string).collect();
        write!(
            f,
            "{} needs {}, the session is {}",
            self.method,
            if allowed.is_empty() { "another state".into() } else { allowed.join(" or ") },
            self.state
        )
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(error) => error.fmt(f),
            Self::InvalidArgument(text) | Self::Local(text) => f.write_str(text),
            Self::Busy => f.write_str("the session's mailbox is full; try again"),
            Self::EngineEnded => f.write_str("the engine has ended"),
            Self::NotBuilt(what) => write!(f, "{what} is not built yet"),
        }
    }
}

impl std::error::Error for SessionStateError {}
impl std::error::Error for SessionError {}
