//! Which server transaction a request belongs to (RFC 3261 §17.2.3).

use crate::id::BRANCH_COOKIE;
use crate::sip::{HeaderError, Message, Via};

/// Names a server transaction: two requests with the same key are one and its retransmission. An
/// ACK has the key of the INVITE that it acknowledges.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServerKey(Box<[u8]>);

impl ServerKey {
    /// The key of a request.
    ///
    /// With a branch of RFC 3261 it is branch, sent-by and method; without, it is what RFC 2543
    /// elements keep: Request-URI, From and To tag, Call-ID, CSeq number and the topmost Via.
    ///
    /// # Errors
    /// When one of those headers is missing or broken.
    pub fn new<B: AsRef<[u8]>>(request: &Message<B>) -> Result<Self, HeaderError> {
        let method = match request.method().unwrap_or_default() {
            b"ACK" => b"INVITE",
            method => method,
        };
        Self::with_method(request, method)
    }

    /// The key of the INVITE that a CANCEL wants to end (§9.2).
    ///
    /// # Errors
    /// When a header that the key is made of is missing or broken.
    pub fn of_cancelled<B: AsRef<[u8]>>(cancel: &Message<B>) -> Result<Self, HeaderError> {
        Self::with_method(cancel, b"INVITE")
    }

    fn with_method<B: AsRef<[u8]>>(
        request: &Message<B>,
        method: &[u8],
    ) -> Result<Self, HeaderError> {
        let via = request.via()?;
        let mut key = Vec::with_capacity(96);
        // A zero byte stands in none of them, so that no two different keys print alike.
        let mut add = |part: &[u8]| {
            key.extend_from_slice(part);
            key.push(0);
        };
        add(method);
        add(sent_by(&via).as_bytes());
        let cookie = BRANCH_COOKIE.as_bytes();
        match via.branch() {
            Some(branch) if branch.len() > cookie.len() && branch.starts_with(cookie) => {
                add(branch);
            }
            _ => {
                let cseq = request.cseq()?.number.to_be_bytes();
                add(request.request_uri().unwrap_or_default());
                add(request.from()?.tag().unwrap_or_default());
                add(request.call_id()?);
                add(&cseq);
                add(via.params.as_bytes());
                // The To tag of an ACK is ours, the INVITE had none: it is left out.
            }
        }
        Ok(Self(key.into()))
    }
}

fn sent_by(via: &Via<'_>) -> String {
    let port = via.port.unwrap_or(0);
    match via.host {
        crate::sip::Host::Ip(address) => format!("{address}:{port}"),
        crate::sip::Host::Name(name) => {
            format!("{}:{port}", crate::sip::text(name).to_ascii_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(method: &str, via: &str, tag: &str) -> ServerKey {
        let text = format!(
            "{method} sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>{tag}\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\n\r\n"
        );
        ServerKey::new(&Message::parse(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_branch_of_rfc_3261_with_sent_by_and_method_is_the_key() {
        let invite = key("INVITE", "h1;branch=z9hG4bK1", "");
        assert_eq!(key("ACK", "H1;branch=z9hG4bK1;rport", ";tag=9"), invite);
        assert_ne!(key("CANCEL", "h1;branch=z9hG4bK1", ""), invite);
        assert_ne!(key("INVITE", "h2;branch=z9hG4bK1", ""), invite);
        assert_ne!(key("INVITE", "h1:5061;branch=z9hG4bK1", ""), invite);
        assert_ne!(key("INVITE", "h1;branch=z9hG4bK2", ""), invite);
    }

    #[test]
    fn without_the_cookie_the_old_rules_hold() {
        for via in ["h1", "h1;branch=1", "h1;branch=z9hG4bK"] {
            assert_eq!(key("ACK", via, ";tag=9"), key("INVITE", via, ""), "{via}");
        }
        assert_ne!(key("INVITE", "h1;branch=1", ""), key("INVITE", "h1;branch=2", ""));
    }

    #[test]
    fn a_cancel_leads_to_its_invite() {
        let text = "CANCEL sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h1;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 CANCEL\r\n\r\n";
        let cancel = Message::parse(text.as_bytes()).unwrap();
        let invite = key("INVITE", "h1;branch=z9hG4bK1", "");
        assert_eq!(ServerKey::of_cancelled(&cancel).unwrap(), invite);
    }
}
