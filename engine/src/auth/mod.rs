//! Digest access authentication (RFC 3261 §22, RFC 7616, RFC 8760): reading challenges, answering
//! them, and the numbers that go with a nonce. Pure: randomness comes in, headers come out.
//!
//! An [`Authenticator`] keeps what one session knows of those who ask for a password. It answers a
//! challenge of a server or proxy ([`Authenticator::challenged`]), puts credentials into requests
//! ([`Authenticator::authorize`]) and takes the next nonce ([`Authenticator::informed`]).
//!
//! Whom a password is for is said by its [`Credentials`](crate::Credentials): the realm, and the
//! hosts. A challenge of anybody else is a named error and nothing is computed for it.
//!
//! ```
//! use offhook::Credentials;
//! use offhook::auth::{Asker, Attempt, Authenticator, Hop, Request};
//! use offhook::fsm::Entropy;
//!
//! let credentials = Credentials::new("bob", "zanzibar").for_realm("biloxi.com");
//! let mut authenticator = Authenticator::new(vec![credentials]);
//! let hop = Hop::chosen("192.0.2.4".parse()?);
//! let challenge = br#"Digest realm="biloxi.com", qop="auth", nonce="dcd98b", opaque="5ccc""#;
//! let (mut attempt, mut entropy) = (Attempt::default(), Entropy::from_u64(1));
//! authenticator.challenged(&hop, &mut attempt, [(Asker::Server, &challenge[..])], &mut entropy)?;
//! let request = Request { method: b"INVITE", uri: b"sip:bob@biloxi.com", body: b"" };
//! let headers = authenticator.authorize(&request, hop.address)?;
//! assert_eq!(headers[0].0.answered_in().as_str(), "Authorization");
//! assert!(headers[0].1.to_bytes().starts_with(b"Digest username=\"bob\", realm=\"biloxi.com\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod authorization;
mod challenge;
mod client;
mod digest;
mod error;
pub mod fuzzing;
mod information;
mod parameters;
mod relay;

#[cfg(test)]
mod tests;

pub use algorithm::{Algorithm, HexDigest};
pub use authorization::Authorization;
pub use challenge::{Asker, CHALLENGES_MAX, Challenge, Quality};
pub use client::{ANSWERS_MAX, Attempt, Authenticator, REALMS_MAX, Request};
pub use digest::{a1, response, userhash};
pub use error::AuthError;
pub use information::AuthenticationInfo;
pub use parameters::{PARAMETERS_MAX, QuotedText, VALUE_MAX};
pub use relay::RelayCredentials;

pub use crate::credentials::Hop;
