//! The items of SDES (RFC 3550 §6.5).

/// CNAME, the one item that everybody sends (§6.5.1).
pub(super) const CNAME: u8 = 1;

/// One item about one source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SdesItem<'a> {
    /// The source.
    pub ssrc: u32,
    /// What is said: 1 is CNAME, 2 NAME, 3 EMAIL, …
    pub kind: u8,
    /// UTF-8 by intention, not checked.
    pub text: &'a [u8],
}

impl SdesItem<'_> {
    /// The item is the source's canonical name.
    #[must_use]
    pub const fn is_cname(&self) -> bool {
        self.kind == CNAME
    }
}

/// All items of a packet; ends early where a length lies.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
    /// Chunks that are yet to begin.
    chunks: usize,
    current: Option<u32>,
}

impl<'a> Items<'a> {
    pub(super) const fn new(body: &'a [u8], chunks: usize) -> Self {
        Self { rest: body, chunks, current: None }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = SdesItem<'a>;

    fn next(&mut self) -> Option<SdesItem<'a>> {
        loop {
            let Some(ssrc) = self.current else {
                self.chunks = self.chunks.checked_sub(1)?;
                let (ssrc, rest) = self.rest.split_first_chunk::<4>()?;
                (self.current, self.rest) = (Some(u32::from_be_bytes(*ssrc)), rest);
                continue;
            };
            let (kind, after) = self.rest.split_first()?;
            if *kind == 0 {
                // The list ends with zeros up to the next word. Chunks begin on words and the
                // body is made of words, so what is left tells where in a word we are.
                let padding = (self.rest.len() - 1) % 4 + 1;
                (self.current, self.rest) = (None, self.rest.get(padding..)?);
                continue;
            }
            let (length, after) = after.split_first()?;
            let (text, after) = after.split_at_checked(usize::from(*length))?;
            self.rest = after;
            return Some(SdesItem { ssrc, kind: *kind, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(body: &[u8], chunks: usize) -> Vec<(u32, u8, &[u8])> {
        Items::new(body, chunks).map(|item| (item.ssrc, item.kind, item.text)).collect()
    }

    #[test]
    fn items_of_all_chunks_come_in_order() {
        let body = b"\0\0\0\x01\x01\x02ab\x02\x01c\0\0\0\0\x02\x01\x01d\0";
        let expected = [(1, 1, &b"ab"[..]), (1, 2, &b"c"[..]), (2, 1, &b"d"[..])];
        assert_eq!(items(body, 2), expected);
        assert_eq!(items(body, 1), expected[..2]);
        assert_eq!(items(body, 31), expected);
    }

    #[test]
    fn a_full_word_of_zeros_ends_a_list_that_fills_its_word() {
        let body = b"\0\0\0\x01\x01\x02ab\0\0\0\0\0\0\0\x02\x01\x02cd\0\0\0\0";
        assert_eq!(items(body, 2), [(1, 1, &b"ab"[..]), (2, 1, &b"cd"[..])]);
    }

    #[test]
    fn r45_lengths_that_lie_end_the_items() {
        assert!(items(b"\0\0\0\x01\x01\x03ab", 1).is_empty());
        assert!(items(b"\0\0\0\x01\x01\xff", 1).is_empty());
        assert!(items(b"\0\0\0", 1).is_empty());
        assert!(items(b"\0\0\0\x01\0", 31).is_empty());
    }
}
