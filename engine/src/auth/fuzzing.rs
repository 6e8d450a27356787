//! What must hold for any bytes. The fuzz targets and the tests call these.

use std::net::{IpAddr, Ipv4Addr};

use offhook_fsm::Entropy;

use super::{
    Asker, Attempt, AuthenticationInfo, Authenticator, Authorization, CHALLENGES_MAX, Challenge,
    Hop, Request,
};
use crate::credentials::Credentials;
use crate::sip::{Builder, HeaderName};

/// Any bytes as the value of a header of authentication: no panic; what is answered fits into a
/// message and is understood again as the same.
pub fn digest(data: &[u8]) {
    assert!(Challenge::parse_all(Asker::Server, data).len() <= CHALLENGES_MAX);
    let _info = AuthenticationInfo::parse(data);
    if let Ok(answer) = Authorization::parse(data) {
        assert_eq!(Authorization::parse(&answer.to_bytes()), Ok(answer));
    }
    let credentials = vec![Credentials::new("al\"ice", "sesame")];
    let (mut own, mut entropy) = (Authenticator::new(credentials), Entropy::from_u64(1));
    let hop = Hop::chosen(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let challenges = [(Asker::Server, data), (Asker::Proxy, data)];
    if own.challenged(&hop, &mut Attempt::default(), challenges, &mut entropy).is_err() {
        return;
    }
    let request = Request { method: b"INVITE", uri: b"sip:bob@example.com", body: data };
    let answers = own.authorize(&request, hop.address).unwrap_or_default();
    assert!(!answers.is_empty());
    for (asker, answer) in answers {
        let value = answer.to_bytes();
        assert_eq!(Authorization::parse(&value), Ok(answer));
        let request = Builder::request(request.method, request.uri);
        let printed = request.and_then(|request| request.header(asker.answered_in(), &value));
        assert!(printed.is_ok() && asker.answered_in() != HeaderName::Other);
    }
}
