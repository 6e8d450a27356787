//! Authorization and Proxy-Authorization (RFC 3261 §20.7, §20.28; RFC 7616 §3.4).

use std::fmt;

use super::algorithm::Algorithm;
use super::challenge::Quality;
use super::error::AuthError;
use super::parameters::{QuotedText, schemes};
use crate::sip::{text, unfold};

/// Credentials as they stand in a header. `Debug` does not show the response, from which a weak
/// password could be guessed.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Who it is; the hash of it with `userhash`.
    pub username: QuotedText,
    /// The user name is a hash.
    pub userhash: bool,
    /// Whose password it is made from.
    pub realm: QuotedText,
    /// The server's number.
    pub nonce: QuotedText,
    /// The Request-URI; MSRP leaves it out (RFC 4976 §9.1).
    pub uri: Option<QuotedText>,
    /// Hexadecimal digits.
    pub response: Box<str>,
    /// `None`: not named, MD5.
    pub named_algorithm: Option<Algorithm>,
    /// As it came in the challenge.
    pub opaque: Option<QuotedText>,
    /// What is protected, how often the nonce was used, and the client's own nonce; `None` in the
    /// manner of RFC 2069.
    pub count: Option<(Quality, u32, QuotedText)>,
}

impl Authorization {
    /// Reads the value of a header.
    ///
    /// # Errors
    /// When it is no Digest, something is missing or broken, or an algorithm or quality of
    /// protection is unknown.
    pub fn parse(value: &[u8]) -> Result<Self, AuthError> {
        let value = unfold(value);
        let all = schemes(&value, 1, false);
        let scheme = all.first().ok_or(AuthError::Malformed("it is empty"))?;
        if let Some(fault) = scheme.fault {
            return Err(AuthError::Malformed(fault));
        }
        if !scheme.name.eq_ignore_ascii_case(b"Digest") {
            return Err(AuthError::Unsupported("the scheme is not Digest"));
        }
        let need = |name| scheme.text(name).ok_or(AuthError::Malformed("a parameter is missing"));
        let response = scheme.word("response").unwrap_or_default();
        if response.is_empty() || !response.iter().all(u8::is_ascii_hexdigit) {
            return Err(AuthError::Malformed("the response is no hexadecimal number"));
        }
        let named_algorithm = match scheme.word("algorithm") {
            None => None,
            Some(name) => {
                let known = Algorithm::from_bytes(&name);
                Some(known.ok_or(AuthError::Unsupported("the algorithm is unknown"))?)
            }
        };
        let count = match scheme.word("qop") {
            None => None,
            Some(word) => {
                let unknown = AuthError::Unsupported("the quality of protection is unknown");
                let quality = Quality::from_bytes(&word).ok_or(unknown)?;
                let count = scheme.word("nc").and_then(|word| nonce_count(&word));
                let count = count.ok_or(AuthError::Malformed("nc is not 8 hexadecimal digits"))?;
                Some((quality, count, need("cnonce")?))
            }
        };
        Ok(Self {
            username: need("username")?,
            userhash: scheme.is_true("userhash"),
            realm: need("realm")?,
            nonce: need("nonce")?,
            uri: scheme.text("uri"),
            response: text(&response).into(),
            named_algorithm,
            opaque: scheme.text("opaque"),
            count,
        })
    }
}

/// RFC 7616 §3.4: exactly eight digits.
pub(super) fn nonce_count(digits: &[u8]) -> Option<u32> {
    let plain = digits.len() == 8 && digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u32::from_str_radix(digits, 16).ok()
}

impl Authorization {
    /// The value of the header, what was quoted byte for byte as it came.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = b"Digest username=".to_vec();
        let quoted = |out: &mut Vec<u8>, name: &str, value: &QuotedText| {
            out.extend_from_slice(name.as_bytes());
            out.push(b'"');
            out.extend_from_slice(value.raw());
            out.push(b'"');
        };
        quoted(&mut out, "", &self.username);
        quoted(&mut out, ", realm=", &self.realm);
        quoted(&mut out, ", nonce=", &self.nonce);
        if let Some(uri) = &self.uri {
            quoted(&mut out, ", uri=", uri);
        }
        out.extend_from_slice(format!(", response=\"{}\"", self.response).as_bytes());
        if let Some(algorithm) = self.named_algorithm {
            out.extend_from_slice(format!(", algorithm={}", algorithm.as_str()).as_bytes());
        }
        if let Some((quality, nc, cnonce)) = &self.count {
            quoted(&mut out, ", cnonce=", cnonce);
            out.extend_from_slice(format!(", qop={}, nc={nc:08x}", quality.as_str()).as_bytes());
        }
        if let Some(opaque) = &self.opaque {
            quoted(&mut out, ", opaque=", opaque);
        }
        if self.userhash {
            out.extend_from_slice(b", userhash=true");
        }
        out
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("uri", &self.uri)
            .field("response", &format_args!("***"))
            .finish_non_exhaustive()
    }
}
