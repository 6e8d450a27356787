//! Typed attributes, read on demand. What cannot be read is as if it were not there.

use super::description::{MediaDescription, SessionDescription};

/// `a=rtpmap:PT NAME/RATE[/CHANNELS]` (RFC 8866 §6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpMap<'a> {
    /// The payload type, 0–127.
    pub payload_type: u8,
    /// The encoding name.
    pub name: &'a str,
    /// The clock rate in Hz.
    pub clock_rate: u32,
    /// Audio channels.
    pub channels: u8,
}

/// Who sends (RFC 3264 §5.1), from the point of view of whoever wrote the description.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// The writer alone.
    SendOnly,
    /// The reader alone.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// The direction of these two wishes.
    #[must_use]
    pub const fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The attribute's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];
}

/// A payload type, 0–127.
#[must_use]
pub(crate) fn payload_type(text: &[u8]) -> Option<u8> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number: u8 = std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()?;
    (number < 128).then_some(number)
}

impl<'a> MediaDescription<'a> {
    /// What a payload type stands for, if the description says so.
    #[must_use]
    pub fn rtpmap(&self, wanted: u8) -> Option<RtpMap<'a>> {
        self.attributes("rtpmap").find_map(|value| {
            let mut words = std::str::from_utf8(value).ok()?.split_ascii_whitespace();
            let payload_type = payload_type(words.next()?.as_bytes()).filter(|pt| *pt == wanted)?;
            let mut parts = words.next()?.split('/');
            let (name, clock_rate) = (parts.next()?, parts.next()?.parse().ok()?);
            let channels = parts.next().map_or(Some(1), |channels| channels.parse().ok())?;
            Some(RtpMap { payload_type, name, clock_rate, channels })
        })
    }

    /// The direction of this medium: its own, else the session's, else both.
    #[must_use]
    pub fn direction(&self, session: &SessionDescription<'_>) -> Direction {
        let own = Direction::ALL.into_iter().find(|d| self.attribute(d.as_str()).is_some());
        let all = || Direction::ALL.into_iter().find(|d| session.attribute(d.as_str()).is_some());
        own.or_else(all).unwrap_or(Direction::SendRecv)
    }

    /// A number attribute like `ptime`.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        std::str::from_utf8(self.attribute(name)?).ok()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_audio<T>(lines: &str, look: impl Fn(&SessionDescription<'_>) -> T) -> T {
        let text = format!("v=0\r\na=recvonly\r\nm=audio 1 RTP/AVP 0\r\n{lines}");
        look(&SessionDescription::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn rtpmap_names_rate_and_channels() {
        let found = with_audio("a=rtpmap:96 opus/48000/2\r\n", |sdp| {
            sdp.media[0].rtpmap(96).map(|map| (map.name.to_owned(), map.clock_rate, map.channels))
        });
        assert_eq!(found, Some(("opus".into(), 48000, 2)));
    }

    #[test]
    fn r30_r31_r32_strange_maps_are_as_if_not_there() {
        for line in [
            "rtpmap:65535 x/1",
            "rtpmap:128 x/1",
            "rtpmap:abc",
            "rtpmap",
            "rtpmap:",
            "rtpmap:96 x",
            "rtpmap:96 x/99999999999",
            "rtpmap:-1 x/1",
        ] {
            let found = with_audio(&format!("a={line}\r\n"), |sdp| {
                (0..=255).any(|pt| sdp.media[0].rtpmap(pt).is_some())
            });
            assert!(!found, "{line}");
        }
    }

    #[test]
    fn the_mediums_own_direction_comes_first() {
        assert_eq!(with_audio("", |sdp| sdp.media[0].direction(sdp)), Direction::RecvOnly);
        let own = with_audio("a=inactive\r\n", |sdp| sdp.media[0].direction(sdp));
        assert_eq!(own, Direction::Inactive);
        let typo = with_audio("a=inacive\r\n", |sdp| sdp.media[0].direction(sdp));
        assert_eq!(typo, Direction::RecvOnly);
    }
}
