//! The grammar's small pieces (RFC 3261 §25.1): tokens, blanks, lists, parameters.

use std::borrow::Cow;

use memchr::{memchr, memchr3};

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Class(u8);

impl Class {
    /// `token`.
    pub(super) const TOKEN: Self = Self(1);
    /// Linear white space; folded line ends count.
    pub(super) const LWS: Self = Self(2);
    /// What an unquoted parameter value is made of: a token or a host (colons and brackets for
    /// IPv6). `/`, `=` and `@` occur in the tags and keys of real peers.
    pub(super) const PARAM_VALUE: Self = Self(4);
    /// What may stand in a URI, but for `%`: no blank, quote, angle bracket or control character.
    pub(super) const URI: Self = Self(8);
    /// A name or an IPv4 address.
    pub(super) const HOST: Self = Self(16);
    /// An unquoted display name: tokens and blanks; letters beyond ASCII are seen and harmless.
    pub(super) const DISPLAY: Self = Self(32);
    /// A URI's scheme.
    pub(super) const SCHEME: Self = Self(64);

    /// Whether `byte` is in the set.
    pub(super) const fn has(self, byte: u8) -> bool {
        classes_of(byte) & self.0 != 0
    }

    /// Whether all of `bytes` are; eight are looked up between two decisions.
    pub(super) fn has_all(self, bytes: &[u8]) -> bool {
        let (eights, rest) = bytes.as_chunks::<8>();
        eights.iter().all(|eight| self.common(eight) != 0)
            && rest.iter().all(|&byte| self.has(byte))
    }

    /// How many bytes at the front of `bytes` are.
    pub(super) fn run(self, bytes: &[u8]) -> usize {
        let (eights, _) = bytes.as_chunks::<8>();
        let whole = eights.iter().take_while(|eight| self.common(eight) != 0).count() * 8;
        let rest = bytes.get(whole..).unwrap_or_default();
        whole + rest.iter().position(|&byte| !self.has(byte)).unwrap_or(rest.len())
    }

    /// Not zero when all eight are in the set.
    fn common(self, eight: &[u8; 8]) -> u8 {
        eight.iter().fold(self.0, |in_all, &byte| in_all & classes_of(byte))
    }
}

const fn classes_of(byte: u8) -> u8 {
    #[expect(clippy::indexing_slicing, reason = "a byte is always inside of 256 cells")]
    CLASSES[byte as usize]
}

/// Which sets each byte is in: one look instead of ten comparisons.
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let byte = index as u8;
        let beyond_ascii = byte >= 128;
        let lws = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let letter = byte.is_ascii_alphanumeric();
        let token = letter
            || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        let value = matches!(byte, b'[' | b']' | b':' | b'/' | b'=' | b'@');
        let uri = byte > b' ' && !matches!(byte, 127 | b'<' | b'>' | b'"' | b'%');
        let sets = [
            (token, Class::TOKEN),
            (lws, Class::LWS),
            (token || value || beyond_ascii, Class::PARAM_VALUE),
            (uri, Class::URI),
            (letter || matches!(byte, b'-' | b'.' | b'_'), Class::HOST),
            (token || lws || beyond_ascii, Class::DISPLAY),
            (letter || matches!(byte, b'+' | b'-' | b'.'), Class::SCHEME),
        ];
        let mut set = 0;
        while set < sets.len() {
            #[expect(clippy::indexing_slicing, reason = "at compile time a bad index is an error")]
            if sets[set].0 {
                table[index] |= sets[set].1.0;
            }
            set += 1;
        }
        index += 1;
    }
    table
};

/// Eight bytes as one number, the first the lowest.
pub(super) const fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

const LOWEST_BITS: u64 = word(&[1; 8]);
const HIGHEST_BITS: u64 = word(&[128; 8]);

/// Not zero when a byte of `word` is a control character below the blank. The lowest bit that is
/// set is the highest of the first such byte.
pub(super) const fn controls(word: u64) -> u64 {
    word.wrapping_sub(LOWEST_BITS * b' ' as u64) & !word & HIGHEST_BITS
}

/// Whether a control character below the blank is in `bytes`.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    let (eights, rest) = bytes.as_chunks::<8>();
    let last = bytes.last_chunk::<8>();
    let ends =
        last.map_or_else(|| rest.iter().any(|&b| b < b' '), |last| controls(word(last)) != 0);
    ends || eights.iter().fold(0, |found, eight| found | controls(word(eight))) != 0
}

/// Where the first colon or control character is, if there is one.
pub(super) fn colon_or_control(bytes: &[u8]) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        let colons = word(eight) ^ (LOWEST_BITS * u64::from(b':'));
        let found =
            controls(word(eight)) | colons.wrapping_sub(LOWEST_BITS) & !colons & HIGHEST_BITS;
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let in_rest = rest.iter().position(|&byte| byte == b':' || byte < b' ')?;
    Some(eights.len() * 8 + in_rest)
}

/// Linear white space; folded line ends count.
#[must_use]
pub(super) const fn is_lws(byte: u8) -> bool {
    Class::LWS.has(byte)
}

/// Without blanks in front.
#[must_use]
pub(super) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_lws(*first) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// Without blanks at either end.
#[must_use]
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = trim_start(bytes);
    while let [rest @ .., last] = bytes {
        if !is_lws(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// Whether `bytes` is a `token`.
#[must_use]
#[inline]
pub(super) fn all_token(bytes: &[u8]) -> bool {
    let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) if bytes.len() <= 32 => (first, last),
        _ => return !bytes.is_empty() && Class::TOKEN.has_all(bytes),
    };
    is_plain(first) && is_plain(last) || Class::TOKEN.has_all(bytes)
}

/// Whether all are letters, digits and hyphens, as tokens mostly are: without branches, so that the
/// compiler looks at all sixteen at once.
#[inline]
fn is_plain(bytes: &[u8; 16]) -> bool {
    bytes.iter().fold(true, |plain, &byte| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let digit = byte.wrapping_sub(b'0') < 10;
        plain & (letter | digit | (byte == b'-'))
    })
}

/// The decimal number that `bytes` is, digits alone; `None` when it does not fit.
#[must_use]
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// `bytes` before and after the first byte `at` that stands outside quotes and angle brackets.
#[must_use]
pub(super) fn split_outside(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let Some(position) = memchr3(at, b'"', b'<', rest) else { break };
        let (before, found) = rest.split_at(position);
        let closed = match found {
            [b'"', ..] => quoted(found).map(|(_, after)| after),
            [b'<', inside @ ..] => memchr(b'>', inside).and_then(|close| inside.get(close + 1..)),
            _ => return (bytes.split_at(from + before.len()).0, found.get(1..)),
        };
        // What is not closed goes on to the end.
        let Some(after) = closed else { break };
        from = bytes.len() - after.len();
    }
    (bytes, None)
}

/// The elements of a comma list, trimmed; commas in quotes and angle brackets do not split.
/// Empty elements are skipped (RFC 7230's manners; RFC 3261 has none).
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        loop {
            let (element, after) = split_outside(rest?, b',');
            rest = after;
            let element = trim(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
    })
}

/// `value` with folded lines joined by one blank (RFC 3261 §7.3.1).
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut in_fold = false;
    for &byte in value {
        match byte {
            b'\r' | b'\n' => in_fold = true,
            b' ' | b'\t' if in_fold => {}
            _ => {
                if in_fold {
                    while out.last().is_some_and(|last| is_lws(*last)) {
                        out.pop();
                    }
                    out.push(b' ');
                    in_fold = false;
                }
                out.push(byte);
            }
        }
    }
    Cow::Owned(out)
}

/// `;name=value` parameters, in order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Params<'a>(pub(super) &'a [u8]);

impl<'a> Params<'a> {
    /// The bytes, from the first `;` on; empty when there are none.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Name and value of each; a value keeps its quotes.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.0.strip_prefix(b";");
        std::iter::from_fn(move || {
            loop {
                let (param, after) = split_outside(rest?, b';');
                rest = after;
                let (name, value) = split_outside(param, b'=');
                let name = trim(name);
                if !name.is_empty() || value.is_some() {
                    return Some((name, value.map(trim)));
                }
            }
        })
    }

    /// The first parameter of that name, in any case: `Some(None)` when it has no value.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The value of the first parameter of that name.
    #[must_use]
    pub fn value(self, name: &str) -> Option<&'a [u8]> {
        self.get(name).flatten()
    }

    /// Whether every parameter is `token [= (token / host / quoted-string)]` and quotes close.
    #[must_use]
    pub(super) fn is_well_formed(self) -> bool {
        self.each_well_formed(|_| {})
    }

    /// Tells each parameter as long as they are well-formed, and whether all are.
    #[inline]
    pub(super) fn each_well_formed(self, mut tell: impl FnMut(Param<'a>)) -> bool {
        let mut rest = self.0;
        while let [first, param @ ..] = rest {
            match Param::read(param) {
                Some((param, after)) if *first == b';' => {
                    tell(param);
                    rest = after;
                }
                _ => return false,
            }
        }
        true
    }
}

/// An address without `tag` parameters that are empty: they are read as no tag and never sent on.
#[must_use]
pub(crate) fn without_empty_tag(value: &[u8]) -> Cow<'_, [u8]> {
    let is_empty_tag = |param: &&[u8]| {
        let (name, value) = split_outside(param, b'=');
        trim(name).eq_ignore_ascii_case(b"tag") && value.is_none_or(|v| trim(v).is_empty())
    };
    let (address, params) = split_outside(value, b';');
    let params = || {
        let mut rest = params;
        std::iter::from_fn(move || {
            let (param, after) = split_outside(rest?, b';');
            rest = after;
            Some(param)
        })
    };
    if !params().any(|param| is_empty_tag(&param)) {
        return Cow::Borrowed(value);
    }
    let mut out = address.to_vec();
    for param in params().filter(|param| !is_empty_tag(param)) {
        out.push(b';');
        out.extend_from_slice(param);
    }
    Cow::Owned(out)
}

/// One well-formed parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param<'a> {
    /// All of it, without blanks around it.
    pub(super) raw: &'a [u8],
    pub(super) name: &'a [u8],
    /// With its quotes.
    pub(super) value: Option<&'a [u8]>,
}

impl<'a> Param<'a> {
    /// The parameter at the front of `bytes`, and what follows it, from its semicolon on.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let bytes = trim_start(bytes);
        let (name, rest) = bytes.split_at(Class::TOKEN.run(bytes));
        let (mut end, mut value) = (rest, None);
        let mut after = trim_start(rest);
        if let [b'=', text @ ..] = after {
            let text = trim_start(text);
            // An empty tag is seen in the CANCELs of real peers: it is no tag.
            let empty_tag = name.eq_ignore_ascii_case(b"tag") && matches!(text, [] | [b';', ..]);
            end = if empty_tag { text } else { after_value(text)? };
            value = text.get(..text.len() - end.len());
            after = trim_start(end);
        }
        let raw = bytes.get(..bytes.len() - end.len())?;
        let whole = !name.is_empty() && matches!(after, [] | [b';', ..]);
        whole.then_some((Self { raw, name, value }, after))
    }
}

/// What follows a token, a host or a closed quoted string.
fn after_value(value: &[u8]) -> Option<&[u8]> {
    let after = match value {
        [b'"', ..] => quoted(value)?.1,
        _ => value.get(Class::PARAM_VALUE.run(value)..)?,
    };
    (after.len() < value.len()).then_some(after)
}

/// Splits a quoted string at the front of `bytes` into its inside and what follows the closing
/// quote.
#[must_use]
pub(super) fn quoted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = bytes.strip_prefix(b"\"")?;
    let mut escaped = false;
    for (position, &byte) in inside.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                let (inside, after) = inside.split_at(position);
                return Some((inside, after.get(1..)?));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_outside_quotes_and_angles_only() {
        let value = br#""a, \"b" <sip:x@y;p=1,2>, , <sip:z>"#;
        let elements: Vec<_> = list(value).collect();
        assert_eq!(elements, [&br#""a, \"b" <sip:x@y;p=1,2>"#[..], b"<sip:z>"]);
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "-1", "+1", "1 ", "18446744073709551616", "0x1"] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn unfolding_leaves_one_blank() {
        assert_eq!(&*unfold(b"a  \r\n \t b\r\n\tc"), b"a b c");
        assert_eq!(&*unfold(b"plain"), b"plain");
    }

    #[test]
    fn params_are_found_in_any_case_with_their_quotes() {
        let params = Params(b";Tag = abc;lr;q=\"x;y\"");
        assert_eq!(params.value("tag"), Some(&b"abc"[..]));
        assert_eq!(params.get("lr"), Some(None));
        assert_eq!(params.value("q"), Some(&b"\"x;y\""[..]));
        assert_eq!(params.get("none"), None);
    }
}
