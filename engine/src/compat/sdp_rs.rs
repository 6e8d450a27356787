//! `sdp-rs` 0.2: session descriptions, both ways.
//!
//! `sdp-rs` has a fixed order of lines (RFC 8866 §5), needs `o=`, `s=` and `t=`, knows no other
//! letters, and prints numbers and addresses its own way. A description that it would print
//! differently is refused, so that what converts is the same on both sides. Attributes that
//! `sdp-rs` prints wrong, as `rtpmap` with channels, become `Attribute::Other`.
//!
//! ```
//! use offhook::compat::sdp_rs::to_bytes;
//! use offhook::sdp::SessionDescription;
//!
//! let text = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
//! let theirs = sdp_rs::SessionDescription::try_from(&SessionDescription::parse(text)?)?;
//! assert_eq!(theirs.media_descriptions[0].media.port, 4000);
//! assert_eq!(to_bytes(&theirs)?, text);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use ::sdp_rs::lines::attribute::{Attribute, Rtpmap};
use ::sdp_rs::lines::bandwidth::{Bandwidth, Bwtype};
use ::sdp_rs::lines::common::{Addrtype, Nettype, TypedTime};
use ::sdp_rs::lines::connection::{Connection, ConnectionAddress};
use ::sdp_rs::lines::key::{Key, KeyMethod};
use ::sdp_rs::lines::media::Media;
use ::sdp_rs::lines::zone::{Zone, ZonePart};
use ::sdp_rs::lines::{
    Active, Email, Origin, Phone, Repeat, SessionInformation, SessionName, Uri, Version,
};
use ::sdp_rs::{MediaDescription as TheirMedia, SessionDescription as Theirs, Time};

use crate::sdp::{Line, MediaDescription, SdpError, SessionDescription};

/// Digits of a time span at most: a longer one makes `sdp-rs` panic.
const SPAN_DIGITS_MAX: usize = 9;

/// What the other side cannot hold.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConversionError {
    /// A line that must be there is missing: its letter.
    Missing(char),
    /// A line stands more often than it may: its letter.
    Twice(char),
    /// A line cannot be held, or would be printed otherwise: its letter.
    Line(char),
    /// The lines stand in another order than RFC 8866 §5 has them.
    Order,
    /// The text is no UTF-8.
    Text,
    /// A text of `sdp-rs` would be read as something else, as a line end or a blank in a word.
    BreaksOut(&'static str),
    /// What was put together is no description.
    Sdp(SdpError),
}

impl fmt::Display for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(letter) => write!(f, "sdp-rs needs a line {letter}="),
            Self::Twice(letter) => write!(f, "sdp-rs has room for one line {letter}="),
            Self::Line(letter) => write!(f, "sdp-rs cannot hold a line {letter}= as it is written"),
            Self::Order => f.write_str("the lines do not have the order of RFC 8866"),
            Self::Text => f.write_str("the description is no UTF-8"),
            Self::BreaksOut(what) => {
                write!(f, "the text of {what} would be read as something else")
            }
            Self::Sdp(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConversionError {}

type Result<T> = std::result::Result<T, ConversionError>;

impl TryFrom<&SessionDescription<'_>> for Theirs {
    type Error = ConversionError;

    fn try_from(ours: &SessionDescription<'_>) -> Result<Self> {
        let lines = &ours.lines;
        let media_descriptions = ours.media.iter().map(media).collect::<Result<_>>()?;
        let known = b"vosiuepcbtrzka";
        if let Some(line) = lines.iter().find(|line| !known.contains(&line.kind)) {
            return Err(ConversionError::Line(char::from(line.kind)));
        }
        let theirs = Self {
            version: Version::V0,
            origin: needed(lines, b'o', origin)?,
            session_name: needed(lines, b's', |text| Some(SessionName::new(text.into())))?,
            session_info: one(lines, b'i', |text| Some(SessionInformation::new(text.into())))?,
            uri: one(lines, b'u', |text| Some(Uri::new(text.into())))?,
            emails: all(lines, b'e', |text| Some(Email::new(text.into())))?,
            phones: all(lines, b'p', |text| Some(Phone::new(text.into())))?,
            connection: one(lines, b'c', connection)?,
            bandwidths: all(lines, b'b', bandwidth)?,
            times: times(lines)?.try_into().map_err(|_| ConversionError::Missing('t'))?,
            key: one(lines, b'k', |text| Some(key(text)))?,
            attributes: all(lines, b'a', |text| Some(attribute(text)))?,
            media_descriptions,
        };
        same(ours.to_bytes(), to_bytes(&theirs)?).map(|()| theirs)
    }
}

/// Whether both print the same, else the first difference by its name.
fn same(ours: Vec<u8>, theirs: Vec<u8>) -> Result<()> {
    if ours == theirs {
        return Ok(());
    }
    let lines = |text: &[u8]| {
        let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        lines.sort();
        lines
    };
    let (ours, theirs) = (lines(&ours), lines(&theirs));
    let changed = ours.iter().find(|line| theirs.binary_search(line).is_err());
    let letter = changed.and_then(|line| line.first());
    Err(letter.map_or(ConversionError::Order, |l| ConversionError::Line(char::from(*l))))
}

fn all<T>(lines: &[Line<'_>], kind: u8, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
    let values = lines.iter().filter(|line| line.kind == kind).map(|line| line.value);
    let read = |value| {
        let text = std::str::from_utf8(value).map_err(|_| ConversionError::Text)?;
        read(text).ok_or(ConversionError::Line(char::from(kind)))
    };
    values.map(read).collect()
}

fn one<T>(lines: &[Line<'_>], kind: u8, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    let mut all = all(lines, kind, read)?;
    if all.len() > 1 { Err(ConversionError::Twice(char::from(kind))) } else { Ok(all.pop()) }
}

fn needed<T>(lines: &[Line<'_>], kind: u8, read: impl Fn(&str) -> Option<T>) -> Result<T> {
    one(lines, kind, read)?.ok_or(ConversionError::Missing(char::from(kind)))
}

fn media(ours: &MediaDescription<'_>) -> Result<TheirMedia> {
    let known = b"icbka";
    if let Some(line) = ours.lines.iter().find(|line| !known.contains(&line.kind)) {
        return Err(ConversionError::Line(char::from(line.kind)));
    }
    let value = std::str::from_utf8(ours.value).map_err(|_| ConversionError::Text)?;
    Ok(TheirMedia {
        media: media_line(value).ok_or(ConversionError::Line('m'))?,
        info: one(&ours.lines, b'i', |text| Some(SessionInformation::new(text.into())))?,
        connections: all(&ours.lines, b'c', connection)?,
        bandwidths: all(&ours.lines, b'b', bandwidth)?,
        key: one(&ours.lines, b'k', |text| Some(key(text)))?,
        attributes: all(&ours.lines, b'a', |text| Some(attribute(text)))?,
    })
}

fn media_line(value: &str) -> Option<Media> {
    let mut words = value.splitn(4, ' ');
    let (media, port, proto) = (words.next()?, words.next()?, words.next()?);
    let (port, count) = port.split_once('/').map_or((port, None), |(p, count)| (p, Some(count)));
    let num_of_ports = match count {
        None => None,
        Some(count) => Some(count.parse().ok()?),
    };
    Some(Media {
        media: media.into(),
        port: port.parse().ok()?,
        num_of_ports,
        proto: proto.into(),
        fmt: words.next()?.into(),
    })
}

fn origin(value: &str) -> Option<Origin> {
    let words: Vec<_> = value.split(' ').collect();
    let [username, sess_id, sess_version, nettype, addrtype, address] = words[..] else {
        return None;
    };
    Some(Origin {
        username: username.into(),
        sess_id: sess_id.into(),
        sess_version: sess_version.into(),
        nettype: nettype.into(),
        addrtype: addrtype.into(),
        unicast_address: address.parse().ok()?,
    })
}

fn connection(value: &str) -> Option<Connection> {
    let words: Vec<_> = value.split(' ').collect();
    let [nettype, addrtype, address] = words[..] else { return None };
    let mut parts = address.split('/');
    let base = parts.next()?.parse().ok()?;
    let numbers: Vec<u32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    // An IPv6 address has no time to live (RFC 8866 §5.7).
    let (ttl, numaddr) = match numbers[..] {
        [] => (None, None),
        [count] if addrtype == "IP6" => (None, Some(count)),
        [ttl] => (Some(ttl), None),
        [ttl, count] => (Some(ttl), Some(count)),
        _ => return None,
    };
    let connection_address = ConnectionAddress { base, ttl, numaddr };
    Some(Connection { nettype: nettype.into(), addrtype: addrtype.into(), connection_address })
}

fn bandwidth(value: &str) -> Option<Bandwidth> {
    let (kind, number) = value.split_once(':')?;
    Some(Bandwidth { bwtype: kind.into(), bandwidth: number.parse().ok()? })
}

fn key(value: &str) -> Key {
    let (method, key) = value.split_once(':').unwrap_or((value, ""));
    Key { method: method.into(), encryption_key: key.into() }
}

/// Their own variant where it is printed just so.
fn attribute(value: &str) -> Attribute {
    let (name, text) = value.split_once(':').map_or((value, None), |(n, text)| (n, Some(text)));
    let typed = match (name, text) {
        ("sendrecv", None) => Some(Attribute::Sendrecv),
        ("sendonly", None) => Some(Attribute::Sendonly),
        ("recvonly", None) => Some(Attribute::Recvonly),
        ("inactive", None) => Some(Attribute::Inactive),
        ("tool", Some(text)) => Some(Attribute::Tool(text.into())),
        ("ptime", Some(text)) => text.parse().ok().map(Attribute::Ptime),
        ("maxptime", Some(text)) => text.parse().ok().map(Attribute::Maxptime),
        ("rtpmap", Some(text)) => rtpmap(text).map(Attribute::Rtpmap),
        _ => None,
    };
    let exact = |typed: &Attribute| typed.to_string().strip_prefix("a=") == Some(value);
    let other = || Attribute::Other(name.into(), text.map(Into::into));
    typed.filter(exact).unwrap_or_else(other)
}

fn rtpmap(value: &str) -> Option<Rtpmap> {
    let (payload_type, encoding) = value.split_once(' ')?;
    let (name, clock_rate) = encoding.split_once('/')?;
    Some(Rtpmap {
        payload_type: payload_type.parse().ok()?,
        encoding_name: name.into(),
        clock_rate: clock_rate.parse().ok()?,
        encoding_params: None,
    })
}

fn times(lines: &[Line<'_>]) -> Result<Vec<Time>> {
    let mut times: Vec<Time> = Vec::new();
    for line in lines {
        let text = || std::str::from_utf8(line.value).map_err(|_| ConversionError::Text);
        let fault = ConversionError::Line(char::from(line.kind));
        if !matches!(line.kind, b't' | b'r' | b'z') {
            continue;
        }
        let words: Vec<_> = text()?.split(' ').collect();
        let taken = match (line.kind, times.last_mut()) {
            (b't', _) => active(&words).map(|active| {
                times.push(Time { active, repeat: Vec::new(), zone: None });
            }),
            (b'r', Some(time)) => repeat(&words).map(|repeat| time.repeat.push(repeat)),
            (_, Some(time)) if time.zone.is_none() => {
                zone(&words).map(|zone| time.zone = Some(zone))
            }
            _ => return Err(ConversionError::Order),
        };
        taken.ok_or(fault)?;
    }
    Ok(times)
}

fn active(words: &[&str]) -> Option<Active> {
    let [start, stop] = words else { return None };
    Some(Active { start: start.parse().ok()?, stop: stop.parse().ok()? })
}

fn repeat(words: &[&str]) -> Option<Repeat> {
    let [interval, duration, offsets @ ..] = words else { return None };
    let offsets = offsets.iter().map(|word| span(word)).collect::<Option<Vec<_>>>()?;
    (!offsets.is_empty()).then_some(())?;
    Some(Repeat { interval: span(interval)?, duration: span(duration)?, offsets })
}

fn zone(words: &[&str]) -> Option<Zone> {
    let pairs = words.chunks(2).map(|pair| {
        let [adjustment, offset] = pair else { return None };
        Some(ZonePart { adjustment_time: adjustment.parse().ok()?, offset: span(offset)? })
    });
    Some(Zone { parts: pairs.collect::<Option<_>>()? })
}

/// A time span. A long number never reaches theirs.
fn span(word: &str) -> Option<TypedTime> {
    let number = word.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or(word);
    let digits = number.strip_prefix('-').unwrap_or(number);
    let short = !digits.is_empty() && digits.len() <= SPAN_DIGITS_MAX;
    let plain = short && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { TypedTime::try_from(word).ok() } else { None }
}

/// The description as bytes, which [`SessionDescription::parse`] reads.
///
/// # Errors
/// When a text has a line end or a NUL in it, a word has a blank, or the result passes a limit of
/// ours.
pub fn to_bytes(theirs: &Theirs) -> Result<Vec<u8>> {
    let mut lines =
        vec!["v=0".to_owned(), origin_line(&theirs.origin)?, theirs.session_name.to_string()];
    lines.extend(theirs.session_info.iter().map(ToString::to_string));
    lines.extend(theirs.uri.iter().map(ToString::to_string));
    lines.extend(theirs.emails.iter().map(ToString::to_string));
    lines.extend(theirs.phones.iter().map(ToString::to_string));
    common(&mut lines, theirs.connection.as_slice(), &theirs.bandwidths)?;
    for time in &theirs.times {
        lines.push(time.active.to_string());
        lines.extend(time.repeat.iter().map(ToString::to_string));
        lines.extend(time.zone.iter().map(ToString::to_string));
    }
    keys_and_attributes(&mut lines, theirs.key.as_ref(), &theirs.attributes)?;
    for medium in &theirs.media_descriptions {
        word("a media type", &medium.media.media)?;
        word("a media protocol", &medium.media.proto)?;
        lines.push(format!("m={}", medium.media));
        lines.extend(medium.info.iter().map(ToString::to_string));
        common(&mut lines, &medium.connections, &medium.bandwidths)?;
        keys_and_attributes(&mut lines, medium.key.as_ref(), &medium.attributes)?;
    }
    let mut bytes = Vec::new();
    for line in lines {
        if line.contains(['\r', '\n', '\0']) {
            return Err(ConversionError::BreaksOut("a line"));
        }
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    SessionDescription::parse(&bytes).map_err(ConversionError::Sdp)?;
    Ok(bytes)
}

/// A text that stands between blanks or colons.
fn word(what: &'static str, text: &impl ToString) -> Result<()> {
    let text = text.to_string();
    let good = !text.is_empty() && !text.contains([' ', ':', '\t']);
    good.then_some(()).ok_or(ConversionError::BreaksOut(what))
}

fn types(nettype: &Nettype, addrtype: &Addrtype) -> Result<()> {
    word("a network type", nettype)?;
    word("an address type", addrtype)
}

fn origin_line(origin: &Origin) -> Result<String> {
    for part in [&origin.username, &origin.sess_id, &origin.sess_version] {
        // Colons are fine in a user name.
        word("the origin", &part.replace(':', "-"))?;
    }
    types(&origin.nettype, &origin.addrtype)?;
    Ok(origin.to_string())
}

fn common(lines: &mut Vec<String>, at: &[Connection], bandwidths: &[Bandwidth]) -> Result<()> {
    for connection in at {
        types(&connection.nettype, &connection.addrtype)?;
        lines.push(connection.to_string());
    }
    for bandwidth in bandwidths {
        if let Bwtype::Other(kind) = &bandwidth.bwtype {
            word("a bandwidth", kind)?;
        }
        lines.push(bandwidth.to_string());
    }
    Ok(())
}

fn keys_and_attributes(
    lines: &mut Vec<String>,
    key: Option<&Key>,
    attributes: &[Attribute],
) -> Result<()> {
    if let Some(key) = key {
        word("a key's method", &key.method)?;
        if key.method == KeyMethod::Prompt && !key.encryption_key.is_empty() {
            return Err(ConversionError::BreaksOut("a key"));
        }
        lines.push(key.to_string());
    }
    for attribute in attributes {
        lines.push(attribute_line(attribute)?);
    }
    Ok(())
}

fn attribute_line(attribute: &Attribute) -> Result<String> {
    match attribute {
        Attribute::Rtpmap(map) => {
            word("an encoding name", &map.encoding_name)?;
            // Theirs puts a blank before the channels.
            let channels = map.encoding_params.map(|channels| format!("/{channels}"));
            let channels = channels.unwrap_or_default();
            let (number, name, rate) = (map.payload_type, &map.encoding_name, map.clock_rate);
            return Ok(format!("a=rtpmap:{number} {name}/{rate}{channels}"));
        }
        Attribute::Other(name, _) => word("an attribute's name", name)?,
        Attribute::Ptime(number) | Attribute::Maxptime(number) | Attribute::Framerate(number)
            if !number.is_finite() =>
        {
            return Err(ConversionError::BreaksOut("a number"));
        }
        _ => {}
    }
    Ok(attribute.to_string())
}
