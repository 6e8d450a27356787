//! The grammar's small pieces (RFC 3261 §25.1): tokens, blanks, lists, parameters.

use std::borrow::Cow;

/// Which bytes a `token` is made of, by value: one look instead of ten comparisons.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        #[expect(clippy::cast_possible_truncation, reason = "below 128")]
        let value = byte as u8;
        #[expect(clippy::indexing_slicing, reason = "at compile time a bad index is an error")]
        let cell = &mut table[byte];
        *cell = value.is_ascii_alphanumeric()
            || matches!(
                value,
                b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
            );
        byte += 1;
    }
    table
};

/// A character of `token`.
#[must_use]
pub(super) const fn is_token(byte: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "a byte is always inside of 256 cells")]
    TOKEN[byte as usize]
}

/// Linear white space; folded line ends count.
#[must_use]
pub(super) const fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without blanks at either end.
#[must_use]
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_lws(*first) {
            break;
        }
        bytes = rest;
    }
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
pub(super) fn all_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token(byte))
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
    let (mut quoted, mut angled, mut escaped) = (false, false, false);
    for (position, &byte) in bytes.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if quoted => escaped = true,
            b'"' if !angled => quoted = !quoted,
            b'<' if !quoted => angled = true,
            b'>' if !quoted => angled = false,
            _ if byte == at && !quoted && !angled => {
                let (before, after) = bytes.split_at(position);
                return (before, after.get(1..));
            }
            _ => {}
        }
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
        let body = match self.0 {
            [] => return true,
            [b';', body @ ..] => body,
            _ => return false,
        };
        let mut rest = Some(body);
        while let Some(bytes) = rest {
            let (param, after) = split_outside(bytes, b';');
            rest = after;
            let (name, value) = split_outside(param, b'=');
            let (name, value) = (trim(name), value.map(trim));
            // An empty tag is seen in the CANCELs of real peers: it is no tag.
            let empty_tag = value == Some(b"") && name.eq_ignore_ascii_case(b"tag");
            if !all_token(name) || (!empty_tag && value.is_some_and(|v| !is_param_value(v))) {
                return false;
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

/// A token, a host (colons and brackets for IPv6), or a closed quoted string. `/` and `=` occur in
/// the tags and keys of real peers.
fn is_param_value(value: &[u8]) -> bool {
    match value {
        [] => false,
        [b'"', ..] => quoted(value).is_some_and(|(_, after)| after.is_empty()),
        _ => value.iter().all(|&b| {
            is_token(b) || matches!(b, b'[' | b']' | b':' | b'/' | b'=' | b'@') || b >= 128
        }),
    }
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
