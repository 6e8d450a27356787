//! Offer and answer (RFC 3264) as pure functions: descriptions in, a description and the settings
//! of the streams out.
//!
//! One audio line (RTP or SRTP), one chat line (MSRP, RFC 4975 §8) and one line for a file (RFC
//! 5547) can run at a time. Every line
//! keeps its place for the life of the session; what is not used has port 0.

mod answer;
mod chat_line;
mod chatroom;
mod file_line;
pub mod fuzzing;
mod line;
mod offer;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use offhook_media::codec::Codec;
use offhook_media::control::{Flow, StreamSettings};

use crate::sdp::Direction;
use crate::sdp::crypto::CryptoAttribute;
use crate::sdp::fingerprint::Fingerprint;
use crate::streams::Streams;

pub use answer::{answer, apply_answer, screen};
pub use chat_line::{OfferedChat, Setup, offered_chat};
pub use chatroom::Chatroom;
pub(crate) use file_line::is_file;
pub use file_line::{FileRole, LocalFile, OfferedFile, SettledFile, offered_file};
pub use line::{ClosedLine, OwnLine};
pub use offer::offer;

/// The payload type that we offer for telephone-events (RFC 4733).
pub const TELEPHONE_EVENT: u8 = 101;
/// The packet time that we offer, in milliseconds.
pub const PTIME_MS: u16 = 20;
/// Octets of an MSRP path at most.
pub const PATH_MAX: usize = 2048;
/// What a chat of ours takes, in the words of `a=accept-types` (RFC 4975 §8.6).
pub const ACCEPT_TYPES: &str = "message/cpim text/* image/* application/im-iscomposing+xml";
/// What it takes wrapped in CPIM, in the words of `a=accept-wrapped-types`.
pub const ACCEPT_WRAPPED_TYPES: &str = "*";

/// What we are able to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Codecs, best first.
    pub codecs: Vec<Codec>,
    /// DTMF as RFC 4733 events.
    pub telephone_event: bool,
    /// Chat over MSRP.
    pub chat: bool,
    /// What we offer for chats is TLS; what others offer is taken as it comes.
    pub chat_over_tls: bool,
    /// What becomes of audio without, and with, SRTP.
    pub srtp: SrtpPolicy,
}

/// Whether audio is encrypted (REFERENCE 1.8).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SrtpPolicy {
    /// Never: RTP/AVP is offered, RTP/SAVP refused.
    Disabled,
    /// Where the peer can: RTP/AVP with keys is offered, RTP/SAVP and RTP/AVP accepted.
    #[default]
    Optional,
    /// Always: RTP/SAVP is offered and asked for.
    Mandatory,
}

/// Our side of an audio line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalAudio {
    /// Where we receive RTP.
    pub address: SocketAddr,
    /// What we wish to do.
    pub flow: Flow,
    /// We hold the call: what is sent is not the microphone.
    pub on_hold: bool,
    /// Our keys, one a suite, best first; empty without SRTP.
    pub keys: Arc<[CryptoAttribute]>,
    /// Plain RTP is refused: the settings ask for SRTP, or it runs already.
    pub must_encrypt: bool,
    /// The line is RTP/SAVP.
    pub savp: bool,
    /// Silence of the peer that is told ([`StreamSettings::silence`]); no matter of the line.
    pub silence: Option<Duration>,
}

impl LocalAudio {
    const fn proto(&self) -> &'static str {
        if self.savp { "RTP/SAVP" } else { "RTP/AVP" }
    }
}

/// The content types that a chat takes (RFC 4975 §8.6), each a list with blanks between.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcceptTypes {
    /// `a=accept-types`.
    pub types: Arc<str>,
    /// `a=accept-wrapped-types`: those inside message/cpim.
    pub wrapped: Arc<str>,
}

impl Default for AcceptTypes {
    /// [`ACCEPT_TYPES`] and [`ACCEPT_WRAPPED_TYPES`].
    fn default() -> Self {
        Self { types: ACCEPT_TYPES.into(), wrapped: ACCEPT_WRAPPED_TYPES.into() }
    }
}

/// Our side of a chat line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalChat {
    /// Where we listen; where we connect from, when we do not.
    pub port: u16,
    /// Our MSRP path, one URI or several with blanks between them.
    pub path: String,
    /// TLS.
    pub tls: bool,
    /// Of the certificate that we show.
    pub fingerprint: Option<Fingerprint>,
    /// Who connects, as our next description says it.
    pub setup: Option<Setup>,
    /// What we take; no matter of a file's line.
    pub accept: AcceptTypes,
}

impl LocalChat {
    /// Without TLS, and nothing said about who connects.
    #[must_use]
    pub fn new(port: u16, path: impl Into<String>) -> Self {
        Self {
            port,
            path: path.into(),
            tls: false,
            fingerprint: None,
            setup: None,
            accept: AcceptTypes::default(),
        }
    }

    const fn proto(&self) -> &'static str {
        if self.tls { "TCP/TLS/MSRP" } else { "TCP/MSRP" }
    }
}

/// A description of ours before it has lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The `o=` line's session id.
    pub session_id: u64,
    /// The `o=` line's version: one more with every description that differs.
    pub version: u64,
    /// Our address.
    pub address: IpAddr,
}

/// One stream that we would take from an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish<T> {
    /// Our side of it; `None` refuses the stream.
    pub local: Option<T>,
    /// The line on which it runs; `None` takes the first that can be used.
    pub line: Option<usize>,
}

impl<T> Default for Wish<T> {
    fn default() -> Self {
        Self { local: None, line: None }
    }
}

/// What we would take from an offer.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Wishes {
    /// Audio.
    pub audio: Wish<LocalAudio>,
    /// Chat.
    pub chat: Wish<LocalChat>,
    /// A file.
    pub file: Wish<LocalFile>,
}

/// Which streams an offer proposes that we could take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offered {
    /// Audio.
    pub audio: bool,
    /// Chat.
    pub chat: bool,
}

/// An audio line that both sides want.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettledAudio {
    /// Which line.
    pub line: usize,
    /// How the stream runs.
    pub settings: StreamSettings,
    /// What the peer does. An address of zeros is a hold from times before directions (RFC 3264
    /// §8.4): such a peer does not receive.
    pub theirs: Direction,
    /// It answers an offer of ours that did not want to receive.
    pub answers_hold: bool,
}

/// A chat line that both sides want.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettledChat {
    /// Which line.
    pub line: usize,
    /// The peer's MSRP path.
    pub path: String,
    /// Over TLS.
    pub tls: bool,
    /// We connect; else the peer does.
    pub connects: bool,
    /// The certificates that the peer may show, none when it tells none: then an authority has to
    /// vouch for it. `None` when it tells some and all of them are of hash functions that we do not
    /// know or that are broken.
    pub fingerprints: Option<Vec<Fingerprint>>,
    /// The peer's `a=accept-types`.
    pub accept_types: String,
    /// The peer's `a=accept-wrapped-types`.
    pub accept_wrapped_types: String,
    /// The peer is a chat room.
    pub chatroom: Option<Chatroom>,
}

/// What two descriptions settle. Empty when nothing came together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settled {
    /// Audio.
    pub audio: Option<SettledAudio>,
    /// Chat.
    pub chat: Option<SettledChat>,
    /// A file.
    pub file: Option<SettledFile>,
    /// Why something that was wanted did not come together.
    pub unmet: Option<Refusal>,
    /// Lines of ours that the peer's answer takes and we cannot use: they are open and must be
    /// closed.
    pub left_open: Streams,
    /// The same for the line of a file.
    pub file_left_open: bool,
}

impl Settled {
    /// Whether no stream came together.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.audio.is_none() && self.chat.is_none() && self.file.is_none()
    }
}

/// Our answer to an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// The description.
    pub body: Vec<u8>,
    /// Its lines.
    pub lines: Vec<OwnLine>,
    /// What it settles.
    pub settled: Settled,
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
    pub(crate) fn new(status: u16, reason: impl Into<String>) -> Self {
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
