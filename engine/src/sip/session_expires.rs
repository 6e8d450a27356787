//! Session-Expires and Min-SE (RFC 4028), and lists of option tags.

use super::header::HeaderName;
use super::headers::text;
use super::message::Message;

/// The shortest session timer that we take, in seconds (RFC 4028 §5).
pub const MIN_SE_S: u32 = 90;
/// The longest one that a peer can make us keep, in seconds.
pub const MAX_SE_S: u32 = 7 * 86_400;

/// A Session-Expires header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionExpires {
    /// Seconds, [`MAX_SE_S`] at most.
    pub interval: u32,
    /// Whether the sender of the request refreshes, if the header says who does.
    pub uac_refreshes: Option<bool>,
}

impl SessionExpires {
    /// Reads the header's value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = text(value);
        let mut parts = value.split(';').map(str::trim);
        let interval: u32 = parts.next()?.parse().ok()?;
        let refresher = parts.find_map(|part| {
            let (name, who) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("refresher").then(|| who.trim().to_ascii_lowercase())
        });
        let uac_refreshes = match refresher.as_deref() {
            Some("uac") => Some(true),
            Some("uas") => Some(false),
            _ => None,
        };
        Some(Self { interval: interval.min(MAX_SE_S), uac_refreshes })
    }
}

impl<B: AsRef<[u8]>> Message<B> {
    /// The session timer that it asks for or settles.
    #[must_use]
    pub fn session_expires(&self) -> Option<SessionExpires> {
        SessionExpires::parse(self.header(HeaderName::SessionExpires)?)
    }

    /// The shortest session timer that the peer takes, in seconds, within our own limits.
    #[must_use]
    pub fn min_se(&self) -> Option<u32> {
        let value = text(self.header_by_name("Min-SE")?);
        let seconds: u32 = value.split(';').next()?.trim().parse().ok()?;
        Some(seconds.clamp(MIN_SE_S, MAX_SE_S))
    }

    /// The seconds of Retry-After, without its comment and parameters (RFC 3261 §20.33).
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        let value = text(self.header(HeaderName::RetryAfter)?);
        value.split(['(', ';']).next()?.trim().parse().ok()
    }

    /// Whether a header that is a list has that word, like an option tag in Supported.
    #[must_use]
    pub fn lists(&self, name: HeaderName, word: &str) -> bool {
        let word = word.as_bytes();
        self.elements(name).any(|element| element.trim_ascii().eq_ignore_ascii_case(word))
    }

    /// Whether it asks for a session timer that is too short for us, and understands a 422.
    #[must_use]
    pub fn is_timed_too_short(&self) -> bool {
        self.session_expires().is_some_and(|wanted| wanted.interval < MIN_SE_S)
            && self.lists(HeaderName::Supported, "timer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_and_refresher_are_read_in_any_case_and_with_blanks() {
        let read = |value: &str| {
            let expires = SessionExpires::parse(value.as_bytes());
            expires.map(|expires| (expires.interval, expires.uac_refreshes))
        };
        assert_eq!(read("1800"), Some((1800, None)));
        assert_eq!(read("90;refresher=uas"), Some((90, Some(false))));
        assert_eq!(read("90 ; x ; Refresher = UAC"), Some((90, Some(true))));
        assert_eq!(read("4294967295"), Some((MAX_SE_S, None)));
        assert_eq!((read(""), read("x"), read("4294967296"), read("-1")), (None, None, None, None));
    }
}
