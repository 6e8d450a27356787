//! RTP (RFC 3550): packets and the order of a source's sequence numbers.

mod packet;
mod source;

pub use packet::{HEADER_LEN, PacketError, PacketHeader, RtpPacket};
pub use source::{Arrival, Source};
