//! Common Presence and Instant Messaging: message format (RFC 3862), `message/cpim`.

use std::borrow::Cow;
use std::fmt;

use memchr::memmem;

use crate::error::Unprintable;
use crate::scan::{is_header_name, is_media_type, is_text, trim};

/// The media type.
pub const CONTENT_TYPE: &str = "message/cpim";
/// Header lines in each of the two sections at most.
pub const HEADERS_MAX: usize = 64;
/// Bytes of both sections together at most.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The headers of RFC 3862 §3 itself.
const OWN_HEADERS: [&str; 7] = ["From", "To", "cc", "DateTime", "Subject", "NS", "Require"];

/// Why bytes are no CPIM message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CpimError {
    /// A line without a name, a colon, or with a control character in it.
    HeaderLine,
    /// More than [`HEAD_BYTES_MAX`] bytes of headers.
    HeadersTooLong,
    /// The headers are no UTF-8.
    NotUtf8,
    /// More than [`HEADERS_MAX`] headers in a section.
    TooManyHeaders,
    /// An empty line is missing.
    Unterminated,
}

impl fmt::Display for CpimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeaderLine => "a CPIM header line has no name followed by a colon",
            Self::HeadersTooLong => "the CPIM headers are too long",
            Self::NotUtf8 => "the CPIM headers are no UTF-8",
            Self::TooManyHeaders => "there are too many CPIM headers",
            Self::Unterminated => "the empty line after the CPIM headers is missing",
        })
    }
}

impl std::error::Error for CpimError {}

/// One header line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpimHeader<'a> {
    /// Its name, with the prefix of its namespace where it has one. Names have a case.
    pub name: &'a str,
    /// `;lang=fr`: parameters, from the first `;` on; empty when there are none.
    pub params: &'a str,
    /// Its value as written: escapes are still in it (see [`text`](Self::text)).
    pub value: &'a str,
}

impl<'a> CpimHeader<'a> {
    /// The value with its escapes resolved (RFC 3862 §2.3.2).
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        unescape(self.value)
    }
}

/// A message with its sender, receiver and time around it.
///
/// ```
/// use offhook_msrp::cpim::{Address, Cpim};
/// let bytes = b"From: Piglet <im:piglet@example.com>\r\n\r\nContent-Type: text/plain\r\n\r\nHi";
/// let message = Cpim::parse(bytes)?;
/// let from = message.header("From").and_then(|from| Address::parse(from.value));
/// assert_eq!(from.map(|from| from.uri), Some("im:piglet@example.com"));
/// assert_eq!((message.content_type, message.content), (Some("text/plain"), &b"Hi"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cpim<'a> {
    /// The message's headers, in order.
    pub headers: Vec<CpimHeader<'a>>,
    /// The content's headers (RFC 2045), in order.
    pub content_headers: Vec<CpimHeader<'a>>,
    /// The content's media type.
    pub content_type: Option<&'a str>,
    /// The content.
    pub content: &'a [u8],
}

impl<'a> Cpim<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CpimError> {
        let (headers, rest) = section(bytes, HEAD_BYTES_MAX)?;
        let left = HEAD_BYTES_MAX.saturating_sub(bytes.len() - rest.len());
        let (content_headers, content) = section(rest, left)?;
        let mut types =
            content_headers.iter().filter(|h| h.name.eq_ignore_ascii_case("Content-Type"));
        let content_type = types.next().map(|header| header.value);
        Ok(Self { headers, content_headers, content_type, content })
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<CpimHeader<'a>> {
        self.headers.iter().find(|header| header.name == name).copied()
    }

    /// The first header that must be understood (`Require`, RFC 3862 §3.5) and is not: neither one of
    /// RFC 3862's own nor one of the `known` namespaces. Whoever gets such a message must refuse it.
    #[must_use]
    pub fn unknown_requirement(&self, known: &[&str]) -> Option<&'a str> {
        let prefixes: Vec<_> = known.iter().filter_map(|uri| self.prefix(uri)).collect();
        let understood = |name: &&str| match name.split_once('.') {
            Some((prefix, _)) => prefixes.contains(&prefix),
            None => OWN_HEADERS.contains(name),
        };
        let required = self.headers.iter().filter(|header| header.name == "Require");
        let names = required.flat_map(|header| header.value.split(',')).map(trim);
        names.filter(|name| !name.is_empty()).find(|name| !understood(name))
    }

    /// The prefix that stands for a namespace here (`NS`, RFC 3862 §3.4), `None` when it is not
    /// declared. Some senders declare none and use the prefix of the RFC all the same.
    #[must_use]
    pub fn prefix(&self, namespace: &str) -> Option<&'a str> {
        self.headers.iter().filter(|header| header.name == "NS").find_map(|header| {
            let (prefix, uri) = header.value.split_once('<')?;
            (uri.strip_suffix('>')? == namespace).then(|| trim(prefix))
        })
    }

    /// The header `name` of a namespace, whatever prefix stands for it; `usual` when none is
    /// declared.
    #[must_use]
    pub fn header_of(&self, namespace: &str, usual: &str, name: &str) -> Option<CpimHeader<'a>> {
        let prefix = self.prefix(namespace).unwrap_or(usual);
        let is = |header: &&CpimHeader<'a>| match header.name.split_once('.') {
            Some(parts) => parts == (prefix, name),
            None => prefix.is_empty() && header.name == name,
        };
        self.headers.iter().find(is).copied()
    }
}

/// Header lines up to the empty line, and what follows it.
fn section(bytes: &[u8], bytes_max: usize) -> Result<(Vec<CpimHeader<'_>>, &[u8]), CpimError> {
    let within = bytes.get(..bytes_max).unwrap_or(bytes);
    let missing =
        if bytes.len() > bytes_max { CpimError::HeadersTooLong } else { CpimError::Unterminated };
    if let Some(rest) = bytes.strip_prefix(b"\r\n").filter(|_| bytes_max >= 2) {
        return Ok((Vec::new(), rest));
    }
    let end = memmem::find(within, b"\r\n\r\n").ok_or(missing)?;
    let text = bytes.get(..end).unwrap_or_default();
    let text = std::str::from_utf8(text).map_err(|_| CpimError::NotUtf8)?;
    let mut headers = Vec::new();
    for line in text.split("\r\n") {
        if headers.len() >= HEADERS_MAX {
            return Err(CpimError::TooManyHeaders);
        }
        headers.push(header_line(line).ok_or(CpimError::HeaderLine)?);
    }
    Ok((headers, bytes.get(end + 4..).unwrap_or_default()))
}

/// `Header-name ":" *( ";" Parameter ) SP Header-value`; the blank may be missing.
fn header_line(line: &str) -> Option<CpimHeader<'_>> {
    let (name, rest) = line.split_once(':')?;
    let (params, value) = match rest.starts_with(';') {
        true => {
            let (params, value) = crate::scan::split_outside(rest, ' ');
            (params, value.unwrap_or_default())
        }
        false => ("", rest),
    };
    (is_header_name(name) && is_text(rest)).then(|| CpimHeader { name, params, value: trim(value) })
}

/// `"Formal name" <uri>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address<'a> {
    /// The name, escapes and quotes resolved; empty when there is none.
    pub name: Cow<'a, str>,
    /// The URI.
    pub uri: &'a str,
}

impl<'a> Address<'a> {
    /// Reads an address; a bare URI without brackets is one, too.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        let is_uri = |uri: &str| !uri.is_empty() && !uri.contains(['<', '>', ' ', '"']);
        let value = trim(value);
        let Some(inside) = value.strip_suffix('>') else {
            return is_uri(value).then_some(Self { name: Cow::Borrowed(""), uri: value });
        };
        let (name, uri) = inside.rsplit_once('<')?;
        let name = trim(name);
        let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        is_uri(uri).then(|| Self { name: unescape(quoted.unwrap_or(name)), uri })
    }

    /// An address as CPIM prints it: the name quoted, with what would end it escaped.
    #[must_use]
    pub fn print(name: &str, uri: &str) -> String {
        if name.is_empty() { format!("<{uri}>") } else { format!("\"{}\" <{uri}>", escape(name)) }
    }
}

/// Control characters, quotes and backslashes as RFC 3862 §2.3.2 has them.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            control if control.is_ascii_control() => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        rest = match characters.next() {
            Some('u') => match hex_character(characters.as_str()) {
                Some((character, after)) => {
                    out.push(character);
                    after
                }
                None => {
                    out.push('u');
                    characters.as_str()
                }
            },
            Some(escaped) => {
                out.push(match escaped {
                    'b' => '\u{8}',
                    't' => '\t',
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                });
                characters.as_str()
            }
            None => "",
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn hex_character(text: &str) -> Option<(char, &str)> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((character, text.get(4..)?))
}

/// A message on its way to bytes.
///
/// ```
/// use offhook_msrp::cpim::{Address, Builder};
/// let bytes = Builder::new()
///     .header("From", &Address::print("Alice", "sip:alice@example.com"))?
///     .body("text/plain", b"Hi")?;
/// let expected = "From: \"Alice\" <sip:alice@example.com>\r\n\r\nContent-Type: text/plain\r\n\r\nHi";
/// assert_eq!(bytes, expected.as_bytes());
/// # Ok::<(), offhook_msrp::Unprintable>(())
/// ```
#[derive(Clone, Default, Debug)]
pub struct Builder {
    out: String,
}

impl Builder {
    /// A message without a header.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header, whose value is as it is to be written: what an application says goes through
    /// [`escape`] or [`Address::print`] first.
    ///
    /// # Errors
    /// When the name is none, or the value would break out of its line.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Unprintable> {
        if !is_header_name(name) {
            return Err(Unprintable::new(format!("a CPIM header named {name:?}")));
        }
        if !is_text(value) {
            return Err(Unprintable::new(name));
        }
        for piece in [name, ": ", trim(value), "\r\n"] {
            self.out.push_str(piece);
        }
        Ok(self)
    }

    /// Ends the message with its content.
    ///
    /// # Errors
    /// When the type is none.
    pub fn body(self, content_type: &str, content: &[u8]) -> Result<Vec<u8>, Unprintable> {
        self.body_with(&[("Content-Type", content_type)], content)
    }

    /// Ends the message with content that has more headers than its type.
    ///
    /// # Errors
    /// When a header is none, or would break out of its line.
    pub fn body_with(
        mut self,
        headers: &[(&str, &str)],
        content: &[u8],
    ) -> Result<Vec<u8>, Unprintable> {
        self.out.push_str("\r\n");
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("Content-Type") && !is_media_type(value) {
                return Err(Unprintable::new("Content-Type"));
            }
            self = self.header(name, value)?;
        }
        self.out.push_str("\r\n");
        let mut out = self.out.into_bytes();
        out.extend_from_slice(content);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_come_back_as_they_were() {
        let text: String =
            (0..0x180).filter_map(char::from_u32).chain("\\u0041 é 🎈".chars()).collect();
        let escaped = escape(&text);
        assert!(is_text(&escaped));
        assert_eq!(unescape(&escaped), text);
        assert_eq!(unescape(r"a\u00e9\q\u12\"), "aéqu12");
        assert_eq!(unescape(r"\ud800"), "ud800");
    }

    #[test]
    fn addresses_come_back_as_they_were() {
        for name in ["", "Alice", "A \"B\" <x>", "back\\slash", "line\r\nend", "日本"] {
            let printed = Address::print(name, "sip:a@h");
            assert!(is_text(&printed));
            assert_eq!(
                Address::parse(&printed),
                Some(Address { name: name.into(), uri: "sip:a@h" })
            );
        }
        assert_eq!(Address::parse("sip:a@h").unwrap().uri, "sip:a@h");
        assert_eq!(Address::parse("MR SANDERS <im:p@h>").unwrap().name, "MR SANDERS");
        for bad in ["", "<>", "a b", "x <a b>", "x <a>>"] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_cpim_is_refused() {
        let many = |count| "X: y\r\n".repeat(count) + "\r\nContent-Type: a/b\r\n\r\n";
        assert!(Cpim::parse(many(HEADERS_MAX).as_bytes()).is_ok());
        for (bad, error) in [
            (String::new(), CpimError::Unterminated),
            ("From: x\r\n".into(), CpimError::Unterminated),
            ("From: x\r\n\r\nContent-Type: a/b\r\n".into(), CpimError::Unterminated),
            ("From\r\n\r\n\r\n".into(), CpimError::HeaderLine),
            (": x\r\n\r\n\r\n".into(), CpimError::HeaderLine),
            ("X: a\nY: b\r\n\r\n\r\n".into(), CpimError::HeaderLine),
            (many(HEADERS_MAX + 1), CpimError::TooManyHeaders),
        ] {
            assert_eq!(Cpim::parse(bad.as_bytes()), Err(error), "{bad}");
        }
        assert_eq!(Cpim::parse(b"X: \xff\r\n\r\n\r\n"), Err(CpimError::NotUtf8));
        let bare = Cpim::parse(b"\r\n\r\nx").unwrap();
        assert_eq!((bare.headers.len(), bare.content_type, bare.content), (0, None, &b"x"[..]));
    }

    #[test]
    fn headers_end_at_the_limit_and_fail_one_byte_past_it() {
        let message = |length: usize| {
            let head = "Subject: ";
            let tail = "\r\n\r\nContent-Type: a/b\r\n\r\n";
            format!("{head}{}{tail}body", "x".repeat(length - head.len() - tail.len()))
        };
        assert_eq!(Cpim::parse(message(HEAD_BYTES_MAX).as_bytes()).unwrap().content, b"body");
        let longer = message(HEAD_BYTES_MAX + 1);
        assert_eq!(Cpim::parse(longer.as_bytes()), Err(CpimError::HeadersTooLong));
    }

    #[test]
    fn nothing_breaks_out_of_its_line() {
        for value in ["a\r\nb", "a\nb", "a\0b"] {
            assert!(Builder::new().header("Subject", value).is_err());
            assert!(Builder::new().body_with(&[("Content-ID", value)], b"").is_err());
        }
        assert!(Builder::new().header("a b", "x").is_err());
        assert!(Builder::new().body("text", b"").is_err());
    }
}
