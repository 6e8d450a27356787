//! `offhook register`, and `register` of the agent, with a registrar of the test's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

#[path = "../../tests/common/registrar.rs"]
mod registrar;
mod support;

use registrar::Registrar;
use support::{Agent, Process};

fn register(registrar: &Registrar, more: &[&str]) -> Process {
    let account = registrar.account("alice");
    Process::start(&[&["register", "--udp", "127.0.0.1:0", "--account", &account], more].concat())
}

/// Answers REGISTER requests, the last ones too, until the command is gone.
fn keeps(registrar: &Registrar, seconds: u32) {
    let asked = registrar.next();
    registrar.keep(&asked, seconds);
}

fn takes_back(registrar: &Registrar) {
    let asked = registrar.next();
    assert_eq!(asked.header("Expires"), "0");
    registrar.answer(&asked, 200, "");
}

#[test]
fn once_ends_when_the_registrar_has_taken_it() {
    let registrar = Registrar::new();
    let alice = register(&registrar, &["--once"]);
    keeps(&registrar, 300);
    takes_back(&registrar);
    let (status, out, errors) = alice.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""), "{out:#?}");
    assert!(
        out[0].starts_with("alice@127.0.0.1 is registered at sip:alice@127.0.0.1:"),
        "{out:#?}"
    );
    assert!(out[0].ends_with(" for 300 s."), "{out:#?}");
    assert_eq!(out[1], "alice@127.0.0.1 is not registered any more: 200 Whatever.");
}

#[test]
fn once_fails_when_the_registrar_refuses_it() {
    let registrar = Registrar::new();
    let alice = register(&registrar, &["--once"]);
    registrar.answer(&registrar.next(), 403, "");
    let (status, out, _) = alice.end();
    assert_eq!(status.code(), Some(1), "{out:#?}");
    assert!(out[0].starts_with("alice@127.0.0.1 is not registered: 403 Whatever; "), "{out:#?}");
}

#[test]
fn each_refresh_is_told() {
    let registrar = Registrar::new();
    let mut alice = register(&registrar, &[]);
    for _ in 0..2 {
        keeps(&registrar, 1);
        alice.line_with("is registered at");
    }
    keeps(&registrar, 300);
    alice.line_with("for 300 s.");
    alice.interrupt();
    takes_back(&registrar);
    let (status, out, _) = alice.end();
    assert_eq!(status.code(), Some(0), "{out:#?}");
}

#[test]
fn a_typed_route_is_where_the_registrar_is_asked() {
    let registrar = Registrar::new();
    let route = format!("sip:{};transport=udp;lr", registrar.address);
    let alice = Process::start(&[
        "register",
        "--udp",
        "127.0.0.1:0",
        "--account",
        "alice@home.invalid",
        "--route",
        &route,
        "--once",
        "--json",
    ]);
    keeps(&registrar, 300);
    takes_back(&registrar);
    let (status, out, _) = alice.end();
    assert_eq!(status.code(), Some(0), "{out:#?}");
    let told: Vec<serde_json::Value> =
        out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let succeeded = told.iter().find(|o| o["name"] == "SIPAccountRegistrationDidSucceed").unwrap();
    assert_eq!(succeeded["data"]["account"], "alice@home.invalid");
    assert_eq!(succeeded["data"]["expires"], 300);
}

#[test]
fn the_agent_registers_refreshes_and_takes_it_back() {
    let registrar = Registrar::new();
    let mut alice = Agent::with(&["--account", &registrar.account("alice")]);
    for _ in 0..2 {
        alice.order("register");
        keeps(&registrar, 300);
        assert_eq!(alice.wait("SIPAccountRegistrationDidSucceed")["data"]["code"], 200);
    }
    alice.order("unregister");
    takes_back(&registrar);
    alice.wait("SIPAccountRegistrationDidEnd");
    assert_eq!(alice.end().0, 0);
}
