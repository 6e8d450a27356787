//! There and back through `rsip`: what converts stays the same, what does not is refused by name.
#![cfg(feature = "compat-rsip")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod seeds;

use offhook::SipUri;
use offhook::compat::rsip::ConversionError;
use offhook::fsm::Entropy;
use offhook::sip::{HeaderName, Message, text, unfold};
use rsip::headers::UntypedHeader as _;
use rsip::message::HasHeaders as _;
use rsip::{Auth, Header, Param, Scheme, StatusCode};

/// An OPTIONS; the messages of RFC 4475 are written as changes of it, as in `torture.rs`.
const WHOLE: &str = "OPTIONS sip:user@example.com SIP/2.0\r\nTo: sip:j.user@example.com\r\nFrom: sip:caller@example.net;tag=1\r\nMax-Forwards: 70\r\nCall-ID: x.0ha0isndaksdj\r\nCSeq: 9 OPTIONS\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\r\nContact: <sip:c@192.0.2.1>\r\nContent-Length: 0\r\n\r\n";

fn changed(from: &str, to: &str) -> Vec<u8> {
    assert!(WHOLE.contains(from), "{from}");
    WHOLE.replacen(from, &to.replace('\n', "\r\n"), 1).into_bytes()
}

/// What a message says: start line, headers with their values unfolded, body.
type Content = (String, Vec<(HeaderName, String, Vec<u8>)>, Vec<u8>);

fn content(message: &Message) -> Content {
    let start = match (message.method(), message.request_uri()) {
        (Some(method), Some(_)) => text(method).into_owned(),
        _ => format!("{} {}", message.status().unwrap(), text(message.reason().unwrap())),
    };
    let headers = message.headers().map(|header| {
        let name = match header.id {
            HeaderName::Other => text(header.name).into_owned(),
            _ => String::new(),
        };
        (header.id, name, unfold(header.value).into_owned())
    });
    (start, headers.collect(), message.body().to_vec())
}

/// Converts there and back, which must change nothing.
fn there_and_back(bytes: &[u8]) -> Option<Result<(), ConversionError>> {
    let message = Message::parse(bytes).ok()?.to_message();
    Some(rsip::SipMessage::try_from(&message).map(|theirs| {
        let back = Message::try_from(&theirs).unwrap();
        assert_eq!(content(&back), content(&message));
        // Cases, addresses and ports have many spellings.
        let uri = |message: &Message| message.request_uri().map(|uri| text(uri).parse::<SipUri>());
        if let (Some(back), Some(sent)) = (uri(&back), uri(&message)) {
            assert!(back.unwrap().is_equivalent(&sent.unwrap()));
        }
        assert_eq!(theirs.headers().iter().count(), message.headers().count());
    }))
}

#[test]
fn the_seeds_come_back_as_they_were() {
    for (name, bytes) in seeds::all(&["sip_message", "sip_round_trip", "diff_rsip"]) {
        if let Some(Err(error)) = there_and_back(&bytes) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn torture_messages_come_back_or_are_refused_by_name() {
    let text = |what: &str| ConversionError::Text(what.into());
    for (from, to, expected) in [
        ("OPTIONS", "OPTIONS", Ok(())),
        ("OPTIONS", "!interesting", Err(ConversionError::Method("!interesting".into()))),
        ("OPTIONS", "options", Err(ConversionError::Method("options".into()))),
        ("sip:user@example.com", "sip:sips%3Auser%40example.com@example.net", Ok(())),
        ("sip:user@example.com", "sip:null-%00-null@example.com", Ok(())),
        ("sip:user@example.com", "sip:user;par=u%40example.net@example.com", Ok(())),
        ("sip:user@example.com", "sips:user:pw@example.com:5061;transport=tcp;lr;x", Ok(())),
        ("sip:user@example.com", "sip:[2001:db8::10]:5070", Ok(())),
        ("sip:user@example.com", "sip:a@h;transport=DCCP;method=invite;ttl=1", Ok(())),
        ("sip:user@example.com", "sip:a@h?x=y", Err(ConversionError::UriHeaders)),
        ("sip:user@example.com", "tel:+1", Err(ConversionError::Scheme("tel".into()))),
        (
            "sip:user@example.com",
            "soap.beep://192.0.2.103:3002",
            Err(ConversionError::Scheme("soap.beep".into())),
        ),
        ("Via: ", "v :\n SIP / 2.0 / UDP h;branch=z9hG4bK2 ,\n ", Ok(())),
        ("Via: ", "Via: SIP/2.0/UDP [::1];branch=z9hG4bK2;received=2001:db8::1\nVia: ", Ok(())),
        ("Contact:", "X-A: 1\nX-B: 2\nx-a: ;;,,;;\nr: <sip:x@y>\nRSeq: 1\nContact:", Ok(())),
        ("Contact:", "Subject:\nOrganization: \u{e9}\u{20ac}\nContact:", Ok(())),
    ] {
        let sent = changed(from, to);
        assert_eq!(there_and_back(&sent), Some(expected), "{to}");
    }
    let latin = [&b"OPTIONS sip:h SIP/2.0\r\nSubject: caf\xe9\r\n\r\n"[..], b"x\xff\0"].concat();
    assert_eq!(there_and_back(&latin), Some(Err(text("Subject"))));
}

#[test]
fn bodies_of_any_octets_and_every_status_come_back() {
    let mut body = b"MESSAGE sip:h SIP/2.0\r\nl: 256\r\n\r\n".to_vec();
    body.extend(0..=255_u8);
    assert_eq!(there_and_back(&body), Some(Ok(())));
    for status in 100..700_u16 {
        for reason in ["", "Whatever it is", offhook::sip::reason_phrase(status)] {
            let response = format!("SIP/2.0 {status} {reason}\r\nTo: <sip:h>\r\n\r\n");
            assert_eq!(there_and_back(response.as_bytes()), Some(Ok(())), "{status} {reason}");
        }
    }
}

#[test]
fn known_parts_become_rsip_s_own_types() {
    let ours: SipUri = "sip:a@192.0.2.1;Transport=tcp;lr;maddr=h".parse().unwrap();
    let theirs = rsip::Uri::try_from(&ours).unwrap();
    assert_eq!(theirs.transport(), Some(&rsip::Transport::Tcp));
    assert_eq!(theirs.params[1], Param::Lr);
    let bytes = b"SIP/2.0 486 Busy Here\r\nv: SIP/2.0/UDP h\r\nX-A: b\r\n\r\n";
    let response = rsip::Response::try_from(&Message::parse(&bytes[..]).unwrap()).unwrap();
    assert_eq!(response.status_code, StatusCode::BusyHere);
    let headers: Vec<_> = response.headers.iter().cloned().collect();
    let via = rsip::headers::Via::new("SIP/2.0/UDP h");
    assert_eq!(headers, [Header::Via(via), Header::Other("X-A".into(), "b".into())]);
    let options = Message::parse(WHOLE.as_bytes()).unwrap();
    assert!(rsip::Request::try_from(&options).is_ok());
    assert_eq!(rsip::Response::try_from(&options), Err(ConversionError::StartLine));
    let named: SipUri = "\"A\" <sip:a@h>".parse().unwrap();
    assert_eq!(rsip::Uri::try_from(&named), Err(ConversionError::DisplayName));
}

#[test]
fn what_would_be_read_as_something_else_is_refused() {
    let uri = |text: &str| rsip::Uri::try_from(&text.parse::<SipUri>().unwrap()).unwrap();
    let good = uri("sip:a@h");
    assert_eq!(SipUri::try_from(&good).unwrap().as_str(), "sip:a@h");
    let auth = |user: &str| Some(Auth { user: user.into(), password: None });
    let with = |change: &dyn Fn(&mut rsip::Uri)| {
        let mut uri = good.clone();
        change(&mut uri);
        SipUri::try_from(&uri)
    };
    for refused in [
        with(&|uri| uri.auth = auth("a@evil")),
        with(&|uri| uri.auth = auth("a:b")),
        with(&|uri| uri.auth = auth("a\r\nb")),
        with(&|uri| uri.auth = auth("")),
        with(&|uri| uri.host_with_port = rsip::Domain::from("h;lr").into()),
        with(&|uri| uri.host_with_port = rsip::Domain::from("h:5060").into()),
        with(&|uri| uri.host_with_port = rsip::Domain::from("x@h").into()),
        with(&|uri| uri.params = vec![Param::Other("a;b".into(), None)]),
        with(&|uri| uri.params = vec![Param::Other("a".into(), Some("b?c=d".into()))]),
        with(&|uri| uri.params = vec![Param::Other("a=b".into(), None)]),
        with(&|uri| uri.headers = vec![1]),
        with(&|uri| uri.scheme = None),
        with(&|uri| uri.scheme = Some(Scheme::Other("http".into()))),
    ] {
        assert!(refused.is_err(), "{refused:?}");
    }
    let address = std::net::IpAddr::from(std::net::Ipv6Addr::LOCALHOST);
    let v6 = with(&|uri| uri.host_with_port = address.into()).unwrap();
    assert_eq!(v6.as_str(), "sip:a@[::1]");
}

#[test]
fn headers_and_bodies_cannot_break_a_message_open() {
    let options = Message::parse(WHOLE.as_bytes()).unwrap();
    let good = rsip::Request::try_from(&options).unwrap();
    for header in [
        Header::Other("X".into(), "a\r\nRoute: <sip:evil>".into()),
        Header::Other("X: a\r\nRoute".into(), "b".into()),
        Header::Other("X Y".into(), "b".into()),
        Header::Other("X:Y".into(), "b".into()),
        Header::Other(String::new(), "b".into()),
        Header::Subject("a\nb".into()),
        Header::Subject("a\0".into()),
        Header::ContentLength("7".into()),
    ] {
        let mut request = good.clone();
        request.headers.push(header);
        let refused = Message::try_from(&request);
        assert!(refused.is_err(), "{refused:?}");
    }
    let mut cut = good.clone();
    cut.body = b"more than Content-Length says".to_vec();
    assert_eq!(Message::try_from(&cut), Err(ConversionError::BreaksOut("the body".into())));
    let mut old = good;
    old.version = rsip::Version::V1;
    assert_eq!(Message::try_from(&old), Err(ConversionError::Version));
}

#[test]
fn mutated_messages_come_back_or_are_refused() {
    let mut entropy = Entropy::from_u64(3);
    let all = seeds::all(&["sip_message", "sip_round_trip", "diff_rsip"]);
    let (mut same, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = all[round % all.len()].1.clone();
        seeds::mutate(&mut bytes, &mut entropy);
        match there_and_back(&bytes) {
            Some(Ok(())) => same += 1,
            Some(Err(_)) => refused += 1,
            None => {}
        }
    }
    assert!(same > 1000 && refused > 10, "{same} {refused}");
}
