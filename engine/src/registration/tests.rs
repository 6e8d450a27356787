//! A registration against a registrar of the tests' own, in simulated time.

use std::time::Duration;

use offhook_fsm::registration::State;
use offhook_fsm::{Entropy, Instant};

use super::{Core, Input, Output, Settings};
use crate::credentials::Credentials;
use crate::id::AccountId;
use crate::notification::NotificationData as Data;
use crate::sip::{Builder, HeaderName, Message, SipUri};
use crate::transaction::Timers;
use crate::transport::{Destination, Transport};

/// A registration with everything that it wanted done.
struct World {
    core: Core,
    now: Instant,
    sent: Vec<(Destination, Message)>,
    told: Vec<Data>,
    located: Vec<Option<SipUri>>,
    next: Option<Instant>,
}

fn way(last: u8) -> Destination {
    Destination {
        transport: Transport::Udp,
        remote: format!("192.0.2.{last}:5060").parse().unwrap(),
        local: "192.0.2.200:5070".parse().unwrap(),
        flow: None,
    }
}

impl World {
    fn new() -> Self {
        Self::with(vec![Credentials::new("alice", "secret").for_host("example.com")])
    }

    fn with(credentials: Vec<Credentials>) -> Self {
        let settings = Settings {
            account: AccountId(7),
            name: "alice@example.com".into(),
            uri: "\"Alice\" <sip:alice@example.com>".parse().unwrap(),
            contact_user: "alice".into(),
            expires: 600,
            credentials,
            is_chosen_way: false,
            timers: Timers::default(),
            user_agent: "offhook".into(),
        };
        let core = Core::new(settings, Entropy::from_u64(1));
        let now = Instant::ZERO;
        Self { core, now, sent: vec![], told: vec![], located: vec![], next: None }
    }

    /// Wanted, and the ways found.
    fn asking(ways: &[u8]) -> Self {
        let mut world = Self::new();
        world.input(Input::Register);
        world.find(ways);
        world
    }

    fn registered() -> Self {
        let mut world = Self::asking(&[1]);
        world.answer(200, &[(HeaderName::Contact, "<sip:alice@192.0.2.200:5070>;expires=600")]);
        assert!(world.core.is_registered());
        world
    }

    fn find(&mut self, ways: &[u8]) {
        self.input(Input::Located(Ok(ways.iter().map(|last| way(*last)).collect())));
    }

    fn input(&mut self, input: Input) {
        self.core.handle_input(self.now, input);
        loop {
            match self.core.poll_output() {
                Output::Locate(registrar) => self.located.push(registrar),
                Output::Transmit(sent) => {
                    let message = Message::parse(Box::from(&sent.bytes[..])).unwrap();
                    self.sent.push((sent.destination, message));
                }
                Output::Notify(told) => self.told.push(told),
                Output::Timeout(next) => {
                    self.next = next;
                    return;
                }
            }
        }
    }

    /// Lets that time pass, with every timer on its way.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.next.filter(|at| *at <= end) {
            self.now = at;
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    fn last(&self) -> &Message {
        &self.sent.last().unwrap().1
    }

    fn header(&self, name: HeaderName) -> String {
        String::from_utf8(self.last().header(name).unwrap().to_vec()).unwrap()
    }

    fn answer(&mut self, status: u16, headers: &[(HeaderName, &str)]) {
        let mut answer = Builder::response(self.last(), status, "so", Some("t"), None).unwrap();
        for (name, value) in headers {
            answer = answer.header(*name, value).unwrap();
        }
        let answer = Message::parse(answer.finish().into_boxed_slice()).unwrap();
        self.input(Input::Response(Box::new(answer)));
    }

    fn challenge(&mut self, nonce: &str, stale: bool) {
        let stale = if stale { ", stale=true" } else { "" };
        let value = format!("Digest realm=\"example.com\", nonce=\"{nonce}\", qop=\"auth\"{stale}");
        self.answer(401, &[(HeaderName::WwwAuthenticate, &value)]);
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_register_is_for_the_domain_and_names_our_address() {
    let world = World::asking(&[1]);
    assert_eq!(world.located, [None]);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.last().method(), Some(&b"REGISTER"[..]));
    assert_eq!(world.last().request_uri(), Some(&b"sip:example.com"[..]));
    assert_eq!(world.header(HeaderName::To), "<sip:alice@example.com>");
    assert!(world.header(HeaderName::From).starts_with("\"Alice\" <sip:alice@example.com>;tag="));
    assert_eq!(world.header(HeaderName::Contact), "<sip:alice@192.0.2.200:5070>");
    assert_eq!(world.header(HeaderName::Expires), "600");
}

#[test]
fn an_answer_is_told_with_the_time_that_is_granted_to_us_and_all_addresses() {
    let mut world = World::asking(&[1]);
    let contacts = "<sip:bob@192.0.2.9>;expires=5, <sip:alice@192.0.2.200:5070>;expires=90";
    world.answer(200, &[(HeaderName::Contact, contacts), (HeaderName::Expires, "300")]);
    let [
        Data::AccountRegistrationDidSucceed {
            account,
            code,
            contact_uri,
            contact_uri_list,
            expires,
            ..
        },
    ] = &world.told[..]
    else {
        panic!("{:?}", world.told)
    };
    assert_eq!((account.as_str(), *code, *expires), ("alice@example.com", 200, 90));
    assert_eq!(contact_uri.as_str(), "sip:alice@192.0.2.200:5070");
    assert_eq!(contact_uri_list.len(), 2);
}

#[test]
fn a_refresh_leaves_in_the_last_quarter_and_ten_seconds_before_the_end() {
    let mut world = World::registered();
    world.pass(secs(449));
    assert_eq!(world.sent.len(), 1);
    let (call_id, cseq) = (world.header(HeaderName::CallId), world.header(HeaderName::CSeq));
    world.pass(secs(91));
    assert!(world.sent.len() > 1);
    assert_eq!(world.header(HeaderName::CallId), call_id);
    assert_ne!(world.header(HeaderName::CSeq), cseq);
    assert_eq!(world.located.len(), 1, "the way is known");
}

#[test]
fn what_is_granted_for_seconds_only_is_refreshed_in_time() {
    let mut world = World::asking(&[1]);
    world.answer(200, &[(HeaderName::Expires, "8")]);
    world.pass(secs(6));
    assert!(world.sent.len() > 1);
    assert!(world.core.is_registered());
}

#[test]
fn a_challenge_is_answered_and_the_next_register_brings_credentials_at_once() {
    let mut world = World::asking(&[1]);
    world.challenge("n1", false);
    assert!(world.header(HeaderName::Authorization).contains("username=\"alice\""));
    assert_eq!(world.header(HeaderName::CSeq), "2 REGISTER");
    world.answer(200, &[(HeaderName::Expires, "600")]);
    assert!(world.core.is_registered());
    world.input(Input::Register);
    assert!(world.header(HeaderName::Authorization).contains("nc=00000002"));
    world.challenge("n2", true);
    assert!(world.header(HeaderName::Authorization).contains("nonce=\"n2\""));
}

#[test]
fn a_wrong_password_ends_the_tries_until_the_application_asks_again() {
    let mut world = World::asking(&[1]);
    world.challenge("n1", false);
    world.challenge("n2", false);
    assert_eq!(world.core.state(), State::Refused);
    let Data::AccountRegistrationDidFail { code, next_route, delay, .. } = &world.told[0] else {
        panic!("{:?}", world.told)
    };
    assert_eq!((*code, next_route.is_none(), *delay), (Some(401), true, None));
    let sent = world.sent.len();
    world.pass(secs(3600));
    assert_eq!(world.sent.len(), sent);
    world.input(Input::Register);
    assert_eq!(world.located.len(), 2);
}

#[test]
fn a_stranger_gets_nothing_made_from_the_password() {
    let mut world = World::with(vec![]);
    world.input(Input::Register);
    world.find(&[1]);
    world.challenge("n1", false);
    assert_eq!((world.core.state(), world.sent.len()), (State::Refused, 1));
}

#[test]
fn too_short_a_time_is_asked_for_again_longer() {
    let mut world = World::asking(&[1]);
    world.answer(423, &[(HeaderName::MinExpires, "1200")]);
    assert_eq!(world.header(HeaderName::Expires), "1200");
    world.answer(423, &[(HeaderName::MinExpires, "1200")]);
    assert_eq!(world.core.state(), State::Waiting, "the same again is no answer");
}

#[test]
fn another_registrar_is_asked_where_the_first_one_says_so() {
    let mut world = World::asking(&[1]);
    world.answer(302, &[(HeaderName::Contact, "<sip:other.example.com:5080>")]);
    let named = world.located[1].as_ref().unwrap();
    assert_eq!(named.as_str(), "sip:other.example.com:5080");
    world.find(&[9]);
    assert_eq!(world.last().request_uri(), Some(&b"sip:other.example.com:5080"[..]));
    assert_eq!(world.header(HeaderName::To), "<sip:alice@example.com>");
}

#[test]
fn redirections_without_end_are_given_up() {
    let mut world = World::asking(&[1]);
    for _ in 0..20 {
        if world.core.state() != State::Asking {
            break;
        }
        world.answer(302, &[(HeaderName::Contact, "<sip:other.example.com>")]);
        world.find(&[1]);
    }
    assert_eq!(world.core.state(), State::Waiting);
    assert!(world.sent.len() <= 6);
}

#[test]
fn ways_are_tried_in_order_and_the_next_one_is_told() {
    let mut world = World::asking(&[1, 2]);
    world.answer(503, &[]);
    assert_eq!(world.sent.last().unwrap().0, way(2));
    let Data::AccountRegistrationDidFail { code, next_route, delay, .. } = &world.told[0] else {
        panic!("{:?}", world.told)
    };
    let route = next_route.as_ref().unwrap().to_string();
    assert_eq!(
        (*code, route.as_str(), *delay),
        (Some(503), "sip:192.0.2.2:5060;transport=udp;lr", None)
    );
}

#[test]
fn a_way_that_is_silent_is_left_for_the_next_one_within_the_round() {
    let mut world = World::asking(&[1, 2, 3]);
    world.pass(secs(10));
    assert_eq!(world.sent.last().unwrap().0, way(2));
}

#[test]
fn pauses_double_up_to_a_minute_and_begin_anew_after_success() {
    let mut world = World::asking(&[1]);
    let mut least = 500;
    for _ in 0..9 {
        world.told.clear();
        world.answer(500, &[]);
        let Data::AccountRegistrationDidFail { delay: Some(delay), .. } = world.told[0] else {
            panic!("{:?}", world.told)
        };
        assert!((least..=2 * least).contains(&delay.as_millis()), "{delay:?} {least}");
        least = (least * 2).min(30_000);
        world.pass(delay);
        assert_eq!(world.core.state(), State::Locating);
        world.find(&[1]);
    }
    world.answer(200, &[(HeaderName::Expires, "600")]);
    world.input(Input::Register);
    world.told.clear();
    world.answer(500, &[]);
    let Data::AccountRegistrationDidFail { delay: Some(delay), .. } = world.told[0] else {
        panic!("{:?}", world.told)
    };
    assert!(delay <= secs(1));
}

#[test]
fn a_registrar_that_asks_for_time_gets_it() {
    let mut world = World::asking(&[1]);
    world.answer(503, &[(HeaderName::RetryAfter, "120 (busy)")]);
    world.pass(secs(119));
    assert_eq!(world.located.len(), 1);
    world.pass(secs(1));
    assert_eq!(world.located.len(), 2);
}

#[test]
fn a_registration_that_runs_out_before_it_is_renewed_is_told_once() {
    let mut world = World::registered();
    world.told.clear();
    for _ in 0..40 {
        world.pass(secs(20));
        if world.core.state() == State::Locating {
            world.input(Input::Located(Err("no such domain".into())));
        }
    }
    let ends = |told: &&Data| matches!(told, Data::AccountRegistrationDidEnd { .. });
    assert_eq!(world.told.iter().filter(ends).count(), 1);
    assert!(!world.core.is_registered());
    assert_ne!(world.core.state(), State::Off);
}

#[test]
fn an_end_takes_the_address_away_and_tells_the_answer() {
    let mut world = World::registered();
    world.told.clear();
    world.input(Input::Unregister);
    assert_eq!(world.header(HeaderName::Expires), "0");
    assert_eq!(world.header(HeaderName::Contact), "<sip:alice@192.0.2.200:5070>");
    assert!(world.told.is_empty());
    world.challenge("n1", false);
    assert_eq!(world.header(HeaderName::Expires), "0");
    world.answer(200, &[]);
    let [Data::AccountRegistrationDidEnd { code, .. }] = &world.told[..] else {
        panic!("{:?}", world.told)
    };
    assert_eq!(*code, Some(200));
    world.pass(secs(3600));
    assert_eq!(world.told.len(), 1);
    assert_eq!(world.core.state(), State::Off);
}

#[test]
fn an_end_while_a_register_is_on_its_way_waits_for_its_answer() {
    let mut world = World::asking(&[1]);
    world.input(Input::Unregister);
    assert_eq!(world.sent.len(), 1);
    world.answer(200, &[(HeaderName::Expires, "600")]);
    assert_eq!(world.header(HeaderName::Expires), "0");
    assert_eq!(world.sent.len(), 2);
    assert!(world.told.is_empty(), "{:?}", world.told);
}

#[test]
fn an_end_that_nobody_answers_comes_to_its_end() {
    let mut world = World::registered();
    world.input(Input::Unregister);
    world.pass(secs(40));
    assert_eq!(world.core.state(), State::Off);
    assert!(matches!(world.told.last(), Some(Data::AccountRegistrationDidEnd { .. })));
    assert_eq!(world.next, None);
}

#[test]
fn a_registration_that_is_wanted_again_while_it_ends_begins_anew() {
    let mut world = World::registered();
    world.input(Input::Unregister);
    world.input(Input::Register);
    world.answer(200, &[]);
    assert_eq!(world.core.state(), State::Locating);
    world.find(&[1]);
    assert_eq!(world.header(HeaderName::Expires), "600");
}

#[test]
fn a_request_that_cannot_be_sent_counts_as_a_failed_way() {
    let mut world = World::asking(&[1, 2]);
    let branch = world.last().via().unwrap().branch().unwrap().to_vec();
    world.input(Input::TransportError { branch: branch.clone(), reason: "refused".into() });
    assert_eq!(world.sent.last().unwrap().0, way(2));
    world.input(Input::TransportError { branch, reason: "late".into() });
    assert_eq!(world.sent.len(), 2, "what is over is passed over");
}
