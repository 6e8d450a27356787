//! What must hold for any two descriptions. The fuzz targets and the tests call this.

use offhook_fsm::Entropy;
use offhook_media::codec::Codec;
use offhook_media::control::Flow;

use crate::sdp::SessionDescription;

use super::{
    Capabilities, LocalAudio, LocalChat, Origin, OwnLine, SrtpPolicy, Wish, Wishes, answer,
    apply_answer, offer, screen,
};

/// Any bytes as an offer and as an answer: what we answer has the offer's lines in the offer's
/// order, and an answer of ours is always one that we could have received.
pub fn negotiation(data: &[u8]) {
    let capabilities = Capabilities {
        codecs: Codec::ALL.into(),
        telephone_event: true,
        chat: true,
        chat_over_tls: false,
        srtp: SrtpPolicy::Optional,
    };
    let origin = Origin { session_id: 1, version: 1, address: [127, 0, 0, 1].into() };
    let audio = LocalAudio {
        address: ([127, 0, 0, 1], 4000).into(),
        flow: Flow { send: true, receive: true },
        on_hold: false,
        keys: crate::sdp::crypto::offer_crypto(&mut Entropy::from_u64(1)).into(),
        must_encrypt: false,
        savp: false,
        silence: None,
    };
    let path = String::from("msrp://127.0.0.1:2855/a;tcp");
    let chat = LocalChat::new(2855, path);
    let lines = [OwnLine::Audio(audio.clone()), OwnLine::Chat(chat.clone())];
    let wishes = Wishes {
        audio: Wish { local: Some(audio), line: None },
        chat: Wish { local: Some(chat), line: None },
        file: Wish::default(),
    };
    let _verdict = apply_answer(data, &capabilities, &lines);
    let screened = screen(data, &capabilities);
    let answered = answer(data, &capabilities, &origin, &wishes);
    if let Ok(answered) = &answered {
        let audio = screened.as_ref().is_ok_and(|offered| offered.audio);
        assert_eq!(audio, answered.settled.audio.is_some(), "{screened:?} {answered:?}");
    }
    if let (Ok(answered), Ok(theirs)) = (answered, SessionDescription::parse(data)) {
        let parsed = SessionDescription::parse(&answered.body).ok();
        assert_eq!(parsed.as_ref().map(|sdp| sdp.media.len()), Some(theirs.media.len()));
        assert_eq!(answered.lines.len(), theirs.media.len());
        let taken = parsed.iter().flat_map(|sdp| &sdp.media).filter(|media| media.port != 0);
        let settled = &answered.settled;
        let both = usize::from(settled.audio.is_some()) + usize::from(settled.chat.is_some());
        assert_eq!(taken.count(), both);
        assert!(settled.audio.as_ref().is_none_or(|audio| audio.settings.send_payload_type < 128));
    }
    let own = offer(&capabilities, &origin, &lines);
    let back = answer(&own, &capabilities, &origin, &wishes);
    assert!(back.is_ok_and(|back| back.settled.unmet.is_none()));
}
