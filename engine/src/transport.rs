//! Where messages come from and go to, as values: no socket is known here.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use crate::sip::Message;

/// A SIP transport protocol (RFC 3261 §18).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// Datagrams; messages are retransmitted.
    Udp,
    /// A byte stream; messages are framed by Content-Length.
    Tcp,
    /// TCP with TLS.
    Tls,
}

impl Transport {
    /// Whether the transport delivers or fails, so that nothing is retransmitted.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// The port that is meant when a URI names none (RFC 3261 §19.1.2).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }

    /// As the Via header spells it.
    #[must_use]
    pub const fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// As a URI's transport parameter spells it.
    #[must_use]
    pub const fn uri_name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri_name())
    }
}

impl FromStr for Transport {
    type Err = UnknownTransport;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.to_ascii_lowercase().as_str() {
            "udp" => Ok(Self::Udp),
            "tcp" => Ok(Self::Tcp),
            "tls" => Ok(Self::Tls),
            _ => Err(UnknownTransport(s.into())),
        }
    }
}

/// A transport that is none of udp, tcp and tls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownTransport(pub String);

impl fmt::Display for UnknownTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown transport {:?}: use udp, tcp or tls", self.0)
    }
}

impl std::error::Error for UnknownTransport {}

/// One connection of a stream transport (RFC 5626's flow). Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FlowId(pub u64);

/// Where a message goes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Destination {
    /// The transport protocol.
    pub transport: Transport,
    /// The peer's address.
    pub remote: SocketAddr,
    /// Our own address as the peer should know it: what Via and Contact say. Never a wildcard.
    /// For UDP it also chooses the listener to send from.
    pub local: SocketAddr,
    /// A connection to use if it still stands; else one is found or made by `remote`.
    pub flow: Option<FlowId>,
}

/// A message with where it came from. Answering `source` reaches the sender.
#[derive(Clone, Debug)]
pub struct Received {
    /// The message as parsed.
    pub message: Message,
    /// The way back.
    pub source: Destination,
}

/// Bytes on their way out: one whole SIP message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// Where to.
    pub destination: Destination,
    /// The message.
    pub bytes: Arc<[u8]>,
}
