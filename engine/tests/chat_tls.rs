//! Chats over TLS: between engines, and with peers that are not who they say (RFC 8122, RFC 6135).
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use common::peer::{Peer, Request, status};
use common::process::alone;
use common::{PATIENCE, Party};
use offhook::notification::{NotificationData as Data, Sender, SessionState};
use offhook::sdp::fingerprint::Fingerprint;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Session, TlsConfig};

const CHAT: Streams = Streams { audio: false, chat: true };
/// The first octet of an alert (RFC 8446 §5.1).
const TLS_ALERT: u8 = 21;
const BOTH: Streams = Streams { audio: true, chat: true };

fn over_tls() -> Party {
    Party::with(Config { chat_over_tls: true, ..Config::default() })
}

fn wait(party: &Party, session: &Session, name: &str) {
    let sender = Sender::Session(session.id());
    party.record.wait(|n| n.sender == sender && n.name() == name);
}

fn got(party: &Party, session: &Session) -> Vec<u8> {
    let sender = Sender::Session(session.id());
    let told = party
        .record
        .wait(|n| n.sender == sender && matches!(n.data, Data::SessionGotMessage { .. }));
    match told.data {
        Data::SessionGotMessage { content, .. } => content.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_engines_chat_over_tls_and_large_messages_arrive_whole() {
    let _alone = alone();
    let (alice, bob) = (over_tls(), Party::new());
    let call = alice.engine.session();
    call.connect(&bob.uri(Transport::Udp), &[], CHAT, &[]).unwrap();
    let answer = bob.incoming(0);
    answer.accept(CHAT, &[]).unwrap();
    wait(&alice, &call, "MSRPChatDidStart");
    wait(&bob, &answer, "MSRPChatDidStart");
    let large: Vec<u8> = (0..300_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
    call.send_message(&large, "text/plain", None).unwrap();
    answer.send_message(&large, "text/plain", None).unwrap();
    assert!(got(&bob, &answer) == large && got(&alice, &call) == large);
    alice.record.wait_for("SIPSessionDidDeliverMessage");
    call.end().unwrap();
    // The end of the connection is told as the end of the chat, not as its failure.
    wait(&bob, &answer, "SIPSessionDidEnd");
    assert!(bob.record.all().iter().all(|n| n.name() != "MSRPChatDidFail"));
}

/// Somebody who offers a chat over TLS and wants us to connect: audio stands beside it.
struct Caller {
    party: Party,
    _peer: Peer,
    session: Session,
}

fn called(path: &str, more: &str) -> Caller {
    let party = Party::new();
    let peer = Peer::of(party.address(Transport::Udp));
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio 9 RTP/AVP 0\r\n\
         m=message 9 TCP/TLS/MSRP *\r\na=path:{path}\r\na=accept-types:*\r\n\
         a=setup:passive\r\n{more}"
    );
    let invite = Request { body, ..Request::new("INVITE") };
    peer.request(&invite);
    let session = party.incoming(0);
    session.accept(BOTH, &[]).unwrap();
    let ok = peer.wait(|message| status(message) == 200);
    assert!(ok.contains("a=setup:active\r\n") && ok.contains("a=fingerprint:sha-256 "), "{ok}");
    peer.request(&invite.ack(&ok));
    assert_eq!(session.wait_established(PATIENCE), Some(true));
    Caller { party, _peer: peer, session }
}

impl Caller {
    /// Why the chat failed; the session goes on without it.
    fn failure(&self) -> String {
        let sender = Sender::Session(self.session.id());
        let told = self
            .party
            .record
            .wait(|n| n.sender == sender && matches!(n.data, Data::MsrpChatDidFail { .. }));
        assert_eq!(self.session.snapshot().state, SessionState::Established);
        match told.data {
            Data::MsrpChatDidFail { reason } => reason,
            other => panic!("{other:?}"),
        }
    }
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn a_peer_that_speaks_no_tls_is_named() {
    let _alone = alone();
    let (listener, address) = listener();
    let caller = called(&format!("msrps://{address}/x;tcp"), "");
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"MSRP a1b2c3d4 SEND\r\nTo-Path: msrps://127.0.0.1/y;tcp\r\n").unwrap();
    let reason = caller.failure();
    assert!(reason.contains("does not speak TLS"), "{reason}");
}

#[test]
fn a_peer_that_hangs_up_in_the_handshake_is_told() {
    let _alone = alone();
    let (listener, address) = listener();
    let caller = called(&format!("msrps://{address}/x;tcp"), "");
    let (mut stream, _) = listener.accept().unwrap();
    // All that it said is read, so that the end is an end and no reset.
    let mut hello = [0; 4096];
    assert!(stream.read(&mut hello).unwrap() > 0);
    drop(stream);
    let reason = caller.failure();
    assert!(reason.contains("TLS handshake"), "{reason}");
}

/// The port of a real listener: of a chat that waits for its caller, over TLS or not.
fn waiting(bob: &Party, transport: &str, scheme: &str) -> (Peer, Session, SocketAddr) {
    let peer = Peer::of(bob.address(Transport::Udp));
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=message 9 {transport} *\r\na=path:{scheme}://127.0.0.1:9/z;tcp\r\na=accept-types:*\r\n"
    );
    let invite = Request { body, ..Request::new("INVITE") };
    peer.request(&invite);
    let session = bob.incoming(0);
    session.accept(CHAT, &[]).unwrap();
    let ok = peer.wait(|message| status(message) == 200);
    peer.request(&invite.ack(&ok));
    assert_eq!(session.wait_established(PATIENCE), Some(true));
    let start = format!("a=path:{scheme}://");
    let path = ok.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
    (peer, session, path.split('/').next().unwrap().parse().unwrap())
}

fn waiting_for_tls(bob: &Party) -> (Peer, Session, SocketAddr) {
    waiting(bob, "TCP/TLS/MSRP", "msrps")
}

#[test]
fn a_stranger_who_speaks_no_tls_is_hung_up_on_and_the_chat_still_waits() {
    let _alone = alone();
    let bob = Party::new();
    let (_peer, session, address) = waiting_for_tls(&bob);
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    stranger.write_all(b"MSRP a1b2c3d4 SEND\r\nTo-Path: msrps://127.0.0.1/y;tcp\r\n").unwrap();
    let mut said = Vec::new();
    // An end or a reset, but no silence.
    if let Err(error) = stranger.read_to_end(&mut said) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert!(said.is_empty() || said[0] == TLS_ALERT, "{said:?}");
    // Whoever comes next finds the port open.
    TcpStream::connect(address).unwrap();
    assert_eq!(session.snapshot().state, SessionState::Established);
    assert!(bob.record.all().iter().all(|n| n.name() != "MSRPChatDidFail"));
}

#[test]
fn a_chat_over_tls_with_a_port_that_speaks_none_fails_on_its_side_alone() {
    let _alone = alone();
    let bob = Party::new();
    let (_peer, session, address) = waiting(&bob, "TCP/MSRP", "msrp");
    let told = format!("a=fingerprint:{}\r\n", Fingerprint::of(b"a certificate"));
    let caller = called(&format!("msrps://{address}/x;tcp"), &told);
    assert!(!caller.failure().is_empty());
    TcpStream::connect(address).unwrap();
    assert_eq!(session.snapshot().state, SessionState::Established);
    assert!(bob.record.all().iter().all(|n| n.name() != "MSRPChatDidFail"));
}

#[test]
fn a_peer_with_another_certificate_than_its_description_tells_is_refused() {
    let _alone = alone();
    let bob = Party::new();
    let (_peer, _session, address) = waiting_for_tls(&bob);
    let told = format!("a=fingerprint:{}\r\n", Fingerprint::of(b"another certificate"));
    let caller = called(&format!("msrps://{address}/x;tcp"), &told);
    let reason = caller.failure();
    assert!(reason.contains("not the one that its description tells of"), "{reason}");
}

#[test]
fn the_relay_of_a_peer_needs_somebody_who_vouches_for_it_and_no_fingerprint_of_the_peer_s() {
    let _alone = alone();
    let bob = Party::new();
    let (_peer, _session, address) = waiting_for_tls(&bob);
    let path = format!("msrps://{address}/relay;tcp msrps://192.0.2.1:9/x;tcp");
    let told = format!("a=fingerprint:{}\r\n", Fingerprint::of(b"the peer's own"));
    let reason = called(&path, &told).failure();
    assert!(!reason.contains("not the one that its description tells of"), "{reason}");
    assert!(reason.contains("certificate"), "{reason}");
}

#[test]
fn a_peer_without_a_fingerprint_needs_somebody_who_vouches_for_it() {
    let _alone = alone();
    let bob = Party::new();
    let (_peer, _session, address) = waiting_for_tls(&bob);
    let caller = called(&format!("msrps://{address}/x;tcp"), "");
    let reason = caller.failure();
    assert!(reason.contains("TLS: "), "{reason}");
}

#[test]
fn a_certificate_told_by_a_broken_hash_fails_the_chat_and_not_the_call() {
    let _alone = alone();
    let (_listener, address) = listener();
    let weak = "a=fingerprint:md5 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B\r\n";
    let reason = called(&format!("msrps://{address}/x;tcp"), weak).failure();
    assert!(reason.contains("unknown or broken"), "{reason}");
}

#[test]
fn a_certificate_file_that_cannot_be_used_stops_the_engine_from_starting() {
    let file = std::env::temp_dir().join(format!("offhook-no-certificate-{}", std::process::id()));
    std::fs::write(&file, "nothing of the kind").unwrap();
    let tls = TlsConfig { certificate: Some(file.clone()), ..TlsConfig::default() };
    let center = offhook::NotificationCenter::new().unwrap();
    let error = offhook::Engine::start(Config { tls, ..Config::default() }, center).unwrap_err();
    assert!(error.to_string().ends_with("no certificate in PEM"), "{error}");
    std::fs::remove_file(&file).unwrap();
}
