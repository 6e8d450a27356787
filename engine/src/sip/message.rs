//! A message: its bytes and where in them everything is.

use super::error::ParseError;
use super::header::HeaderName;
use super::parse::{self, Index, Start};

/// A SIP message over a buffer `B`: borrowed (`&[u8]`) where it is only looked at, owned
/// (`Box<[u8]>`) where it travels to another thread.
///
/// Header order, unknown headers, folding, bytes that are no UTF-8 and binary bodies are kept
/// exactly: nothing is rewritten.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<B = Box<[u8]>> {
    pub(super) bytes: B,
    pub(super) index: Index,
}

/// One header line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// Which header, if it is a known one.
    pub id: HeaderName,
    /// Its name as written.
    pub name: &'a [u8],
    /// Its value as written, without blanks at either end; folds are still in it (see
    /// [`unfold`](super::unfold)).
    pub value: &'a [u8],
    /// Where the value starts, in bytes from the start of the message.
    pub offset: usize,
}

impl<B: AsRef<[u8]>> Message<B> {
    /// Reads one datagram: line ends in front are skipped, bytes after the body are ignored.
    ///
    /// # Errors
    /// When the bytes are no SIP message: what, where, and the status that answers it.
    pub fn parse(bytes: B) -> Result<Self, ParseError> {
        let (message, fault) = Self::parse_lenient(bytes);
        fault.map_or(Ok(message), Err)
    }

    /// Reads what can be read, for the answer to a message that is broken.
    #[must_use]
    pub fn parse_lenient(bytes: B) -> (Self, Option<ParseError>) {
        let (index, fault) = parse::index(bytes.as_ref());
        (Self { bytes, index }, fault)
    }

    /// A copy that owns its bytes.
    #[must_use]
    pub fn to_message(&self) -> Message {
        Message { bytes: self.bytes.as_ref().into(), index: self.index.clone() }
    }

    /// The whole buffer.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Whether it is a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        matches!(self.index.start, Start::Request { .. })
    }

    /// A request's method as written; methods compare by case (RFC 3261 §7.1).
    #[must_use]
    pub fn method(&self) -> Option<&[u8]> {
        match self.index.start {
            Start::Request { method, .. } => Some(method.of(self.as_bytes())),
            Start::Response { .. } | Start::Unknown => None,
        }
    }

    /// A request's URI as written.
    #[must_use]
    pub fn request_uri(&self) -> Option<&[u8]> {
        match self.index.start {
            Start::Request { uri, .. } => Some(uri.of(self.as_bytes())),
            Start::Response { .. } | Start::Unknown => None,
        }
    }

    /// A response's status code, 100–699.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.index.start {
            Start::Response { status, .. } => Some(status),
            Start::Request { .. } | Start::Unknown => None,
        }
    }

    /// A response's reason phrase as written.
    #[must_use]
    pub fn reason(&self) -> Option<&[u8]> {
        match self.index.start {
            Start::Response { reason, .. } => Some(reason.of(self.as_bytes())),
            Start::Request { .. } | Start::Unknown => None,
        }
    }

    /// The body; empty when there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.index.body.of(self.as_bytes())
    }

    /// Every header line, in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        let bytes = self.as_bytes();
        self.index.headers.iter().map(move |header| header.of(bytes))
    }

    /// The first header of that name, as written.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&[u8]> {
        self.all(name).next().map(|header| header.value)
    }

    /// Which header each line is, in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = HeaderName> {
        self.index.headers.iter().map(|header| header.id)
    }

    /// Every header line of that name.
    pub(super) fn all(&self, name: HeaderName) -> impl Iterator<Item = Header<'_>> {
        let bytes = self.as_bytes();
        let spans = self.index.headers.iter().filter(move |header| header.id == name);
        spans.map(move |header| header.of(bytes))
    }

    /// The elements of every header of that name, comma lists taken apart, in order.
    pub fn elements(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.all(name).flat_map(|header| super::scan::list(header.value))
    }

    /// The first header of that name, in any case; for headers that offhook does not know.
    #[must_use]
    pub fn header_by_name(&self, name: &str) -> Option<&[u8]> {
        self.headers()
            .find(|header| header.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|header| header.value)
    }
}
