//! Schemes and their parameters, as the headers of authentication have them (RFC 3261 §25.1,
//! RFC 7235 §2.1): `Digest realm="a", nonce="b", Other x=y`.

use std::borrow::Cow;
use std::fmt;

use super::error::AuthError;

/// Bytes of one value.
pub const VALUE_MAX: usize = 2048;
/// Parameters of one challenge.
pub const PARAMETERS_MAX: usize = 32;

/// A value as it stands between quotes, escapes and all, so that it can be sent back as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct QuotedText(Box<[u8]>);

impl QuotedText {
    /// Escapes a value.
    ///
    /// # Errors
    /// When it has a control character in it.
    pub fn new(value: &[u8]) -> Result<Self, AuthError> {
        if value.iter().any(u8::is_ascii_control) {
            return Err(AuthError::Unprintable);
        }
        let mut raw = Vec::with_capacity(value.len());
        for &byte in value {
            if matches!(byte, b'"' | b'\\') {
                raw.push(b'\\');
            }
            raw.push(byte);
        }
        Ok(Self(raw.into()))
    }

    pub(super) fn from_raw(raw: &[u8]) -> Self {
        Self(raw.into())
    }

    /// The bytes between the quotes.
    #[must_use]
    pub const fn raw(&self) -> &[u8] {
        &self.0
    }

    /// The value that is meant: escapes resolved. This is what is hashed.
    #[must_use]
    pub fn value(&self) -> Cow<'_, [u8]> {
        unescaped(&self.0)
    }
}

impl fmt::Debug for QuotedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut escaped = false;
    let kept = raw.iter().filter(|byte| {
        escaped = !escaped && **byte == b'\\';
        !escaped
    });
    Cow::Owned(kept.copied().collect())
}

/// `name=value` or `name="value"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a [u8],
    /// Without its quotes.
    pub(super) raw: &'a [u8],
}

/// A scheme with its parameters.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Scheme<'a> {
    pub(super) name: &'a [u8],
    parameters: Vec<Parameter<'a>>,
    pub(super) fault: Option<&'static str>,
}

impl<'a> Scheme<'a> {
    /// The bytes of a parameter, without its quotes.
    pub(super) fn raw(&self, name: &str) -> Option<&'a [u8]> {
        let mut all = self.parameters.iter();
        let found = all.find(|own| own.name.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|parameter| parameter.raw)
    }

    pub(super) fn text(&self, name: &str) -> Option<QuotedText> {
        self.raw(name).map(QuotedText::from_raw)
    }

    /// The value of a parameter that is a word: quotes around it do not matter, nor escapes in it.
    pub(super) fn word(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.raw(name).map(unescaped)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.word(name).is_some_and(|value| value.eq_ignore_ascii_case(b"true"))
    }

    fn add(&mut self, parameter: Parameter<'a>) {
        let twice = self.parameters.iter().any(|own| own.name.eq_ignore_ascii_case(parameter.name));
        let fault = if twice {
            Some("a parameter stands there twice")
        } else if self.parameters.len() >= PARAMETERS_MAX {
            Some("it has too many parameters")
        } else {
            None
        };
        self.fault = self.fault.or(fault);
        if fault.is_none() {
            self.parameters.push(parameter);
        }
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+')
        || matches!(byte, b'`' | b'\'' | b'~' | b'#' | b'$' | b'&' | b'^' | b'|')
}

/// What may stand without quotes: a word, and what careless servers do not quote.
const fn is_bare(byte: u8) -> bool {
    is_token(byte) || matches!(byte, b'/' | b':' | b'=' | b'@' | b'[' | b']' | b'?' | b'(' | b')')
}

fn split(bytes: &[u8], fits: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !fits(*byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

/// A value and what follows it.
fn value(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let (raw, rest) = match bytes {
        [b'"', inside @ ..] => {
            let mut escaped = false;
            let close = inside.iter().position(|byte| {
                let closes = !escaped && *byte == b'"';
                escaped = !escaped && *byte == b'\\';
                closes
            });
            let close = close.ok_or("a quote is not closed")?;
            let (raw, rest) = inside.split_at_checked(close).unwrap_or_default();
            (raw, rest.get(1..).unwrap_or_default())
        }
        _ => split(bytes, is_bare),
    };
    let (_, rest) = split(rest, is_blank);
    if !matches!(rest, [] | [b',', ..]) {
        return Err("a value goes on behind its end");
    }
    if !bytes.starts_with(b"\"") && raw.is_empty() {
        return Err("a parameter has no value");
    }
    if raw.len() > VALUE_MAX {
        return Err("a value is too long");
    }
    if raw.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err("a value has a control character in it");
    }
    Ok((raw, rest))
}

/// Behind the next comma that stands outside quotes.
fn next_element(bytes: &[u8]) -> &[u8] {
    let (mut quoted, mut escaped) = (false, false);
    let comma = bytes.iter().position(|byte| {
        let ends = *byte == b',' && !quoted;
        quoted ^= *byte == b'"' && !escaped;
        escaped = quoted && !escaped && *byte == b'\\';
        ends
    });
    comma.and_then(|at| bytes.get(at..)).unwrap_or_default()
}

/// The schemes of one header value, in order; at most `max`, and then nothing more is read.
/// `bare`: the parameters stand without a scheme (Authentication-Info).
pub(super) fn schemes(bytes: &[u8], max: usize, bare: bool) -> Vec<Scheme<'_>> {
    let mut schemes: Vec<Scheme<'_>> = Vec::new();
    if bare {
        schemes.push(Scheme::default());
    }
    let mut rest = bytes;
    loop {
        (_, rest) = split(rest, |byte| is_blank(byte) || byte == b',');
        if rest.is_empty() {
            return schemes;
        }
        let (name, behind) = split(rest, is_token);
        let (_, after) = split(behind, is_blank);
        let full = schemes.len() >= max || bare;
        match (after, schemes.last_mut()) {
            ([b'=', after @ ..], Some(scheme)) if !name.is_empty() => {
                let (_, after) = split(after, is_blank);
                match value(after) {
                    Ok((raw, after)) => {
                        scheme.add(Parameter { name, raw });
                        rest = after;
                    }
                    Err(fault) => {
                        scheme.fault = scheme.fault.or(Some(fault));
                        rest = next_element(after);
                    }
                }
            }
            ([b'=', ..], _) => {
                mark(&mut schemes, max, "a parameter without name or scheme");
                rest = next_element(rest);
            }
            _ if name.is_empty() || behind.len() == after.len() && !ends(after) => {
                mark(&mut schemes, max, "something that is no word");
                rest = next_element(rest);
            }
            _ if full => return schemes,
            _ => {
                schemes.push(Scheme { name, ..Scheme::default() });
                rest = after;
            }
        }
    }
}

const fn ends(bytes: &[u8]) -> bool {
    matches!(bytes, [] | [b',', ..])
}

fn mark(schemes: &mut Vec<Scheme<'_>>, max: usize, fault: &'static str) {
    if schemes.is_empty() && max > 0 {
        schemes.push(Scheme::default());
    }
    if let Some(scheme) = schemes.last_mut() {
        scheme.fault = scheme.fault.or(Some(fault));
    }
}
