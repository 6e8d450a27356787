//! A message: its start line, its headers and where its body is, all borrowed from the caller's
//! bytes (RFC 4975 §9).

use std::fmt;

use smallvec::SmallVec;

use crate::byte_range::ByteRange;
use crate::end_line::{EndLine, Found};
use crate::error::{ParseError, ParseErrorKind};
use crate::head_scanner::{HeadEnd, HeadScanner};
use crate::scan::{
    first_line, is_header_name, is_media_type, is_message_id, is_text, is_transaction_id,
    three_digits, trim,
};
use crate::uri::Path;

/// Header lines in a message at most; one more is 413.
pub const HEADERS_MAX: usize = 64;
/// Headers that need no allocation.
const INLINE_HEADERS: usize = 12;

/// What a message's last line says about what follows (`continuation-flag`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContinuationFlag {
    /// `$`: the message is complete, or this is no chunk.
    Complete,
    /// `+`: more chunks follow.
    More,
    /// `#`: the sender gave the message up.
    Abort,
}

impl ContinuationFlag {
    /// The flag of that character.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'$' => Some(Self::Complete),
            b'+' => Some(Self::More),
            b'#' => Some(Self::Abort),
            _ => None,
        }
    }

    /// Its character.
    #[must_use]
    pub const fn as_byte(self) -> u8 {
        match self {
            Self::Complete => b'$',
            Self::More => b'+',
            Self::Abort => b'#',
        }
    }
}

/// When the sender wants to hear of failures (RFC 4975 §7.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum FailureReport {
    /// Each chunk is answered, and a missing answer is a failure. The default.
    #[default]
    Yes,
    /// Never.
    No,
    /// Only failures are answered.
    Partial,
}

impl FailureReport {
    /// The header's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Partial => "partial",
        }
    }
}

/// The Status header of a REPORT (RFC 4975 §7.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Status<'a> {
    /// `000`: the codes of RFC 4975. No other is defined.
    pub namespace: u16,
    /// The code.
    pub code: u16,
    /// Words for people.
    pub comment: &'a str,
}

impl<'a> Status<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (namespace, rest) = text.split_once(' ')?;
        let (code, comment) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Self { namespace: three_digits(namespace)?, code: three_digits(code)?, comment })
    }
}

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {:03}", self.namespace, self.code)?;
        if self.comment.is_empty() { Ok(()) } else { write!(f, " {}", self.comment) }
    }
}

/// The first line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start<'a> {
    /// A request.
    Request {
        /// `SEND`, `REPORT`, `AUTH`, `NICKNAME` or another, in capitals.
        method: &'a str,
    },
    /// A response.
    Response {
        /// The code.
        status: u16,
        /// Words for people; empty when there are none.
        comment: &'a str,
    },
}

/// One header line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// Its name as written.
    pub name: &'a str,
    /// Its value, without blanks at either end.
    pub value: &'a str,
}

/// Start line and headers. What is known is read, all is kept in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head<'a> {
    /// Pairs a response with its request, and marks the end of the message.
    pub transaction_id: &'a str,
    /// Request or response.
    pub start: Start<'a>,
    /// Where it goes, the next hop first.
    pub to_path: Path<'a>,
    /// Where it came from, the last hop first.
    pub from_path: Path<'a>,
    /// Which message it is a chunk of or a report about.
    pub message_id: Option<&'a str>,
    /// Which bytes of that message.
    pub byte_range: Option<ByteRange>,
    /// Whether the sender wants to know that the message arrived.
    pub success_report: Option<bool>,
    /// Whether the sender wants to know that it did not.
    pub failure_report: Option<FailureReport>,
    /// What a REPORT tells.
    pub status: Option<Status<'a>>,
    /// The content's media type with its parameters.
    pub content_type: Option<&'a str>,
    headers: SmallVec<[Header<'a>; INLINE_HEADERS]>,
}

impl<'a> Head<'a> {
    /// Reads a header section, without the empty line or end-line after it. The first fault is
    /// told; what could be read is in the head, so that it can be answered. `None` for a start
    /// line that is none.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<(Self, Option<ParseError>), ParseError> {
        let (text, cut) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let good = error.valid_up_to();
                let text = std::str::from_utf8(bytes.get(..good).unwrap_or_default());
                let fault = ParseError::new(ParseErrorKind::NotUtf8, good);
                (text.unwrap_or_default(), Some(fault))
            }
        };
        let (line, rest) = first_line(text);
        let mut head = Self::start_line(line)
            .ok_or(cut.unwrap_or(ParseError::new(ParseErrorKind::StartLine, 0)))?;
        let fault = head.header_lines(rest, line.len() + 2).err();
        let missing = head.to_path == Path::default() || head.from_path == Path::default();
        let missing =
            missing.then_some(ParseError::new(ParseErrorKind::Path, line.len().saturating_add(2)));
        // What is cut off by bytes that are no text makes no other fault.
        let fault = cut.or(fault).or(missing);
        Ok((head, fault))
    }

    fn start_line(line: &'a str) -> Option<Self> {
        let (transaction_id, rest) = line.strip_prefix("MSRP ")?.split_once(' ')?;
        let (word, comment) = rest.split_once(' ').unwrap_or((rest, ""));
        let start = match three_digits(word) {
            Some(status) if is_text(comment) => Start::Response { status, comment },
            None if is_method(rest) => Start::Request { method: rest },
            _ => return None,
        };
        is_transaction_id(transaction_id).then(|| Self {
            transaction_id,
            start,
            to_path: Path::default(),
            from_path: Path::default(),
            message_id: None,
            byte_range: None,
            success_report: None,
            failure_report: None,
            status: None,
            content_type: None,
            headers: SmallVec::new(),
        })
    }

    /// `at` is the offset of `text` in the message.
    fn header_lines(&mut self, text: &'a str, mut at: usize) -> Result<(), ParseError> {
        let mut fault = None;
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = first_line(rest);
            if self.headers.len() >= HEADERS_MAX {
                return Err(ParseError::new(ParseErrorKind::TooManyHeaders, at));
            }
            if let Err(kind) = self.header_line(line) {
                fault = fault.or(Some(ParseError::new(kind, at)));
            }
            at = at.saturating_add(line.len() + 2);
            rest = after;
        }
        fault.map_or(Ok(()), Err)
    }

    fn header_line(&mut self, line: &'a str) -> Result<(), ParseErrorKind> {
        let (name, value) = line.split_once(':').ok_or(ParseErrorKind::HeaderLine)?;
        if !is_header_name(name) || !is_text(value) {
            return Err(ParseErrorKind::HeaderLine);
        }
        let header = Header { name, value: trim(value) };
        let place = self.headers.len();
        self.headers.push(header);
        self.known_header(header, place)
    }

    /// Reads a header that means something to everybody.
    fn known_header(&mut self, header: Header<'a>, place: usize) -> Result<(), ParseErrorKind> {
        let Header { name, value } = header;
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let bad = ParseErrorKind::HeaderValue;
        if is("To-Path") {
            at_place(place, 0)?;
            self.to_path = Path::parse(value)?;
            return Ok(());
        }
        if is("From-Path") {
            at_place(place, 1)?;
            self.from_path = Path::parse(value)?;
            return Ok(());
        }
        if is("Message-ID") {
            set(&mut self.message_id, is_message_id(value).then_some(value), bad)
        } else if is("Byte-Range") {
            set(&mut self.byte_range, ByteRange::parse(value), ParseErrorKind::ByteRange)
        } else if is("Content-Type") {
            set(&mut self.content_type, is_media_type(value).then_some(value), bad)
        } else if is("Success-Report") {
            set(&mut self.success_report, yes_or_no(value), bad)
        } else if is("Failure-Report") {
            let partial = value.eq_ignore_ascii_case("partial");
            let wanted = if partial { Some(FailureReport::Partial) } else { None };
            let asked = |yes| if yes { FailureReport::Yes } else { FailureReport::No };
            set(&mut self.failure_report, wanted.or_else(|| yes_or_no(value).map(asked)), bad)
        } else if is("Status") {
            set(&mut self.status, Status::parse(value), bad)
        } else {
            Ok(())
        }
    }

    /// A request's method.
    #[must_use]
    pub const fn method(&self) -> Option<&'a str> {
        match self.start {
            Start::Request { method } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// Every header line, in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + '_ {
        self.headers.iter().copied()
    }

    /// The value of the first header of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut found = self.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        found.next().map(|header| header.value)
    }
}

fn at_place(place: usize, wanted: usize) -> Result<(), ParseErrorKind> {
    match place {
        _ if place == wanted => Ok(()),
        0 | 1 => Err(ParseErrorKind::Path),
        _ => Err(ParseErrorKind::DoubledHeader),
    }
}

fn set<T>(
    field: &mut Option<T>,
    value: Option<T>,
    bad: ParseErrorKind,
) -> Result<(), ParseErrorKind> {
    if field.is_some() {
        return Err(ParseErrorKind::DoubledHeader);
    }
    *field = Some(value.ok_or(bad)?);
    Ok(())
}

fn yes_or_no(value: &str) -> Option<bool> {
    let yes = value.eq_ignore_ascii_case("yes");
    (yes || value.eq_ignore_ascii_case("no")).then_some(yes)
}

pub(crate) fn is_method(word: &str) -> bool {
    !word.is_empty() && word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A whole message.
///
/// ```
/// use offhook_msrp::{ByteRange, Message};
/// let bytes = b"MSRP a786hjs2 SEND\r\nTo-Path: msrp://b.example:8888/9di4;tcp\r\n\
///     From-Path: msrp://a.example:7654/iau3;tcp\r\nMessage-ID: 87652\r\n\
///     Byte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nHello\r\n-------a786hjs2$\r\n";
/// let message = Message::parse(bytes)?;
/// assert_eq!(message.head.method(), Some("SEND"));
/// assert_eq!(message.head.byte_range, Some(ByteRange::whole(5)));
/// assert_eq!(message.body, Some(&b"Hello"[..]));
/// # Ok::<(), offhook_msrp::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// Start line and headers.
    pub head: Head<'a>,
    /// The body, `None` where there is no empty line.
    pub body: Option<&'a [u8]>,
    /// What the end-line says.
    pub flag: ContinuationFlag,
}

impl<'a> Message<'a> {
    /// Reads exactly one message.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let (message, rest) = Self::parse_first(bytes)?;
        if rest.is_empty() {
            Ok(message)
        } else {
            let at = bytes.len().saturating_sub(rest.len());
            Err(ParseError::new(ParseErrorKind::Trailing, at))
        }
    }

    /// Reads the message at the front of `bytes`, and gives what follows it.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), ParseError> {
        let unterminated = ParseError::new(ParseErrorKind::Unterminated, bytes.len());
        let mut scanner = HeadScanner::default();
        let (head, ended) = match scanner.advance(bytes)? {
            None => return Err(unterminated),
            Some(HeadEnd::TooLong { head }) => {
                return Err(ParseError::new(ParseErrorKind::HeadersTooLong, head));
            }
            Some(HeadEnd::EndLine { head, flag, next }) => (head, Err((flag, next))),
            Some(HeadEnd::Body { head, next }) => (head, Ok(next)),
        };
        let (head, fault) = Head::read(bytes.get(..head).unwrap_or_default())?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let (body, flag, next) = match ended {
            Err((flag, next)) => (None, flag, next),
            Ok(from) => {
                let body = bytes.get(from..).unwrap_or_default();
                match EndLine::new(head.transaction_id).find(body, true) {
                    Found::EndLine { body: length, flag, next } => {
                        (body.get(..length), flag, from.saturating_add(next))
                    }
                    Found::Nothing { .. } => return Err(unterminated),
                }
            }
        };
        Ok((Self { head, body, flag }, bytes.get(next..).unwrap_or_default()))
    }
}
