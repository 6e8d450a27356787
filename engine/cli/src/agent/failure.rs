//! Why a command of the agent did nothing.

use std::time::Duration;

use offhook::error::{AccountError, SessionError};
use offhook::id::SessionId;
use offhook::notification::SessionState;

/// Why a command did nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// The error's name.
    pub(crate) error: &'static str,
    /// What happened, for a person.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(error: &'static str, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }

    /// The line itself is wrong.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new("InvalidArgument", message)
    }

    /// What a `wait` waited for did not come.
    pub(crate) fn timeout(name: &str, after: Duration) -> Self {
        Self::new("Timeout", format!("{name} did not come within {} s", after.as_secs_f64()))
    }

    /// No session has that name.
    pub(crate) fn unknown(id: SessionId) -> Self {
        Self::argument(format!("there is no session {id}"))
    }

    /// The session was over before anyone could take its handle.
    pub(crate) fn over(method: &str) -> Self {
        let state = SessionState::Terminated;
        let text = format!("{method} needs another state, the session is {state}");
        Self::new("SessionStateError", text)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self { error: error.name(), message: error.to_string() }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        Self { error: error.name(), message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_s_error_keeps_its_name() {
        let failure = Failure::from(SessionError::Busy);
        assert_eq!(failure.error, "Busy");
        assert!(failure.message.contains("mailbox"), "{}", failure.message);
    }
}
