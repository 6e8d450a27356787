//! `Byte-Range: 1-*/39` (RFC 4975 §7.1.1).

use std::fmt;

use crate::scan::number;

/// Which bytes of a message a chunk holds. Counted from 1; the end may be unknown because a chunk
/// may be interrupted, the total because the message is still being made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ByteRange {
    /// The first byte, from 1.
    pub start: u64,
    /// The last byte, where it is told; `start - 1` when there is none.
    pub end: Option<u64>,
    /// How many bytes the message has, where it is told.
    pub total: Option<u64>,
}

impl ByteRange {
    /// What a request without the header means: from the first byte on.
    pub const UNKNOWN: Self = Self { start: 1, end: None, total: None };

    /// All of a message of that many bytes.
    #[must_use]
    pub const fn whole(total: u64) -> Self {
        Self { start: 1, end: Some(total), total: Some(total) }
    }

    /// Reads the header's value; `None` for what is no range, for a start of zero, for an end more
    /// than one before the start and for a total that is less than the end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (start, rest) = text.split_once('-')?;
        let (end, total) = rest.split_once('/')?;
        let star = |text: &str| match text {
            "*" => Some(None),
            digits => number(digits).map(Some),
        };
        let range = Self { start: number(start)?, end: star(end)?, total: star(total)? };
        let before = range.start.checked_sub(1)?;
        let ordered = range.end.is_none_or(|end| end >= before);
        let fits = range.total.is_none_or(|total| total >= range.end.unwrap_or(before));
        (ordered && fits).then_some(range)
    }

    /// Bytes of the message before this chunk.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.start.saturating_sub(1)
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = |f: &mut fmt::Formatter<'_>, number: Option<u64>| match number {
            Some(number) => write!(f, "{number}"),
            None => f.write_str("*"),
        };
        write!(f, "{}-", self.start)?;
        star(f, self.end)?;
        f.write_str("/")?;
        star(f, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_print_as_they_are_read() {
        for text in [
            "1-*/*",
            "1-8/8",
            "5-8/8",
            "1-0/0",
            "9-8/8",
            "2-*/8",
            "1-8/*",
            "18446744073709551615-18446744073709551615/18446744073709551615",
        ] {
            assert_eq!(ByteRange::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(ByteRange::whole(3).to_string(), "1-3/3");
    }

    #[test]
    fn impossible_ranges_are_refused() {
        for bad in [
            "",
            "1",
            "1-2",
            "0-1/1",
            "-1/1",
            "1-/1",
            "1-1/",
            "*-1/1",
            "3-1/9",
            "1-9/8",
            "10-*/8",
            "1-18446744073709551616/*",
            " 1-1/1",
            "1-1/1 ",
            "+1-1/1",
            "1--1/1",
            "1-1/1/1",
        ] {
            assert_eq!(ByteRange::parse(bad), None, "{bad}");
        }
    }
}
