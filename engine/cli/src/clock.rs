//! The clock of the command: for deadlines of a person or a script, never for the protocol.

use std::time::Instant;

/// Now.
#[allow(clippy::disallowed_methods, reason = "the command is no core: it waits for people")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
