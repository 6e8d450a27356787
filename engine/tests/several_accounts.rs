//! One engine with several accounts, and several engines in one process.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod common;

use common::{PATIENCE, Party};
use offhook::media::codec::Codec;
use offhook::negotiate::SrtpPolicy;
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{AccountConfig, Config, SipUri};

fn uri(text: &str) -> SipUri {
    text.parse().unwrap()
}

/// Alice, and with her Bob of two companies.
fn house() -> Party {
    let other_accounts = ["sip:bob@one.example", "sip:bob@two.example"].map(AccountConfig::new);
    Party::with(Config {
        account: Some("sip:alice@one.example".into()),
        other_accounts: other_accounts.into(),
        ..Config::default()
    })
}

/// That party's UDP listener as a route.
fn route(party: &Party) -> String {
    format!("sip:{}", party.address(Transport::Udp))
}

/// REFERENCE 1.4 item 3
#[test]
fn a_call_is_for_the_account_with_its_user_and_host_or_else_its_user() {
    let (house, caller) = (house(), Party::new());
    for (index, (called, account)) in [
        ("sip:alice@one.example", "sip:alice@one.example"),
        ("sip:bob@two.example", "sip:bob@two.example"),
        ("sip:bob@three.example", "sip:bob@one.example"),
        ("sip:alice@192.0.2.1", "sip:alice@one.example"),
    ]
    .into_iter()
    .enumerate()
    {
        let call = caller.engine.session();
        call.connect(called, &[route(&house)], Streams::AUDIO, &[]).unwrap();
        let answer = house.incoming(index);
        assert_eq!(answer.account(), Some(uri(account)), "{called}");
        answer.reject(None).unwrap();
        assert!(call.wait_ended(PATIENCE));
    }
}

/// REFERENCE 1.4 item 3, 1.11 code 404
#[test]
fn nobody_of_that_name_is_404_unless_anybody_may_be_called() {
    let (house, caller) = (house(), Party::new());
    let call = caller.engine.session();
    call.connect("sip:carol@one.example", &[route(&house)], Streams::AUDIO, &[]).unwrap();
    assert!(call.wait_ended(PATIENCE));
    assert_eq!(
        caller.record.wait_for("SIPSessionDidFail").data.field("code"),
        Some(404_u16.into())
    );

    let other_accounts = vec![AccountConfig::new("sip:bob@one.example")];
    let open = Party::with(Config { other_accounts, ..Config::default() });
    for (index, (called, account)) in
        [("sip:carol@one.example", None), ("sip:bob@one.example", Some(uri("sip:bob@one.example")))]
            .into_iter()
            .enumerate()
    {
        let call = caller.engine.session();
        call.connect(called, &[route(&open)], Streams::AUDIO, &[]).unwrap();
        assert_eq!(open.incoming(index).account(), account);
        call.end().unwrap();
        assert!(call.wait_ended(PATIENCE));
    }
}

/// REFERENCE 1.4 item 3
#[test]
fn two_accounts_of_one_engine_call_each_other() {
    let house = house();
    let call = house.engine.session_of(&uri("sip:bob@two.example")).unwrap();
    assert_eq!(call.account(), Some(uri("sip:bob@two.example")));
    call.connect("sip:alice@one.example", &[route(&house)], Streams::AUDIO, &[]).unwrap();
    let answer = house.incoming(0);
    assert_eq!(answer.account(), Some(uri("sip:alice@one.example")));
    assert_eq!(answer.snapshot().remote_uri.as_deref(), Some("sip:bob@two.example"));
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
}

#[test]
fn an_account_has_its_own_codecs_and_its_own_rule_for_encryption() {
    let bob = AccountConfig {
        codecs: vec![Codec::Pcma],
        srtp: SrtpPolicy::Mandatory,
        ..AccountConfig::new("sip:bob@one.example")
    };
    let account = Some("sip:alice@one.example".into());
    let codecs = vec![Codec::Pcmu];
    let house =
        Party::with(Config { account, codecs, other_accounts: vec![bob], ..Config::default() });
    // Bob insists on encryption: in the clear he cannot be called at all, and Alice can.
    let plain = Party::with(Config { srtp: SrtpPolicy::Disabled, ..Config::default() });
    let call = plain.engine.session();
    call.connect("sip:bob@one.example", &[route(&house)], Streams::AUDIO, &[]).unwrap();
    assert!(call.wait_ended(PATIENCE));
    assert_eq!(plain.record.wait_for("SIPSessionDidFail").data.field("code"), Some(488_u16.into()));
    for (called, srtp, codec, is_encrypted) in [
        ("sip:alice@one.example", SrtpPolicy::Disabled, "PCMU", false),
        ("sip:bob@one.example", SrtpPolicy::Mandatory, "PCMA", true),
    ] {
        let caller = Party::with(Config { srtp, ..Config::default() });
        let call = caller.engine.session();
        call.connect(called, &[route(&house)], Streams::AUDIO, &[]).unwrap();
        let answer = house.incoming(usize::from(is_encrypted));
        answer.accept(Streams::AUDIO, &[]).unwrap();
        assert_eq!(call.wait_established(PATIENCE), Some(true));
        let snapshot = call.snapshot();
        assert_eq!(snapshot.audio_codec, Some(codec));
        assert_eq!(snapshot.audio_srtp_active, Some(is_encrypted));
        call.end().unwrap();
        assert!(call.wait_ended(PATIENCE));
    }
}

#[test]
fn an_account_that_nobody_has_makes_no_session() {
    let house = house();
    assert!(house.engine.session_of(&uri("sip:carol@one.example")).is_none());
    assert!(house.engine.session_of(&uri("sip:alice@ONE.example")).is_some());
    assert_eq!(Party::new().engine.session().account(), None);
}

#[test]
fn several_engines_of_one_process_share_nothing() {
    let (alice, bob, carol) = (house(), Party::new(), Party::new());
    let call = bob.engine.session();
    call.connect("sip:alice@one.example", &[route(&alice)], Streams::AUDIO, &[]).unwrap();
    let answer = alice.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    assert_eq!(carol.engine.session_manager().sessions().len(), 0);
    carol.engine.stop();
    carol.record.wait_for("SIPEngineDidEnd");
    assert!(carol.record.all().iter().all(|told| told.name().starts_with("SIPEngine")));
    assert!(alice.engine.is_running() && bob.engine.is_running());
    assert_eq!(bob.engine.session_manager().sessions().len(), 1);
    assert!(bob.record.all().iter().all(|told| told.name() != "SIPEngineDidEnd"));
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
}
