//! The line layer: which lines there are and to which medium they belong.

use std::fmt;
use std::net::IpAddr;

use memchr::memchr;

/// Bytes of a description at most.
pub const SDP_MAX: usize = 64 * 1024;
/// Media lines in a description at most.
pub const MEDIA_MAX: usize = 16;
/// Lines in a description at most.
pub const LINES_MAX: usize = 1024;

/// `x=value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// The letter.
    pub kind: u8,
    /// What follows the equals sign, byte for byte.
    pub value: &'a [u8],
}

/// A description: lines in the order in which they came, unknown ones too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionDescription<'a> {
    /// The lines before the first `m=`.
    pub lines: Vec<Line<'a>>,
    /// The media, in order.
    pub media: Vec<MediaDescription<'a>>,
}

/// One `m=` line and what belongs to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaDescription<'a> {
    /// The whole value of the `m=` line.
    pub value: &'a [u8],
    /// `audio`, `message`, …, as written.
    pub media: &'a [u8],
    /// The port; 0 refuses the medium (RFC 3264 §5.1).
    pub port: u16,
    /// `RTP/AVP`, ….
    pub proto: &'a [u8],
    /// The formats, as written.
    pub formats: Vec<&'a [u8]>,
    /// The lines that follow.
    pub lines: Vec<Line<'a>>,
}

/// Why bytes are no description that can be worked with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SdpError {
    /// What is wrong.
    pub kind: SdpErrorKind,
    /// Where, in bytes from the start.
    pub offset: usize,
}

/// What is wrong with a description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SdpErrorKind {
    /// It does not begin with `v=0`.
    Version,
    /// A line is not a letter and an equals sign.
    Line,
    /// A media line is not `m=MEDIA PORT PROTO FORMAT…`.
    Media,
    /// More bytes than [`SDP_MAX`].
    TooLong,
    /// More lines than [`LINES_MAX`].
    TooManyLines,
    /// More media than [`MEDIA_MAX`].
    TooManyMedia,
}

impl SdpError {
    /// What a user agent answers.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self.kind {
            SdpErrorKind::Version | SdpErrorKind::Line | SdpErrorKind::Media => 400,
            SdpErrorKind::TooLong | SdpErrorKind::TooManyLines => 413,
            SdpErrorKind::TooManyMedia => 488,
        }
    }
}

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            SdpErrorKind::Version => "a session description begins with v=0",
            SdpErrorKind::Line => "a line is a letter, an equals sign and a value",
            SdpErrorKind::Media => "a media line is m=MEDIA PORT PROTO FORMAT...",
            SdpErrorKind::TooLong => "the session description is too long",
            SdpErrorKind::TooManyLines => "the session description has too many lines",
            SdpErrorKind::TooManyMedia => "the session description has too many media lines",
        };
        write!(f, "{what} (at byte {})", self.offset)
    }
}

impl std::error::Error for SdpError {}

impl<'a> SessionDescription<'a> {
    /// Reads a description. CRLF and LF both end a line, the last may lack its end; empty lines
    /// are skipped. One pass, linear.
    ///
    /// # Errors
    /// When a line is no line, a media line is broken, or a limit is passed.
    ///
    /// ```
    /// use offhook::sdp::SessionDescription;
    /// let sdp = SessionDescription::parse(b"v=0\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\na=ptime:20\r\n")?;
    /// assert_eq!(sdp.media[0].port, 4000);
    /// assert_eq!(sdp.media[0].attribute("ptime"), Some(&b"20"[..]));
    /// # Ok::<(), offhook::sdp::SdpError>(())
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SdpError> {
        if bytes.len() > SDP_MAX {
            return Err(SdpError { kind: SdpErrorKind::TooLong, offset: SDP_MAX });
        }
        let mut sdp = Self { lines: Vec::new(), media: Vec::new() };
        let (mut at, mut count) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let raw = rest.get(..end).unwrap_or_default();
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            if !raw.is_empty() {
                count += 1;
                if count > LINES_MAX {
                    return Err(SdpError { kind: SdpErrorKind::TooManyLines, offset: at });
                }
                sdp.take(raw, at, count == 1)?;
            }
            at += end + 1;
        }
        if count == 0 {
            return Err(SdpError { kind: SdpErrorKind::Version, offset: 0 });
        }
        Ok(sdp)
    }

    fn take(&mut self, raw: &'a [u8], offset: usize, first: bool) -> Result<(), SdpError> {
        let error = |kind| Err(SdpError { kind, offset });
        let [kind, b'=', value @ ..] = raw else { return error(SdpErrorKind::Line) };
        if first && (*kind != b'v' || value.trim_ascii() != b"0") {
            return error(SdpErrorKind::Version);
        }
        if !kind.is_ascii_alphabetic() {
            return error(SdpErrorKind::Line);
        }
        if *kind == b'm' {
            if self.media.len() >= MEDIA_MAX {
                return error(SdpErrorKind::TooManyMedia);
            }
            let Some(media) = MediaDescription::parse(value) else {
                return error(SdpErrorKind::Media);
            };
            self.media.push(media);
            return Ok(());
        }
        let line = Line { kind: *kind, value };
        self.media.last_mut().map_or(&mut self.lines, |media| &mut media.lines).push(line);
        Ok(())
    }

    /// The value of the first session-level line of that letter.
    #[must_use]
    pub fn line(&self, kind: u8) -> Option<&'a [u8]> {
        first(&self.lines, kind)
    }

    /// The connection address of a medium: its own `c=`, else the session's. `None` when there is
    /// none or it is a name.
    #[must_use]
    pub fn address(&self, media: &MediaDescription<'a>) -> Option<IpAddr> {
        let value = first(&media.lines, b'c').or_else(|| self.line(b'c'))?;
        let text = std::str::from_utf8(value).ok()?;
        let address = text.split_ascii_whitespace().nth(2)?;
        // A multicast address carries /TTL.
        address.split('/').next()?.parse().ok()
    }

    /// The value of a session-level attribute; `Some` and empty for one without.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        self.attributes(name).next()
    }

    /// The values of all session-level attributes of that name.
    pub fn attributes(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        attributes(&self.lines, name)
    }

    /// The description again, lines in order, each ended by CRLF.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut print = |kind: u8, value: &[u8]| {
            out.extend_from_slice(&[kind, b'=']);
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        self.lines.iter().for_each(|line| print(line.kind, line.value));
        for media in &self.media {
            print(b'm', media.value);
            media.lines.iter().for_each(|line| print(line.kind, line.value));
        }
        out
    }
}

impl<'a> MediaDescription<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        let mut words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let (media, port, proto) = (words.next()?, words.next()?, words.next()?);
        // `PORT/COUNT` asks for several ports: the first one counts.
        let port = port.split(|byte| *byte == b'/').next()?;
        let digits = port.iter().all(u8::is_ascii_digit);
        let port = std::str::from_utf8(port).ok().filter(|_| digits)?.parse().ok()?;
        Some(Self { value, media, port, proto, formats: words.collect(), lines: Vec::new() })
    }

    /// The value of the first attribute of that name; `Some` and empty for one without.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        self.attributes(name).next()
    }

    /// The values of all attributes of that name.
    pub fn attributes(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        attributes(&self.lines, name)
    }
}

fn first<'a>(lines: &[Line<'a>], kind: u8) -> Option<&'a [u8]> {
    lines.iter().find(|line| line.kind == kind).map(|line| line.value)
}

fn attributes<'a>(lines: &[Line<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    lines.iter().filter(|line| line.kind == b'a').filter_map(move |line| {
        let rest = line.value.strip_prefix(name.as_bytes())?;
        match rest {
            [] => Some(rest),
            [b':', value @ ..] => Some(value),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_of_lines_is_understood_and_kept() {
        let text = b"v=0\na=tool:x\nb=AS:64\nc=IN IP4 192.0.2.1\r\nx=what\nm=audio 4000/2 RTP/AVP 0  8\na=sendonly\nc=IN IP6 2001:db8::1\nm=video 0 RTP/AVP";
        let sdp = SessionDescription::parse(text).unwrap();
        assert_eq!(sdp.line(b'x'), Some(&b"what"[..]));
        let [audio, video] = &sdp.media[..] else { panic!() };
        assert_eq!((audio.port, &audio.formats[..]), (4000, &[&b"0"[..], b"8"][..]));
        assert_eq!(sdp.address(audio), "2001:db8::1".parse().ok());
        assert_eq!(sdp.address(video), "192.0.2.1".parse().ok());
        let printed = sdp.to_bytes();
        assert_eq!(SessionDescription::parse(&printed).unwrap(), sdp);
    }

    #[test]
    fn bytes_beyond_utf_8_are_kept() {
        let text = b"v=0\r\ns=caf\xe9\r\n";
        assert_eq!(SessionDescription::parse(text).unwrap().to_bytes(), text);
    }

    #[test]
    fn r39_incomplete_lines_are_refused_with_their_place() {
        for (text, kind, offset) in [
            (&b""[..], SdpErrorKind::Version, 0),
            (b"v=", SdpErrorKind::Version, 0),
            (b"v=1\r\n", SdpErrorKind::Version, 0),
            (b"s=x\r\nv=0\r\n", SdpErrorKind::Version, 0),
            (b"v=0\r\nm=\r\n", SdpErrorKind::Media, 5),
            (b"v=0\r\nm=audio\r\n", SdpErrorKind::Media, 5),
            (b"v=0\r\nm=audio -1 RTP/AVP 0\r\n", SdpErrorKind::Media, 5),
            (b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n", SdpErrorKind::Media, 5),
            (b"v=0\r\n=x\r\n", SdpErrorKind::Line, 5),
            (b"v=0\r\nhello\r\n", SdpErrorKind::Line, 5),
        ] {
            assert_eq!(SessionDescription::parse(text), Err(SdpError { kind, offset }));
        }
    }

    #[test]
    fn limits_hold_at_the_limit_and_refuse_one_past_it() {
        let build = |media: usize, lines: usize| {
            let mut text = b"v=0\r\n".to_vec();
            (0..media).for_each(|_| text.extend_from_slice(b"m=audio 1 RTP/AVP 0\r\n"));
            (0..lines - 1 - media).for_each(|_| text.extend_from_slice(b"a=x\r\n"));
            text
        };
        assert!(SessionDescription::parse(&build(MEDIA_MAX, 100)).is_ok());
        assert!(SessionDescription::parse(&build(MEDIA_MAX + 1, 100)).is_err());
        assert!(SessionDescription::parse(&build(1, LINES_MAX)).is_ok());
        assert!(SessionDescription::parse(&build(1, LINES_MAX + 1)).is_err());
        let mut long = b"v=0\r\ns=".to_vec();
        long.resize(SDP_MAX, b'x');
        assert!(SessionDescription::parse(&long).is_ok());
        long.push(b'x');
        assert!(SessionDescription::parse(&long).is_err());
    }

    #[test]
    fn r40_long_media_types_and_addresses_are_only_long() {
        let long = "a".repeat(300);
        let text = format!("v=0\r\nc=IN IP4 {long}\r\nm={long} 1 RTP/AVP 0\r\n");
        let sdp = SessionDescription::parse(text.as_bytes()).unwrap();
        assert_eq!(sdp.address(&sdp.media[0]), None);
    }
}
