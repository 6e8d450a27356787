//! Answers: ours to an offer, theirs to ours.

use std::net::SocketAddr;

use offhook_media::codec::Codec;
use offhook_media::control::{Flow, StreamSettings};
use offhook_media::srtp::SrtpKeys;

use crate::sdp::crypto::{self, CryptoAttribute};
use crate::sdp::{Direction, MediaDescription, SessionDescription};

use super::{
    Answered, Capabilities, ClosedLine, LocalAudio, LocalChat, Offered, Origin, OwnLine, PTIME_MS,
    Refusal, Settled, SettledAudio, SettledChat, SrtpPolicy, TELEPHONE_EVENT, Wishes,
};
use super::{chat_line, file_line, line};

/// The profile of encrypted audio (RFC 3711 §12).
const SAVP: &[u8] = b"RTP/SAVP";

/// An audio line that we can use, and how.
struct Usable {
    codec: Codec,
    codec_number: u8,
    event_number: Option<u8>,
    /// The peer's key that we take.
    crypto: Option<CryptoAttribute>,
}

/// Looks at the offer of a new call, before there is a session (REFERENCE 0.15, 1.4).
///
/// # Errors
/// 400 or 413 for what is no description, 415 when it has neither audio nor chat, 488 when nothing
/// in it could ever be used.
pub fn screen(offer: &[u8], capabilities: &Capabilities) -> Result<Offered, Refusal> {
    let sdp = SessionDescription::parse(offer)?;
    let has = |kind: &[u8]| sdp.media.iter().any(|m| is_kind(m, kind) && m.port != 0);
    let chats = |m: &&MediaDescription<'_>| is_kind(m, b"message") && !file_line::is_file(m);
    let chat = sdp.media.iter().filter(chats).any(|m| m.port != 0);
    let audio = has(b"audio");
    if !audio && !chat {
        return Err(Refusal::new(415, "the offer has neither audio nor chat"));
    }
    let chat = capabilities.chat && chat;
    let must_encrypt = capabilities.srtp == SrtpPolicy::Mandatory;
    let audio = audio && first_audio(&sdp, capabilities, must_encrypt, None).is_some();
    if !audio && !chat {
        return Err(nothing(&sdp));
    }
    Ok(Offered { audio, chat })
}

/// Answers an offer: line count and order are kept; the audio line, its own or the first that can
/// be used, is taken with exactly one codec and telephone-events, the chat line likewise; all
/// others get port 0 (RFC 3264 §6).
///
/// # Errors
/// When the offer is no description. Where nothing in it can be used the answer has no line with a
/// port, and [`Settled::unmet`] says why.
pub fn answer(
    offer: &[u8],
    capabilities: &Capabilities,
    origin: &Origin,
    wishes: &Wishes,
) -> Result<Answered, Refusal> {
    let sdp = SessionDescription::parse(offer)?;
    let mut settled = Settled::default();
    let mut body = Vec::with_capacity(512);
    line::head(&mut body, origin);
    let audio = wishes.audio.local.as_ref().and_then(|local| {
        let line = wishes.audio.line;
        let (at, usable) = first_audio(&sdp, capabilities, local.must_encrypt, line)?;
        Some((at, usable, local))
    });
    let chat =
        wishes.chat.local.as_ref().and_then(|local| {
            Some((first_chat(&sdp, capabilities, local, wishes.chat.line)?, local))
        });
    let file = wishes
        .file
        .local
        .as_ref()
        .and_then(|local| Some((file_line::first(&sdp, local, wishes.file.line)?, local)));
    let mut lines = Vec::with_capacity(sdp.media.len());
    for (position, media) in sdp.media.iter().enumerate() {
        if let Some((_, usable, local)) = audio.as_ref().filter(|(at, ..)| *at == position) {
            let (codec, event) = (usable.codec_number, usable.event_number);
            let now = settle(&sdp, media, usable, local, (position, codec, event));
            let Some(mut now) = now else { return Err(nothing(&sdp)) };
            let savp = media.proto.eq_ignore_ascii_case(SAVP);
            let local = LocalAudio { savp, ..(*local).clone() };
            let ours = answer_keys(usable, &local);
            now.settings.srtp = ours.as_ref().map(|(_, keys)| keys.clone());
            let key = ours.map(|(key, _)| key);
            let flow = now.settings.flow;
            let format = (codec, usable.codec.name(), usable.codec.clock_rate());
            let direction = Direction::new(flow.send, flow.receive);
            line::audio(&mut body, &local, &[format], event, direction, key.as_slice());
            lines.push(OwnLine::Audio(LocalAudio { flow, ..local }));
            settled.audio = Some(now);
        } else if let Some((_, local)) = chat.as_ref().filter(|((at, _), _)| *at == position) {
            let local = chat_line::answering(media, local);
            line::chat(&mut body, &local);
            lines.push(OwnLine::Chat(local));
        } else if let Some((_, local)) = file.as_ref().filter(|(f, _)| f.link.line == position) {
            let link = chat_line::answering(media, &local.link);
            let local = local.with_link(link);
            line::file(&mut body, &local);
            lines.push(OwnLine::File(Box::new(local)));
        } else {
            let closed = ClosedLine::of(media);
            line::closed(&mut body, &closed);
            lines.push(OwnLine::Closed(closed));
        }
    }
    settled.chat = chat.map(|((_, settled), _)| settled);
    settled.file = file.map(|(settled, _)| settled);
    let lacks_audio = wishes.audio.local.is_some() && settled.audio.is_none();
    let lacks_chat = wishes.chat.local.is_some() && settled.chat.is_none();
    if lacks_audio {
        settled.unmet = Some(nothing(&sdp));
    } else if lacks_chat {
        settled.unmet = Some(no_chat());
    } else if wishes.file.local.is_some() && settled.file.is_none() {
        settled.unmet = Some(file_line::unusable());
    }
    Ok(Answered { body, lines, settled })
}

/// Reads the answer to our [`offer`](super::offer) of `lines` (RFC 3264 §7). Payload types may
/// differ in each direction; what runs is the answer's first format that we know. What the peer
/// refuses is not settled, and [`Settled::unmet`] says so.
///
/// # Errors
/// When the answer is no description or has another number of lines.
pub fn apply_answer(
    answer: &[u8],
    capabilities: &Capabilities,
    lines: &[OwnLine],
) -> Result<Settled, Refusal> {
    let sdp = SessionDescription::parse(answer)?;
    let (found, wanted) = (sdp.media.len(), lines.len());
    if found != wanted {
        let text = format!("the answer has {found} media lines, the offer {wanted}");
        return Err(Refusal::new(488, text));
    }
    let mut settled = Settled::default();
    for (at, (media, own)) in sdp.media.iter().zip(lines).enumerate() {
        match own {
            OwnLine::Audio(local) => {
                settled.audio = audio_answer(&sdp, media, capabilities, local, at);
                if settled.audio.is_none() {
                    settled.left_open.audio = media.port != 0;
                    let refused = || Refusal::new(488, "the peer refused the audio stream");
                    settled.unmet = Some(if media.port == 0 { refused() } else { nothing(&sdp) });
                }
            }
            OwnLine::Chat(local) => {
                let read = chat_line::read(&sdp, media, local, true);
                settled.chat = read.map(|chat| SettledChat { line: at, ..chat });
                settled.left_open.chat = settled.chat.is_none() && media.port != 0;
                if settled.chat.is_none() && settled.unmet.is_none() {
                    let refused = || Refusal::new(488, "the peer refused the chat stream");
                    settled.unmet = Some(if media.port == 0 { refused() } else { no_chat() });
                }
            }
            OwnLine::File(local) => {
                settled.file = file_line::read(&sdp, media, local, true, at);
                settled.file_left_open = settled.file.is_none() && media.port != 0;
                if settled.file.is_none() && settled.unmet.is_none() {
                    let refused = || Refusal::new(488, "the peer refused the file");
                    let open = media.port != 0;
                    settled.unmet = Some(if open { file_line::unusable() } else { refused() });
                }
            }
            OwnLine::Closed(_) => {}
        }
    }
    Ok(settled)
}

fn audio_answer(
    sdp: &SessionDescription<'_>,
    media: &MediaDescription<'_>,
    capabilities: &Capabilities,
    local: &LocalAudio,
    at: usize,
) -> Option<SettledAudio> {
    let usable = usable(media, capabilities, local.must_encrypt).filter(|_| media.port != 0)?;
    let savp = media.proto.eq_ignore_ascii_case(SAVP);
    let mut keys = None;
    if usable.crypto.is_some() && !local.keys.is_empty() {
        // Keys that are no answer to ours: the peer and we would not hear each other.
        keys = Some(crypto::apply_answer(&local.keys, media.attributes("crypto")).ok()?);
    }
    if keys.is_none() && (savp || local.must_encrypt) {
        return None;
    }
    let event = usable.event_number.map(|_| TELEPHONE_EVENT);
    let settled = settle(sdp, media, &usable, local, (at, usable.codec.payload_type(), event))?;
    let settings = StreamSettings { srtp: keys, ..settled.settings };
    Some(SettledAudio { answers_hold: !local.flow.receive, settings, ..settled })
}

fn nothing(sdp: &SessionDescription<'_>) -> Refusal {
    let audio: Vec<_> = sdp.media.iter().filter(|media| is_kind(media, b"audio")).collect();
    let known = audio.iter().any(|media| is_avp(media) || media.proto.eq_ignore_ascii_case(SAVP));
    Refusal::new(
        488,
        match (audio.is_empty(), known) {
            (true, _) => "chat alone is not supported",
            (false, false) => "the audio transport is not supported, only RTP/AVP and RTP/SAVP are",
            (false, true) => {
                "no common audio codec, no address to send to, or encryption that does not fit"
            }
        },
    )
}

fn no_chat() -> Refusal {
    Refusal::new(488, "the chat line has no usable path, or another transport than ours")
}

fn is_kind(media: &MediaDescription<'_>, kind: &[u8]) -> bool {
    media.media.eq_ignore_ascii_case(kind)
}

/// Lines with a port, all or the one at `only`.
fn open_lines<'a, 'b>(
    sdp: &'b SessionDescription<'a>,
    only: Option<usize>,
) -> impl Iterator<Item = (usize, &'b MediaDescription<'a>)> {
    let lines = sdp.media.iter().enumerate();
    lines.filter(move |(at, media)| media.port != 0 && only.is_none_or(|only| only == *at))
}

fn first_audio(
    sdp: &SessionDescription<'_>,
    capabilities: &Capabilities,
    must_encrypt: bool,
    only: Option<usize>,
) -> Option<(usize, Usable)> {
    open_lines(sdp, only).find_map(|(at, media)| {
        sdp.address(media)?;
        Some((at, usable(media, capabilities, must_encrypt)?))
    })
}

fn first_chat(
    sdp: &SessionDescription<'_>,
    capabilities: &Capabilities,
    local: &LocalChat,
    only: Option<usize>,
) -> Option<(usize, SettledChat)> {
    let mut lines =
        open_lines(sdp, only).filter(|(_, media)| capabilities.chat && !file_line::is_file(media));
    lines.find_map(|(at, media)| {
        let chat = chat_line::read(sdp, media, local, false)?;
        Some((at, SettledChat { line: at, ..chat }))
    })
}

fn is_avp(media: &MediaDescription<'_>) -> bool {
    media.proto.eq_ignore_ascii_case(b"RTP/AVP")
}

/// Our line to the key that we took, and the keys from then on. Ours is the one that we have for
/// that suite: it stays the same through the call (RFC 4568 §7.1.4).
fn answer_keys(usable: &Usable, local: &LocalAudio) -> Option<(CryptoAttribute, SrtpKeys)> {
    let chosen = usable.crypto.as_ref()?;
    let own = local.keys.iter().find(|key| key.suite == chosen.suite)?;
    Some(crypto::answer_with(chosen, own.key.clone()))
}

/// The first format that names a codec of ours, by its map or by its static number.
fn usable(
    media: &MediaDescription<'_>,
    capabilities: &Capabilities,
    must_encrypt: bool,
) -> Option<Usable> {
    let savp = media.proto.eq_ignore_ascii_case(SAVP);
    if !is_kind(media, b"audio") || !(savp || is_avp(media)) {
        return None;
    }
    let able = capabilities.srtp != SrtpPolicy::Disabled;
    let crypto = if able { crypto::choose(media.attributes("crypto")) } else { None };
    // Who insists on SRTP insists on RTP/SAVP in a new call (REFERENCE 1.8).
    let plain = capabilities.srtp == SrtpPolicy::Mandatory && !savp;
    if plain || crypto.is_none() && (savp || must_encrypt) {
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
    Some(Usable { codec, codec_number, event_number, crypto })
}

/// `place` is the line and the payload types that we receive codec and events with.
fn settle(
    sdp: &SessionDescription<'_>,
    media: &MediaDescription<'_>,
    usable: &Usable,
    local: &LocalAudio,
    place: (usize, u8, Option<u8>),
) -> Option<SettledAudio> {
    let (line, receive_payload_type, receive_telephone_event) = place;
    let address = sdp.address(media)?;
    let remote = SocketAddr::new(address, media.port);
    let said = media.direction(sdp);
    let theirs = Direction::new(said.sends(), said.receives() && !address.is_unspecified());
    let flow = Flow {
        send: local.flow.send && theirs.receives(),
        receive: local.flow.receive && theirs.sends(),
    };
    let ptime = media.number("ptime").and_then(|ms| u16::try_from(ms).ok());
    Some(SettledAudio {
        line,
        settings: StreamSettings {
            remote,
            remote_rtcp: remote_rtcp(media, remote),
            rtcp_mux: false,
            codec: usable.codec,
            send_payload_type: usable.codec_number,
            receive_payload_type,
            send_telephone_event: usable.event_number,
            receive_telephone_event,
            flow,
            on_hold: local.on_hold,
            ptime_ms: ptime.filter(|ms| (10..=60).contains(ms) && ms % 10 == 0).unwrap_or(PTIME_MS),
            silence: local.silence,
            srtp: None,
        },
        theirs,
        answers_hold: false,
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
