//! Transactions in simulated time (RFC 3261 §17, RFC 6026).
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::sip::Message;
use offhook::transaction::{ClientTransaction, Failure, NoAck, ServerTransaction, Timers, Verdict};
use offhook::transport::{Destination, Transmit, Transport};
use offhook_fsm::Instant;

fn transmit(transport: Transport, text: &str) -> Transmit {
    let remote = "192.0.2.1:5060".parse().unwrap();
    let local = "192.0.2.2:5060".parse().unwrap();
    let destination = Destination { transport, remote, local, flow: None };
    Transmit { destination, bytes: text.as_bytes().into() }
}

fn request(method: &str) -> String {
    format!(
        "{method} sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nRoute: <sip:p1;lr>, <sip:p2;lr>\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 7 {method}\r\n\r\n"
    )
}

fn response(status: u16, method: &str) -> String {
    format!(
        "SIP/2.0 {status} x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 7 {method}\r\n\r\n"
    )
}

fn client(method: &str, transport: Transport) -> ClientTransaction {
    let first = transmit(transport, &request(method));
    let mut client = ClientTransaction::new(Instant::ZERO, Timers::default(), first).unwrap();
    assert!(client.poll_transmit().is_some());
    client
}

fn receive(client: &mut ClientTransaction, at_ms: u64, status: u16, method: &str) -> Verdict {
    let text = response(status, method);
    client.receive(Instant::from_millis(at_ms), &Message::parse(text.as_bytes()).unwrap())
}

/// Runs until the transaction is over; tells when it sent, in milliseconds, and how it failed.
fn run(client: &mut ClientTransaction) -> (Vec<u64>, Option<(u64, Failure)>) {
    let (mut sent, mut failed) = (Vec::new(), None);
    while let Some(now) = client.deadline() {
        let at = now.as_micros() / 1000;
        failed = client.handle_timeout(now).map(|failure| (at, failure)).or(failed);
        if client.poll_transmit().is_some() {
            sent.push(at);
        }
    }
    assert!(client.is_terminated());
    (sent, failed)
}

#[test]
fn an_invite_that_nobody_answers_is_sent_seven_times_and_fails_at_64_t1() {
    let (sent, failed) = run(&mut client("INVITE", Transport::Udp));
    assert_eq!(sent, [500, 1500, 3500, 7500, 15500, 31500]);
    assert_eq!(failed, Some((32_000, Failure::Timeout)));
}

#[test]
fn another_request_slows_down_to_t2_and_fails_at_64_t1() {
    let (sent, failed) = run(&mut client("BYE", Transport::Udp));
    assert_eq!(sent, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(failed, Some((32_000, Failure::Timeout)));
}

#[test]
fn nothing_is_sent_again_over_a_reliable_transport() {
    for method in ["INVITE", "BYE"] {
        let (sent, failed) = run(&mut client(method, Transport::Tcp));
        assert_eq!((sent.len(), failed), (0, Some((32_000, Failure::Timeout))), "{method}");
    }
}

#[test]
fn a_provisional_response_ends_retransmission_and_patience_of_an_invite() {
    let mut client = client("INVITE", Transport::Udp);
    assert_eq!(receive(&mut client, 10, 180, "INVITE"), Verdict::Deliver);
    assert!(client.is_proceeding());
    assert_eq!(client.deadline(), None);
}

#[test]
fn a_provisional_response_slows_another_request_down() {
    let mut client = client("BYE", Transport::Udp);
    assert_eq!(receive(&mut client, 10, 100, "BYE"), Verdict::Deliver);
    let (sent, failed) = run(&mut client);
    assert_eq!(sent, [500, 4500, 8500, 12500, 16500, 20500, 24500, 28500]);
    assert_eq!(failed, Some((32_000, Failure::Timeout)));
}

#[test]
fn a_refusal_is_delivered_once_and_acknowledged_each_time() {
    let mut client = client("INVITE", Transport::Udp);
    assert_eq!(receive(&mut client, 10, 486, "INVITE"), Verdict::Deliver);
    let ack = client.poll_transmit().unwrap();
    assert_eq!(
        std::str::from_utf8(&ack.bytes).unwrap(),
        "ACK sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nRoute: <sip:p1;lr>, <sip:p2;lr>\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 7 ACK\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(receive(&mut client, 500, 486, "INVITE"), Verdict::Absorbed);
    assert_eq!(client.poll_transmit(), Some(ack));
    assert_eq!(client.deadline(), Some(Instant::from_millis(32_010)));
    assert_eq!(run(&mut client), (vec![], None));
}

#[test]
fn over_tcp_a_refused_invite_is_over_with_its_ack() {
    let mut client = client("INVITE", Transport::Tcp);
    assert_eq!(receive(&mut client, 10, 486, "INVITE"), Verdict::Deliver);
    assert!(client.poll_transmit().is_some());
    assert!(client.is_terminated());
}

#[test]
fn every_2xx_is_delivered_for_64_t1_since_forks_answer_too() {
    let mut client = client("INVITE", Transport::Tcp);
    assert_eq!(receive(&mut client, 10, 200, "INVITE"), Verdict::Deliver);
    assert_eq!(client.poll_transmit(), None);
    assert_eq!(receive(&mut client, 20, 200, "INVITE"), Verdict::Deliver);
    assert_eq!(receive(&mut client, 30, 486, "INVITE"), Verdict::Absorbed);
    assert_eq!(client.deadline(), Some(Instant::from_millis(32_010)));
}

#[test]
fn a_response_to_another_branch_or_method_is_not_taken() {
    let mut client = client("INVITE", Transport::Udp);
    assert_eq!(receive(&mut client, 10, 200, "CANCEL"), Verdict::NotMine);
    let other = response(200, "INVITE").replace("z9hG4bK1", "z9hG4bK2");
    let other = Message::parse(other.as_bytes()).unwrap();
    assert_eq!(client.receive(Instant::ZERO, &other), Verdict::NotMine);
}

#[test]
fn a_broken_transport_fails_what_is_unanswered_and_nothing_else() {
    let mut unanswered = client("INVITE", Transport::Tcp);
    assert_eq!(unanswered.transport_failed(Instant::ZERO), Some(Failure::Transport));
    let mut answered = client("BYE", Transport::Udp);
    assert_eq!(receive(&mut answered, 10, 200, "BYE"), Verdict::Deliver);
    assert_eq!(answered.transport_failed(Instant::ZERO), None);
}

#[test]
fn a_lost_flow_fails_an_invite_that_rings_and_not_one_that_was_accepted() {
    let mut ringing = client("INVITE", Transport::Tcp);
    assert_eq!(receive(&mut ringing, 10, 180, "INVITE"), Verdict::Deliver);
    assert_eq!(ringing.transport_failed(Instant::ZERO), Some(Failure::Transport));
    assert!(ringing.is_terminated());
    let mut accepted = client("INVITE", Transport::Tcp);
    assert_eq!(receive(&mut accepted, 10, 200, "INVITE"), Verdict::Deliver);
    assert_eq!(accepted.transport_failed(Instant::ZERO), None);
    assert_eq!(receive(&mut accepted, 20, 200, "INVITE"), Verdict::Deliver);
}

fn server(is_invite: bool, status: u16, reliable: bool) -> ServerTransaction {
    let mut server = ServerTransaction::new(Timers::default(), is_invite, reliable);
    server.respond(Instant::ZERO, status, transmit(Transport::Udp, "answer"));
    assert!(server.poll_transmit().is_some());
    server
}

/// When it sent, in milliseconds, and when it missed the ACK.
fn serve(server: &mut ServerTransaction) -> (Vec<u64>, Option<(u64, NoAck)>) {
    let (mut sent, mut missed) = (Vec::new(), None);
    while let Some(now) = server.deadline() {
        let at = now.as_micros() / 1000;
        missed = server.handle_timeout(now).map(|no_ack| (at, no_ack)).or(missed);
        if server.poll_transmit().is_some() {
            sent.push(at);
        }
    }
    assert!(server.is_terminated());
    (sent, missed)
}

#[test]
fn a_refusal_is_sent_until_it_is_acknowledged_or_64_t1_have_passed() {
    let (sent, missed) = serve(&mut server(true, 486, false));
    assert_eq!(sent, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(missed, Some((32_000, NoAck)));
    let mut acknowledged = server(true, 486, false);
    assert!(!acknowledged.receive_ack(Instant::from_millis(600)));
    assert_eq!(acknowledged.deadline(), Some(Instant::from_millis(5_600)));
    assert_eq!(serve(&mut acknowledged), (vec![], None));
}

#[test]
fn a_2xx_to_an_invite_is_the_users_to_repeat_and_so_is_its_ack() {
    let mut accepted = server(true, 200, false);
    accepted.receive_again(Instant::from_millis(500));
    assert_eq!(accepted.poll_transmit(), None);
    assert!(accepted.receive_ack(Instant::from_millis(600)));
    accepted.respond(Instant::from_millis(700), 200, transmit(Transport::Udp, "again"));
    assert_eq!(&*accepted.poll_transmit().unwrap().bytes, b"again");
    assert_eq!(serve(&mut accepted), (vec![], None));
}

#[test]
fn a_request_that_comes_again_gets_the_last_response_again() {
    for (is_invite, status) in [(true, 180), (true, 486), (false, 100), (false, 200)] {
        let mut server = server(is_invite, status, false);
        server.receive_again(Instant::from_millis(100));
        assert_eq!(&*server.poll_transmit().unwrap().bytes, b"answer", "{is_invite} {status}");
    }
}

#[test]
fn a_second_final_response_is_dropped() {
    for is_invite in [true, false] {
        let mut server = server(is_invite, 486, false);
        server.respond(Instant::ZERO, 500, transmit(Transport::Udp, "other"));
        assert_eq!(server.poll_transmit(), None);
        assert!(!server.is_open());
    }
}

#[test]
fn over_a_reliable_transport_an_answered_request_is_over_at_once() {
    assert!(server(false, 200, true).is_terminated());
    let mut refused = server(true, 486, true);
    assert_eq!(refused.deadline(), Some(Instant::from_millis(32_000)));
    refused.receive_ack(Instant::from_millis(1));
    assert!(refused.is_terminated());
}

#[test]
fn a_response_that_cannot_be_sent_is_told_and_ends_no_server_transaction() {
    let now = Instant::ZERO;
    for (is_invite, status) in [(true, 180), (true, 200), (true, 486), (false, 200)] {
        let mut server = server(is_invite, status, true);
        // Over a reliable transport an answered request other than INVITE is over already.
        let over = server.is_terminated();
        assert_eq!(
            (server.transport_failed(now), server.is_terminated()),
            (!over, over),
            "{status}"
        );
    }
    let mut confirmed = server(true, 486, false);
    confirmed.receive_ack(now);
    assert!(!confirmed.transport_failed(now));
}
