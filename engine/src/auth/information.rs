//! Authentication-Info (RFC 3261 §20.6, RFC 7616 §3.5): what a server says to an answer it took.

use super::authorization::nonce_count;
use super::challenge::Quality;
use super::error::AuthError;
use super::parameters::{QuotedText, schemes};
use crate::sip::unfold;

/// Authentication-Info or Proxy-Authentication-Info.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AuthenticationInfo {
    /// The nonce for the next request.
    pub nextnonce: Option<QuotedText>,
    /// What is protected.
    pub quality: Option<Quality>,
    /// The server's own digest, in lower case.
    pub rspauth: Option<Box<[u8]>>,
    /// Which use of the nonce it was.
    pub nc: Option<u32>,
}

impl AuthenticationInfo {
    /// Reads the value of a header.
    ///
    /// # Errors
    /// When it is broken.
    pub fn parse(value: &[u8]) -> Result<Self, AuthError> {
        let value = unfold(value);
        let all = schemes(&value, 1, true);
        let Some(scheme) = all.first() else { return Ok(Self::default()) };
        if let Some(fault) = scheme.fault {
            return Err(AuthError::Malformed(fault));
        }
        Ok(Self {
            nextnonce: scheme.text("nextnonce").filter(|nonce| !nonce.raw().is_empty()),
            quality: scheme.word("qop").and_then(|word| Quality::from_bytes(&word)),
            rspauth: scheme.word("rspauth").map(|digits| digits.to_ascii_lowercase().into()),
            nc: scheme.word("nc").and_then(|digits| nonce_count(&digits)),
        })
    }
}
