//! A cryptographic context (RFC 3711 §3.2) and RTP under it (§3.1, §3.3).

use std::fmt;

use super::SrtpError;
use super::derive::{Labels, SessionKeys};
use super::index::{estimate, rollover};
use super::key::{MasterKey, Suite};
use super::sources::Sources;
use crate::rtp::HEADER_LEN;

/// RTP packets under one master key, at most (§9.2).
pub const RTP_PACKETS_MAX: u64 = 1 << 48;

/// One direction under one master key: either all that is sent or all that is received.
pub struct CryptoContext {
    suite: Suite,
    pub(super) rtp: SessionKeys,
    pub(super) rtcp: SessionKeys,
    pub(super) sources: Sources,
    /// Packets so far.
    pub(super) rtp_packets: u64,
    pub(super) rtcp_packets: u64,
}

/// What the clear part of an RTP packet says.
struct Header {
    length: usize,
    sequence: u16,
    ssrc: u32,
}

impl CryptoContext {
    /// A context whose every source begins at rollover 0.
    #[must_use]
    pub fn new(suite: Suite, key: &MasterKey) -> Self {
        Self {
            suite,
            rtp: SessionKeys::new(key, Labels::Rtp),
            rtcp: SessionKeys::new(key, Labels::Rtcp),
            sources: Sources::new(),
            rtp_packets: 0,
            rtcp_packets: 0,
        }
    }

    /// Leaves the key so many RTP packets to serve for.
    #[cfg(test)]
    pub(crate) const fn wear_out(&mut self, left: u64) {
        self.rtp_packets = RTP_PACKETS_MAX - left;
    }

    /// The suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Protects the RTP packet in the first `length` octets of `buffer`; returns its new length,
    /// [`Suite::rtp_tag_len`] more. Sequence numbers must rise, by fewer than 2^15 at a time.
    ///
    /// # Errors
    /// When it is no RTP packet, the buffer has no room for the tag, the number is not above the
    /// last one of its SSRC, the key is used up, or there are too many SSRCs. The buffer is as it
    /// was.
    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let end = length.saturating_add(self.suite.rtp_tag_len());
        let packet = buffer.get_mut(..end).ok_or(SrtpError::NoRoom)?;
        let (message, tag) = packet.split_at_mut_checked(length).ok_or(SrtpError::NoRoom)?;
        let header = Header::parse(message)?;
        if self.rtp_packets >= RTP_PACKETS_MAX {
            return Err(SrtpError::KeyExpired);
        }
        let mut source = self.sources.get(header.ssrc)?;
        let index = match source.rtp.highest() {
            Some(highest) => {
                let index = estimate(highest, header.sequence)?;
                if index <= highest {
                    return Err(SrtpError::Replayed);
                }
                index
            }
            None => u64::from(header.sequence),
        };
        let payload = message.get_mut(header.length..).unwrap_or_default();
        self.rtp.cipher.apply(header.ssrc, index, payload);
        let whole = self.rtp.authentication.tag(message, &rollover(index));
        tag.iter_mut().zip(whole).for_each(|(place, byte)| *place = byte);
        source.rtp.note(index);
        self.sources.set(source);
        self.rtp_packets += 1;
        Ok(end)
    }

    /// Checks and decrypts an SRTP packet in place; returns the length of the RTP packet.
    ///
    /// # Errors
    /// When it is no SRTP packet, not authentic, came before, the key is used up, or there are too
    /// many SSRCs. Packet and context are as they were.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        self.unprotect_after(None, packet)
    }

    /// Like [`unprotect`](Self::unprotect) behind a change of keys. Some peers begin again at
    /// rollover 0 with a new key, others go on counting (RFC 3711 §8.1): a source that was known
    /// under the key before may do either.
    ///
    /// # Errors
    /// As [`unprotect`](Self::unprotect).
    pub fn unprotect_after(
        &mut self,
        before: Option<&Self>,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let length =
            packet.len().checked_sub(self.suite.rtp_tag_len()).ok_or(SrtpError::Malformed)?;
        let (message, tag) = packet.split_at_mut_checked(length).ok_or(SrtpError::Malformed)?;
        let header = Header::parse(message)?;
        if self.rtp_packets >= RTP_PACKETS_MAX {
            return Err(SrtpError::KeyExpired);
        }
        let mut source = self.sources.get(header.ssrc)?;
        let mut index = match source.rtp.highest() {
            Some(highest) => estimate(highest, header.sequence)?,
            None => u64::from(header.sequence),
        };
        source.rtp.check(index)?;
        let is_tag = |index| self.rtp.authentication.is_tag(message, &rollover(index), tag);
        if !is_tag(index) {
            let first = source.rtp.highest().is_none();
            let before = before.filter(|_| first).and_then(|before| {
                let highest = before.sources.get(header.ssrc).ok()?.rtp.highest()?;
                estimate(highest, header.sequence).ok().filter(|counted| *counted != index)
            });
            index = before.filter(|index| is_tag(*index)).ok_or(SrtpError::Unauthentic)?;
        }
        let payload = message.get_mut(header.length..).unwrap_or_default();
        self.rtp.cipher.apply(header.ssrc, index, payload);
        source.rtp.note(index);
        self.sources.set(source);
        self.rtp_packets += 1;
        Ok(length)
    }
}

impl Header {
    /// Fixed header, CSRCs and extension stay in the clear (§3.1). Padding is encrypted, so it is
    /// not looked at here.
    fn parse(packet: &[u8]) -> Result<Self, SrtpError> {
        let fixed = packet.first_chunk::<HEADER_LEN>().ok_or(SrtpError::Malformed)?;
        let [first, _, s0, s1, _, _, _, _, r0, r1, r2, r3] = *fixed;
        if first >> 6 != 2 {
            return Err(SrtpError::Malformed);
        }
        let mut length = HEADER_LEN + usize::from(first & 0x0f) * 4;
        if first & 0x10 != 0 {
            let extension = packet.get(length..).and_then(|rest| rest.first_chunk::<4>());
            let [_, _, l0, l1] = *extension.ok_or(SrtpError::Malformed)?;
            length += 4 + usize::from(u16::from_be_bytes([l0, l1])) * 4;
        }
        if length > packet.len() {
            return Err(SrtpError::Malformed);
        }
        let sequence = u16::from_be_bytes([s0, s1]);
        Ok(Self { length, sequence, ssrc: u32::from_be_bytes([r0, r1, r2, r3]) })
    }
}

impl fmt::Debug for CryptoContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoContext").field("suite", &self.suite).finish_non_exhaustive()
    }
}
