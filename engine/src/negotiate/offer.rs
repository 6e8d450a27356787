//! Our offer.

use crate::sdp::Direction;

use super::line::{self, Format};
use super::{Capabilities, Origin, OwnLine, TELEPHONE_EVENT};

/// Offers these lines: for audio every codec, telephone-events, the direction we wish (RFC 3264
/// §5).
#[must_use]
pub fn offer(capabilities: &Capabilities, origin: &Origin, lines: &[OwnLine]) -> Vec<u8> {
    let mut sdp = Vec::with_capacity(512);
    line::head(&mut sdp, origin);
    let formats: Vec<Format> =
        capabilities.codecs.iter().map(|c| (c.payload_type(), c.name(), c.clock_rate())).collect();
    let event = capabilities.telephone_event.then_some(TELEPHONE_EVENT);
    for own in lines {
        match own {
            OwnLine::Audio(audio) => {
                let direction = Direction::new(audio.flow.send, audio.flow.receive);
                line::audio(&mut sdp, audio, &formats, event, direction, &audio.keys);
            }
            OwnLine::Chat(chat) => line::chat(&mut sdp, chat),
            OwnLine::File(file) => line::file(&mut sdp, file),
            OwnLine::Closed(closed) => line::closed(&mut sdp, closed),
        }
    }
    sdp
}
