//! What a chat says and hears beside messages.

pub use offhook_msrp::chat::Ask;
pub use offhook_msrp::imdn::{Disposition, Kind as DispositionKind};

/// What the session says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Say {
    /// The user writes, or gave up what was being written (RFC 3994).
    Composing(bool),
    /// What messages ask from now on (RFC 5438).
    Ask(Ask),
    /// The message of that Message-ID was shown to the user.
    Displayed(String),
    /// We want that nickname of the chat room (RFC 7701).
    Nickname(String),
}

/// What the session hears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// Somebody began to write, or stopped (RFC 3994).
    Composing {
        /// The URI in CPIM; empty without.
        from: String,
        /// Began.
        active: bool,
        /// What is written: a media type, or its part before the slash.
        content_type: Option<String>,
        /// When it was last written, in microseconds since 1970 UTC.
        last_active_us: Option<i64>,
        /// After how many seconds it is told again.
        refresh_s: Option<u64>,
    },
    /// What became of a message of ours that asked for it (RFC 5438).
    Disposition {
        /// Who tells: the URI in CPIM.
        from: String,
        /// Which message.
        id: String,
        /// What it is about.
        kind: DispositionKind,
        /// What became of it.
        disposition: Disposition,
    },
    /// A nickname that we asked for is ours, with 200; else it is not.
    Nickname {
        /// Which.
        nickname: String,
        /// What the room answers.
        code: u16,
        /// Its comment.
        reason: String,
    },
}
