//! The endpoint core in simulated time: what it answers alone, what it passes on, what it drops.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::endpoint::{Core, Input, Output, Settings};
use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::negotiate::{Capabilities, SrtpPolicy};
use offhook::sip::{HeaderName, Message};
use offhook::transaction::{ClientTransaction, ServerKey, Timers};
use offhook::transport::{Received, Transmit, Transport};
use offhook_fsm::{Entropy, Instant};
use offhook_tests::door::only;
use offhook_tests::{SDP, destination};

struct Rig {
    core: Core,
    now: Instant,
    sent: Vec<(u16, Vec<u8>)>,
    passed: Vec<String>,
    calls: Vec<ServerKey>,
    deadline: Option<Instant>,
}

fn settings() -> Settings {
    Settings {
        timers: Timers::default(),
        capabilities: Capabilities {
            codecs: Codec::ALL.into(),
            telephone_event: true,
            chat: true,
            chat_over_tls: false,
            srtp: SrtpPolicy::Disabled,
        },
        callees: Vec::new(),
        takes_anybody: true,
        user_agent: "offhook".into(),
        server_transactions_max: 100,
    }
}

impl Rig {
    fn with(settings: Settings) -> Self {
        let core = Core::new(settings, Entropy::from_u64(1));
        let now = Instant::ZERO;
        Self { core, now, sent: vec![], passed: vec![], calls: vec![], deadline: None }
    }

    fn new() -> Self {
        Self::with(settings())
    }

    fn feed(&mut self, input: Input<'_>) {
        self.core.handle_input(self.now, input);
        loop {
            match self.core.poll_output() {
                Output::Transmit(Transmit { bytes, .. }) => {
                    let status = Message::parse(&bytes[..]).ok().and_then(|m| m.status());
                    self.sent.push((status.unwrap_or(0), bytes.to_vec()));
                }
                Output::Request(id, _, received) => {
                    let method =
                        String::from_utf8_lossy(received.message.method().unwrap()).into_owned();
                    self.passed.push(format!("{id} {method}"));
                }
                Output::Response(id, received) => {
                    self.passed.push(format!("{id} {}", received.message.status().unwrap()));
                }
                Output::AccountResponse(id, received) => {
                    self.passed.push(format!("{id} {}", received.message.status().unwrap()));
                }
                Output::LateAnswer(late) => {
                    let status = late.1.message.status().unwrap();
                    self.passed.push(format!("late {status} to {}", late.0.destination.remote));
                }
                Output::NewCall(key, ..) => self.calls.push(key),
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    break;
                }
            }
        }
    }

    fn receive(&mut self, text: &str) -> Vec<u16> {
        let source = destination(Transport::Udp);
        self.feed(Input::Message { source, bytes: text.as_bytes() });
        std::mem::take(&mut self.sent).iter().map(|(status, _)| *status).collect()
    }

    fn open(&mut self, text: &str) -> ServerKey {
        assert_eq!(self.receive(text), [100]);
        let key = self.calls.pop().unwrap();
        self.feed(Input::Opened(key.clone(), SessionId(7)));
        key
    }

    fn run_until(&mut self, millis: u64) {
        while let Some(at) = self.deadline.filter(|at| *at <= Instant::from_millis(millis)) {
            self.now = at;
            self.feed(Input::Timeout);
        }
        self.now = Instant::from_millis(millis);
    }
}

fn request(method: &str, branch: &str, to: &str, extra: &str, body: &str) -> String {
    format!(
        "{method} sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{branch};rport\r\nFrom: <sip:bob@h>;tag=theirs\r\nTo: <sip:alice@h>{to}\r\nCall-ID: c1\r\nCSeq: 1 {method}\r\nContact: <sip:bob@192.0.2.9>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn invite(branch: &str) -> String {
    request("INVITE", branch, "", "Content-Type: application/sdp\r\n", SDP)
}

fn response(text: &str, status: u16) -> Transmit {
    let request = Message::parse(text.as_bytes()).unwrap();
    let built = offhook::sip::Builder::response(&request, status, "x", Some("7-tag"), None);
    Transmit { destination: destination(Transport::Udp), bytes: built.unwrap().finish().into() }
}

#[test]
fn a_new_invite_gets_100_at_once_and_becomes_a_call() {
    let mut rig = Rig::new();
    assert_eq!((rig.receive(&invite("1")), rig.calls.len()), (vec![100], 1));
    assert_eq!((rig.receive(&invite("1")), rig.calls.len()), (vec![100], 1));
}

#[test]
fn a_repeated_request_gets_the_sessions_last_response_and_wakes_nobody() {
    let mut rig = Rig::new();
    let key = rig.open(&invite("1"));
    let transmit = response(&invite("1"), 180);
    rig.feed(Input::Responded { key, status: 180, transmit });
    assert_eq!((rig.sent.len(), rig.receive(&invite("1"))), (0, vec![180]));
    assert_eq!(rig.passed, [""; 0]);
}

#[test]
fn a_refusal_is_repeated_until_its_ack_which_is_absorbed() {
    let mut rig = Rig::new();
    let key = rig.open(&invite("1"));
    let transmit = response(&invite("1"), 486);
    rig.feed(Input::Responded { key, status: 486, transmit });
    rig.run_until(1_500);
    assert_eq!(rig.sent.len(), 2);
    rig.sent.clear();
    assert_eq!(rig.receive(&request("ACK", "1", ";tag=7-tag", "", "")), [0; 0]);
    rig.run_until(60_000);
    assert_eq!((rig.sent.len(), rig.passed.len(), rig.core.transactions()), (0, 0, 0));
}

#[test]
fn an_ack_to_a_2xx_and_requests_in_the_dialog_go_to_the_session_of_the_tag() {
    let mut rig = Rig::new();
    let key = rig.open(&invite("1"));
    let transmit = response(&invite("1"), 200);
    rig.feed(Input::Responded { key, status: 200, transmit });
    rig.receive(&request("ACK", "2", ";tag=7-tag", "", ""));
    rig.receive(&request("BYE", "3", ";tag=7-tag", "", ""));
    assert_eq!(rig.passed, ["s7 ACK", "s7 BYE"]);
}

#[test]
fn a_cancel_goes_to_the_session_of_its_invite_and_is_481_without_one() {
    let mut rig = Rig::new();
    rig.open(&invite("1"));
    assert_eq!(rig.receive(&request("CANCEL", "1", "", "", "")), [0; 0]);
    assert_eq!(rig.passed, ["s7 CANCEL"]);
    assert_eq!(rig.receive(&request("CANCEL", "9", "", "", "")), [481]);
}

#[test]
fn a_2xx_to_an_invite_whose_session_has_ended_is_told_to_be_ended() {
    let mut rig = Rig::new();
    let text = invite("7-1").replace("192.0.2.9", "192.0.2.1");
    let bytes = text.as_bytes().into();
    let request = Transmit { destination: destination(Transport::Udp), bytes };
    let remote = request.destination.remote;
    let transaction = ClientTransaction::new(rig.now, Timers::default(), request).unwrap();
    rig.feed(Input::HandOver(Box::new(transaction)));
    for status in [180, 200] {
        let answer = response(&text, status);
        let source = destination(Transport::Udp);
        rig.feed(Input::Message { source, bytes: &answer.bytes });
    }
    assert_eq!(rig.passed, [format!("late 200 to {remote}")]);
}

/// REFERENCE 1.4 item 1, 1.11 code 482
#[test]
fn a_merged_request_is_482() {
    let mut rig = Rig::new();
    rig.open(&invite("1"));
    assert_eq!((rig.receive(&invite("2")), rig.calls.len()), (vec![482], 0));
}

/// REFERENCE 1.4 item 1
#[test]
fn what_no_session_needs_to_see_is_answered_at_once() {
    let sdp = "Content-Type: application/sdp\r\n";
    for (text, status) in [
        (request("OPTIONS", "1", "", "", ""), 200),
        (request("REGISTER", "1", "", "", ""), 405),
        (request("BYE", "1", "", "", ""), 481),
        (request("BYE", "1", ";tag=nobody", "", ""), 481),
        (request("INVITE", "1", "", "Require: x\r\n", ""), 420),
        (request("INVITE", "1", "", "Content-Type: text/plain\r\n", "x"), 415),
        (request("INVITE", "1", "", sdp, "hello"), 400),
        (request("INVITE", "1", "", sdp, &SDP.replace("audio", "video")), 415),
        (request("INVITE", "1", "", sdp, &SDP.replace("AVP 0", "AVP 18")), 488),
        (invite("1").replace("Contact:", "Z:"), 400),
        (invite("1").replace("INVITE sip:", "INVITE tel:"), 416),
        (invite("1").replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), 505),
        (invite("1").replace("CSeq: 1 ", "CSeq: 99999999999 "), 400),
    ] {
        let mut rig = Rig::new();
        assert_eq!(rig.receive(&text), [status], "{text}");
        assert_eq!((rig.calls.len(), rig.core.transactions()), (0, 0), "{text}");
    }
}

/// REFERENCE 1.4 item 5
#[test]
fn an_invite_without_an_offer_is_a_call() {
    let mut rig = Rig::new();
    assert_eq!(rig.receive(&request("INVITE", "1", "", "", "")), [100]);
    assert_eq!(rig.calls.len(), 1);
}

#[test]
fn a_request_that_its_session_has_no_room_for_is_503_and_so_is_its_repetition() {
    let mut rig = Rig::new();
    rig.open(&invite("1"));
    let text = request("BYE", "2", ";tag=7-1", "", "");
    assert_eq!(rig.receive(&text), [0; 0]);
    let source = destination(Transport::Udp);
    let message = Message::parse(text.as_bytes()).unwrap().to_message();
    let key = ServerKey::new(&message).unwrap();
    rig.feed(Input::NotTaken(key, Box::new(Received { message, source })));
    let sent: Vec<u16> = std::mem::take(&mut rig.sent).iter().map(|(status, _)| *status).collect();
    assert_eq!(sent, [503]);
    assert_eq!(rig.receive(&text), [503]);
}

#[test]
fn answers_say_what_would_have_been_understood() {
    let mut rig = Rig::new();
    for (text, name, value) in [
        (
            request("REGISTER", "1", "", "", ""),
            HeaderName::Allow,
            "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK",
        ),
        (request("INVITE", "1", "", "Require: a, b\r\n", ""), HeaderName::Unsupported, "a, b"),
        (
            request("INVITE", "1", "", "Content-Type: text/plain\r\n", "x"),
            HeaderName::Accept,
            "application/sdp",
        ),
        (
            request("INVITE", "1", "", "Content-Type: application/sdp\r\n", "hello"),
            HeaderName::Warning,
            "399 192.0.2.1 \"a line is a letter, an equals sign and a value (at byte 0)\"",
        ),
    ] {
        let source = destination(Transport::Udp);
        rig.feed(Input::Message { source, bytes: text.as_bytes() });
        let (_, bytes) = rig.sent.pop().unwrap();
        let answer = Message::parse(&bytes[..]).unwrap();
        assert_eq!(answer.header(name), Some(value.as_bytes()));
    }
}

#[test]
fn a_refused_request_that_comes_again_gets_the_very_same_answer() {
    let mut rig = Rig::new();
    let source = destination(Transport::Udp);
    for _ in 0..2 {
        rig.feed(Input::Message { source, bytes: request("OPTIONS", "1", "", "", "").as_bytes() });
    }
    assert_eq!(rig.sent[0], rig.sent[1]);
}

/// REFERENCE 1.4 item 3, 1.11 code 404
#[test]
fn unknown_users_get_404_alike_for_options_and_invite() {
    let mut rig = Rig::with(only("carol"));
    assert_eq!(rig.receive(&invite("1")), [404]);
    assert_eq!(rig.receive(&request("OPTIONS", "2", "", "", "")), [404]);
    let mut rig = Rig::with(only("alice"));
    assert_eq!(rig.receive(&invite("1")), [100]);
}

#[test]
fn garbage_acks_and_strays_get_no_answer_and_are_counted() {
    let mut rig = Rig::new();
    assert_eq!(rig.receive("hello"), [0; 0]);
    assert_eq!(rig.receive(&invite("1").replace("INVITE sip:a", "ACK  sip:a")), [0; 0]);
    assert_eq!(rig.receive(&request("ACK", "1", ";tag=nobody", "", "")), [0; 0]);
    assert_eq!(rig.receive("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n"), [0; 0]);
    let counters = rig.core.counters();
    assert_eq!((counters.garbage, counters.strays), (2, 2));
}

#[test]
fn a_response_goes_to_the_session_of_its_branch() {
    let mut rig = Rig::new();
    rig.receive("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK2a-beef\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n");
    assert_eq!(rig.passed, ["s42 200"]);
}

#[test]
fn a_response_goes_to_the_account_of_its_branch() {
    let mut rig = Rig::new();
    rig.receive("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKr2a-beef\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n");
    assert_eq!(rig.passed, ["a42 200"]);
}

#[test]
fn r63_calls_are_taken_up_to_the_limit_and_503_one_past_it() {
    let mut rig = Rig::with(Settings { server_transactions_max: 3, ..settings() });
    let call = |n: u32| invite(&n.to_string()).replace("c1", &format!("c{n}"));
    for n in 0..3 {
        assert_eq!(rig.receive(&call(n)), [100]);
    }
    assert_eq!(rig.receive(&call(3)), [503]);
    assert_eq!(rig.core.transactions(), 3);
    let key = rig.calls.pop().unwrap();
    rig.feed(Input::NotOpened(key));
    assert_eq!(rig.sent.pop().unwrap().0, 503);
}

#[test]
fn a_bye_that_a_session_left_behind_is_run_to_its_end() {
    let mut rig = Rig::new();
    let bytes = request("BYE", "2a-1", "", "", "");
    let transmit =
        Transmit { destination: destination(Transport::Udp), bytes: bytes.as_bytes().into() };
    let mut bye = ClientTransaction::new(Instant::ZERO, Timers::default(), transmit).unwrap();
    bye.poll_transmit();
    rig.feed(Input::HandOver(Box::new(bye.clone())));
    rig.run_until(500);
    assert_eq!(rig.sent.len(), 1);
    rig.receive("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK2a-1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n");
    rig.run_until(60_000);
    assert_eq!((rig.passed.len(), rig.core.transactions()), (0, 0));
    rig.feed(Input::HandOver(Box::new(bye)));
    rig.run_until(120_000);
    assert_eq!(rig.core.transactions(), 0);
}

#[test]
fn r59_an_invite_that_only_ever_rang_is_forgotten_64_t1_after_its_session() {
    let mut rig = Rig::new();
    let bytes = request("INVITE", "2a-1", "", "", "");
    let transmit =
        Transmit { destination: destination(Transport::Udp), bytes: bytes.as_bytes().into() };
    let mut ringing = ClientTransaction::new(Instant::ZERO, Timers::default(), transmit).unwrap();
    ringing.poll_transmit();
    let response = "SIP/2.0 180 x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK2a-1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";
    ringing.receive(Instant::ZERO, &Message::parse(response.as_bytes()).unwrap());
    rig.feed(Input::HandOver(Box::new(ringing)));
    rig.run_until(31_999);
    assert_eq!(rig.core.transactions(), 1);
    rig.run_until(32_000);
    assert_eq!(rig.core.transactions(), 0);
}

#[test]
fn a_response_that_an_ended_session_never_read_goes_to_what_it_left_behind() {
    let mut rig = Rig::new();
    let bytes = request("INVITE", "2a-1", "", "", "");
    let transmit =
        Transmit { destination: destination(Transport::Udp), bytes: bytes.as_bytes().into() };
    let invite = ClientTransaction::new(Instant::ZERO, Timers::default(), transmit).unwrap();
    let unread = |branch: &str| {
        let text = format!(
            "SIP/2.0 200 x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"
        );
        let message = Message::parse(text.as_bytes()).unwrap().to_message();
        Input::Unread(Box::new(Received { message, source: destination(Transport::Udp) }))
    };
    rig.feed(Input::HandOver(Box::new(invite)));
    rig.feed(unread("2a-1"));
    assert_eq!(rig.passed, [format!("late 200 to {}", destination(Transport::Udp).remote)]);
    // Nothing waits for this one, and no session gets it again.
    rig.feed(unread("2a-2"));
    assert_eq!((rig.passed.len(), rig.core.counters().strays), (1, 1));
}

#[test]
fn a_request_for_a_session_that_has_ended_is_answered_481_each_time() {
    let mut rig = Rig::new();
    let bye = request("BYE", "3", ";tag=7-tag", "", "");
    rig.receive(&bye);
    let message = Message::parse(bye.as_bytes()).unwrap().to_message();
    let key = ServerKey::new(&message).unwrap();
    let source = destination(Transport::Udp);
    rig.feed(Input::Gone(key, Box::new(Received { message, source })));
    assert_eq!(rig.sent.pop().unwrap().0, 481);
    assert_eq!(rig.receive(&bye), [481]);
    rig.run_until(32_000);
    assert_eq!(rig.core.transactions(), 0);
}
