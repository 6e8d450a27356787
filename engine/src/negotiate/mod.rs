//! Offer and answer (RFC 3264) as pure functions: descriptions in, a description and the settings
//! of the streams out.
//!
//! This build negotiates one audio line with plain RTP. Chat lines are recognised and answered
//! with port 0, as is everything else.

mod answer;
pub mod fuzzing;
mod offer;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use offhook_media::codec::Codec;
use offhook_media::control::{Flow, StreamSettings};

pub use answer::{answer, apply_answer, screen};
pub use offer::offer;

/// The payload type that we offer for telephone-events (RFC 4733).
pub const TELEPHONE_EVENT: u8 = 101;
/// The packet time that we offer, in milliseconds.
pub const PTIME_MS: u16 = 20;

/// What we are able to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Codecs, best first.
    pub codecs: Vec<Codec>,
    /// DTMF as RFC 4733 events.
    pub telephone_event: bool,
}

/// Our own side of a description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Local {
    /// The `o=` line's session id.
    pub session_id: u64,
    /// The `o=` line's version: one more with every description that differs.
    pub version: u64,
    /// Where we receive RTP.
    pub audio: SocketAddr,
    /// What we wish to do.
    pub flow: Flow,
}

/// Which streams an offer proposes that we could take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offered {
    /// Audio.
    pub audio: bool,
    /// Chat.
    pub chat: bool,
}

/// What an answer settled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// How the audio stream runs.
    pub audio: StreamSettings,
    /// The peer does not want to hear us: it holds the call.
    pub held_by_peer: bool,
}

/// Why two descriptions do not come together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What a user agent answers: 400, 413, 415 or 488.
    pub status: u16,
    /// Why, for people and for the Warning header.
    pub reason: String,
}

impl Refusal {
    fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}

impl From<crate::sdp::SdpError> for Refusal {
    fn from(error: crate::sdp::SdpError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}
