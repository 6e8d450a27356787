//! Two engines call each other over real sockets.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use common::{PATIENCE, Party, wait_state};
use offhook::error::SessionError;
use offhook::notification::{NotificationData, Originator, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Listener};

/// REFERENCE 2 row 29, 2 row 30
#[test]
fn a_call_is_placed_accepted_and_ended_over_udp_and_tcp() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let (alice, bob) = (Party::new(), Party::new());
        let call = alice.engine.session();
        call.connect(&bob.uri(transport), &[], Streams::AUDIO, &[]).unwrap();
        let answer = bob.incoming(0);
        answer.accept(Streams::AUDIO, &[]).unwrap();
        assert_eq!(call.wait_established(PATIENCE), Some(true));
        assert_eq!(answer.wait_established(PATIENCE), Some(true));
        assert_eq!(call.snapshot().route.map(|route| route.transport), Some(transport));
        call.end().unwrap();
        assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
        bob.record.wait_for("SIPSessionDidEnd");
        alice.record.wait_for("SIPSessionDidEnd");
        assert_eq!(
            alice.record.of(&call),
            [
                "CALLING",
                "SIPSessionNewOutgoing",
                "RTPTransportDidInitialize",
                "SIPSessionGotRingIndication",
                "SIPSessionWillStart",
                "SIPSessionGotStreamUpdate",
                "ESTABLISHED",
                "SIPSessionDidStart",
                "TERMINATING",
                "SIPSessionWillEnd",
                "SIPSessionGotStreamUpdate",
                "TERMINATED",
                "SIPSessionDidEnd",
            ]
        );
        assert_eq!(
            bob.record.of(&answer),
            [
                "INCOMING",
                "SIPSessionNewIncoming",
                "ACCEPTING",
                "RTPTransportDidInitialize",
                "SIPSessionGotStreamUpdate",
                "SIPSessionWillStart",
                "ESTABLISHED",
                "SIPSessionDidStart",
                "SIPSessionGotStreamUpdate",
                "TERMINATED",
                "SIPSessionDidEnd",
            ]
        );
    }
}

/// REFERENCE 2 row 28
#[test]
fn display_names_of_the_account_and_the_called_break_no_header() {
    let account = Some("\"Alice, A\" <sip:alice@127.0.0.1>".into());
    let (alice, bob) = (Party::with(Config { account, ..Config::default() }), Party::new());
    let call = alice.engine.session();
    let uri = format!("\"Bob \\\"b\\\"\" <{}>", bob.uri(Transport::Udp));
    call.connect(&uri, &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(call.snapshot().remote_uri, Some(uri));
    let alice_s = Some("\"Alice, A\" <sip:alice@127.0.0.1>");
    assert_eq!(call.snapshot().local_uri.as_deref(), alice_s);
    assert_eq!(answer.snapshot().remote_uri.as_deref(), alice_s);
    assert_eq!(alice.engine.uri(), "sip:alice@127.0.0.1");
}

#[test]
fn a_rejected_call_fails_with_the_code_and_phrase() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    bob.incoming(0).reject(Some(603)).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(false));
    let told = alice.record.wait_for("SIPSessionDidFail");
    let NotificationData::SessionDidFail { originator, code, reason, .. } = told.data else {
        panic!()
    };
    assert_eq!((originator, code, reason.as_str()), (Originator::Remote, 603, "Decline"));
}

#[test]
fn a_call_that_nobody_answers_is_cancelled_by_end() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let rings = bob.incoming(0);
    alice.record.wait_for("SIPSessionGotRingIndication");
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE) && rings.wait_ended(PATIENCE));
    let told = bob.record.wait_for("SIPSessionDidFail");
    assert!(matches!(
        told.data,
        NotificationData::SessionDidFail { originator: Originator::Remote, code: 487, .. }
    ));
}

/// An address that refuses every connection for as long as the socket is held.
fn refusing() -> (socket2::Socket, std::net::SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

#[test]
fn a_connection_that_is_refused_fails_the_call_at_once() {
    let alice = Party::new();
    let (_held, address) = refusing();
    let call = alice.engine.session();
    let uri = format!("sip:nobody@{address};transport=tcp");
    call.connect(&uri, &[], Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(false));
    let told = alice.record.wait_for("SIPSessionDidFail");
    assert!(matches!(
        told.data,
        NotificationData::SessionDidFail { originator: Originator::Local, code: 503, .. }
    ));
}

/// REFERENCE 1.10 item 1
#[test]
fn the_next_route_is_tried_when_the_first_refuses_the_connection() {
    let (alice, bob) = (Party::new(), Party::new());
    let (_held, address) = refusing();
    let routes = [format!("sip:{address};transport=tcp;lr"), bob.uri(Transport::Udp)];
    let call = alice.engine.session();
    call.connect("sip:bob@example.com", &routes, Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
}

#[test]
fn an_invite_over_1300_bytes_goes_over_tcp_and_over_udp_where_tcp_is_refused() {
    let alice = Party::new();
    let headers = [("X-Long".to_owned(), "x".repeat(1300))];
    let both = Party::new();
    let call = alice.engine.session();
    // Nobody listens for TCP at the port of the UDP listener.
    let uri = both.uri(Transport::Udp).replace(";transport=udp", "");
    call.connect(&uri, &[], Streams::AUDIO, &headers).unwrap();
    let answer = both.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(call.snapshot().route.map(|route| route.transport), Some(Transport::Udp));

    let (same, address) = Party::on_one_port();
    let call = alice.engine.session();
    call.connect(&format!("sip:bob@{address}"), &[], Streams::AUDIO, &headers).unwrap();
    let answer = same.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(call.snapshot().route.map(|route| route.transport), Some(Transport::Tcp));
}

#[test]
fn a_call_runs_over_ipv6() {
    let listener = |transport| Listener { transport, address: "[::1]:0".parse().unwrap() };
    let config = || Config {
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        ..Config::default()
    };
    let (alice, bob) = (Party::with(config()), Party::with(config()));
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
}

#[test]
fn an_engine_without_listeners_of_its_own_calls_both_families() {
    let center = offhook::NotificationCenter::new().unwrap();
    let engine = offhook::Engine::start(Config::default(), center).unwrap();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let address = address.parse().unwrap();
        let listeners = vec![Listener { transport: Transport::Udp, address }];
        let bob = Party::with(Config { listeners, ..Config::default() });
        let call = engine.session();
        call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
        let answer = bob.incoming(0);
        answer.accept(Streams::AUDIO, &[]).unwrap();
        assert_eq!(call.wait_established(PATIENCE), Some(true), "{address}");
    }
}

#[test]
fn a_refused_connect_leaves_the_session_as_fresh_as_before() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    let no_streams = Streams::default();
    let refused = call.connect(&bob.uri(Transport::Udp), &[], no_streams, &[]).unwrap_err();
    assert!(matches!(refused, SessionError::InvalidArgument(_)), "{refused}");
    assert!(call.connect("bob", &[], Streams::AUDIO, &[]).is_err());
    assert_eq!(call.snapshot().state, SessionState::Null);
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let second = call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap_err();
    assert_eq!(second.to_string(), "connect() needs NULL, the session is CALLING");
}

#[test]
fn an_ended_session_answers_from_its_last_snapshot() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    bob.incoming(0).reject(None).unwrap();
    assert!(call.wait_ended(PATIENCE));
    let error = call.accept(Streams::AUDIO, &[]).unwrap_err();
    assert_eq!(error.to_string(), "accept() needs INCOMING, the session is TERMINATED");
    assert_eq!((call.reject(None), call.end()), (Ok(()), Ok(())));
    assert!(call.snapshot().stop_time.is_some() && call.snapshot().remote_uri.is_some());
}

#[test]
fn dropping_the_last_handle_ends_the_call() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    let second = call.clone();
    drop(call);
    assert_eq!(second.snapshot().state, SessionState::Established);
    drop(second);
    assert!(answer.wait_ended(PATIENCE));
}

#[test]
fn an_incoming_call_rings_on_without_a_handle() {
    let (alice, bob) = (Party::new(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    drop(bob.incoming(0));
    let again = bob.incoming(0);
    assert_eq!(again.snapshot().state, SessionState::Incoming);
    again.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
}

/// REFERENCE 1.12 item 1
#[test]
fn every_method_may_be_called_from_inside_an_observer() {
    use offhook::{Any, Notification};
    let (alice, bob) = (Party::new(), Party::new());
    let manager = bob.engine.session_manager();
    let kept = std::sync::Mutex::new(Vec::new());
    let answer = move |n: &Notification| {
        let offhook::notification::Sender::Session(id) = n.sender else { return };
        let session = manager.get(id).unwrap();
        session.accept(Streams::AUDIO, &[]).unwrap();
        assert_eq!(session.snapshot().state, SessionState::Accepting);
        kept.lock().unwrap().push(session);
    };
    let center = bob.engine.notification_center();
    center.add_observer(std::sync::Arc::new(answer), "SIPSessionNewIncoming", Any);
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    wait_state(&alice.record, &call, SessionState::Established);
}

#[test]
fn one_call_more_than_the_limit_is_answered_503() {
    let alice = Party::new();
    let bob = Party::with(Config { sessions_max: Some(1), ..Config::default() });
    let (first, second) = (alice.engine.session(), alice.engine.session());
    first.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    let rings = bob.incoming(0);
    second.connect(&bob.uri(Transport::Udp), &[], Streams::AUDIO, &[]).unwrap();
    assert_eq!(second.wait_established(PATIENCE), Some(false));
    let told = alice.record.wait_for("SIPSessionDidFail");
    assert!(matches!(told.data, NotificationData::SessionDidFail { code: 503, .. }), "{told:?}");
    assert_eq!(rings.snapshot().state, SessionState::Incoming);
}

#[test]
fn a_call_over_tcp_without_a_listener_for_it_is_changed_and_ended_over_its_own_connection() {
    let listener = Listener { transport: Transport::Udp, address: ([127, 0, 0, 1], 0).into() };
    let config = Config { listeners: vec![listener], ..Config::default() };
    let (alice, bob) = (Party::with(config), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Tcp), &[], Streams::AUDIO, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
    let snapshot = answer.snapshot();
    let contact = snapshot.remote_headers.iter().find(|(name, _)| name == "Contact");
    let address = alice.address(Transport::Udp);
    assert_eq!(contact.unwrap().1, format!("<sip:offhook@{address}>"));
    answer.hold().unwrap();
    alice.record.wait_for("SIPSessionGotHoldRequest");
    answer.end().unwrap();
    assert!(answer.wait_ended(PATIENCE) && call.wait_ended(PATIENCE));
    let ended = alice.record.wait_for("SIPSessionDidEnd").to_string();
    assert!(ended.contains("remote"), "{ended}");
}
