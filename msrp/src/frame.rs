//! Cuts a stream of bytes into heads, pieces of bodies and ends, wherever it is cut.

use crate::end_line::{EndLine, Found};
use crate::error::{ParseError, ParseErrorKind};
use crate::head_scanner::{HeadEnd, HeadScanner};
use crate::message::{ContinuationFlag, Head};

/// A piece of the stream.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "it is looked at and dropped, never kept")]
pub enum Frame<'a> {
    /// A message begins. `End` follows, with `Body` pieces before it when there is a body.
    Head {
        /// What could be read.
        head: Head<'a>,
        /// What is wrong with it; the message is framed to its end all the same.
        fault: Option<ParseError>,
    },
    /// The next bytes of the body, never empty.
    Body(&'a [u8]),
    /// The message ends.
    End(ContinuationFlag),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// In a header section, or before one.
    Head,
    /// In a body, at its first byte or further on.
    Body { start: bool },
    /// In what cannot be read: skipped to its end-line.
    Skip,
    /// The head was told, its end-line is to be told.
    Ending(ContinuationFlag),
    /// Lost.
    Failed(ParseError),
}

/// Holds what has come and was not yet told: an incomplete header section of at most
/// [`HEAD_BYTES_MAX`](crate::HEAD_BYTES_MAX) bytes, or what may become an end-line; never a body.
///
/// After each [`push`](Self::push), take frames until there is none.
///
/// ```
/// use offhook_msrp::{Frame, Framer};
/// let mut framer = Framer::new();
/// framer.push(b"MSRP abcd 200 OK\r\nTo-Path: msrp://a/1;tcp\r\nFrom-Path: msrp://b/2;tcp\r\n---");
/// assert_eq!(framer.next_frame()?, None);
/// framer.push(b"----abcd$\r\n");
/// assert!(matches!(framer.next_frame()?, Some(Frame::Head { fault: None, .. })));
/// # Ok::<(), offhook_msrp::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes at the buffer's front that were told.
    taken: usize,
    place: Place,
    scanner: HeadScanner,
    end_line: EndLine,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// A framer at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            place: Place::Head,
            scanner: HeadScanner::default(),
            end_line: EndLine::default(),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.place, Place::Failed(_)) {
            return;
        }
        self.buffer.drain(..self.taken.min(self.buffer.len()));
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the stream stands between two messages.
    #[must_use]
    pub const fn is_between(&self) -> bool {
        matches!(self.place, Place::Head) && self.taken == self.buffer.len()
    }

    /// The next frame, `None` until more bytes come.
    ///
    /// # Errors
    /// What no end-line can be found for: the stream is lost, and every later call says so again.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ParseError> {
        match self.place {
            Place::Failed(error) => Err(error),
            Place::Ending(flag) => {
                self.place = Place::Head;
                Ok(Some(Frame::End(flag)))
            }
            Place::Head => match self.head_end() {
                Ok(Some(end)) => self.head(end).map(Some),
                Ok(None) => Ok(None),
                Err(error) => Err(self.fail(error)),
            },
            Place::Body { start } => Ok(self.body(start)),
            Place::Skip => Ok(self.skip()),
        }
    }

    fn fail(&mut self, error: ParseError) -> ParseError {
        (self.buffer, self.taken) = (Vec::new(), 0);
        self.place = Place::Failed(error);
        error
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.taken..).unwrap_or_default()
    }

    fn consume(&mut self, bytes: usize) -> &[u8] {
        let from = self.taken;
        self.taken = from.saturating_add(bytes).min(self.buffer.len());
        self.buffer.get(from..self.taken).unwrap_or_default()
    }

    fn head_end(&mut self) -> Result<Option<HeadEnd>, ParseError> {
        // Line ends between messages keep a connection open and say nothing.
        while self.scanner == HeadScanner::default() && self.rest().starts_with(b"\r\n") {
            self.taken += 2;
        }
        if self.scanner == HeadScanner::default() && self.rest() == b"\r" {
            return Ok(None);
        }
        let bytes = self.buffer.get(self.taken..).unwrap_or_default();
        self.scanner.advance(bytes)
    }

    fn head(&mut self, end: HeadEnd) -> Result<Frame<'_>, ParseError> {
        self.end_line = std::mem::take(&mut self.scanner).end_line.unwrap_or_default();
        let from = self.taken;
        let mut too_long = None;
        let (length, place, consumed) = match end {
            HeadEnd::Body { head, next } => (head, Place::Body { start: true }, next),
            HeadEnd::EndLine { head, flag, next } => (head, Place::Ending(flag), next),
            HeadEnd::TooLong { head } => {
                too_long = Some(ParseError::new(ParseErrorKind::HeadersTooLong, head));
                // The line end before the first line that is skipped may belong to the end-line.
                (head, Place::Skip, head.saturating_sub(2))
            }
        };
        self.place = place;
        self.taken = from.saturating_add(consumed);
        let bytes = self.buffer.get(from..from.saturating_add(length)).unwrap_or_default();
        match Head::read(bytes) {
            Ok((head, fault)) => Ok(Frame::Head { head, fault: too_long.or(fault) }),
            Err(error) => {
                self.place = Place::Failed(error);
                Err(error)
            }
        }
    }

    fn body(&mut self, start: bool) -> Option<Frame<'_>> {
        match self.end_line.find(self.rest(), start) {
            Found::EndLine { body, flag, next } => {
                if body == 0 {
                    self.place = Place::Head;
                    self.consume(next);
                    return Some(Frame::End(flag));
                }
                self.place = Place::Ending(flag);
                let from = self.taken;
                self.consume(next);
                Some(Frame::Body(self.buffer.get(from..from + body)?))
            }
            Found::Nothing { body: 0 } => None,
            Found::Nothing { body } => {
                self.place = Place::Body { start: false };
                Some(Frame::Body(self.consume(body)))
            }
        }
    }

    fn skip(&mut self) -> Option<Frame<'_>> {
        match self.end_line.find(self.rest(), false) {
            Found::EndLine { flag, next, .. } => {
                self.place = Place::Head;
                self.consume(next);
                Some(Frame::End(flag))
            }
            Found::Nothing { body } => {
                self.consume(body);
                None
            }
        }
    }
}
