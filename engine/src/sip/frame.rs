//! Cuts messages out of a byte stream (RFC 3261 §18.3, RFC 5626 §4.4.1), wherever it was cut
//! before.

use std::fmt;

use memchr::memchr;

use super::error::{ParseError, ParseErrorKind};
use super::parse::{self, BODY_MAX, HEADER_SECTION_MAX};

/// What the stream held next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Framed {
    /// The bytes of one whole message.
    Message(Box<[u8]>),
    /// A double CRLF: the peer wants one CRLF back (RFC 5626 §4.4.1).
    Ping,
}

/// Why nothing more can be read from this stream: where the next message starts is not known. The
/// connection is to be closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameError {
    /// What was wrong.
    pub error: ParseError,
    /// The headers of the message at fault, for an answer before the close.
    pub message: Box<[u8]>,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream cannot be followed any further: {}", self.error)
    }
}

impl std::error::Error for FrameError {}

/// Collects bytes until a message is whole.
///
/// Holds at most one header section and one body, [`HEADER_SECTION_MAX`] + [`BODY_MAX`] bytes
/// beside what was pushed last; every byte is looked at a bounded number of times, however the
/// stream is cut.
#[derive(Clone, Default, Debug)]
pub struct StreamFramer {
    buffer: Vec<u8>,
    /// Octets at the buffer's start that were given out.
    taken: usize,
    /// How far the search for the end of the headers has come.
    scanned: usize,
    /// The length of the whole message, once its headers are read.
    whole: Option<usize>,
    failed: bool,
}

impl StreamFramer {
    /// A framer at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.failed {
            // Once a push, not once a message: many small ones cost no more than one large one.
            self.buffer.drain(..std::mem::take(&mut self.taken));
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether a message has begun and is not whole: what a deadline watches.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.buffer.len() > self.taken
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    /// The next thing in the stream; `None` until more bytes come.
    ///
    /// # Errors
    /// When the stream cannot be followed any further; then it stays so.
    pub fn next_frame(&mut self) -> Result<Option<Framed>, FrameError> {
        if self.failed {
            return Ok(None);
        }
        if self.scanned == 0 && self.whole.is_none() {
            let (skipped, ping) = line_ends(self.rest());
            self.consume(skipped);
            if ping {
                return Ok(Some(Framed::Ping));
            }
            if self.rest().iter().all(is_line_end) {
                return Ok(None);
            }
        }
        if self.whole.is_none() {
            let Some(end) = self.end_of_headers() else {
                if self.rest().len() > HEADER_SECTION_MAX {
                    return Err(self.fail(ParseErrorKind::HeadersTooLong));
                }
                return Ok(None);
            };
            self.whole = Some(self.length_of_message(end)?);
        }
        match self.whole {
            Some(whole) if whole <= self.rest().len() => {
                let message = self.rest().get(..whole).unwrap_or_default().into();
                self.consume(whole);
                Ok(Some(Framed::Message(message)))
            }
            _ => Ok(None),
        }
    }

    fn end_of_headers(&mut self) -> Option<usize> {
        loop {
            let all = self.rest();
            let Some(feed) = memchr(b'\n', all.get(self.scanned..)?) else {
                self.scanned = all.len();
                return None;
            };
            let feed = self.scanned + feed;
            match all.get(feed + 1..) {
                Some([b'\r', b'\n', ..]) => return Some(feed + 3),
                Some([b'\n', ..]) => return Some(feed + 2),
                // The next look starts at this line feed again.
                Some([] | [b'\r']) | None => {
                    self.scanned = feed;
                    return None;
                }
                Some(_) => self.scanned = feed + 1,
            }
        }
    }

    fn length_of_message(&mut self, end: usize) -> Result<usize, FrameError> {
        if end > HEADER_SECTION_MAX {
            return Err(self.fail(ParseErrorKind::HeadersTooLong));
        }
        let headers = self.rest().get(..end).unwrap_or_default();
        let (index, fault) = parse::index(headers);
        if let Some(fault) = fault.filter(|f| f.kind == ParseErrorKind::StartLine) {
            return Err(self.fail(fault.kind));
        }
        let length = match parse::content_length(headers, &index) {
            Ok(length) => length,
            Err(error) => return Err(self.fail(error.kind)),
        };
        // RFC 3261 §20.14: on a stream it is mandatory.
        let length = length.ok_or(()).map_err(|()| self.fail(ParseErrorKind::ContentLength))?;
        if length > BODY_MAX {
            return Err(self.fail(ParseErrorKind::BodyTooLong));
        }
        Ok(end.saturating_add(length))
    }

    fn fail(&mut self, kind: ParseErrorKind) -> FrameError {
        self.failed = true;
        let error = ParseError { kind, offset: 0 };
        let message = self.rest().into();
        (self.buffer, self.taken) = (Vec::new(), 0);
        FrameError { error, message }
    }

    fn consume(&mut self, bytes: usize) {
        self.taken = self.taken.saturating_add(bytes).min(self.buffer.len());
        self.scanned = 0;
        self.whole = None;
    }
}

const fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// How many line ends before a start line are skipped (RFC 3261 §7.5), and whether the last four of
/// them are a ping. Fewer than four at the end of what has come may still become one and stay.
fn line_ends(bytes: &[u8]) -> (usize, bool) {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(b"\r\n\r\n") {
            return (at + 4, true);
        }
        if rest.len() < 4 && rest.iter().all(is_line_end) {
            return (at, false);
        }
        match rest.iter().take(2).take_while(|byte| is_line_end(byte)).count() {
            0 => return (at, false),
            blanks => at += blanks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"OPTIONS sip:a@h SIP/2.0\r\nContent-Length: 4\r\n\r\nbody";
    const TWO: &[u8] = b"SIP/2.0 200 OK\nl:0\n\n";

    fn frames(pieces: &[&[u8]]) -> Result<Vec<Framed>, FrameError> {
        let mut framer = StreamFramer::new();
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(framed) = framer.next_frame()? {
                found.push(framed);
            }
        }
        Ok(found)
    }

    #[test]
    fn frames_are_the_same_wherever_the_stream_is_cut() {
        let stream = [ONE, b"\r\n\r\n", b"\r\n", TWO, ONE].concat();
        let expected = vec![
            Framed::Message(ONE.into()),
            Framed::Ping,
            Framed::Message(TWO.into()),
            Framed::Message(ONE.into()),
        ];
        for cut in 0..=stream.len() {
            let (a, b) = stream.split_at(cut);
            assert_eq!(frames(&[a, b]).unwrap(), expected, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(frames(&bytes).unwrap(), expected);
    }

    #[test]
    fn r22_r23_lying_lengths_end_the_stream() {
        for length in [
            "4294967328",
            "-1",
            "18446744073709551617",
            "",
            "0x4",
            "4\r\nContent-Length: 5",
            "1048577",
        ] {
            let stream = format!("OPTIONS sip:a@h SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
            assert!(frames(&[stream.as_bytes()]).is_err(), "{length}");
        }
        assert!(frames(&[b"OPTIONS sip:a@h SIP/2.0\r\nFrom: x\r\n\r\n"]).is_err());
    }

    #[test]
    fn headers_end_at_the_limit_and_fail_one_byte_past_it() {
        let head = b"OPTIONS sip:a@h SIP/2.0\r\nContent-Length: 0\r\nX: ".to_vec();
        for (extra, fine) in [(0, true), (1, false)] {
            let mut stream = head.clone();
            stream.resize(HEADER_SECTION_MAX - 4 + extra, b'x');
            stream.extend_from_slice(b"\r\n\r\n");
            assert_eq!(frames(&[&stream]).is_ok(), fine, "{extra}");
        }
        let endless = vec![b'x'; HEADER_SECTION_MAX + 1];
        assert!(frames(&[&endless]).is_err());
    }

    #[test]
    fn garbage_ends_the_stream_and_nothing_follows() {
        let mut framer = StreamFramer::new();
        framer.push(b"GET / HTTP/1.1\r\n\r\n");
        assert!(framer.next_frame().is_err());
        framer.push(ONE);
        assert_eq!(framer.next_frame(), Ok(None));
        assert!(!framer.is_pending());
    }
}
