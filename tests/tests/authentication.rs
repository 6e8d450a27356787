//! A session that is asked for a password (RFC 3261 §22).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may fail them")]

use std::net::IpAddr;

use offhook::Credentials;
use offhook::auth::{ANSWERS_MAX, Algorithm, Asker, Quality};
use offhook::session::{Order, Route};
use offhook::sip::{HeaderName, Message};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook_fsm::Entropy;
use offhook_tests::verifier::Verifier;
use offhook_tests::{Rig, SDP, destination};

const UPDATES: &str = "Allow: INVITE, ACK, BYE, UPDATE, PRACK";

fn alice() -> Credentials {
    Credentials::new("alice", "sesame")
}

fn server() -> Verifier {
    Verifier::new("example.com", "alice", "sesame")
}

/// A call of someone with these credentials, its INVITE out.
fn calling_with(credentials: Vec<Credentials>) -> Rig {
    let mut rig = Rig::with_credentials(credentials);
    rig.connect(1).unwrap();
    rig.prepared();
    rig.told();
    rig.sent();
    rig
}

fn calling() -> Rig {
    calling_with(vec![alice()])
}

/// A call that stands after its INVITE was challenged.
fn challenged(server: &mut Verifier, headers: &str) -> Rig {
    let mut rig = calling();
    rig.reply(401, &server.challenge(false), "");
    server.check(&rig.invite);
    rig.reply(200, headers, SDP);
    rig.told();
    rig.sent();
    rig
}

fn header(request: &[u8], name: HeaderName) -> Option<String> {
    let message = Message::parse(request).unwrap();
    message.header(name).map(|value| String::from_utf8_lossy(value).into_owned())
}

/// The last request of that method.
fn last(rig: &Rig, method: &str) -> Vec<u8> {
    rig.find(method).as_bytes().to_vec()
}

/// What was sent behind the first `at` messages.
fn since(rig: &Rig, at: usize) -> Vec<String> {
    let first = |bytes: &[u8]| bytes.split(|byte| *byte == b' ').next().unwrap().to_vec();
    let later = rig.wire[at..].iter().map(|(_, bytes)| first(bytes));
    later.map(|word| String::from_utf8(word).unwrap()).collect()
}

fn count_of(rig: &Rig, method: &str) -> usize {
    rig.wire.iter().filter(|(_, bytes)| bytes.starts_with(method.as_bytes())).count()
}

#[test]
fn an_invite_that_is_challenged_goes_out_again_with_credentials() {
    let (mut rig, mut server) = (calling(), server());
    let first = rig.invite.clone();
    rig.reply(401, &server.challenge(false), "");
    assert_eq!((rig.sent(), rig.told()), (vec!["ACK".into(), "INVITE".into()], vec![]));
    let second = rig.invite.clone();
    server.check(&second);
    for same in [HeaderName::CallId, HeaderName::From, HeaderName::To, HeaderName::Contact] {
        assert_eq!(header(&first, same), header(&second, same), "{same:?}");
    }
    assert_eq!(header(&second, HeaderName::CSeq).as_deref(), Some("2 INVITE"));
    assert_ne!(header(&first, HeaderName::Via), header(&second, HeaderName::Via));
    let body = |bytes: &[u8]| Message::parse(bytes).unwrap().body().to_vec();
    assert_eq!(body(&first), body(&second), "the offer is the same, and its version");
    assert_eq!(rig.handed_over, 1, "what absorbs repetitions of the 401");
    rig.reply(200, "", SDP);
    assert!(rig.told().contains(&"CS(CALLING>ESTABLISHED)".to_owned()));
}

#[test]
fn over_tcp_every_refused_try_gets_its_ack() {
    for (status, extra) in [(401, server().challenge(false)), (422, "Min-SE: 3600".to_owned())] {
        let mut rig = Rig::with_credentials(vec![alice()]);
        let route = Route { destination: destination(Transport::Tcp), when_long: None };
        let uri = "sip:bob@192.0.2.9".parse().unwrap();
        let (routes, streams) = (vec![route], Streams::AUDIO);
        rig.order(Order::Connect { uri, routes, streams, headers: Vec::new() }).unwrap();
        rig.prepared();
        rig.sent();
        rig.reply(status, &extra, "");
        assert_eq!(rig.sent(), ["ACK", "INVITE"], "{status}");
        assert_eq!(rig.handed_over, 0, "there are no repetitions over TCP");
    }
}

#[test]
fn a_proxy_is_answered_in_its_own_header() {
    let (mut rig, mut proxy) = (calling(), Verifier { asker: Asker::Proxy, ..server() });
    rig.reply(407, &proxy.challenge(false), "");
    proxy.check(&rig.invite);
    assert_eq!(header(&rig.invite, HeaderName::Authorization), None);
}

#[test]
fn every_algorithm_is_answered_in_every_quality() {
    let algorithms = Algorithm::ALL.map(Some).into_iter().chain([None]);
    for algorithm in algorithms {
        for quality in [Some(Quality::Auth), Some(Quality::AuthInt), None] {
            if quality.is_none() && algorithm.is_some_and(Algorithm::is_session) {
                continue;
            }
            for userhash in [false, true] {
                let mut server = Verifier { algorithm, quality, userhash, ..server() };
                let mut rig = calling();
                rig.reply(401, &server.challenge(false), "");
                server.check(&rig.invite);
            }
        }
    }
}

#[test]
fn of_two_challenges_the_stronger_is_answered() {
    let (mut rig, mut weak) = (calling(), server());
    let mut strong = Verifier { algorithm: Some(Algorithm::Sha256), ..server() };
    let both = format!("{}\n{}", weak.challenge(false), strong.challenge(false));
    rig.reply(401, &both, "");
    strong.check(&rig.invite);
}

#[test]
fn without_credentials_the_call_fails() {
    let (mut rig, mut server) = (calling_with(Vec::new()), server());
    rig.reply(401, &server.challenge(false), "");
    assert_eq!(rig.sent(), ["ACK"]);
    assert_eq!(
        rig.told(),
        ["CS(CALLING>TERMINATED)", "DidFail{remote, 401, Phrase}", "DidEnd{remote}"]
    );
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut rig = calling_with(vec![Credentials::new("alice", "wrong")]);
    let mut server = server();
    rig.reply(401, &server.challenge(false), "");
    rig.sent();
    rig.reply(401, &server.challenge(false), "");
    assert_eq!(rig.sent(), ["ACK"]);
    let why = "\"example.com\" refuses the user name or the password";
    assert_eq!(
        rig.told(),
        [
            "CS(CALLING>TERMINATED)".to_owned(),
            format!("DidFail{{remote, 401, Phrase ({why})}}"),
            "DidEnd{remote}".to_owned()
        ]
    );
}

#[test]
fn a_challenge_that_nobody_can_read_fails_the_call() {
    for (challenge, why) in [
        ("", "nobody says who asks for a password"),
        (
            "WWW-Authenticate: Digest realm=\"a",
            "the challenge cannot be read: a quote is not closed",
        ),
        (
            "WWW-Authenticate: Basic realm=\"a\"",
            "no challenge can be answered: the scheme is not Digest",
        ),
    ] {
        let mut rig = calling();
        rig.reply(401, challenge, "");
        assert_eq!(rig.sent(), ["ACK"]);
        let failed = format!("DidFail{{remote, 401, Phrase ({why})}}");
        assert!(rig.told().contains(&failed), "{challenge}");
    }
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    let (mut rig, mut server) = (calling(), server());
    for _ in 0..ANSWERS_MAX {
        rig.reply(401, &server.challenge(true), "");
        server.check(&rig.invite);
    }
    rig.sent();
    rig.reply(401, &server.challenge(true), "");
    assert_eq!(rig.sent(), ["ACK"]);
    let why = "one request was challenged too often";
    assert!(rig.told().contains(&format!("DidFail{{remote, 401, Phrase ({why})}}")));
}

#[test]
fn one_proxy_after_the_other_may_ask() {
    let mut proxy = Verifier { asker: Asker::Proxy, ..Verifier::new("out", "a", "1") };
    let mut server = Verifier::new("in", "b", "2");
    let credentials =
        [Credentials::new("a", "1").for_realm("out"), Credentials::new("b", "2").for_realm("in")];
    let mut rig = calling_with(credentials.into());
    rig.reply(407, &proxy.challenge(false), "");
    proxy.check(&rig.invite);
    rig.reply(401, &server.challenge(false), "");
    proxy.check(&rig.invite);
    server.check(&rig.invite);
    assert_eq!(header(&rig.invite, HeaderName::CSeq).as_deref(), Some("3 INVITE"));
}

#[test]
fn the_next_route_may_ask_anew() {
    let mut rig = Rig::with_credentials(vec![alice()]);
    rig.connect(2).unwrap();
    rig.prepared();
    let mut server = server();
    rig.reply(401, &server.challenge(false), "");
    rig.reply(503, "", "");
    rig.reply(401, &server.challenge(false), "");
    server.check(&rig.invite);
}

#[test]
fn what_the_user_ended_is_not_called_again() {
    let (mut rig, mut server) = (calling(), server());
    rig.reply(180, "", "");
    rig.order(Order::End).unwrap();
    rig.sent();
    rig.reply(401, &server.challenge(false), "");
    assert_eq!(rig.sent(), ["ACK"]);
    assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{local}"));
}

#[test]
fn the_ack_carries_what_the_invite_carried() {
    let mut server = server();
    let mut rig = calling();
    rig.reply(401, &server.challenge(false), "");
    assert_eq!(header(&last(&rig, "ACK"), HeaderName::Authorization), None, "to the 401");
    rig.reply(200, "", SDP);
    let ack = last(&rig, "ACK");
    assert!(header(&ack, HeaderName::Authorization).is_some());
    let of = |bytes: &[u8]| header(bytes, HeaderName::Authorization);
    assert_eq!(of(&ack), of(&rig.invite));
    assert_eq!(header(&ack, HeaderName::CSeq).as_deref(), Some("2 ACK"));
}

#[test]
fn what_follows_in_the_dialog_carries_credentials_at_once() {
    let mut server = server();
    let mut rig =
        challenged(&mut server, &format!("Session-Expires: 200;refresher=uac\n{UPDATES}"));
    rig.run_until(100_000);
    server.check(&last(&rig, "UPDATE"));
    rig.reply_to("UPDATE", 200);
    rig.order(Order::Hold).unwrap();
    server.check(&rig.invite);
    rig.reply(200, "", SDP);
    let ack = header(&last(&rig, "ACK"), HeaderName::Authorization);
    assert_eq!(ack, header(&rig.invite, HeaderName::Authorization));
    rig.order(Order::End).unwrap();
    server.check(&last(&rig, "BYE"));
}

#[test]
fn a_stale_nonce_in_the_dialog_is_replaced() {
    let mut server = server();
    let mut rig = challenged(&mut server, "");
    rig.order(Order::Hold).unwrap();
    rig.told();
    rig.sent();
    rig.reply(401, &server.challenge(true), "");
    assert_eq!((rig.sent(), rig.told()), (vec!["ACK".into(), "INVITE".into()], vec![]));
    server.check(&rig.invite);
    assert_eq!(header(&rig.invite, HeaderName::CSeq).as_deref(), Some("4 INVITE"));
    rig.reply(200, "", SDP);
    assert_eq!(header(&last(&rig, "ACK"), HeaderName::CSeq).as_deref(), Some("4 ACK"));
    rig.order(Order::End).unwrap();
    server.check(&last(&rig, "BYE"));
    assert_eq!(header(&last(&rig, "BYE"), HeaderName::CSeq).as_deref(), Some("5 BYE"));
}

#[test]
fn a_reinvite_that_is_refused_for_good_leaves_the_call_as_it_was() {
    let mut server = server();
    let mut rig = challenged(&mut server, "");
    rig.order(Order::Hold).unwrap();
    rig.reply(401, &server.challenge(false), "");
    rig.told();
    rig.sent();
    rig.reply(401, &server.challenge(false), "");
    assert_eq!(rig.sent(), ["ACK"]);
    assert_eq!(rig.told(), ["GotUnholdRequest{local}"]);
}

/// REFERENCE 1.5 item 15
#[test]
fn each_request_may_be_the_first_that_is_challenged() {
    let mut server = server();
    let mut rig = calling();
    rig.reply(183, "Require: 100rel\nRSeq: 1", "");
    let at = rig.wire.len();
    rig.reply_headed("PRACK", 401, &server.challenge(false));
    assert_eq!(since(&rig, at), ["PRACK"]);
    server.check(&last(&rig, "PRACK"));
    assert_eq!(header(&last(&rig, "PRACK"), HeaderName::CSeq).as_deref(), Some("3 PRACK"));

    let mut server = self::server();
    let mut rig = calling();
    rig.reply(200, &format!("Session-Expires: 200;refresher=uac\n{UPDATES}"), SDP);
    rig.run_until(100_000);
    let at = rig.wire.len();
    rig.reply_headed("UPDATE", 401, &server.challenge(false));
    assert_eq!(since(&rig, at), ["UPDATE"]);
    server.check(&last(&rig, "UPDATE"));

    let mut server = Verifier { asker: Asker::Proxy, ..self::server() };
    let mut rig = calling();
    rig.reply(200, "", SDP);
    rig.order(Order::End).unwrap();
    rig.told();
    let at = rig.wire.len();
    rig.reply_headed("BYE", 407, &server.challenge(false));
    assert_eq!((since(&rig, at), rig.told()), (vec!["BYE".into()], vec![]));
    server.check(&last(&rig, "BYE"));
    rig.reply_to("BYE", 200);
    assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{local}"));
}

#[test]
fn a_bye_that_is_refused_for_good_ends_the_session_all_the_same() {
    let mut server = server();
    let mut rig = calling();
    rig.reply(200, "", SDP);
    rig.order(Order::End).unwrap();
    rig.reply_headed("BYE", 401, &server.challenge(false));
    let at = rig.wire.len();
    rig.reply_headed("BYE", 401, &server.challenge(false));
    assert_eq!(since(&rig, at), Vec::<String>::new());
    assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{local}"));
}

#[test]
fn the_end_waits_longer_for_a_peer_that_may_ask() {
    for (credentials, waits_ms) in [(vec![alice()], 2000), (Vec::new(), 200)] {
        let mut rig = calling_with(credentials);
        rig.reply(200, "", SDP);
        rig.order(Order::End).unwrap();
        rig.told();
        rig.run_until(waits_ms - 1);
        assert_eq!(rig.told(), Vec::<String>::new());
        rig.run_until(waits_ms);
        assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{local}"));
    }
}

#[test]
fn a_cancel_is_never_sent_again() {
    let (mut rig, mut server) = (calling(), server());
    rig.reply(180, "", "");
    rig.order(Order::End).unwrap();
    let at = rig.wire.len();
    rig.reply_headed("CANCEL", 401, &server.challenge(false));
    assert_eq!(since(&rig, at), Vec::<String>::new());
    assert_eq!(header(&last(&rig, "CANCEL"), HeaderName::Authorization), None);
}

#[test]
fn repetitions_of_a_challenge_are_nothing_new() {
    let mut server = server();
    let mut rig = calling();
    rig.reply(200, "", SDP);
    rig.order(Order::End).unwrap();
    let first = last(&rig, "BYE");
    let challenge = server.challenge(false);
    rig.reply_headed("BYE", 401, &challenge);
    let second = last(&rig, "BYE");
    rig.wire.push((rig.wire[0].0, first));
    rig.reply_headed("BYE", 401, &challenge);
    assert_eq!(count_of(&rig, "BYE"), 3, "the third is the test's own copy");
    server.check(&second);
}

#[test]
fn the_next_nonce_is_used_for_the_next_request() {
    let mut server = server();
    let mut rig = calling();
    rig.reply(401, &server.challenge(false), "");
    let next = server.next_nonce();
    rig.reply(200, &format!("Authentication-Info: nextnonce=\"{next}\""), SDP);
    rig.order(Order::Hold).unwrap();
    server.check(&rig.invite);
    rig.reply(200, &format!("Authentication-Info: nextnonce=\"{}\"", server.next_nonce()), SDP);
    rig.order(Order::End).unwrap();
    server.check(&last(&rig, "BYE"));
}

/// A caller that challenges our BYE learns nothing (SIP digest leak, CVE-2021-41158).
#[test]
fn a_peer_that_called_us_may_not_ask() {
    let mut rig = Rig::with_credentials(vec![alice()]);
    rig.invited(SDP);
    rig.accept().unwrap();
    rig.prepared();
    rig.request("ACK", 1);
    rig.order(Order::End).unwrap();
    rig.told();
    let at = rig.wire.len();
    rig.reply_headed("BYE", 407, &server().challenge(false));
    assert_eq!(since(&rig, at), Vec::<String>::new());
    assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{local}"));
}

#[test]
fn a_server_that_calls_us_may_ask_when_it_is_named() {
    let mut server = server();
    let mut rig = Rig::with_credentials(vec![alice().for_host("192.0.2.9")]);
    rig.invited(SDP);
    rig.accept().unwrap();
    rig.prepared();
    rig.request("ACK", 1);
    rig.order(Order::End).unwrap();
    let at = rig.wire.len();
    rig.reply_headed(
        "BYE",
        407,
        &Verifier { asker: Asker::Proxy, ..self::server() }.challenge(false),
    );
    assert_eq!(since(&rig, at), ["BYE"]);
    server.asker = Asker::Proxy;
    server.next_nonce();
    server.check(&last(&rig, "BYE"));
}

#[test]
fn a_host_that_was_not_named_may_not_ask() {
    let (mut rig, mut server) = (calling_with(vec![alice().for_host("example.com")]), server());
    rig.reply(401, &server.challenge(false), "");
    assert_eq!(rig.sent(), ["ACK"]);
    let why = "the password is not for the one who asks as \"example.com\"";
    assert!(rig.told().contains(&format!("DidFail{{remote, 401, Phrase ({why})}}")));
}

#[test]
fn another_realm_behind_the_same_server_may_not_ask() {
    let mut server = server();
    let mut rig = challenged(&mut server, "");
    rig.order(Order::End).unwrap();
    let at = rig.wire.len();
    rig.reply_headed("BYE", 401, &Verifier::new("evil", "alice", "sesame").challenge(false));
    assert_eq!(since(&rig, at), Vec::<String>::new());
}

#[test]
fn what_goes_elsewhere_carries_no_credentials() {
    let (mut rig, mut server) = (calling(), server());
    rig.reply(401, &server.challenge(false), "");
    rig.reply(200, "Record-Route: <sip:203.0.113.5;lr>", SDP);
    let elsewhere: IpAddr = "203.0.113.5".parse().unwrap();
    let ack = rig.wire.iter().rfind(|(_, bytes)| bytes.starts_with(b"ACK")).unwrap();
    assert_eq!(ack.0.remote.ip(), elsewhere);
    assert_eq!(header(&ack.1, HeaderName::Authorization), None);
    rig.order(Order::End).unwrap();
    assert_eq!(header(&last(&rig, "BYE"), HeaderName::Authorization), None);
    let at = rig.wire.len();
    rig.reply_headed("BYE", 401, &server.challenge(false));
    assert_eq!(since(&rig, at), Vec::<String>::new());
}

#[test]
fn other_branches_of_a_fork_are_ended_with_credentials() {
    let mut server = server();
    let mut rig = challenged(&mut server, "");
    rig.reply_from("other", 200, "", SDP);
    assert_eq!(since(&rig, 0), ["ACK", "BYE"]);
    server.check(&last(&rig, "BYE"));
    assert!(header(&last(&rig, "ACK"), HeaderName::Authorization).is_some());
}

/// What is left of a session whose core is lost still proves who it is.
#[test]
fn the_last_bye_of_a_core_that_is_lost_carries_credentials() {
    let mut server = server();
    let mut rig = challenged(&mut server, "");
    for output in rig.core.farewell().outputs(rig.now, &mut Entropy::from_u64(9)) {
        rig.take(output);
    }
    server.check(&last(&rig, "BYE"));
}
