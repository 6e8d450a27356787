//! SRTP and SRTCP (RFC 3711) with AES in counter mode and HMAC-SHA1, in place in the caller's
//! buffer.
//!
//! A [`CryptoContext`] is made of one master key and serves one direction. What fails leaves it as
//! it was. There is no MKI, no key derivation rate, and nothing is ever left unencrypted: what
//! negotiation would have to ask for, it refuses.

use std::fmt;

mod authentication;
mod cipher;
mod context;
mod derive;
mod index;
mod key;
mod replay;
mod rtcp;
mod sources;

pub use context::{CryptoContext, RTP_PACKETS_MAX};
pub use key::{MASTER_KEY_BASE64_LEN, MASTER_KEY_LEN, MasterKey, SrtpKeys, Suite};
pub use replay::REPLAY_WINDOW;
pub use rtcp::{RTCP_PACKETS_MAX, RTCP_TRAILER_LEN};
pub use sources::SOURCES_MAX;

/// Octets that protection adds to a packet at most.
pub const OVERHEAD_MAX: usize = RTCP_TRAILER_LEN;

/// Why a packet was neither protected nor let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SrtpError {
    /// It is too short, of another version, or its header is longer than itself.
    Malformed,
    /// Its tag is not the one that the key gives: forged, damaged, or of another key.
    Unauthentic,
    /// Its number came before, or lies too far back to tell (§3.3.2); on the way out: the number
    /// was used, and a second packet under it would give away both.
    Replayed,
    /// An SRTCP packet that says of itself that it is not encrypted (§3.4). We never agree to that.
    Unencrypted,
    /// [`SOURCES_MAX`] SSRCs are known, and this is another one.
    TooManySources,
    /// The master key has served for as many packets as it may (§9.2). Others go on to be refused
    /// until there is a new key.
    KeyExpired,
    /// The buffer has no room for what protection adds.
    NoRoom,
}

impl fmt::Display for SrtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is no packet that SRTP could protect",
            Self::Unauthentic => "the packet is not authentic",
            Self::Replayed => "the packet's number was used before",
            Self::Unencrypted => "the packet is not encrypted",
            Self::TooManySources => "there are too many sources under one key",
            Self::KeyExpired => "the key has served for as many packets as it may",
            Self::NoRoom => "the buffer has no room for the tag",
        })
    }
}

impl std::error::Error for SrtpError {}

#[cfg(test)]
mod tests;
