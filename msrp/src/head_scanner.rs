//! Finds the end of a header section, resumable at any byte.

use crate::end_line::EndLine;
use crate::error::{ParseError, ParseErrorKind};
use crate::message::ContinuationFlag;
use crate::scan::{is_transaction_id, line_end};

/// Bytes of a start line and its headers at most; one more is 413.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
const BEGINNING: &[u8] = b"MSRP ";

/// How far a header section has been looked through. Offsets count from the message's first byte.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct HeadScanner {
    /// The end-line to look for, once the start line is there.
    pub(crate) end_line: Option<EndLine>,
    /// Where the current line starts.
    line: usize,
    /// Up to where the current line was looked through for its end.
    looked: usize,
}

/// How a header section ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeadEnd {
    /// With an empty line. The body starts at `next`.
    Body {
        /// Bytes of start line and headers.
        head: usize,
        /// Where the body starts.
        next: usize,
    },
    /// With the end-line: there is no body.
    EndLine {
        /// Bytes of start line and headers.
        head: usize,
        /// What the end-line says.
        flag: ContinuationFlag,
        /// Where the next message starts.
        next: usize,
    },
    /// The limit is passed; `head` bytes of whole lines came before.
    TooLong {
        /// Bytes of start line and headers.
        head: usize,
    },
}

impl HeadScanner {
    /// Looks on in `bytes`, which start with the message's first byte and are what came so far.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<Option<HeadEnd>, ParseError> {
        if self.end_line.is_none() {
            let length = bytes.len().min(BEGINNING.len());
            if bytes.get(..length) != BEGINNING.get(..length) {
                return Err(ParseError::new(ParseErrorKind::StartLine, 0));
            }
        }
        loop {
            let found = line_end(bytes.get(self.looked..).unwrap_or_default());
            let Some(found) = found else {
                // A carriage return at the end may be half of a line end.
                self.looked = bytes.len().saturating_sub(1).max(self.line);
                let fits = bytes.len() <= HEAD_BYTES_MAX;
                return if fits { Ok(None) } else { self.too_long().map(Some) };
            };
            let next = self.looked + found + 2;
            if next > HEAD_BYTES_MAX {
                return self.too_long().map(Some);
            }
            let head = self.line;
            let line = bytes.get(self.line..next).unwrap_or_default();
            (self.line, self.looked) = (next, next);
            match &self.end_line {
                None => self.end_line = Some(end_line_of(line)?),
                Some(_) if line == b"\r\n" => return Ok(Some(HeadEnd::Body { head, next })),
                Some(end_line) => {
                    if let Some((flag, _)) = end_line.at_front(line) {
                        return Ok(Some(HeadEnd::EndLine { head, flag, next }));
                    }
                }
            }
        }
    }

    fn too_long(&self) -> Result<HeadEnd, ParseError> {
        match self.end_line {
            Some(_) => Ok(HeadEnd::TooLong { head: self.line }),
            None => Err(ParseError::new(ParseErrorKind::StartLine, 0)),
        }
    }
}

/// The transaction id of a start line is the word after `MSRP`.
fn end_line_of(line: &[u8]) -> Result<EndLine, ParseError> {
    let id = line.strip_prefix(BEGINNING).unwrap_or_default();
    let id = id.split(|byte| *byte == b' ').next().unwrap_or_default();
    let id = std::str::from_utf8(id).ok().filter(|id| is_transaction_id(id));
    id.map(EndLine::new).ok_or(ParseError::new(ParseErrorKind::StartLine, 0))
}
