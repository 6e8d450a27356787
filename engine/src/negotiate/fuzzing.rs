//! What must hold for any two descriptions. The fuzz targets and the tests call this.

use offhook_media::codec::Codec;
use offhook_media::control::Flow;

use crate::sdp::SessionDescription;

use super::{Capabilities, Local, answer, apply_answer, offer, screen};

/// Any bytes as an offer and as an answer: what we answer has the offer's lines in the offer's
/// order, and an answer of ours is always one that we could have received.
pub fn negotiation(data: &[u8]) {
    let capabilities = Capabilities { codecs: Codec::ALL.into(), telephone_event: true };
    let local = Local {
        session_id: 1,
        version: 1,
        audio: ([127, 0, 0, 1], 4000).into(),
        flow: Flow { send: true, receive: true },
    };
    let _verdict = apply_answer(data, &capabilities, &local);
    let screened = screen(data, &capabilities);
    let answered = answer(data, &capabilities, &local);
    assert_eq!(screened.is_ok(), answered.is_ok(), "{screened:?} {answered:?}");
    if let (Ok((ours, settled)), Ok(theirs)) = (answered, SessionDescription::parse(data)) {
        let parsed = SessionDescription::parse(&ours).ok();
        assert_eq!(parsed.as_ref().map(|sdp| sdp.media.len()), Some(theirs.media.len()));
        let taken = parsed.iter().flat_map(|sdp| &sdp.media).filter(|media| media.port != 0);
        assert_eq!(taken.count(), 1);
        assert!(settled.audio.send_payload_type < 128);
    }
    let own = offer(&capabilities, &local);
    assert!(answer(&own, &capabilities, &local).is_ok());
}
