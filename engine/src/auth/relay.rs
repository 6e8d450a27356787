//! Credentials for AUTH at one MSRP relay (RFC 4976 §9.1).

use offhook_fsm::Entropy;

use super::challenge::Asker;
use super::client::{Attempt, Authenticator, Request};
use super::error::AuthError;
use crate::credentials::{Credentials, Hop};

/// Answers the challenges of one relay: what `offhook_msrp::relay::Output::Authorize` asks for is
/// answered with [`answer`](Self::answer). Each relay has its own.
///
/// The answer has no `uri`: To-Path says it (RFC 4976 §9.1). Relays that read it as SIP's refuse such
/// an answer; one that asks again for what was answered gets the same with `uri`, once.
#[derive(Clone, Debug)]
pub struct RelayCredentials {
    authenticator: Authenticator,
    attempt: Attempt,
    /// This relay wants `uri`.
    names_uri: bool,
}

impl RelayCredentials {
    /// With these credentials; see [`Authenticator::new`].
    #[must_use]
    pub fn new(credentials: Vec<Credentials>) -> Self {
        let authenticator = Authenticator::new(credentials);
        Self { authenticator, attempt: Attempt::default(), names_uri: false }
    }

    /// The value of the Authorization header for an AUTH to `uri`. `hop` is the relay that is
    /// connected to. Without `challenges` it is for a refresh: the last nonce is used once more,
    /// and there is none (`None`) where no relay asked before.
    ///
    /// # Errors
    /// As [`Authenticator::challenged`].
    pub fn answer(
        &mut self,
        hop: &Hop<'_>,
        challenges: &[String],
        uri: &str,
        entropy: &mut Entropy,
    ) -> Result<Option<String>, AuthError> {
        if challenges.is_empty() {
            self.attempt = Attempt::default();
        } else {
            let all = || challenges.iter().map(|value| (Asker::Server, value.as_bytes()));
            match self.authenticator.challenged(hop, &mut self.attempt, all(), entropy) {
                Err(AuthError::Refused { .. }) if !self.names_uri => {
                    self.names_uri = true;
                    self.attempt = Attempt::default();
                    self.authenticator.challenged(hop, &mut self.attempt, all(), entropy)?;
                }
                result => result?,
            }
        }
        let request = Request { method: b"AUTH", uri: uri.as_bytes(), body: b"" };
        let answers = self.authenticator.authorize(&request, hop.address)?;
        let answer = answers.into_iter().next().map(|(_, answer)| answer);
        Ok(answer.map(|mut answer| {
            if !self.names_uri {
                answer.uri = None;
            }
            String::from_utf8_lossy(&answer.to_bytes()).into_owned()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Algorithm, Authorization, Quality, a1, response};

    const URI: &str = "msrps://alice@intra.example.com;tcp";

    fn check(value: &str, count: u32) {
        check_with(value, count, None);
    }

    fn check_with(value: &str, count: u32, uri: Option<&str>) {
        let answer = Authorization::parse(value.as_bytes()).unwrap();
        let named = answer.uri.map(|uri| String::from_utf8(uri.value().into()).unwrap());
        assert_eq!(named.as_deref(), uri);
        let (quality, nc, cnonce) = answer.count.unwrap();
        assert_eq!((quality, nc), (Quality::Auth, count));
        let key = a1(Algorithm::Md5, (b"Alice", b"intra.example.com", b"sesame"), (b"", b""));
        let request = Request { method: b"AUTH", uri: URI.as_bytes(), body: b"" };
        let count = Some((quality, nc, cnonce.raw()));
        let right = response(Algorithm::Md5, &key, b"n1", count, &request);
        assert_eq!(&*answer.response, right.as_str());
    }

    #[test]
    fn a_relay_is_answered_for_the_last_uri_of_the_path() {
        let mut alice = RelayCredentials::new(vec![Credentials::new("Alice", "sesame")]);
        let (hop, mut entropy) = (Hop::chosen("192.0.2.4".parse().unwrap()), Entropy::from_u64(1));
        let mut ask = |challenges: &[String]| alice.answer(&hop, challenges, URI, &mut entropy);
        assert_eq!(ask(&[]), Ok(None));
        let challenge = "Digest realm=\"intra.example.com\", qop=\"auth\", nonce=\"n1\"";
        check(&ask(&[challenge.into()]).unwrap().unwrap(), 1);
        check(&ask(&[]).unwrap().unwrap(), 2);
        check(&ask(&[format!("{challenge}, stale=true")]).unwrap().unwrap(), 1);
        let again = ask(&[challenge.into()]).unwrap().unwrap();
        check_with(&again, 1, Some(URI));
        // It stays so, and a second refusal is one.
        check_with(&ask(&[]).unwrap().unwrap(), 2, Some(URI));
        check_with(&ask(&[challenge.into()]).unwrap().unwrap(), 1, Some(URI));
        let realm = b"intra.example.com"[..].into();
        assert_eq!(ask(&[challenge.into()]), Err(AuthError::Refused { realm }));
    }
}
