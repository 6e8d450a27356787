//! Answers: ours to an offer, theirs to ours.

use std::io::Write as _;
use std::net::SocketAddr;

use offhook_media::codec::Codec;
use offhook_media::control::{Flow, StreamSettings};

use crate::sdp::{Direction, MediaDescription, SessionDescription};

use super::offer::head;
use super::{Capabilities, Local, Offered, PTIME_MS, Refusal, Settled, TELEPHONE_EVENT};

/// A line that we can use, and how.
struct Usable {
    codec: Codec,
    codec_number: u8,
    event_number: Option<u8>,
}

/// Looks at the offer of a new call, before there is a session (REFERENCE 0.15, 1.4).
///
/// # Errors
/// 400 or 413 for what is no description, 415 when it has neither audio nor chat, 488 when nothing
/// in it could ever be used.
pub fn screen(offer: &[u8], capabilities: &Capabilities) -> Result<Offered, Refusal> {
    let sdp = SessionDescription::parse(offer)?;
    let has = |kind: &[u8]| sdp.media.iter().any(|m| is_kind(m, kind) && m.port != 0);
    let chat = has(b"message");
    if !has(b"audio") && !chat {
        return Err(Refusal::new(415, "the offer has neither audio nor chat"));
    }
    usable_line(&sdp, capabilities)?;
    Ok(Offered { audio: true, chat })
}

/// Answers an offer: line count and order are kept, the first audio line that can be used is
/// taken with exactly one codec and telephone-events, all others get port 0 (RFC 3264 §6).
///
/// # Errors
/// When nothing in the offer can be used; the reason says why.
pub fn answer(
    offer: &[u8],
    capabilities: &Capabilities,
    local: &Local,
) -> Result<(Vec<u8>, Settled), Refusal> {
    let sdp = SessionDescription::parse(offer)?;
    let (taken, usable) = usable_line(&sdp, capabilities)?;
    let mut out = head(local).into_bytes();
    let mut settled = None;
    for (position, media) in sdp.media.iter().enumerate() {
        if position != taken {
            refuse_line(&mut out, media);
            continue;
        }
        let now = settle(&sdp, media, &usable, local, usable.codec_number, usable.event_number)?;
        accept_line(&mut out, &usable, local, now.audio.flow);
        settled = Some(now);
    }
    settled.map(|settled| (out, settled)).ok_or_else(|| nothing(&sdp))
}

/// Reads the answer to our [`offer`](super::offer) (RFC 3264 §7). Payload types may differ in each
/// direction; what runs is the answer's first format that we know.
///
/// # Errors
/// When the answer has another number of lines, refuses audio, or nothing in it can be used.
pub fn apply_answer(
    answer: &[u8],
    capabilities: &Capabilities,
    local: &Local,
) -> Result<Settled, Refusal> {
    let sdp = SessionDescription::parse(answer)?;
    let [media] = sdp.media.as_slice() else {
        let found = sdp.media.len();
        return Err(Refusal::new(488, format!("the answer has {found} media lines, the offer 1")));
    };
    if media.port == 0 {
        return Err(Refusal::new(488, "the peer refused the audio stream"));
    }
    let usable = usable(media, capabilities).ok_or_else(|| nothing(&sdp))?;
    let event = usable.event_number.map(|_| TELEPHONE_EVENT);
    settle(&sdp, media, &usable, local, usable.codec.payload_type(), event)
}

fn nothing(sdp: &SessionDescription<'_>) -> Refusal {
    let audio: Vec<_> = sdp.media.iter().filter(|media| is_kind(media, b"audio")).collect();
    let plain = audio.iter().any(|media| media.proto.eq_ignore_ascii_case(b"RTP/AVP"));
    Refusal::new(
        488,
        match (audio.is_empty(), plain) {
            (true, _) => "chat alone is not supported",
            (false, false) => "the audio transport is not supported, only RTP/AVP is",
            (false, true) => "no common audio codec, or no address to send to",
        },
    )
}

fn is_kind(media: &MediaDescription<'_>, kind: &[u8]) -> bool {
    media.media.eq_ignore_ascii_case(kind)
}

fn usable_line(
    sdp: &SessionDescription<'_>,
    capabilities: &Capabilities,
) -> Result<(usize, Usable), Refusal> {
    let lines = sdp.media.iter().enumerate();
    let mut usable_lines = lines.filter(|(_, media)| media.port != 0).filter_map(|(at, media)| {
        sdp.address(media)?;
        Some((at, usable(media, capabilities)?))
    });
    usable_lines.next().ok_or_else(|| nothing(sdp))
}

/// The first format that names a codec of ours, by its map or by its static number.
fn usable(media: &MediaDescription<'_>, capabilities: &Capabilities) -> Option<Usable> {
    if !is_kind(media, b"audio") || !media.proto.eq_ignore_ascii_case(b"RTP/AVP") {
        return None;
    }
    // Each number once: every look at one reads all maps, and a hostile offer has thousands of both.
    let numbers = || {
        let mut seen = 0_u128;
        media.formats.iter().filter_map(|f| crate::sdp::payload_type(f)).filter(move |number| {
            let bit = 1_u128 << (number & 127);
            let first = seen & bit == 0;
            seen |= bit;
            first
        })
    };
    let (codec_number, codec) = numbers().find_map(|number| {
        let codec = match media.rtpmap(number) {
            Some(map) => Codec::from_name(map.name)
                .filter(|codec| map.clock_rate == codec.clock_rate() && map.channels == 1),
            None => Codec::ALL.into_iter().find(|codec| codec.payload_type() == number),
        };
        codec.filter(|codec| capabilities.codecs.contains(codec)).map(|codec| (number, codec))
    })?;
    let event_number = numbers().filter(|_| capabilities.telephone_event).find(|number| {
        media.rtpmap(*number).is_some_and(|map| {
            map.name.eq_ignore_ascii_case("telephone-event") && map.clock_rate == 8000
        })
    });
    Some(Usable { codec, codec_number, event_number })
}

fn settle(
    sdp: &SessionDescription<'_>,
    media: &MediaDescription<'_>,
    usable: &Usable,
    local: &Local,
    receive_codec: u8,
    receive_event: Option<u8>,
) -> Result<Settled, Refusal> {
    let address = sdp.address(media).ok_or_else(|| nothing(sdp))?;
    let remote = SocketAddr::new(address, media.port);
    // RFC 3264 §8.4: an unspecified address is a hold from times before directions.
    let theirs = media.direction(sdp);
    let hears_us = theirs.receives() && !address.is_unspecified();
    let flow =
        Flow { send: local.flow.send && hears_us, receive: local.flow.receive && theirs.sends() };
    let ptime = media.number("ptime").and_then(|ms| u16::try_from(ms).ok());
    Ok(Settled {
        audio: StreamSettings {
            remote,
            remote_rtcp: remote_rtcp(media, remote),
            rtcp_mux: false,
            codec: usable.codec,
            send_payload_type: usable.codec_number,
            receive_payload_type: receive_codec,
            send_telephone_event: usable.event_number,
            receive_telephone_event: receive_event,
            flow,
            ptime_ms: ptime.filter(|ms| (10..=60).contains(ms) && ms % 10 == 0).unwrap_or(PTIME_MS),
        },
        held_by_peer: !hears_us,
    })
}

/// `a=rtcp:PORT [IN IP4 ADDRESS]` (RFC 3605), else the next port.
fn remote_rtcp(media: &MediaDescription<'_>, remote: SocketAddr) -> SocketAddr {
    let named = || {
        let mut words =
            std::str::from_utf8(media.attribute("rtcp")?).ok()?.split_ascii_whitespace();
        let port = words.next()?.parse().ok()?;
        let address = words.nth(2).and_then(|text| text.parse().ok()).unwrap_or(remote.ip());
        Some(SocketAddr::new(address, port))
    };
    named().unwrap_or_else(|| SocketAddr::new(remote.ip(), remote.port().saturating_add(1)))
}

/// The offer's own words, byte for byte.
fn refuse_line(out: &mut Vec<u8>, media: &MediaDescription<'_>) {
    let format = media.formats.first().copied().unwrap_or(b"0");
    for piece in [b"m=", media.media, b" 0 ", media.proto, b" ", format, b"\r\n"] {
        out.extend_from_slice(piece);
    }
}

fn accept_line(out: &mut Vec<u8>, usable: &Usable, local: &Local, flow: Flow) {
    let (number, codec) = (usable.codec_number, usable.codec);
    let _written = write!(out, "m=audio {} RTP/AVP {number}", local.audio.port());
    if let Some(event) = usable.event_number {
        let _written = write!(out, " {event}");
    }
    let (name, rate) = (codec.name(), codec.clock_rate());
    let _written = write!(out, "\r\na=rtpmap:{number} {name}/{rate}\r\n");
    if let Some(event) = usable.event_number {
        let _written =
            write!(out, "a=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-16\r\n");
    }
    let direction = Direction::new(flow.send, flow.receive).as_str();
    let _written = write!(out, "a=ptime:{PTIME_MS}\r\na={direction}\r\n");
}
