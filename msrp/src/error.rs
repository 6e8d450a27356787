//! What can be wrong with the bytes of a message.

use std::fmt;

/// Why bytes are no MSRP message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Where, in bytes from the start of the message.
    pub offset: usize,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Byte-Range is no `start-end/total`, a number in it passes 2⁶⁴, or its order is impossible.
    ByteRange,
    /// A header that stands once at most stands twice.
    DoubledHeader,
    /// A header line without a name, a colon, or with a control character in it.
    HeaderLine,
    /// A known header whose value is none of those it may have.
    HeaderValue,
    /// A header section longer than [`HEAD_BYTES_MAX`](crate::HEAD_BYTES_MAX).
    HeadersTooLong,
    /// The header section is no UTF-8.
    NotUtf8,
    /// To-Path and From-Path are not the first two headers (RFC 4975 §9), or have no URI.
    Path,
    /// The first line is neither `MSRP id METHOD` nor `MSRP id 200 comment`.
    StartLine,
    /// More header lines than [`HEADERS_MAX`](crate::HEADERS_MAX).
    TooManyHeaders,
    /// More URIs in a path than [`PATH_URIS_MAX`](crate::PATH_URIS_MAX).
    TooManyUris,
    /// Bytes after the end-line where one message was asked for.
    Trailing,
    /// The end-line is missing.
    Unterminated,
    /// A path with something in it that is no MSRP URI.
    Uri,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What is answered, if anything is: 400, or 413 for what passes a limit.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self.kind {
            ParseErrorKind::HeadersTooLong
            | ParseErrorKind::TooManyHeaders
            | ParseErrorKind::TooManyUris => 413,
            _ => 400,
        }
    }

    /// Whether the stream can go on: its end-line is known, so the message can be skipped.
    #[must_use]
    pub const fn is_recoverable(self) -> bool {
        !matches!(self.kind, ParseErrorKind::StartLine | ParseErrorKind::Unterminated)
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ParseErrorKind::ByteRange => "Byte-Range is no range",
            ParseErrorKind::DoubledHeader => "a header stands twice",
            ParseErrorKind::HeaderLine => {
                "a header line has no name followed by a colon, or a control character"
            }
            ParseErrorKind::HeaderValue => "a header has a value that it cannot have",
            ParseErrorKind::HeadersTooLong => "the headers are too long",
            ParseErrorKind::NotUtf8 => "the headers are no UTF-8",
            ParseErrorKind::Path => "To-Path and From-Path are not the first two headers",
            ParseErrorKind::StartLine => "the first line is no MSRP request or response",
            ParseErrorKind::TooManyHeaders => "there are too many headers",
            ParseErrorKind::TooManyUris => "a path has too many URIs",
            ParseErrorKind::Trailing => "something follows the end-line",
            ParseErrorKind::Unterminated => "the end-line is missing",
            ParseErrorKind::Uri => "a path has something in it that is no MSRP URI",
        };
        write!(f, "{what} (at byte {})", self.offset)
    }
}

impl std::error::Error for ParseError {}

/// A value that would break out of its place in a message: a line end, a control character, or a
/// word that is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unprintable {
    /// The header, or the part of the start line.
    pub what: String,
}

impl Unprintable {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be printed as it is", self.what)
    }
}

impl std::error::Error for Unprintable {}
