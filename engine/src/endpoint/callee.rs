//! Who can be called at an endpoint, and whom a request calls.

use crate::negotiate::Capabilities;
use crate::sip::{SipUri, text};

/// Somebody who can be called here.
#[derive(Clone, Debug)]
pub struct Callee {
    /// The address, as `sip:alice@example.com`.
    pub uri: SipUri,
    /// What an offer to this one is held against before there is a session.
    pub capabilities: Capabilities,
}

/// Which of `all` a request to `request_uri` is for: the one with that user and host, else the first
/// one with that user, as a Contact has it. `None`: none of them. Users are compared as RFC 3261
/// §19.1.4 does, hosts without regard to case; a URI without a user calls nobody.
#[must_use]
pub fn called<'a>(
    request_uri: &[u8],
    all: impl Iterator<Item = &'a SipUri> + Clone,
) -> Option<usize> {
    let called: SipUri = text(request_uri).parse().ok()?;
    let (user, host) = (called.user()?, called.host());
    let is_user = |uri: &SipUri| uri.user().as_ref() == Some(&user);
    let is_host = |uri: &SipUri| uri.host().to_string().eq_ignore_ascii_case(&host.to_string());
    let exact = all.clone().position(|uri| is_user(uri) && is_host(uri));
    exact.or_else(|| all.clone().position(is_user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_host_go_before_the_user_alone() {
        let all: Vec<SipUri> = ["sip:alice@one.example", "sip:alice@two.example", "sip:bob@h"]
            .iter()
            .map(|uri| uri.parse().unwrap())
            .collect();
        for (uri, whom) in [
            ("sip:alice@one.example", Some(0)),
            ("sip:alice@TWO.example;transport=tcp", Some(1)),
            ("sip:%61lice@192.0.2.1:5070", Some(0)),
            ("sip:bob@192.0.2.1", Some(2)),
            ("sip:Bob@h", None),
            ("sip:h", None),
            ("tel:+1", None),
        ] {
            assert_eq!(called(uri.as_bytes(), all.iter()), whom, "{uri}");
        }
    }
}
