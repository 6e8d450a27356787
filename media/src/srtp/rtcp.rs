//! SRTCP (RFC 3711 §3.4): everything behind the first SSRC is encrypted, and the packet's index
//! travels with it.

use super::SrtpError;
use super::context::CryptoContext;

/// RTCP packets under one master key, at most (§9.2).
pub const RTCP_PACKETS_MAX: u64 = 1 << 31;
/// Octets behind an SRTCP packet: the index, and a tag of 80 bits.
pub const RTCP_TRAILER_LEN: usize = INDEX_LEN + TAG_LEN;

const INDEX_LEN: usize = 4;
const TAG_LEN: usize = 10;
/// The packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;

impl CryptoContext {
    /// Protects the RTCP packet in the first `length` octets of `buffer`; returns its new length,
    /// [`RTCP_TRAILER_LEN`] more.
    ///
    /// # Errors
    /// When it is no RTCP packet, the buffer has no room, the key is used up, or there are too many
    /// SSRCs. The buffer is as it was.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let end = length.saturating_add(RTCP_TRAILER_LEN);
        let packet = buffer.get_mut(..end).ok_or(SrtpError::NoRoom)?;
        let (message, trailer) = packet.split_at_mut_checked(length).ok_or(SrtpError::NoRoom)?;
        let trailer: &mut [u8; RTCP_TRAILER_LEN] =
            trailer.try_into().map_err(|_| SrtpError::NoRoom)?;
        let (ssrc, secret) = split(message)?;
        let mut source = self.sources.get(ssrc)?;
        let number = source.rtcp.highest().map_or(0, |highest| highest + 1);
        if self.rtcp_packets >= RTCP_PACKETS_MAX || number >= RTCP_PACKETS_MAX {
            return Err(SrtpError::KeyExpired);
        }
        self.rtcp.cipher.apply(ssrc, number, secret);
        let word = u32::try_from(number).map_err(|_| SrtpError::KeyExpired)? | ENCRYPTED;
        let index = word.to_be_bytes();
        let whole = self.rtcp.authentication.tag(message, &index);
        let bytes = index.iter().chain(&whole);
        trailer.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        source.rtcp.note(number);
        self.sources.set(source);
        self.rtcp_packets += 1;
        Ok(end)
    }

    /// Checks and decrypts an SRTCP packet in place; returns the length of the RTCP packet.
    ///
    /// # Errors
    /// When it is no SRTCP packet, not encrypted, not authentic, came before, the key is used up,
    /// or there are too many SSRCs. Packet and context are as they were.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let (message, trailer) =
            packet.split_last_chunk_mut::<RTCP_TRAILER_LEN>().ok_or(SrtpError::Malformed)?;
        let (index, tag) = trailer.split_first_chunk::<INDEX_LEN>().ok_or(SrtpError::Malformed)?;
        let (ssrc, _) = split(message)?;
        let word = u32::from_be_bytes(*index);
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::Unencrypted);
        }
        if self.rtcp_packets >= RTCP_PACKETS_MAX {
            return Err(SrtpError::KeyExpired);
        }
        let number = u64::from(word & !ENCRYPTED);
        let mut source = self.sources.get(ssrc)?;
        source.rtcp.check(number)?;
        if !self.rtcp.authentication.is_tag(message, index, tag) {
            return Err(SrtpError::Unauthentic);
        }
        let length = message.len();
        let (_, secret) = split(message)?;
        self.rtcp.cipher.apply(ssrc, number, secret);
        source.rtcp.note(number);
        self.sources.set(source);
        self.rtcp_packets += 1;
        Ok(length)
    }
}

/// The first SSRC, and what is encrypted behind it.
fn split(packet: &mut [u8]) -> Result<(u32, &mut [u8]), SrtpError> {
    let (head, secret) = packet.split_first_chunk_mut::<8>().ok_or(SrtpError::Malformed)?;
    let [first, _, _, _, r0, r1, r2, r3] = *head;
    if first >> 6 != 2 {
        return Err(SrtpError::Malformed);
    }
    Ok((u32::from_be_bytes([r0, r1, r2, r3]), secret))
}
