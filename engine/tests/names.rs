//! Calls to names: RFC 3263 with a name server on loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use common::name_server::{Manner, NameServer};
use common::zone::Zone;
use common::{PATIENCE, Party, wait_state};
use offhook::notification::{NotificationData, Originator, Sender, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, DnsConfig, Session};

/// An engine that asks these servers.
fn asking(servers: &[&NameServer]) -> Party {
    let nameservers = servers.iter().map(|server| server.address).collect();
    let dns = DnsConfig { nameservers, ..DnsConfig::default() };
    Party::with(Config { dns, ..Config::default() })
}

/// `bob.test` by NAPTR and SRV, `plain.test` by its address.
fn zone(bob: &Party) -> Zone {
    let port = |transport| bob.address(transport).port();
    Zone::default()
        .naptr("bob.test", (1, 1), ("s", "SIP+D2T", ""), "_sip._tcp.bob.test")
        .naptr("bob.test", (2, 1), ("s", "SIP+D2U", ""), "_sip._udp.bob.test")
        .srv("_sip._tcp.bob.test", (1, 1, port(Transport::Tcp)), "pbx.test")
        .srv("_sip._udp.bob.test", (1, 1, port(Transport::Udp)), "pbx.test")
        .alias("pbx.test", "host.test")
        .address("host.test", "127.0.0.1")
}

fn calls(alice: &Party, uri: &str) -> Session {
    let call = alice.engine.session();
    call.connect(uri, &[], Streams::AUDIO, &[]).unwrap();
    call
}

/// The call reaches bob, whose earlier ones are over, and stands; which way it went.
fn stands(call: &Session, bob: &Party) -> (Transport, SocketAddr) {
    let answer = bob.incoming(bob.ended());
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    let route = call.snapshot().route.unwrap();
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
    // As it is told, so that it counts among those that are over.
    let sender = Sender::Session(answer.id());
    bob.record.wait(|n| n.sender == sender && n.name() == "SIPSessionDidEnd");
    (route.transport, route.remote)
}

#[test]
fn a_call_to_a_name_goes_where_naptr_srv_and_addresses_say() {
    let bob = Party::new();
    let server = NameServer::start(zone(&bob), Manner::Honest);
    let alice = asking(&[&server]);
    let call = calls(&alice, "sip:bob@Bob.Test");
    assert_eq!(stands(&call, &bob), (Transport::Tcp, bob.address(Transport::Tcp)));
    let told = alice.record.of(&call);
    assert_eq!(told[..3], ["CALLING", "SIPSessionNewOutgoing", "RTPTransportDidInitialize"]);
    // The domain says the better transport; a URI may insist on its own.
    let call = calls(&alice, "sip:bob@bob.test;transport=udp");
    assert_eq!(stands(&call, &bob), (Transport::Udp, bob.address(Transport::Udp)));
    let port = bob.address(Transport::Udp).port();
    let call = calls(&alice, &format!("sip:bob@pbx.test:{port}"));
    assert_eq!(stands(&call, &bob).0, Transport::Udp);
}

#[test]
fn a_route_with_a_name_is_looked_up_and_one_with_an_address_asks_nobody() {
    let bob = Party::new();
    let server = NameServer::start(zone(&bob), Manner::Honest);
    let alice = asking(&[&server]);
    let call = alice.engine.session();
    let address = format!("sip:{};transport=udp;lr", bob.address(Transport::Udp));
    call.connect("sip:bob@nowhere.test", &[address], Streams::AUDIO, &[]).unwrap();
    assert_eq!(stands(&call, &bob).0, Transport::Udp);
    assert_eq!(server.asked(), 0);
    let call = alice.engine.session();
    let routes = ["sip:bob.test;lr".to_owned()];
    call.connect("sip:bob@nowhere.test", &routes, Streams::AUDIO, &[]).unwrap();
    assert_eq!(stands(&call, &bob).0, Transport::Tcp);
    assert!(server.asked() > 0);
}

fn failure(party: &Party, call: &Session) -> (Originator, u16, String) {
    assert!(call.wait_ended(PATIENCE));
    let told = party.record.wait_for("SIPSessionDidFail");
    let NotificationData::SessionDidFail { originator, code, reason, .. } = told.data else {
        panic!("{told:?}");
    };
    (originator, code, reason)
}

#[test]
fn a_name_that_does_not_exist_fails_the_call_with_a_plain_reason() {
    let bob = Party::new();
    let server = NameServer::start(zone(&bob), Manner::Honest);
    let alice = asking(&[&server]);
    let call = calls(&alice, "sip:bob@nowhere.test");
    let why = "DNS: nowhere.test: the name does not exist".to_owned();
    assert_eq!(failure(&alice, &call), (Originator::Local, 0, why));
    alice.record.wait_for("SIPSessionDidEnd");
    let end = ["TERMINATED", "SIPSessionDidFail", "SIPSessionDidEnd"];
    let told = [["CALLING", "SIPSessionNewOutgoing"].as_slice(), &end].concat();
    assert_eq!(alice.record.of(&call), told);
    let before = server.asked();
    let again = calls(&alice, "sip:bob@nowhere.test");
    assert!(again.wait_ended(PATIENCE));
    assert_eq!(server.asked(), before, "that there is nothing is known for a while");
}

/// RFC 5452
#[test]
fn lies_of_others_lead_nobody_astray() {
    let bob = Party::new();
    let server = NameServer::start(zone(&bob), Manner::LiedFor);
    let alice = asking(&[&server]);
    let call = calls(&alice, "sip:bob@bob.test");
    assert_eq!(stands(&call, &bob).1, bob.address(Transport::Tcp));
}

#[test]
fn an_answer_that_is_cut_is_fetched_over_tcp() {
    let bob = Party::new();
    let server = NameServer::start(zone(&bob), Manner::Short);
    let alice = asking(&[&server]);
    let call = calls(&alice, "sip:bob@bob.test");
    assert_eq!(stands(&call, &bob).0, Transport::Tcp);
    assert!(server.asked_by_stream() >= 3);
}

#[test]
fn a_name_server_that_is_silent_broken_or_gone_is_passed_over() {
    let bob = Party::new();
    let silent = NameServer::start(Zone::default(), Manner::Silent);
    let broken = NameServer::start(Zone::default(), Manner::Broken);
    let gone = NameServer::start(Zone::default(), Manner::Honest).address;
    let good = NameServer::start(zone(&bob), Manner::Honest);
    let nameservers = vec![gone, broken.address, silent.address, good.address];
    let dns = DnsConfig { nameservers, ..DnsConfig::default() };
    let alice = Party::with(Config { dns, ..Config::default() });
    let port = bob.address(Transport::Udp).port();
    let call = calls(&alice, &format!("sip:bob@pbx.test:{port}"));
    stands(&call, &bob);
    assert!(silent.asked() > 0 && broken.asked() > 0);
}

#[test]
fn silence_fails_the_call_when_its_time_is_over() {
    let server = NameServer::start(Zone::default(), Manner::Silent);
    let second = Duration::from_secs(1);
    let dns = DnsConfig {
        nameservers: vec![server.address],
        query_timeout: second,
        timeout: second,
        ..DnsConfig::default()
    };
    let alice = Party::with(Config { dns, ..Config::default() });
    let call = calls(&alice, "sip:bob@bob.test");
    let (originator, code, reason) = failure(&alice, &call);
    assert_eq!((originator, code), (Originator::Local, 0));
    assert!(reason.starts_with("DNS: bob.test: no name server answered"), "{reason}");
}

#[test]
fn a_call_is_given_up_while_its_name_is_looked_up_and_so_is_the_engine() {
    let server = NameServer::start(Zone::default(), Manner::Silent);
    let alice = asking(&[&server]);
    let call = calls(&alice, "sip:bob@bob.test");
    wait_state(&alice.record, &call, SessionState::Calling);
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
    let other = calls(&alice, "sip:bob@bob.test");
    alice.engine.stop();
    assert!(other.wait_ended(PATIENCE));
    assert!(!alice.engine.is_running());
}

/// RFC 3263 §4.3
#[test]
fn a_server_that_is_gone_makes_room_for_the_next_and_is_remembered() {
    let bob = Party::new();
    let held = TcpListener::bind("127.0.0.2:0").unwrap();
    let dead = held.local_addr().unwrap();
    drop(held);
    let zone = Zone::default()
        .srv("_sip._tcp.bob.test", (1, 1, dead.port()), "dead.test")
        .srv("_sip._tcp.bob.test", (2, 1, bob.address(Transport::Tcp).port()), "pbx.test")
        .address("dead.test", "127.0.0.2")
        .address("pbx.test", "127.0.0.1");
    let server = NameServer::start(zone, Manner::Honest);
    let alice = asking(&[&server]);
    let call = calls(&alice, "sip:bob@bob.test;transport=tcp");
    assert_eq!(stands(&call, &bob).1, bob.address(Transport::Tcp));
    let revived = TcpListener::bind(dead).unwrap();
    revived.set_nonblocking(true).unwrap();
    let call = calls(&alice, "sip:bob@bob.test;transport=tcp");
    assert_eq!(stands(&call, &bob).1, bob.address(Transport::Tcp));
    let nobody = revived.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(nobody, Err(std::io::ErrorKind::WouldBlock));
}

#[test]
fn a_thousand_calls_to_names_that_are_not_there_leave_nothing_behind() {
    let server = NameServer::start(Zone::default(), Manner::Honest);
    let alice = asking(&[&server]);
    for n in 0..1000 {
        let call = calls(&alice, &format!("sip:bob@n{n}.test:5060"));
        assert!(call.wait_ended(PATIENCE));
    }
    assert_eq!(server.asked(), 2000);
    alice.engine.stop();
}
