//! One pass over the bytes: the start line, then a span for each header, then the body.

use memchr::{memchr, memchr2};
use smallvec::SmallVec;

use super::error::{ParseError, ParseErrorKind};
use super::header::HeaderName;
use super::message::Header;
use super::scan::{all_token, colon_or_control, is_lws, number, trim};

/// Header lines in a message at most; one more is 513.
pub const HEADERS_MAX: usize = 256;
/// Bytes from the start of a message to the end of its headers at most.
pub const HEADER_SECTION_MAX: usize = 64 * 1024;
/// Bytes of a body at most.
pub const BODY_MAX: usize = 1024 * 1024;

/// Headers whose spans need no allocation.
const INLINE_HEADERS: usize = 24;

/// A piece of the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// Both are offsets into what [`index`] reads, which is less than 4 GiB.
    #[expect(clippy::cast_possible_truncation, reason = "the buffer is cut to what 32 bits count")]
    const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    Request { method: Span, uri: Span },
    Response { status: u16, reason: Span },
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HeaderSpan {
    pub(super) id: HeaderName,
    pub(super) name: Span,
    pub(super) value: Span,
}

impl HeaderSpan {
    pub(super) fn of(self, bytes: &[u8]) -> Header<'_> {
        Header {
            id: self.id,
            name: self.name.of(bytes),
            value: self.value.of(bytes),
            offset: self.value.start as usize,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Index {
    pub(super) start: Start,
    pub(super) headers: SmallVec<[HeaderSpan; INLINE_HEADERS]>,
    pub(super) body: Span,
}

/// Reads as much as can be read. The first fault is told; what came before it is in the index.
pub(super) fn index(bytes: &[u8]) -> (Index, Option<ParseError>) {
    let mut index =
        Index { start: Start::Unknown, headers: SmallVec::new(), body: Span::default() };
    // What lies further than the limits allow is never looked at.
    let bytes = bytes.get(..u32::MAX as usize).unwrap_or(bytes);
    let fault = fill(bytes, &mut index).err();
    (index, fault)
}

const fn error(kind: ParseErrorKind, offset: usize) -> ParseError {
    ParseError { kind, offset }
}

fn fill(bytes: &[u8], index: &mut Index) -> Result<(), ParseError> {
    // RFC 3261 §7.5: line ends before the start line are ignored.
    let first = bytes.iter().position(|&byte| !matches!(byte, b'\r' | b'\n'));
    let mut at = first.ok_or(error(ParseErrorKind::Empty, 0))?;
    let begin = at;
    let (line_end, next) =
        line(bytes, at).ok_or(error(ParseErrorKind::Unterminated, bytes.len()))?;
    let (start, fault) =
        start_line(bytes, at, line_end).unwrap_or_else(|e| (Start::Unknown, Some(e)));
    index.start = start;
    at = next;
    let headers = header_lines(bytes, begin, &mut at, index);
    fault.map_or(Ok(()), Err)?;
    headers?;
    body(bytes, at, index)
}

fn header_lines(
    bytes: &[u8],
    begin: usize,
    at: &mut usize,
    index: &mut Index,
) -> Result<(), ParseError> {
    let mut fault = None;
    loop {
        if index.headers.len() < HEADERS_MAX
            && let Some((header, next)) = plain_line(bytes, *at)
            && next.saturating_sub(begin) <= HEADER_SECTION_MAX
        {
            if index.headers.len() == INLINE_HEADERS {
                // Once, not twice and twice again.
                index.headers.reserve(3 * INLINE_HEADERS);
            }
            index.headers.push(header);
            *at = next;
            continue;
        }
        // The empty line, a folded header, or something wrong.
        let (end, next) =
            line(bytes, *at).ok_or(error(ParseErrorKind::Unterminated, bytes.len()))?;
        if next.saturating_sub(begin) > HEADER_SECTION_MAX {
            return Err(error(ParseErrorKind::HeadersTooLong, *at));
        }
        if end == *at {
            *at = next;
            return fault.map_or(Ok(()), Err);
        }
        let (end, next) = unfolded(bytes, end, next);
        if index.headers.len() >= HEADERS_MAX {
            return Err(error(ParseErrorKind::TooManyHeaders, *at));
        }
        match header_line(bytes, *at, end) {
            Ok(header) => index.headers.push(header),
            // The rest is read all the same: an answer needs Via, From, To, Call-ID and CSeq.
            Err(found) => fault = fault.or(Some(found)),
        }
        *at = next;
    }
}

/// A header as nearly all are: on one line, with nothing wrong; and the start of the next. The
/// bytes are looked at once.
fn plain_line(bytes: &[u8], at: usize) -> Option<(HeaderSpan, usize)> {
    let line = bytes.get(at..)?;
    let colon = colon_or_control(line)?;
    let (mut name, rest) = line.split_at(colon);
    while let [shorter @ .., b' '] = name {
        name = shorter;
    }
    // A known name is a token.
    let id = HeaderName::from_bytes(name);
    if rest.first() != Some(&b':') || id == HeaderName::Other && !all_token(name) {
        return None;
    }
    let start = skip_blanks(line, colon + 1);
    let value = line.get(start..)?;
    let (mut value, rest) = value.split_at(memchr2(b'\r', b'\n', value)?);
    let (end, rest) = match rest {
        [b'\r', b'\n', rest @ ..] => (2, rest),
        [b'\n', rest @ ..] => (1, rest),
        _ => return None,
    };
    if let [b' ' | b'\t', ..] = rest {
        return None;
    }
    let next = at + start + value.len() + end;
    while let [shorter @ .., b' ' | b'\t'] = value {
        value = shorter;
    }
    let header = HeaderSpan {
        id,
        name: Span::new(at, at + name.len()),
        value: Span::new(at + start, at + start + value.len()),
    };
    Some((header, next))
}

/// Where the blanks end that stand in `line` from `at` on.
fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t') = line.get(at) {
        at += 1;
    }
    at
}

/// The end of the line that starts at `at`, without its CRLF or LF, and the start of the next.
fn line(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = bytes.get(at..)?;
    let feed = memchr(b'\n', rest)?;
    let end = if feed > 0 && rest.get(feed - 1) == Some(&b'\r') { feed - 1 } else { feed };
    Some((at + end, at + feed + 1))
}

/// Takes in the lines that continue a header (RFC 3261 §7.3.1).
fn unfolded(bytes: &[u8], mut end: usize, mut next: usize) -> (usize, usize) {
    while let Some(b' ' | b'\t') = bytes.get(next) {
        let Some((more_end, more_next)) = line(bytes, next) else { break };
        (end, next) = (more_end, more_next);
    }
    (end, next)
}

/// The start line; of another SIP version it is still known what it is, so that 505 can be answered.
fn start_line(
    bytes: &[u8],
    start: usize,
    end: usize,
) -> Result<(Start, Option<ParseError>), ParseError> {
    let bad = error(ParseErrorKind::StartLine, start);
    let line = bytes.get(start..end).unwrap_or_default();
    if let Some(rest) = line.get(..4).filter(|p| p.eq_ignore_ascii_case(b"SIP/")).and(line.get(4..))
    {
        return status_line(rest, start, end).map(|line| (line, None));
    }
    let first = memchr(b' ', line).ok_or(bad)?;
    let (method, rest) = line.split_at(first);
    let rest = rest.get(1..).unwrap_or_default();
    let second = memchr(b' ', rest).ok_or(bad)?;
    let (uri, version) = rest.split_at(second);
    let version = version.get(1..).unwrap_or_default();
    if uri.is_empty() || !all_token(method) {
        return Err(bad);
    }
    let uri_start = start + first + 1;
    let request = Start::Request {
        method: Span::new(start, start + first),
        uri: Span::new(uri_start, uri_start + second),
    };
    if version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Ok((request, None));
    }
    let is_version = version.get(..4).is_some_and(|v| v.eq_ignore_ascii_case(b"SIP/"))
        && version
            .get(4..)
            .is_some_and(|v| !v.is_empty() && v.iter().all(|b| b.is_ascii_digit() || *b == b'.'));
    if is_version {
        let offset = end.saturating_sub(version.len());
        return Ok((request, Some(error(ParseErrorKind::Version, offset))));
    }
    Err(bad)
}

fn status_line(rest: &[u8], start: usize, end: usize) -> Result<Start, ParseError> {
    let bad = error(ParseErrorKind::StartLine, start);
    let (version, rest) = rest.split_at(memchr(b' ', rest).ok_or(bad)?);
    if version != b"2.0" {
        return Err(error(ParseErrorKind::Version, start));
    }
    let rest = rest.get(1..).unwrap_or_default();
    let digits = memchr(b' ', rest).unwrap_or(rest.len());
    let code = rest.get(..digits).unwrap_or_default();
    let out_of_range = error(ParseErrorKind::StatusCode, end.saturating_sub(rest.len()));
    let status = (code.len() == 3).then(|| number(code)).flatten().ok_or(out_of_range)?;
    let status = u16::try_from(status).map_err(|_| out_of_range)?;
    if !(100..700).contains(&status) {
        return Err(out_of_range);
    }
    // A status line that ends after its code is seen in the field.
    let reason = (end - rest.len() + digits + 1).min(end);
    Ok(Start::Response { status, reason: Span::new(reason, end) })
}

fn header_line(bytes: &[u8], start: usize, end: usize) -> Result<HeaderSpan, ParseError> {
    let bad = error(ParseErrorKind::HeaderLine, start);
    let line = bytes.get(start..end).unwrap_or_default();
    let colon = memchr(b':', line).ok_or(bad)?;
    let name = line.get(..colon).unwrap_or_default();
    let name_length = name.len() - name.iter().rev().take_while(|byte| is_lws(**byte)).count();
    let name = name.get(..name_length).unwrap_or_default();
    if !all_token(name) {
        return Err(bad);
    }
    let value = line.get(colon + 1..).unwrap_or_default();
    if let Some(at) = memchr(b'\r', value)
        && value.iter().enumerate().any(|(at, b)| *b == b'\r' && value.get(at + 1) != Some(&b'\n'))
    {
        return Err(error(ParseErrorKind::BareCarriageReturn, start + colon + 1 + at));
    }
    let trimmed = trim(value);
    let blanks = value.iter().take_while(|byte| is_lws(**byte)).count();
    let value_start = (start + colon + 1 + blanks).min(end);
    Ok(HeaderSpan {
        id: HeaderName::from_bytes(name),
        name: Span::new(start, start + name_length),
        value: Span::new(value_start, value_start + trimmed.len()),
    })
}

/// The one Content-Length of these headers (RFC 3261 §20.14), if there is one.
pub(super) fn content_length(bytes: &[u8], index: &Index) -> Result<Option<usize>, ParseError> {
    let mut found = None;
    for header in index.headers.iter().filter(|h| h.id == HeaderName::ContentLength) {
        let bad = error(ParseErrorKind::ContentLength, header.value.start as usize);
        let length = number(header.value.of(bytes)).ok_or(bad)?;
        let length = usize::try_from(length).map_err(|_| bad)?;
        if found.is_some_and(|other| other != length) {
            return Err(bad);
        }
        found = Some(length);
    }
    Ok(found)
}

fn body(bytes: &[u8], at: usize, index: &mut Index) -> Result<(), ParseError> {
    let available = bytes.len().saturating_sub(at);
    index.body = Span::new(at, bytes.len());
    let length = content_length(bytes, index)?.unwrap_or(available);
    if length > BODY_MAX {
        return Err(error(ParseErrorKind::BodyTooLong, at));
    }
    if length > available {
        return Err(error(ParseErrorKind::Truncated, at));
    }
    // RFC 3261 §18.3: what follows the body in a datagram is thrown away.
    index.body = Span::new(at, at + length);
    Ok(())
}

#[cfg(test)]
mod tests {
    use offhook_fsm::Entropy;

    use super::*;

    /// What the careful reading makes of the line at the front.
    fn carefully(bytes: &[u8]) -> Option<(HeaderSpan, usize)> {
        let (end, next) = line(bytes, 0)?;
        let (end, next) = unfolded(bytes, end, next);
        Some((header_line(bytes, 0, end).ok()?, next))
    }

    #[test]
    fn the_quick_look_at_a_line_sees_what_the_careful_one_sees() {
        const PIECES: [&[u8]; 20] = [
            b"Via",
            b"X-Header-Of-Some-Length",
            b"content-length",
            b"From",
            b"_",
            b"(",
            b"\xe9",
            b":",
            b" ",
            b"\t",
            b"\r",
            b"\n",
            b"\r\n",
            b"\r\n ",
            b"value",
            b"; a=b",
            b"\0",
            b"\x0b",
            b": x\r\n",
            b"a value of some length, too",
        ];
        let mut entropy = Entropy::from_u64(7);
        let mut seen = 0;
        for _ in 0..200_000 {
            let mut bytes = Vec::new();
            // Half of them get as far as the value.
            if entropy.below(2) == 0 {
                bytes.extend_from_slice(b"Subject:");
            }
            for _ in 0..entropy.below(9) {
                let piece = usize::try_from(entropy.below(PIECES.len() as u64)).unwrap();
                bytes.extend_from_slice(PIECES[piece]);
            }
            bytes.extend_from_slice(b"\r\n");
            if let Some(quick) = plain_line(&bytes, 0) {
                assert_eq!(Some(quick), carefully(&bytes), "{bytes:?}");
                seen += 1;
            }
        }
        assert!(seen > 10_000, "{seen}");
    }

    #[test]
    fn a_header_line_needs_no_second_look_unless_it_is_folded_or_wrong() {
        for plain in ["Via: x\r\n", "v:x\n", "Subject : \t x y \r\n", "X-Y:\r\n", "a:b\r\nc:d\r\n"]
        {
            assert!(plain_line(plain.as_bytes(), 0).is_some(), "{plain:?}");
        }
        for other in
            ["\r\n", "x\r\n", ":x\r\n", "a:b\r\n c\r\n", "a:b\rc\r\n", "a:b", " a:b\r\n", "a(:b\n"]
        {
            assert!(plain_line(other.as_bytes(), 0).is_none(), "{other:?}");
        }
    }
}
