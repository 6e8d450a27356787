//! WWW-Authenticate and Proxy-Authenticate (RFC 3261 §20.44, §20.27; RFC 7616 §3.3).

use super::algorithm::Algorithm;
use super::error::AuthError;
use super::parameters::{QuotedText, Scheme, schemes};
use crate::sip::{HeaderName, Message, unfold};

/// Challenges of one response that are looked at.
pub const CHALLENGES_MAX: usize = 16;

/// Who asks: it decides which header the answer goes into.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Asker {
    /// A user agent, registrar or redirect server: WWW-Authenticate, answered in Authorization.
    Server,
    /// A proxy: Proxy-Authenticate, answered in Proxy-Authorization.
    Proxy,
}

impl Asker {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Server, Self::Proxy];

    /// The header of the challenge.
    #[must_use]
    pub const fn asks_in(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::WwwAuthenticate,
            Self::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    /// The header of the answer.
    #[must_use]
    pub const fn answered_in(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }

    /// The values of the challenges of a response, proxies' and servers': a proxy that forks puts
    /// both into one response (RFC 3261 §16.7).
    pub fn challenges<B: AsRef<[u8]>>(
        response: &Message<B>,
    ) -> impl Iterator<Item = (Self, &[u8])> {
        response.headers().filter_map(|header| {
            let asker = Self::ALL.into_iter().find(|asker| asker.asks_in() == header.id)?;
            Some((asker, header.value))
        })
    }
}

/// The quality of protection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quality {
    /// `auth`: method and URI are protected.
    Auth,
    /// `auth-int`: the body, too.
    AuthInt,
}

impl Quality {
    /// As headers spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    pub(super) fn from_bytes(word: &[u8]) -> Option<Self> {
        let known = [Self::Auth, Self::AuthInt];
        known.into_iter().find(|own| word.eq_ignore_ascii_case(own.as_str().as_bytes()))
    }
}

/// A challenge that can be answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// The header that it came in.
    pub asker: Asker,
    /// Whose password is asked for.
    pub realm: QuotedText,
    /// The server's number.
    pub nonce: QuotedText,
    /// Sent back as it is.
    pub opaque: Option<QuotedText>,
    /// `None`: not named, MD5.
    pub named_algorithm: Option<Algorithm>,
    /// The answer was right, its nonce too old.
    pub is_stale: bool,
    /// `auth` where it may be chosen; `None` in the manner of RFC 2069.
    pub quality: Option<Quality>,
    /// The user name is wanted as a hash.
    pub userhash: bool,
}

impl Challenge {
    /// Reads the value of one header: several challenges may stand in it. What is broken or
    /// unknown is an error in its place; behind [`CHALLENGES_MAX`] nothing is read.
    #[must_use]
    pub fn parse_all(asker: Asker, value: &[u8]) -> Vec<Result<Self, AuthError>> {
        let value = unfold(value);
        let all = schemes(&value, CHALLENGES_MAX, false);
        all.iter().map(|scheme| Self::of(asker, scheme)).collect()
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.named_algorithm {
            Some(algorithm) => algorithm,
            None => Algorithm::Md5,
        }
    }

    fn of(asker: Asker, scheme: &Scheme<'_>) -> Result<Self, AuthError> {
        if !scheme.name.eq_ignore_ascii_case(b"Digest") {
            let fault = scheme.fault.filter(|_| scheme.name.is_empty());
            let unknown = AuthError::Unsupported("the scheme is not Digest");
            return Err(fault.map_or(unknown, AuthError::Malformed));
        }
        if let Some(fault) = scheme.fault {
            return Err(AuthError::Malformed(fault));
        }
        let missing = |what| move || AuthError::Malformed(what);
        let named_algorithm = match scheme.word("algorithm") {
            None => None,
            Some(name) => {
                let known = Algorithm::from_bytes(&name);
                Some(known.ok_or(AuthError::Unsupported("the algorithm is unknown"))?)
            }
        };
        let challenge = Self {
            asker,
            realm: scheme.text("realm").ok_or_else(missing("there is no realm"))?,
            nonce: scheme.text("nonce").ok_or_else(missing("there is no nonce"))?,
            opaque: scheme.text("opaque"),
            named_algorithm,
            is_stale: scheme.is_true("stale"),
            quality: quality(scheme)?,
            userhash: scheme.is_true("userhash"),
        };
        // Its key has a nonce of ours in it, and only what protects in a known quality sends one.
        if challenge.algorithm().is_session() && challenge.quality.is_none() {
            return Err(AuthError::Unsupported("a session algorithm needs a qop"));
        }
        Ok(challenge)
    }
}

fn quality(scheme: &Scheme<'_>) -> Result<Option<Quality>, AuthError> {
    let Some(options) = scheme.word("qop") else { return Ok(None) };
    let mut options = options
        .split(|byte| matches!(byte, b',' | b' ' | b'\t'))
        .filter(|option| !option.is_empty())
        .peekable();
    if options.peek().is_none() {
        return Ok(None);
    }
    let known = options.filter_map(Quality::from_bytes);
    // A proxy on the way may change the body, so `auth` is the one that works.
    let best = known.min_by_key(|quality| *quality != Quality::Auth);
    best.map(Some).ok_or(AuthError::Unsupported("the quality of protection is unknown"))
}
