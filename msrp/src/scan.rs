//! The grammar's small pieces (RFC 4975 §9).

/// Bytes of a transaction id at most (`ident`, RFC 4975 §9); at least four.
pub const TRANSACTION_ID_MAX: usize = 32;
/// Bytes of a Message-ID at most. The grammar has 32; UUIDs with their hyphens are in use and fit.
pub const MESSAGE_ID_MAX: usize = 128;

/// `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x27 | 0x2a | 0x2b | 0x2d | 0x2e | 0x30..=0x39 | 0x41..=0x5a
        | 0x5e..=0x7e)
}

/// `ident` with other bounds on its length.
pub(crate) fn is_ident(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    let rest =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'%' | b'=');
    lengths.contains(&text.len())
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(rest)
}

pub(crate) fn is_transaction_id(text: &str) -> bool {
    is_ident(text, 4..=TRANSACTION_ID_MAX)
}

pub(crate) fn is_message_id(text: &str) -> bool {
    is_ident(text, 1..=MESSAGE_ID_MAX)
}

/// `hname = ALPHA *token`.
pub(crate) fn is_header_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic()) && is_token(text)
}

/// `utf8text`: no control character but the tab.
pub(crate) fn is_text(text: &str) -> bool {
    !text.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f)
}

/// The decimal number that `text` is, digits alone; `None` when it does not fit.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Exactly three digits.
pub(crate) fn three_digits(text: &str) -> Option<u16> {
    let fits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// Where the first CR LF stands.
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    let ends = |at: &usize| at.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'\r');
    memchr::memchr_iter(b'\n', bytes).find(ends).map(|at| at.saturating_sub(1))
}

/// The first line without its end, and what follows it; all of it when it has no end.
pub(crate) fn first_line(text: &str) -> (&str, &str) {
    let Some(at) = line_end(text.as_bytes()) else { return (text, "") };
    let (line, rest) = text.split_at(at);
    (line, rest.get(2..).unwrap_or_default())
}

pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// `text` before and after the first `at` that stands outside quotes; a backslash in quotes takes
/// the next character with it.
pub(crate) fn split_outside(text: &str, at: char) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped) = (false, false);
    for (position, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == at && !quoted => {
                let (before, found) = text.split_at(position);
                return (before, found.get(at.len_utf8()..));
            }
            _ => {}
        }
    }
    (text, None)
}

/// The media type at the front of a Content-Type, without parameters: `type/subtype`.
pub(crate) fn media_type(value: &str) -> &str {
    trim(value.split(';').next().unwrap_or_default())
}

/// `type/subtype`, both tokens, with anything after a semicolon.
pub(crate) fn is_media_type(value: &str) -> bool {
    let (kind, subtype) = media_type(value).split_once('/').unwrap_or_default();
    is_token(kind) && is_token(subtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ident_has_four_to_thirty_two_characters_and_begins_with_a_letter_or_digit() {
        for good in ["a786", "0.-+%=", &"x".repeat(32)] {
            assert!(is_transaction_id(good), "{good}");
        }
        for bad in ["", "abc", ".abcd", "ab cd", "abcd$", &"x".repeat(33)] {
            assert!(!is_transaction_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_line_ends_with_both_of_its_characters() {
        for text in ["", "a", "\r", "\n", "a\nb", "a\rb\n\r"] {
            assert_eq!(
                (line_end(text.as_bytes()), first_line(text)),
                (None, (text, "")),
                "{text:?}"
            );
        }
        assert_eq!(first_line("\r\n"), ("", ""));
        assert_eq!(first_line("a\n\r\r\nb\r\nc"), ("a\n\r", "b\r\nc"));
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "-1", "+1", " 1", "18446744073709551616"] {
            assert_eq!(number(bad), None, "{bad}");
        }
        assert_eq!(
            (three_digits("200"), three_digits("20"), three_digits("+20")),
            (Some(200), None, None)
        );
    }

    #[test]
    fn splitting_leaves_quotes_whole() {
        assert_eq!(split_outside(r#"a"b;\";"c;d"#, ';'), (r#"a"b;\";"c"#, Some("d")));
        assert_eq!(split_outside(r#""a;b"#, ';'), (r#""a;b"#, None));
    }
}
