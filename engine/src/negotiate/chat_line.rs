//! What a chat line says of its connection: over TLS or not, who connects, which certificate.

use crate::sdp::fingerprint::{FINGERPRINTS_MAX, Fingerprint};
use crate::sdp::{MediaDescription, SessionDescription};

use super::file_line::is_file;
use super::{Chatroom, LocalChat, PATH_MAX, SettledChat};

/// `a=setup`: who connects (RFC 6135 §4, RFC 4145 §4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Setup {
    /// The one who says so connects.
    Active,
    /// The other side is to connect.
    Passive,
    /// Either: the answer decides.
    ActPass,
    /// Nobody for now.
    HoldConn,
}

impl Setup {
    /// The value of the attribute.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }

    fn of(media: &MediaDescription<'_>) -> Option<Self> {
        let value = media.attribute("setup")?.trim_ascii();
        let all = [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn];
        all.into_iter().find(|setup| value.eq_ignore_ascii_case(setup.as_str().as_bytes()))
    }

    /// What we answer. Where the choice is ours the side that offered connects, as it does where
    /// nothing is said (RFC 4975 §5.4).
    const fn answered(self) -> Self {
        match self {
            Self::Passive => Self::Active,
            Self::Active | Self::ActPass | Self::HoldConn => Self::Passive,
        }
    }
}

/// The chat line of an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfferedChat {
    /// It is over TLS.
    pub tls: bool,
    /// We are asked to connect.
    pub connect: bool,
}

/// The first chat line of an offer that has a path, if there is one.
#[must_use]
pub fn offered_chat(offer: &[u8]) -> Option<OfferedChat> {
    let sdp = SessionDescription::parse(offer).ok()?;
    let mut lines = sdp.media.iter().filter(|media| !is_file(media));
    lines.find_map(|media| offered(media))
}

/// A line over MSRP that has a port and a path.
pub(super) fn offered(media: &MediaDescription<'_>) -> Option<OfferedChat> {
    path(media).filter(|_| media.port != 0)?;
    let tls = is_over_tls(media)?;
    Some(OfferedChat { tls, connect: Setup::of(media) == Some(Setup::Passive) })
}

/// `None`: it is no chat line.
fn is_over_tls(media: &MediaDescription<'_>) -> Option<bool> {
    if !media.media.eq_ignore_ascii_case(b"message") {
        return None;
    }
    [(&b"TCP/MSRP"[..], false), (b"TCP/TLS/MSRP", true)]
        .into_iter()
        .find_map(|(proto, tls)| media.proto.eq_ignore_ascii_case(proto).then_some(tls))
}

fn text<'a>(media: &MediaDescription<'a>, name: &str) -> Option<&'a str> {
    std::str::from_utf8(media.attribute(name)?).ok().map(str::trim)
}

fn path<'a>(media: &MediaDescription<'a>) -> Option<&'a str> {
    let path = text(media, "path").filter(|path| !path.is_empty() && path.len() <= PATH_MAX)?;
    let scheme = |uri: &str| {
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|s| s.eq_ignore_ascii_case("msrp") || s.eq_ignore_ascii_case("msrps"))
    };
    path.split_ascii_whitespace().all(scheme).then_some(path)
}

/// The peer's certificates: of the line, else of the whole description (RFC 8122 §5). `Err` when it
/// tells some and we can hold none of them against a certificate.
fn fingerprints(
    sdp: &SessionDescription<'_>,
    media: &MediaDescription<'_>,
) -> Result<Vec<Fingerprint>, ()> {
    let read = |value: &[u8]| std::str::from_utf8(value).ok()?.parse().ok();
    let mut told = false;
    let mut found = Vec::new();
    let own: Vec<_> = media.attributes("fingerprint").take(FINGERPRINTS_MAX).collect();
    let values = if own.is_empty() {
        sdp.attributes("fingerprint").take(FINGERPRINTS_MAX).collect()
    } else {
        own
    };
    for value in values {
        told = true;
        found.extend(read(value));
    }
    if told && found.is_empty() { Err(()) } else { Ok(found) }
}

/// A chat line over our own transport, with a path (RFC 4975 §8.1). `answers`: it answers an offer
/// of ours.
pub(super) fn read(
    sdp: &SessionDescription<'_>,
    media: &MediaDescription<'_>,
    local: &LocalChat,
    answers: bool,
) -> Option<SettledChat> {
    let tls = is_over_tls(media).filter(|tls| *tls == local.tls && media.port != 0)?;
    let path = path(media)?;
    let setup = Setup::of(media);
    let connects = match (answers, setup) {
        (true, setup) => setup != Some(Setup::Active),
        (false, setup) => setup == Some(Setup::Passive),
    };
    Some(SettledChat {
        line: 0,
        path: path.into(),
        tls,
        connects,
        fingerprints: fingerprints(sdp, media).ok(),
        accept_types: text(media, "accept-types").unwrap_or("*").into(),
        accept_wrapped_types: text(media, "accept-wrapped-types").unwrap_or_default().into(),
        chatroom: Chatroom::of(media),
    })
}

/// Our side of the line as the answer to theirs has it: who connects is said to those who said so.
pub(super) fn answering(media: &MediaDescription<'_>, local: &LocalChat) -> LocalChat {
    LocalChat { setup: Setup::of(media).map(Setup::answered), ..local.clone() }
}
