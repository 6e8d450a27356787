//! Our offer.

use std::fmt::Write as _;

use crate::sdp::Direction;

use super::{Capabilities, Local, PTIME_MS, TELEPHONE_EVENT, family};

/// The lines that every description of ours begins with.
pub(super) fn head(local: &Local) -> String {
    let (family, address) = (family(local.audio.ip()), local.audio.ip());
    format!(
        "v=0\r\no=- {} {} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n",
        local.session_id, local.version
    )
}

/// Offers one audio line: every codec, telephone-events, the direction we wish (RFC 3264 §5).
#[must_use]
pub fn offer(capabilities: &Capabilities, local: &Local) -> Vec<u8> {
    let mut sdp = head(local);
    // Writing to a String does not fail.
    let _written = write!(sdp, "m=audio {} RTP/AVP", local.audio.port());
    for codec in &capabilities.codecs {
        let _written = write!(sdp, " {}", codec.payload_type());
    }
    if capabilities.telephone_event {
        let _written = write!(sdp, " {TELEPHONE_EVENT}");
    }
    sdp.push_str("\r\n");
    for codec in &capabilities.codecs {
        let (number, name, rate) = (codec.payload_type(), codec.name(), codec.clock_rate());
        let _written = write!(sdp, "a=rtpmap:{number} {name}/{rate}\r\n");
    }
    if capabilities.telephone_event {
        let _written = write!(
            sdp,
            "a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000\r\na=fmtp:{TELEPHONE_EVENT} 0-16\r\n"
        );
    }
    let direction = Direction::new(local.flow.send, local.flow.receive).as_str();
    let _written = write!(sdp, "a=ptime:{PTIME_MS}\r\na={direction}\r\n");
    sdp.into_bytes()
}
