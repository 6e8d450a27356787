//! What can be wrong with the bytes of a message.

use std::fmt;

/// Why bytes are no SIP message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Where, in bytes from the start of the input.
    pub offset: usize,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// No byte but line ends.
    Empty,
    /// The first line is neither a request line nor a status line.
    StartLine,
    /// A SIP version other than 2.0.
    Version,
    /// A status code outside 100–699.
    StatusCode,
    /// A header line without a name or a colon.
    HeaderLine,
    /// A carriage return without a line feed inside a header line.
    BareCarriageReturn,
    /// The empty line after the headers is missing.
    Unterminated,
    /// More header lines than [`HEADERS_MAX`](super::HEADERS_MAX).
    TooManyHeaders,
    /// A header section longer than [`HEADER_SECTION_MAX`](super::HEADER_SECTION_MAX).
    HeadersTooLong,
    /// Content-Length is no number, or two of them differ.
    ContentLength,
    /// Content-Length says more than there is.
    Truncated,
    /// A body longer than [`BODY_MAX`](super::BODY_MAX).
    BodyTooLong,
}

impl ParseError {
    /// What a user agent answers, if it answers at all.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self.kind {
            ParseErrorKind::Version => 505,
            ParseErrorKind::BodyTooLong
            | ParseErrorKind::HeadersTooLong
            | ParseErrorKind::TooManyHeaders => 513,
            _ => 400,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ParseErrorKind::Empty => "there is no message",
            ParseErrorKind::StartLine => "the first line is no request line and no status line",
            ParseErrorKind::Version => "the SIP version is not 2.0",
            ParseErrorKind::StatusCode => "the status code is not in 100 to 699",
            ParseErrorKind::HeaderLine => "a header line has no name followed by a colon",
            ParseErrorKind::BareCarriageReturn => "a header has a carriage return inside",
            ParseErrorKind::Unterminated => "the empty line after the headers is missing",
            ParseErrorKind::TooManyHeaders => "there are too many headers",
            ParseErrorKind::HeadersTooLong => "the headers are too long",
            ParseErrorKind::ContentLength => "Content-Length is not one number",
            ParseErrorKind::Truncated => "the body is shorter than Content-Length says",
            ParseErrorKind::BodyTooLong => "the body is too long",
        };
        write!(f, "{what} (at byte {})", self.offset)
    }
}

impl std::error::Error for ParseError {}

/// Why a header cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeaderError {
    /// The header's name.
    pub header: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
    /// Where the header's value starts, in bytes from the start of the message; 0 when it is
    /// missing.
    pub offset: usize,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (at byte {})", self.header, self.what, self.offset)
    }
}

impl std::error::Error for HeaderError {}
