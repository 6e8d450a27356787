//! Audio codecs.

pub mod g711;

/// An audio codec that is built in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Codec {
    /// G.711 µ-law, 8000 Hz, payload type 0.
    Pcmu,
    /// G.711 A-law, 8000 Hz, payload type 8.
    Pcma,
}

impl Codec {
    /// All codecs that are built, best first.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// The encoding name of `a=rtpmap` (RFC 3551).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The RTP clock rate in Hz.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        8000
    }

    /// The static payload type (RFC 3551 §6).
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The codec of that encoding name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// Encodes samples into `payload`; stops at the shorter of both. Returns the octets written.
    pub fn encode(self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Self::Pcmu => convert(samples, payload, g711::encode_mu_law),
            Self::Pcma => convert(samples, payload, g711::encode_a_law),
        }
    }

    /// Decodes a payload into `samples`; stops at the shorter of both. Returns the samples written.
    pub fn decode(self, payload: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Self::Pcmu => convert(payload, samples, g711::decode_mu_law),
            Self::Pcma => convert(payload, samples, g711::decode_a_law),
        }
    }
}

/// One loop for each codec, so that its function is inlined.
fn convert<F: Copy, T>(from: &[F], to: &mut [T], code: impl Fn(F) -> T) -> usize {
    from.iter().zip(to).map(|(from, to)| *to = code(*from)).count()
}
