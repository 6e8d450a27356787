//! What must hold for any bytes. The fuzz targets and the tests call this.

use crate::rtp::{HEADER_LEN, RtpPacket};

/// Any bytes as a packet: the pieces add up to no more than the whole, and the fixed header is
/// written as it was read.
pub fn rtp(data: &[u8]) {
    let Ok(packet) = RtpPacket::parse(data) else { return };
    let extension = packet.extension.map_or(0, |(_, content)| content.len() + 4);
    assert!(HEADER_LEN + packet.csrcs.len() + extension + packet.payload.len() <= data.len());
    let written = packet.header.to_bytes();
    assert_eq!(written.get(1..), data.get(1..HEADER_LEN));
}
