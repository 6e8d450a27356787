//! What must hold for any bytes. The fuzz targets and the tests call these.

use super::SessionDescription;

/// Any bytes: an answer and no panic, also from the typed attributes.
pub fn sdp(data: &[u8]) {
    let Ok(sdp) = SessionDescription::parse(data) else { return };
    for media in &sdp.media {
        let _facts = (media.direction(&sdp), sdp.address(media), media.number("ptime"));
        for payload_type in [0, 96, 127, 128, 255] {
            assert!(media.rtpmap(payload_type).is_none_or(|map| map.payload_type < 128));
        }
    }
}

/// What is understood is printed and understood again as the same.
pub fn sdp_round_trip(data: &[u8]) {
    let Ok(sdp) = SessionDescription::parse(data) else { return };
    let printed = sdp.to_bytes();
    // Line ends may grow from LF to CRLF, past the limit.
    if printed.len() <= super::SDP_MAX {
        assert_eq!(SessionDescription::parse(&printed).as_ref(), Ok(&sdp));
    }
}
