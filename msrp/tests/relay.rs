//! A client at relays (RFC 4976).
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use offhook_fsm::msrp_relay::State;
use offhook_fsm::{Entropy, Instant};
use offhook_msrp::relay::{
    ANSWER_MS, CHALLENGES_MAX, Event, Input, Output, RELAYS_MAX, Relay, RelayError, RelayFailure,
    Settings,
};
use offhook_msrp::{Message, PATH_URIS_MAX, Path};

/// The names of RFC 4976 §3.
const ALICE: &str = "msrps://alice.example.com:9892/98cjs;tcp";
const INTRA: &str = "msrps://alice@intra.example.com;tcp";
const EXTERN: &str = "msrps://alice@extern.example.com;tcp";
const AT_INTRA: &str = "msrps://intra.example.com:9000/jui787s2f;tcp";
const AT_EXTERN: &str = "msrps://extern.example.com:9000/mbhkk42;tcp";
const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"intra.example.com\", qop=\"auth\", \
                         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
const PROOF: &str = "Digest username=\"Alice\", realm=\"intra.example.com\", \
                     nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", qop=auth, nc=00000001, \
                     cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\"";

struct Client {
    relay: Relay,
    now: Instant,
    /// The AUTHs that went out.
    sent: Vec<String>,
    asked: Vec<(String, Vec<String>)>,
    told: Vec<Event>,
    deadline: Option<Instant>,
}

impl Client {
    fn new(relays: &[&str], expires: Option<u32>) -> Self {
        let relays = relays.iter().map(|uri| (*uri).to_owned()).collect();
        let settings = Settings { relays, local: ALICE.into(), expires };
        Self {
            relay: Relay::new(settings, Entropy::from_u64(1)).unwrap(),
            now: Instant::ZERO,
            sent: Vec::new(),
            asked: Vec::new(),
            told: Vec::new(),
            deadline: None,
        }
    }

    /// One that is connected to the relay of the RFC's Alice.
    fn connected() -> Self {
        let mut client = Self::new(&[INTRA], None);
        client.input(Input::Connected);
        client
    }

    /// One that intra.example.com serves for so long.
    fn ready(expires: u32) -> Self {
        let mut client = Self::connected();
        client.ok(AT_INTRA, expires);
        client
    }

    fn input(&mut self, input: Input<'_>) {
        self.relay.handle_input(self.now, input).unwrap();
        loop {
            match self.relay.poll_output() {
                Output::Transmit(bytes) => self.sent.push(String::from_utf8(bytes).unwrap()),
                Output::Authorize { uri, challenges } => self.asked.push((uri, challenges)),
                Output::Event(event) => self.told.push(event),
                Output::Timeout(deadline) => break self.deadline = deadline,
            }
        }
    }

    /// The time that was told comes.
    fn wait(&mut self) {
        self.now = self.deadline.unwrap();
        self.input(Input::Timeout);
    }

    fn header(&self, name: &str) -> Option<String> {
        let last = self.sent.last().unwrap().as_bytes();
        Message::parse(last).unwrap().head.header(name).map(str::to_owned)
    }

    /// The answer to the last AUTH.
    fn answer_text(&self, status: &str, headers: &[&str]) -> String {
        let last = Message::parse(self.sent.last().unwrap().as_bytes()).unwrap();
        let (id, from) = (last.head.transaction_id, last.head.to_path.last().unwrap().raw);
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        format!(
            "MSRP {id} {status}\r\nTo-Path: {ALICE}\r\nFrom-Path: {from}\r\n{headers}-------{id}$\r\n"
        )
    }

    fn answer(&mut self, status: &str, headers: &[&str]) {
        let text = self.answer_text(status, headers);
        self.input(Input::Received(text.as_bytes()));
    }

    fn ok(&mut self, way: &str, expires: u32) {
        self.answer("200 OK", &[&format!("Use-Path: {way}"), &format!("Expires: {expires}")]);
    }

    fn ready_path(&self) -> &str {
        match self.told.last() {
            Some(Event::Ready { path }) => path,
            other => panic!("{other:?}"),
        }
    }

    fn failure(&self) -> &RelayFailure {
        match self.told.last() {
            Some(Event::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }
}

/// REFERENCE 1.9 item 2
#[test]
fn rfc_4976_3_one_relay() {
    let mut client = Client::connected();
    assert_eq!(client.header("To-Path").as_deref(), Some(INTRA));
    assert_eq!(client.header("From-Path").as_deref(), Some(ALICE));
    assert_eq!((client.header("Authorization"), client.header("Expires")), (None, None));
    assert!(client.sent[0].contains(" AUTH\r\n"));
    client.answer("401 Unauthorized", &[CHALLENGE]);
    let challenge = CHALLENGE.split_once(": ").unwrap().1.to_owned();
    assert_eq!(client.asked, [(INTRA.to_owned(), vec![challenge])]);
    client.input(Input::Authorization(Some(PROOF.into())));
    assert_eq!(client.header("Authorization").as_deref(), Some(PROOF));
    assert_eq!(client.sent.len(), 2);
    client.ok(AT_INTRA, 900);
    assert_eq!(client.ready_path(), format!("{AT_INTRA} {ALICE}"));
    assert_eq!(client.relay.state(), State::Ready);
    let bob = "msrps://bob.example.com:8145/foo;tcp";
    assert_eq!(client.relay.path_to(bob), Some(format!("{AT_INTRA} {bob}")));
}

#[test]
fn rfc_4976_3_one_relay_behind_the_other() {
    let mut client = Client::new(&[INTRA, EXTERN], None);
    client.input(Input::Connected);
    client.answer("401 Unauthorized", &[CHALLENGE]);
    client.input(Input::Authorization(Some(PROOF.into())));
    client.ok(AT_INTRA, 900);
    assert_eq!((client.told.len(), client.relay.path_to("x")), (0, None));
    assert_eq!(client.header("To-Path"), Some(format!("{AT_INTRA} {EXTERN}")));
    assert_eq!(client.header("Authorization"), None, "what is for one is not for the other");
    client.answer("401 Unauthorized", &["WWW-Authenticate: Digest realm=\"extern\", nonce=\"1\""]);
    assert_eq!(client.asked[1].0, EXTERN);
    client.input(Input::Authorization(Some(PROOF.into())));
    client.ok(&format!("{AT_INTRA} {AT_EXTERN}"), 1800);
    assert_eq!(client.ready_path(), format!("{AT_EXTERN} {AT_INTRA} {ALICE}"));
    let bob = "msrps://bob.example.com:8145/foo;tcp";
    assert_eq!(client.relay.path_to(bob), Some(format!("{AT_INTRA} {AT_EXTERN} {bob}")));
}

#[test]
fn a_use_path_in_another_order_or_without_the_nearer_relay_is_understood() {
    for way in [AT_EXTERN.to_owned(), format!("{AT_EXTERN} {AT_INTRA}")] {
        let mut client = Client::new(&[INTRA, EXTERN], None);
        client.input(Input::Connected);
        client.ok(AT_INTRA, 900);
        client.ok(&way, 900);
        assert_eq!(client.ready_path(), format!("{AT_EXTERN} {AT_INTRA} {ALICE}"), "{way}");
    }
}

#[test]
fn an_answer_may_come_in_any_pieces() {
    let text = Client::connected().answer_text("200 OK", &[&format!("Use-Path: {AT_INTRA}")]);
    for cut in 0..=text.len() {
        let mut client = Client::connected();
        client.input(Input::Received(&text.as_bytes()[..cut]));
        client.input(Input::Received(&text.as_bytes()[cut..]));
        assert_eq!(client.ready_path(), format!("{AT_INTRA} {ALICE}"), "cut at {cut}");
    }
}

#[test]
fn what_is_no_answer_to_an_auth_belongs_to_others() {
    let mut client = Client::ready(900);
    let others = format!(
        "MSRP abcd SEND\r\nTo-Path: {ALICE}\r\nFrom-Path: {AT_INTRA}\r\nMessage-ID: 12345\r\n\
         Byte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nHello\r\n-------abcd$\r\n\
         MSRP efgh 200 OK\r\nTo-Path: {ALICE}\r\nFrom-Path: {AT_INTRA}\r\n-------efgh$\r\n"
    );
    client.input(Input::Received(others.as_bytes()));
    assert_eq!((client.sent.len(), client.told.len()), (1, 1));
    client.wait();
    client.input(Input::Received(others.as_bytes()));
    let again = client.answer_text("200 OK", &[&format!("Use-Path: {AT_INTRA}")]);
    client.input(Input::Received(again.as_bytes()));
    client.input(Input::Received(again.as_bytes()));
    assert_eq!((client.sent.len(), client.told.len()), (2, 1));
    assert_eq!(client.relay.state(), State::Ready);
}

#[test]
fn a_place_is_renewed_before_its_time_is_over() {
    for (expires, after_ms) in [(900, 675_000), (30, 20_000), (12, 6_000), (4, 2_000), (1, 500)] {
        let mut client = Client::ready(expires);
        assert_eq!(client.deadline, Some(Instant::from_millis(after_ms)), "{expires} s");
        client.wait();
        assert_eq!(client.sent.len(), 2);
        assert_eq!(client.header("To-Path").as_deref(), Some(INTRA));
        client.ok(AT_INTRA, expires);
        assert_eq!(client.told.len(), 1, "the path is the same");
        assert_eq!(client.deadline, Some(Instant::from_millis(2 * after_ms)));
    }
}

#[test]
fn without_a_time_the_place_lasts_as_long_as_the_connection() {
    let mut client = Client::connected();
    client.answer("200 OK", &[&format!("Use-Path: {AT_INTRA}")]);
    assert_eq!((client.relay.state(), client.deadline), (State::Ready, None));
}

#[test]
fn a_relay_that_wanted_credentials_gets_them_at_once_the_next_time() {
    let mut client = Client::connected();
    client.answer("401 Unauthorized", &[CHALLENGE]);
    client.input(Input::Authorization(Some(PROOF.into())));
    client.ok(AT_INTRA, 900);
    client.wait();
    assert_eq!(client.asked[1], (INTRA.to_owned(), Vec::new()));
    let second = PROOF.replace("nc=00000001", "nc=00000002");
    client.input(Input::Authorization(Some(second.clone())));
    assert_eq!(client.header("Authorization"), Some(second));
    client.answer("401 Unauthorized", &[&format!("{CHALLENGE}, stale=true")]);
    assert!(client.asked[2].1[0].ends_with("stale=true"));
    client.input(Input::Authorization(Some(PROOF.into())));
    client.ok(AT_INTRA, 900);
    assert_eq!((client.relay.state(), client.told.len()), (State::Ready, 1));
    client.wait();
    client.input(Input::Authorization(None));
    assert_eq!(client.header("Authorization"), None, "it says anew what it wants");
    assert_eq!(client.relay.state(), State::Asking);
}

#[test]
fn the_relay_whose_time_is_over_first_is_asked_first() {
    let mut client = Client::new(&[INTRA, EXTERN], None);
    client.input(Input::Connected);
    client.ok(AT_INTRA, 1800);
    client.ok(&format!("{AT_INTRA} {AT_EXTERN}"), 900);
    client.wait();
    assert_eq!(client.now, Instant::from_millis(675_000));
    assert_eq!(client.header("To-Path"), Some(format!("{AT_INTRA} {EXTERN}")));
    client.ok(&format!("{AT_INTRA} {AT_EXTERN}"), 1800);
    client.wait();
    assert_eq!(client.now, Instant::from_millis(1_350_000));
    assert_eq!(client.header("To-Path").as_deref(), Some(INTRA));
}

#[test]
fn a_relay_that_moves_us_moves_those_behind_it() {
    let mut client = Client::new(&[INTRA, EXTERN], None);
    client.input(Input::Connected);
    client.ok(AT_INTRA, 900);
    client.ok(AT_EXTERN, 1800);
    client.wait();
    let moved = "msrps://intra.example.com:9000/other;tcp";
    client.ok(moved, 900);
    assert_eq!(client.header("To-Path"), Some(format!("{moved} {EXTERN}")));
    client.ok(AT_EXTERN, 1800);
    assert_eq!(client.ready_path(), format!("{AT_EXTERN} {moved} {ALICE}"));
}

#[test]
fn a_time_that_is_not_granted_is_asked_for_as_the_relay_says_once() {
    for (wish, bound, expected) in [
        (Some(60), "Min-Expires: 300", "300"),
        (Some(7200), "Max-Expires: 3600", "3600"),
        (None, "Min-Expires: 300", "300"),
    ] {
        let mut client = Client::new(&[INTRA], wish);
        client.input(Input::Connected);
        assert_eq!(client.header("Expires"), wish.map(|wish| wish.to_string()));
        client.answer("423 Interval Out-of-Bounds", &[bound]);
        assert_eq!(client.header("Expires").as_deref(), Some(expected));
        client.answer("423 Interval Out-of-Bounds", &["Min-Expires: 9999"]);
        assert!(matches!(client.failure(), RelayFailure::Refused { status: 423, .. }));
    }
    let mut client = Client::new(&[INTRA], Some(60));
    client.input(Input::Connected);
    client.answer("423 Interval Out-of-Bounds", &[]);
    assert!(matches!(client.failure(), RelayFailure::Refused { status: 423, .. }));
}

#[test]
fn a_refusal_is_told_with_the_relay_s_name() {
    for status in ["403 Forbidden", "401 Unauthorized", "501 Unknown Method", "400 Bad Request"] {
        let mut client = Client::connected();
        client.answer(status, &[]);
        let said = client.failure().to_string();
        assert_eq!(said, format!("the relay {INTRA} refuses: {status}"));
        assert_eq!((client.relay.state(), client.deadline), (State::Terminated, None));
    }
}

#[test]
fn without_credentials_it_fails() {
    let mut client = Client::connected();
    client.answer("401 Unauthorized", &[CHALLENGE]);
    client.input(Input::Authorization(None));
    assert_eq!(client.failure(), &RelayFailure::NoCredentials(INTRA.into()));
}

#[test]
fn challenges_come_to_an_end() {
    let mut client = Client::connected();
    for _ in 0..CHALLENGES_MAX {
        client.answer("401 Unauthorized", &[CHALLENGE]);
        client.input(Input::Authorization(Some(PROOF.into())));
    }
    client.answer("401 Unauthorized", &[CHALLENGE]);
    assert!(matches!(client.failure(), RelayFailure::Refused { status: 401, .. }));
}

#[test]
fn an_agreement_without_a_path_or_with_no_time_is_none() {
    let many = vec![AT_INTRA; PATH_URIS_MAX - 1].join(" ");
    for headers in [
        vec!["Expires: 900".to_owned()],
        vec!["Use-Path: nonsense".to_owned()],
        vec![format!("Use-Path: {AT_INTRA}"), "Expires: 0".to_owned()],
        vec![format!("Use-Path: {AT_INTRA}"), "Expires: soon".to_owned()],
        vec![format!("Use-Path: {many}")],
    ] {
        let mut client = Client::connected();
        let lines: Vec<&str> = headers.iter().map(String::as_str).collect();
        client.answer("200 OK", &lines);
        assert_eq!(client.failure(), &RelayFailure::NoPath(INTRA.into()), "{headers:?}");
    }
    let most = vec![AT_INTRA; PATH_URIS_MAX - 2].join(" ");
    let mut client = Client::connected();
    client.answer("200 OK", &[&format!("Use-Path: {most}")]);
    let to_bob = client.relay.path_to("msrps://bob.example.com:8145/foo;tcp").unwrap();
    assert!(Path::parse(&to_bob).is_ok() && Path::parse(client.ready_path()).is_ok());
}

#[test]
fn nothing_is_waited_for_for_ever() {
    let mut client = Client::connected();
    assert_eq!(client.deadline, Some(Instant::from_millis(ANSWER_MS)));
    client.wait();
    assert_eq!(client.failure(), &RelayFailure::TimedOut(INTRA.into()));
    let mut client = Client::connected();
    client.answer("401 Unauthorized", &[CHALLENGE]);
    client.wait();
    assert_eq!(client.failure(), &RelayFailure::TimedOut(INTRA.into()));
}

#[test]
fn a_connection_that_is_lost_or_cannot_be_read_ends_it() {
    let mut client = Client::ready(900);
    client.input(Input::Disconnected("reset".into()));
    assert_eq!(client.failure(), &RelayFailure::Disconnected("reset".into()));
    let mut client = Client::connected();
    client.input(Input::Received(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert!(matches!(client.failure(), RelayFailure::Unreadable(_)));
    client.input(Input::Received(b"more"));
    assert_eq!(client.told.len(), 1);
    let mut client = Client::new(&[INTRA], None);
    client.input(Input::Disconnected("refused".into()));
    assert_eq!(client.failure(), &RelayFailure::Disconnected("refused".into()));
}

#[test]
fn what_is_stopped_says_nothing_more() {
    let mut client = Client::connected();
    client.input(Input::Stop);
    client.answer("200 OK", &[&format!("Use-Path: {AT_INTRA}")]);
    assert_eq!((client.told.len(), client.deadline), (0, None));
}

#[test]
fn mistakes_of_the_caller_are_told_and_change_nothing() {
    let settings = |relays: Vec<&str>, local: &str| Settings {
        relays: relays.into_iter().map(str::to_owned).collect(),
        local: local.into(),
        expires: None,
    };
    let refused = |settings| Relay::new(settings, Entropy::from_u64(1)).err();
    assert_eq!(refused(settings(vec![INTRA; RELAYS_MAX], ALICE)), None);
    let number = Some(RelayError::Invalid("the number of relays"));
    assert_eq!(refused(settings(vec![INTRA; RELAYS_MAX + 1], ALICE)), number);
    assert_eq!(refused(settings(Vec::new(), ALICE)), number);
    assert_eq!(refused(settings(vec!["x"], ALICE)), Some(RelayError::Invalid("a relay's URI")));
    assert_eq!(refused(settings(vec![INTRA], INTRA)), Some(RelayError::Invalid("our URI")));

    let mut client = Client::connected();
    let mut error = |input| client.relay.handle_input(client.now, input).unwrap_err();
    assert_eq!(error(Input::Connected), RelayError::State(State::Asking));
    assert_eq!(error(Input::Authorization(None)), RelayError::State(State::Asking));
    let broken = Input::Authorization(Some("a\r\nb".into()));
    assert_eq!(error(broken), RelayError::Unprintable);
    client.ok(AT_INTRA, 900);
    assert_eq!(client.relay.state(), State::Ready);
}
