//! Credentials for AUTH at one MSRP relay (RFC 4976 §9.1).

use offhook_fsm::Entropy;

use super::challenge::Asker;
use super::client::{Attempt, Authenticator, Request};
use super::error::AuthError;
use crate::credentials::{Credentials, Hop};

/// Answers the challenges of one relay: what `offhook_msrp::relay::Output::Authorize` asks for is
/// answered with [`answer`](Self::answer). Each relay has its own.
#[derive(Clone, Debug)]
pub struct RelayCredentials {
    authenticator: Authenticator,
    attempt: Attempt,
}

impl RelayCredentials {
    /// With these credentials; see [`Authenticator::new`].
    #[must_use]
    pub fn new(credentials: Vec<Credentials>) -> Self {
        Self { authenticator: Authenticator::new(credentials), attempt: Attempt::default() }
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
            let challenges = challenges.iter().map(|value| (Asker::Server, value.as_bytes()));
            self.authenticator.challenged(hop, &mut self.attempt, challenges, entropy)?;
        }
        let request = Request { method: b"AUTH", uri: uri.as_bytes(), body: b"" };
        let answers = self.authenticator.authorize(&request, hop.address)?;
        let answer = answers.into_iter().next().map(|(_, answer)| answer);
        Ok(answer.map(|mut answer| {
            // To-Path says it.
            answer.uri = None;
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
        let answer = Authorization::parse(value.as_bytes()).unwrap();
        assert_eq!(answer.uri, None);
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
        let realm = b"intra.example.com"[..].into();
        assert_eq!(ask(&[challenge.into()]), Err(AuthError::Refused { realm }));
    }
}
