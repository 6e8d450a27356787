//! The lines of our own descriptions: printed, and closed.

use std::io::Write as _;
use std::net::IpAddr;

use crate::sdp::crypto::CryptoAttribute;
use crate::sdp::{Direction, MediaDescription};

use super::{LocalAudio, LocalChat, LocalFile, Origin, PTIME_MS};

/// A line with port 0, in the words of whoever opened it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClosedLine {
    media: Box<[u8]>,
    proto: Box<[u8]>,
    format: Box<[u8]>,
}

impl ClosedLine {
    pub(super) fn of(media: &MediaDescription<'_>) -> Self {
        let format = media.formats.first().copied().unwrap_or(b"0");
        Self { media: media.media.into(), proto: media.proto.into(), format: format.into() }
    }
}

/// One line of a description of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnLine {
    /// Audio.
    Audio(LocalAudio),
    /// Chat.
    Chat(LocalChat),
    /// A file.
    File(Box<LocalFile>),
    /// Not used, or not used any more.
    Closed(ClosedLine),
}

impl OwnLine {
    /// The line with port 0 (RFC 3264 §8.2).
    #[must_use]
    pub fn closed(&self) -> Self {
        let closed = |media: &[u8], proto: &[u8], format: &[u8]| {
            Self::Closed(ClosedLine {
                media: media.into(),
                proto: proto.into(),
                format: format.into(),
            })
        };
        match self {
            Self::Audio(audio) => closed(b"audio", audio.proto().as_bytes(), b"0"),
            Self::Chat(chat) => closed(b"message", chat.proto().as_bytes(), b"*"),
            Self::File(file) => closed(b"message", file.link.proto().as_bytes(), b"*"),
            Self::Closed(_) => self.clone(),
        }
    }

    /// Whether it has port 0.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Whether it is, or was, a line for that medium: `audio`, `message` for chat, `file`. A closed
    /// one for a file is for `message`, as its words are.
    #[must_use]
    pub fn is_for(&self, medium: &str) -> bool {
        match self {
            Self::Audio(_) => medium == "audio",
            Self::Chat(_) => medium == "message",
            Self::File(_) => medium == "file",
            Self::Closed(line) => line.media.eq_ignore_ascii_case(medium.as_bytes()),
        }
    }
}

/// The lines that every description of ours begins with.
pub(super) fn head(out: &mut Vec<u8>, origin: &Origin) {
    let (address, Origin { session_id, version, .. }) = (origin.address, *origin);
    let family = match address {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    };
    // Writing to a Vec does not fail, here and below.
    let _written = write!(
        out,
        "v=0\r\no=- {session_id} {version} IN {family} {address}\r\ns=-\r\n\
         c=IN {family} {address}\r\nt=0 0\r\n"
    );
}

/// One codec under its payload type, as `(0, "PCMU", 8000)`.
pub(super) type Format = (u8, &'static str, u32);

/// `keys`: those of the local side, or the one of an answer.
pub(super) fn audio(
    out: &mut Vec<u8>,
    local: &LocalAudio,
    formats: &[Format],
    event: Option<u8>,
    direction: Direction,
    keys: &[CryptoAttribute],
) {
    let _written = write!(out, "m=audio {} {}", local.address.port(), local.proto());
    for number in formats.iter().map(|format| format.0).chain(event) {
        let _written = write!(out, " {number}");
    }
    out.extend_from_slice(b"\r\n");
    for (number, name, rate) in formats {
        let _written = write!(out, "a=rtpmap:{number} {name}/{rate}\r\n");
    }
    if let Some(event) = event {
        let _written =
            write!(out, "a=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-16\r\n");
    }
    keys.iter().for_each(|key| key.print(out));
    let _written = write!(out, "a=ptime:{PTIME_MS}\r\na={}\r\n", direction.as_str());
}

pub(super) fn chat(out: &mut Vec<u8>, chat: &LocalChat) {
    message(out, chat, &chat.accept.types);
    let _written = write!(out, "a=accept-wrapped-types:{}\r\n", chat.accept.wrapped);
    connection(out, chat);
}

/// Whoever gets a file takes any type: the selector tells the one that comes.
pub(super) fn file(out: &mut Vec<u8>, file: &LocalFile) {
    message(out, &file.link, "*");
    let _written = write!(out, "a={}\r\n", file.role.direction().as_str());
    for (name, value) in file.lines() {
        let _written = write!(out, "a={name}:{value}\r\n");
    }
    connection(out, &file.link);
}

fn message(out: &mut Vec<u8>, link: &LocalChat, accept_types: &str) {
    let (port, proto, path) = (link.port, link.proto(), &link.path);
    let _written = write!(
        out,
        "m=message {port} {proto} *\r\na=path:{path}\r\na=accept-types:{accept_types}\r\n"
    );
}

fn connection(out: &mut Vec<u8>, chat: &LocalChat) {
    if let Some(setup) = chat.setup {
        let _written = write!(out, "a=setup:{}\r\n", setup.as_str());
    }
    if let Some(fingerprint) = &chat.fingerprint {
        let _written = write!(out, "a=fingerprint:{fingerprint}\r\n");
    }
}

pub(super) fn closed(out: &mut Vec<u8>, line: &ClosedLine) {
    for piece in [b"m=", &*line.media, b" 0 ", &line.proto, b" ", &line.format, b"\r\n"] {
        out.extend_from_slice(piece);
    }
}
