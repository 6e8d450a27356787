//! What is computed from a password (RFC 7616 §3.4).

use super::algorithm::{Algorithm, HexDigest};
use super::challenge::Quality;
use super::client::Request;

/// The numbers of one answer: how often the nonce was used, and our own nonce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Count<'a> {
    pub(super) quality: Quality,
    pub(super) nc: u32,
    pub(super) cnonce: &'a [u8],
}

/// H(A1) (RFC 7616 §3.4.2). `cnonce` and `nonce` count for the session forms alone, and are those of
/// the first answer.
#[must_use]
pub fn a1(
    algorithm: Algorithm,
    (username, realm, password): (&[u8], &[u8], &[u8]),
    (nonce, cnonce): (&[u8], &[u8]),
) -> HexDigest {
    let secret = algorithm.hash(&[username, realm, password]);
    if algorithm.is_session() {
        algorithm.hash(&[secret.as_bytes(), nonce, cnonce])
    } else {
        secret
    }
}

/// The `response` to a challenge with that H(A1) (RFC 7616 §3.4.1); without `count` in the manner
/// of RFC 2069.
#[must_use]
pub fn response(
    algorithm: Algorithm,
    a1: &HexDigest,
    nonce: &[u8],
    count: Option<(Quality, u32, &[u8])>,
    request: &Request<'_>,
) -> HexDigest {
    let count = count.map(|(quality, nc, cnonce)| Count { quality, nc, cnonce });
    keyed(algorithm, a1, nonce, count, request)
}

pub(super) fn keyed(
    algorithm: Algorithm,
    a1: &HexDigest,
    nonce: &[u8],
    count: Option<Count<'_>>,
    request: &Request<'_>,
) -> HexDigest {
    let (method, uri) = (request.method, request.uri);
    let Some(Count { quality, nc, cnonce }) = count else {
        let a2 = algorithm.hash(&[method, uri]);
        return algorithm.hash(&[a1.as_bytes(), nonce, a2.as_bytes()]);
    };
    let a2 = match quality {
        Quality::Auth => algorithm.hash(&[method, uri]),
        Quality::AuthInt => {
            let body = algorithm.hash(&[request.body]);
            algorithm.hash(&[method, uri, body.as_bytes()])
        }
    };
    let (nc, quality) = (format!("{nc:08x}"), quality.as_str().as_bytes());
    algorithm.hash(&[a1.as_bytes(), nonce, nc.as_bytes(), cnonce, quality, a2.as_bytes()])
}

/// The user name as a hash (RFC 7616 §3.4.4).
#[must_use]
pub fn userhash(algorithm: Algorithm, username: &[u8], realm: &[u8]) -> HexDigest {
    algorithm.hash(&[username, realm])
}
