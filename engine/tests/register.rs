//! Accounts that register with a registrar on loopback (RFC 3261 §10).

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use common::name_server::{Manner, NameServer};
use common::registrar::Registrar;
use common::zone::Zone;
use common::{Deadline, Party};
use offhook::credentials::Credentials;
use offhook::error::AccountError;
use offhook::notification::NotificationData as Data;
use offhook::{AccountConfig, Config, DnsConfig, Registration};

/// Registrations that nobody takes back do not hold up the end of a test.
fn quick() -> Config {
    Config { stop_timeout: Duration::from_secs(1), ..Config::default() }
}

/// An engine with that account.
fn party(account: String) -> Party {
    Party::with(Config { account: Some(account), ..quick() })
}

/// Registers and is kept for so many seconds.
fn registered(party: &Party, registrar: &Registrar, seconds: u32) {
    party.engine.register().unwrap();
    registrar.keep(&registrar.next(), seconds);
    party.record.wait_for("SIPAccountRegistrationDidSucceed");
}

#[test]
fn an_account_registers_and_is_told_what_the_registrar_keeps() {
    let registrar = Registrar::new();
    let alice = party(registrar.account("alice"));
    alice.engine.register().unwrap();
    let asked = registrar.next();
    let own = registrar.address;
    assert!(asked.text.starts_with(&format!("REGISTER sip:{own} SIP/2.0\r\n")), "{}", asked.text);
    assert_eq!(asked.header("To"), format!("<sip:alice@{own}>"));
    assert_eq!(asked.header("Expires"), "600");
    let here = alice.address(offhook::transport::Transport::Udp);
    assert_eq!(asked.contact(), format!("sip:alice@{here}"));
    registrar.keep(&asked, 300);
    let told = alice.record.wait_for("SIPAccountRegistrationDidSucceed");
    let Data::AccountRegistrationDidSucceed { account, code, contact_uri, expires, .. } = told.data
    else {
        panic!("{told:?}");
    };
    assert_eq!((account, code, expires), (format!("alice@{}", own.ip()), 200, 300));
    assert_eq!(contact_uri.as_str(), asked.contact());
}

#[test]
fn a_registration_that_is_taken_back_is_told_once_the_registrar_has_answered() {
    let registrar = Registrar::new();
    let alice = party(registrar.account("alice"));
    registered(&alice, &registrar, 300);
    alice.engine.unregister().unwrap();
    let asked = registrar.next();
    assert_eq!(asked.header("Expires"), "0");
    registrar.answer(&asked, 200, "");
    let told = alice.record.wait_for("SIPAccountRegistrationDidEnd");
    assert!(matches!(told.data, Data::AccountRegistrationDidEnd { code: Some(200), .. }));
}

#[test]
fn one_that_is_registered_is_refreshed_on_demand_and_before_its_time_runs_out() {
    let registrar = Registrar::new();
    let alice = party(registrar.account("alice"));
    registered(&alice, &registrar, 300);
    alice.engine.register().unwrap();
    let asked = registrar.next();
    assert_eq!(asked.header("CSeq"), "2 REGISTER");
    // The next one comes by itself.
    registrar.keep(&asked, 1);
    let again = registrar.next();
    assert_eq!(again.header("CSeq"), "3 REGISTER");
    assert_eq!(again.header("Call-ID"), asked.header("Call-ID"));
    registrar.keep(&again, 300);
    alice.record.wait_count(3, |n| n.name() == "SIPAccountRegistrationDidSucceed");
}

#[test]
fn stop_takes_registrations_back_before_the_engine_ends() {
    let registrar = Registrar::new();
    let alice = party(registrar.account("alice"));
    registered(&alice, &registrar, 300);
    let engine = alice.engine.clone();
    let stop = move || engine.stop();
    let stops = std::thread::Builder::new().spawn(stop).unwrap();
    let asked = registrar.next();
    assert_eq!(asked.header("Expires"), "0");
    registrar.answer(&asked, 200, "");
    stops.join().unwrap();
    alice.record.wait_for("SIPEngineDidEnd");
    let told: Vec<_> = alice.record.all().iter().map(|n| n.data.name()).collect();
    let ends = ["SIPAccountRegistrationDidEnd", "SIPAccountDidDeactivate", "SIPEngineDidEnd"];
    assert_eq!(told[told.len() - 3..], ends, "{told:?}");
    assert_eq!(alice.engine.register(), Err(AccountError::EngineEnded));
}

#[test]
fn stop_does_not_wait_for_a_registrar_that_is_silent() {
    let registrar = Registrar::new();
    let account = Some(registrar.account("alice"));
    let alice = Party::with(Config { account, ..quick() });
    registered(&alice, &registrar, 300);
    let patience = Deadline::after(quick().stop_timeout * 2);
    alice.engine.stop();
    assert!(!patience.is_over());
    let told = alice.record.wait_for("SIPAccountRegistrationDidEnd");
    let Data::AccountRegistrationDidEnd { code: None, reason: Some(reason), .. } = told.data else {
        panic!("{told:?}");
    };
    assert_eq!(reason, "the registrar has not answered in time");
}

#[test]
fn an_engine_registers_its_accounts_at_its_start_when_it_is_told_so() {
    let registrar = Registrar::new();
    let registration = Registration { at_start: true, ..Registration::default() };
    let other = AccountConfig {
        registration: registration.clone(),
        ..AccountConfig::new(registrar.account("bob"))
    };
    let silent = AccountConfig::new(registrar.account("carol"));
    let alice = Party::with(Config {
        account: Some(registrar.account("alice")),
        other_accounts: vec![other, silent],
        registration,
        ..quick()
    });
    let users: BTreeSet<String> = (0..2)
        .map(|_| {
            let asked = registrar.next();
            registrar.keep(&asked, 300);
            asked.contact().split('@').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(users, ["sip:alice", "sip:bob"].map(String::from).into());
    alice.record.wait_count(2, |n| n.name() == "SIPAccountRegistrationDidSucceed");
    alice.record.wait_count(3, |n| n.name() == "SIPAccountDidActivate");
}

#[test]
fn more_accounts_than_may_ask_at_once_register_one_after_the_other() {
    const ACCOUNTS: usize = 300;
    let registrar = Registrar::new();
    let registration = Registration { at_start: true, ..Registration::default() };
    let other_accounts = (0..ACCOUNTS)
        .map(|number| AccountConfig {
            registration: registration.clone(),
            ..AccountConfig::new(registrar.account(&format!("user{number}")))
        })
        .collect();
    let party = Party::with(Config { other_accounts, ..quick() });
    let mut users = BTreeSet::new();
    // A repeated request is answered again.
    while users.len() < ACCOUNTS {
        let asked = registrar.next();
        registrar.keep(&asked, 300);
        users.insert(asked.header("To").to_owned());
    }
    party.record.wait_count(ACCOUNTS, |n| n.name() == "SIPAccountRegistrationDidSucceed");
}

#[test]
fn a_challenge_is_answered_with_the_accounts_password() {
    let registrar = Registrar::new();
    let credentials = Credentials::new("alice", "secret").for_host("127.0.0.1");
    let account = Some(registrar.account("alice"));
    let credentials = vec![credentials];
    let alice = Party::with(Config { account, credentials, ..quick() });
    alice.engine.register().unwrap();
    let asked = registrar.next();
    let challenge = "WWW-Authenticate: Digest realm=\"home\", nonce=\"n1\", qop=\"auth\"\r\n";
    registrar.answer(&asked, 401, challenge);
    let proven = registrar.next();
    let authorization = proven.header("Authorization");
    assert!(authorization.starts_with("Digest username=\"alice\""), "{authorization}");
    assert!(!proven.text.contains("secret"));
    registrar.keep(&proven, 300);
    alice.record.wait_for("SIPAccountRegistrationDidSucceed");
}

#[test]
fn a_refused_password_is_told_and_not_tried_again() {
    let registrar = Registrar::new();
    let account = Some(registrar.account("alice"));
    let credentials = vec![Credentials::new("alice", "wrong").for_host("127.0.0.1")];
    let alice = Party::with(Config { account, credentials, ..quick() });
    alice.engine.register().unwrap();
    let challenge = "WWW-Authenticate: Digest realm=\"home\", nonce=\"n1\", qop=\"auth\"\r\n";
    registrar.answer(&registrar.next(), 401, challenge);
    registrar.answer(&registrar.next(), 401, challenge);
    let told = alice.record.wait_for("SIPAccountRegistrationDidFail");
    let Data::AccountRegistrationDidFail { code, delay, .. } = told.data else {
        panic!("{told:?}");
    };
    assert_eq!((code, delay), (Some(401), None));
}

#[test]
fn where_one_server_fails_the_next_one_is_asked() {
    let (first, second) = (Registrar::new(), Registrar::new());
    let routes = [first.address, second.address]
        .map(|address| format!("sip:{address};transport=udp;lr").parse().unwrap());
    let registration = Registration { routes: routes.into(), ..Registration::default() };
    let account = Some("sip:alice@home.invalid".into());
    let alice = Party::with(Config { account, registration, ..quick() });
    alice.engine.register().unwrap();
    let asked = first.next();
    assert!(asked.text.starts_with("REGISTER sip:home.invalid SIP/2.0\r\n"));
    first.answer(&asked, 503, "");
    second.keep(&second.next(), 300);
    let told = alice.record.wait_for("SIPAccountRegistrationDidFail");
    let Data::AccountRegistrationDidFail { code, next_route: Some(next), .. } = told.data else {
        panic!("{told:?}");
    };
    assert_eq!((code, next.port()), (Some(503), second.address.port()));
    alice.record.wait_for("SIPAccountRegistrationDidSucceed");
}

#[test]
fn where_nobody_listens_the_next_server_is_asked_at_once() {
    // Bound and closed: a connection there is refused.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let second = Registrar::new();
    let routes = [format!("sip:{closed};transport=tcp"), format!("sip:{}", second.address)];
    let routes = routes.iter().map(|route| route.parse().unwrap()).collect();
    let registration = Registration { routes, ..Registration::default() };
    let account = Some("sip:alice@home.invalid".into());
    let alice = Party::with(Config { account, registration, ..quick() });
    alice.engine.register().unwrap();
    second.keep(&second.next(), 300);
    let told = alice.record.wait_for("SIPAccountRegistrationDidFail");
    let Data::AccountRegistrationDidFail { code: None, reason, .. } = told.data else {
        panic!("{told:?}");
    };
    assert!(reason.contains("refused"), "{reason}");
}

#[test]
fn the_registrar_of_a_domain_is_looked_up() {
    let registrar = Registrar::new();
    let zone = Zone::default()
        .srv("_sip._udp.home.test", (1, 1, registrar.address.port()), "pbx.test")
        .address("pbx.test", "127.0.0.1");
    let server = NameServer::start(zone, Manner::Honest);
    let dns = DnsConfig { nameservers: vec![server.address], ..DnsConfig::default() };
    let account = Some("sip:alice@home.test".into());
    let alice = Party::with(Config { account, dns, ..quick() });
    registered(&alice, &registrar, 300);
}

#[test]
fn a_domain_that_is_not_found_is_told_and_tried_again_later() {
    let server = NameServer::start(Zone::default(), Manner::Honest);
    let dns = DnsConfig { nameservers: vec![server.address], ..DnsConfig::default() };
    let account = Some("sip:alice@home.test".into());
    let alice = Party::with(Config { account, dns, ..quick() });
    alice.engine.register().unwrap();
    let told = alice.record.wait_for("SIPAccountRegistrationDidFail");
    let Data::AccountRegistrationDidFail { code: None, reason, delay: Some(delay), .. } = told.data
    else {
        panic!("{told:?}");
    };
    assert!(reason.starts_with("DNS: "), "{reason}");
    assert!(delay >= Duration::from_secs(1), "{delay:?}");
}

#[test]
fn who_has_no_account_cannot_register() {
    let nobody = Party::new();
    assert_eq!(nobody.engine.register(), Err(AccountError::NoAccount(None)));
    let stranger = "sip:bob@example.com".parse().unwrap();
    let refused = nobody.engine.register_of(&stranger).unwrap_err();
    assert_eq!(refused.to_string(), "sip:bob@example.com is no account of this engine");
}

#[test]
fn an_expiry_that_no_registrar_keeps_is_refused_at_the_start() {
    let registration = Registration { expires: Duration::from_secs(1), ..Registration::default() };
    let center = offhook::NotificationCenter::new().unwrap();
    let started = offhook::Engine::start(Config { registration, ..quick() }, center);
    let error = started.err().unwrap().to_string();
    assert_eq!(error, "registration.expires is not between 10 and 604800 s");
}
