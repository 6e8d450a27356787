//! The line that ends a message: seven hyphens, the transaction id, a flag (RFC 4975 §7.1).

use memchr::memmem;
use smallvec::SmallVec;

use crate::message::ContinuationFlag;
use crate::scan::TRANSACTION_ID_MAX;

/// Bytes of a line end, seven hyphens and a transaction id.
const NEEDLE_MAX: usize = 2 + 7 + TRANSACTION_ID_MAX;
/// Bytes after the transaction id: the flag and a line end.
const TAIL: usize = 3;

/// Looks for one message's end-line.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct EndLine {
    /// With the line end before it.
    needle: SmallVec<[u8; NEEDLE_MAX]>,
}

/// What was found in a piece of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// The end-line.
    EndLine {
        /// Bytes of body before it.
        body: usize,
        /// What it says.
        flag: ContinuationFlag,
        /// Where the next message starts.
        next: usize,
    },
    /// No end-line.
    Nothing {
        /// Bytes that are body for certain; what follows may be the start of the end-line.
        body: usize,
    },
}

impl EndLine {
    pub(crate) fn new(transaction_id: &str) -> Self {
        let mut needle = SmallVec::new();
        needle.extend_from_slice(b"\r\n-------");
        needle.extend_from_slice(transaction_id.as_bytes());
        Self { needle }
    }

    /// Seven hyphens and the transaction id.
    fn without_line_end(&self) -> &[u8] {
        self.needle.get(2..).unwrap_or_default()
    }

    /// Whether a body holds what could be taken for the end-line; then another transaction id must
    /// be chosen. A body that holds it without the line end in front is counted in: not every
    /// reader insists on that.
    pub(crate) fn collides(&self, body: &[u8]) -> bool {
        memmem::find(body, self.without_line_end()).is_some()
    }

    /// The flag and the length of the end-line at the front of `line`, line end included.
    pub(crate) fn at_front(&self, line: &[u8]) -> Option<(ContinuationFlag, usize)> {
        let after = line.strip_prefix(self.without_line_end())?;
        let [flag, b'\r', b'\n', ..] = after else { return None };
        Some((ContinuationFlag::from_byte(*flag)?, self.without_line_end().len() + TAIL))
    }

    /// Looks through a piece of a body. At its `start`, where the empty line's end has been
    /// consumed, the end-line may stand without one: an empty body.
    pub(crate) fn find(&self, body: &[u8], start: bool) -> Found {
        if start {
            if let Some((flag, next)) = self.at_front(body) {
                return Found::EndLine { body: 0, flag, next };
            }
            if self.could_become(self.without_line_end(), body) {
                return Found::Nothing { body: 0 };
            }
        }
        let mut from = 0;
        while let Some(rest) = body.get(from..)
            && let Some(at) = memmem::find(rest, &self.needle)
        {
            let line = rest.get(at + 2..).unwrap_or_default();
            if let Some((flag, length)) = self.at_front(line) {
                return Found::EndLine { body: from + at, flag, next: from + at + 2 + length };
            }
            if self.could_become(self.without_line_end(), line) {
                return Found::Nothing { body: from + at };
            }
            from += at + 1;
        }
        Found::Nothing { body: self.certain(body) }
    }

    /// Whether `bytes`, all there is, are the beginning of the end-line that starts with `needle`.
    fn could_become(&self, needle: &[u8], bytes: &[u8]) -> bool {
        match bytes.strip_prefix(needle) {
            Some([]) => true,
            Some([flag]) => ContinuationFlag::from_byte(*flag).is_some(),
            Some([flag, b'\r']) => ContinuationFlag::from_byte(*flag).is_some(),
            Some(_) => false,
            None => needle.starts_with(bytes),
        }
    }

    /// Bytes before the first place at which the end-line may have begun.
    fn certain(&self, body: &[u8]) -> usize {
        let tail = body.len().saturating_sub(self.needle.len() + TAIL);
        let rest = body.get(tail..).unwrap_or_default();
        memchr::memchr_iter(b'\r', rest)
            .map(|at| tail + at)
            .find(|at| self.could_become(&self.needle, body.get(*at..).unwrap_or_default()))
            .unwrap_or(body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_line_ends_a_body() {
        let line = EndLine::new("abcd");
        for data in [
            "-------abcd$",
            "\r\n-------abcde$\r\n",
            "\r\n-------abcd\r\n",
            "\r\n-------abcd%\r\n",
            "\r\n-------abcd$x",
            "\n-------abcd$\r\n",
            "\r\n------abcd$\r\n",
            "x-------abcd$\r\n",
        ] {
            let body = format!("{data}\r\n-------abcd+\r\nMSRP");
            let found = line.find(body.as_bytes(), false);
            let (length, next) = (data.len(), body.len() - 4);
            let flag = ContinuationFlag::More;
            assert_eq!(found, Found::EndLine { body: length, flag, next }, "{data:?}");
        }
    }

    #[test]
    fn what_may_become_the_end_line_is_held_back_and_no_more() {
        let line = EndLine::new("abcd");
        let end = b"\r\n-------abcd#\r\n";
        for cut in 0..end.len() {
            let body = [b"data", &end[..cut]].concat();
            assert_eq!(line.find(&body, false), Found::Nothing { body: 4 }, "{cut}");
        }
        assert_eq!(line.find(b"data\r\n---x", false), Found::Nothing { body: 10 });
        assert_eq!(line.find(b"data\r\r\n--", false), Found::Nothing { body: 5 });
    }

    #[test]
    fn an_end_line_right_after_the_empty_line_is_an_empty_body() {
        let line = EndLine::new("abcd");
        let flag = ContinuationFlag::Complete;
        let end = b"-------abcd$\r\n";
        assert_eq!(line.find(end, true), Found::EndLine { body: 0, flag, next: 14 });
        for cut in 0..end.len() {
            assert_eq!(line.find(&end[..cut], true), Found::Nothing { body: 0 });
        }
        assert!(matches!(line.find(end, false), Found::Nothing { body: 12.. }));
    }
}
