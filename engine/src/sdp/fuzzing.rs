//! What must hold for any bytes. The fuzz targets and the tests call these.

use super::SessionDescription;
use super::crypto::{CryptoAttribute, choose};

/// Any bytes: an answer and no panic, also from the typed attributes.
pub fn sdp(data: &[u8]) {
    let Ok(sdp) = SessionDescription::parse(data) else { return };
    for media in &sdp.media {
        let _facts = (media.direction(&sdp), sdp.address(media), media.number("ptime"));
        for payload_type in [0, 96, 127, 128, 255] {
            assert!(media.rtpmap(payload_type).is_none_or(|map| map.payload_type < 128));
        }
        if let Some(chosen) = choose(media.attributes("crypto")) {
            let mut line = Vec::new();
            chosen.print(&mut line);
            let value = line.strip_prefix(b"a=crypto:").and_then(|l| l.strip_suffix(b"\r\n"));
            let again = CryptoAttribute::parse(value.unwrap_or_default());
            assert_eq!(again.map(|again| (again.tag, again.key)), Ok((chosen.tag, chosen.key)));
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
