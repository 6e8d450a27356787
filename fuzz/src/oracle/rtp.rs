//! Against `rtp` 0.17.

use offhook::media::rtp::{PacketError, RtpPacket};
use rtp::packet::Packet;
use webrtc_util::marshal::Unmarshal as _;

/// The profiles of RFC 8285, whose elements the other one reads.
const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;

/// Same header fields, contributing sources, extension and payload.
pub fn diff_rtp(data: &[u8]) {
    compared(data);
}

/// Whether both understood it.
fn compared(data: &[u8]) -> bool {
    let mut rest = data;
    let theirs = super::ask(|| Packet::unmarshal(&mut rest));
    let ours = RtpPacket::parse(data);
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Some(Ok(theirs))) => (ours, theirs),
        (Ok(ours), None | Some(Err(_))) => {
            // Defect: elements that claim more than there is make it panic.
            let elements = ours.extension.map(|(profile, _)| profile);
            assert!(elements.is_some_and(|profile| matches!(profile, ONE_BYTE | TWO_BYTE)));
            return false;
        }
        (Err(error), Some(Ok(theirs))) => {
            refused(error, data, &theirs);
            return false;
        }
        (Err(_), None | Some(Err(_))) => return false,
    };
    let header = &theirs.header;
    assert_eq!(ours.header.marker, header.marker);
    assert_eq!(ours.header.payload_type, header.payload_type);
    assert_eq!(ours.header.sequence, header.sequence_number);
    assert_eq!(ours.header.timestamp, header.timestamp);
    assert_eq!(ours.header.ssrc, header.ssrc);
    let csrcs: Vec<u8> = header.csrc.iter().flat_map(|csrc| csrc.to_be_bytes()).collect();
    assert_eq!(ours.csrcs, csrcs);
    assert_eq!(ours.extension.is_some(), header.extension);
    if let Some((profile, content)) = ours.extension {
        assert_eq!(profile, header.extension_profile);
        let head = match profile {
            ONE_BYTE => 1,
            TWO_BYTE => 2,
            _ => 0,
        };
        let read: usize = header.extensions.iter().map(|e| e.payload.len() + head).sum();
        // Defect: elements are read past the extension's end, and its rest becomes payload.
        if read + header.extensions_padding != content.len() {
            return false;
        }
    }
    assert_eq!(ours.payload, &theirs.payload[..]);
    true
}

fn refused(error: PacketError, data: &[u8], theirs: &Packet) {
    assert_ne!(error, PacketError::Truncated);
    match error {
        // Defect: the version is not looked at.
        PacketError::Version => assert_ne!(theirs.header.version, 2),
        // Defects: a padding of no octets is taken; elements that are read past the extension's
        // end, or left unread, shift where the padding is looked for.
        PacketError::Padding | PacketError::Truncated => {
            let elements = matches!(theirs.header.extension_profile, ONE_BYTE | TWO_BYTE);
            assert!(data.last() == Some(&0) || (theirs.header.extension && elements));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_are_understood_by_both() {
        super::super::each_seed("diff_rtp", super::compared);
    }
}
