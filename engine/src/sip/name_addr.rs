//! `"Display" <uri>;params` of From, To, Contact, Route and their like (RFC 3261 §20.10).

use super::scan::{Class, Params, quoted, trim};
use super::uri::{Uri, UriError};

/// A name and an address with the parameters that follow them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameAddr<'a> {
    /// The display name as written, with its quotes; empty when there is none.
    pub display: &'a [u8],
    /// The address.
    pub uri: Uri<'a>,
    /// The header's parameters (not the URI's).
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one value.
    ///
    /// # Errors
    /// When quotes or brackets do not close, something stands where nothing may, or the URI is
    /// broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, UriError> {
        let value = trim(value);
        let (display, rest) = display(value)?;
        let Some(inside) = rest.strip_prefix(b"<") else { return Self::bare(value) };
        let close = memchr::memchr(b'>', inside).ok_or(UriError("< is not closed by >"))?;
        let (uri, after) = inside.split_at(close);
        let params = Params(trim(after.get(1..).unwrap_or_default()));
        if !params.is_well_formed() {
            return Err(UriError("what follows > is no list of ;name=value"));
        }
        Ok(Self { display, uri: Uri::parse(uri)?, params })
    }

    /// Without brackets every parameter is the header's, and `?`, `,` may not occur (§20.10).
    fn bare(value: &'a [u8]) -> Result<Self, UriError> {
        let semicolon = memchr::memchr(b';', value).unwrap_or(value.len());
        let (uri, params) = value.split_at(semicolon);
        let uri = trim(uri);
        if uri.iter().any(|byte| matches!(byte, b'?' | b',')) {
            return Err(UriError("a URI with ? or , stands in < >"));
        }
        let params = Params(params);
        if !params.is_well_formed() {
            return Err(UriError("what follows the URI is no list of ;name=value"));
        }
        Ok(Self { display: b"", uri: Uri::parse(uri)?, params })
    }

    /// The `tag` parameter, never empty.
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.value("tag").filter(|tag| !tag.is_empty())
    }

    /// The display name for people: without quotes and escapes; control characters and those that
    /// reverse the writing direction are left out, so that it can be logged and shown.
    #[must_use]
    pub fn display_text(&self) -> String {
        name_as_read(self.display)
    }
}

/// A display name as it is shown.
pub(super) fn name_as_read(display: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(display.len());
    let inside = quoted(display).map_or(display, |(inside, _)| inside);
    let mut escaped = false;
    for &byte in inside {
        if byte == b'\\' && !escaped && display.first() == Some(&b'"') {
            escaped = true;
        } else {
            bytes.push(byte);
            escaped = false;
        }
    }
    let bidi = |c: &char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control() && !bidi(c)).collect()
}

/// Splits the display name off. Without a bracket behind it there is none.
fn display(value: &[u8]) -> Result<(&[u8], &[u8]), UriError> {
    if value.first() == Some(&b'"') {
        let (_, after) = quoted(value).ok_or(UriError("a quote is not closed"))?;
        let (display, _) = value.split_at(value.len() - after.len());
        let after = trim(after);
        if after.first() != Some(&b'<') {
            return Err(UriError("a quoted name is followed by <"));
        }
        return Ok((display, after));
    }
    let Some(bracket) = memchr::memchr(b'<', value) else { return Ok((b"", value)) };
    let (display, rest) = value.split_at(bracket);
    if Class::DISPLAY.has_all(display) {
        Ok((trim(display), rest))
    } else {
        Err(UriError("a display name with other than letters, digits and blanks is quoted"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<NameAddr<'_>, UriError> {
        NameAddr::parse(text.as_bytes())
    }

    #[test]
    fn parameters_belong_to_the_uri_inside_and_to_the_header_outside() {
        let inside = parse("<sip:a@h;lr>;tag=1").unwrap();
        assert!(inside.uri.is_loose_route());
        assert_eq!(inside.tag(), Some(&b"1"[..]));
        let bare = parse("sip:a@h;lr;tag=a+b/c=").unwrap();
        assert!(!bare.uri.is_loose_route());
        assert_eq!(bare.tag(), Some(&b"a+b/c="[..]));
    }

    #[test]
    fn names_come_quoted_plain_or_not_at_all() {
        let quoted = parse(r#""Smith, \"Al\" <b>" <sip:a@h>;custom="q;uoted""#).unwrap();
        assert_eq!(quoted.display_text(), r#"Smith, "Al" <b>"#);
        assert_eq!(parse("Mr. Watson<sip:a@h>").unwrap().display_text(), "Mr. Watson");
        assert_eq!(parse("<sip:a@h>").unwrap().display_text(), "");
    }

    #[test]
    fn r25_control_characters_do_not_reach_the_reader() {
        let name = NameAddr::parse(b"\"a\x1b[2J\x00\xe2\x80\xaeb\" <sip:a@h>").unwrap();
        assert_eq!(name.display_text(), "a[2Jb");
    }

    #[test]
    fn r14_r15_broken_values_are_refused() {
        for text in [
            r#""x\" <sip:a@h>"#,
            r#""x\"#,
            "<sip:a@h",
            "</>",
            "/",
            "<>",
            ";tag=1",
            "Bell, A <sip:a@h>",
            "< sip:a@h>",
            "<sip:a@h> x",
            "<sip:a@h>;;x",
            "sip:a@h?b=c",
            r#""x" sip:a@h"#,
            "<sip:a@h>;x=\"",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
