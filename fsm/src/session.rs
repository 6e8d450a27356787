//! Placeholder: the session's table.

/// The nine states of a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "placeholder")]
pub enum State {
    Null,
    Calling,
    Incoming,
    Accepting,
    Established,
    Proposing,
    Proposed,
    Terminating,
    Terminated,
}

impl core::fmt::Display for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Null => "NULL",
            Self::Calling => "CALLING",
            Self::Incoming => "INCOMING",
            Self::Accepting => "ACCEPTING",
            Self::Established => "ESTABLISHED",
            Self::Proposing => "PROPOSING",
            Self::Proposed => "PROPOSED",
            Self::Terminating => "TERMINATING",
            Self::Terminated => "TERMINATED",
        })
    }
}
