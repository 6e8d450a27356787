//! Session timers (RFC 4028) and the other clocks of a session.

use std::time::Duration;

use offhook::session::{Order, Policy};
use offhook_tests::{CHAT_LINE, Rig, SDP};

const UPDATES: &str = "Allow: INVITE, ACK, BYE, UPDATE";

fn answered(headers: &str) -> Rig {
    let mut rig = Rig::calling();
    rig.reply(200, headers, SDP);
    rig.source_seen();
    rig.told();
    rig.sent();
    rig
}

#[test]
fn our_invite_asks_for_half_an_hour() {
    let mut rig = Rig::new();
    rig.connect(1).unwrap();
    rig.prepared();
    assert_eq!(rig.last_header("Session-Expires").as_deref(), Some("1800"));
    assert_eq!(rig.last_header("Supported").as_deref(), Some("100rel, timer"));
}

#[test]
fn a_422_is_followed_by_an_invite_that_asks_for_more() {
    let mut rig = Rig::calling();
    rig.reply(422, "Min-SE: 3600", "");
    assert_eq!(rig.last_header("Session-Expires").as_deref(), Some("3600"));
    assert_eq!(rig.last_header("CSeq").as_deref(), Some("2 INVITE"));
    assert_eq!((rig.sent(), rig.told()), (vec!["ACK".into(), "INVITE".into()], vec![]));
    rig.reply(422, "Min-SE: 3600", "");
    assert!(rig.told().contains(&"DidFail{remote, 422, Phrase}".to_owned()), "but not for ever");
}

#[test]
fn whoever_refreshes_does_so_at_half_time_with_an_update() {
    let mut rig = answered(&format!("Session-Expires: 200;refresher=uac\n{UPDATES}"));
    rig.run_until(99_000);
    assert_eq!(rig.sent(), Vec::<String>::new());
    rig.run_until(100_000);
    assert_eq!(rig.last_header("Session-Expires").as_deref(), Some("200;refresher=uac"));
    assert_eq!(rig.sent(), ["UPDATE"]);
}

#[test]
fn a_refused_update_comes_again_in_time_and_no_sooner_than_the_peer_asks() {
    // Half of what is left after it was refused at 100 s is at 150 s.
    for (extra, at) in [("", 150_000), ("Retry-After: 9", 150_000), ("Retry-After: 70", 170_000)] {
        let mut rig = answered(&format!("Session-Expires: 200;refresher=uac\n{UPDATES}"));
        rig.run_until(100_000);
        rig.reply_headed("UPDATE", 500, extra);
        rig.clear();
        rig.run_until(at - 10);
        assert_eq!(rig.sent(), [""; 0], "{extra}");
        rig.run_until(at);
        assert_eq!(rig.sent(), ["UPDATE"], "{extra}");
    }
    // A wait beyond the end of the time would end the call.
    let mut rig = answered(&format!("Session-Expires: 200;refresher=uac\n{UPDATES}"));
    rig.run_until(100_000);
    rig.reply_headed("UPDATE", 503, "Retry-After: 3600");
    rig.clear();
    rig.run_until(150_000);
    assert_eq!(rig.sent(), ["UPDATE"]);
}

#[test]
fn a_peer_without_update_gets_a_reinvite() {
    let mut rig = answered("Session-Expires: 200;refresher=uac\nAllow: INVITE, ACK, BYE");
    rig.run_until(100_000);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv"]);
    assert_eq!(rig.sent(), ["INVITE"]);
    rig.reply(200, "Session-Expires: 200;refresher=uac", SDP);
    assert_eq!((rig.sent(), rig.told()), (vec!["ACK".into()], vec![]));
    rig.run_until(200_000);
    assert_eq!(rig.sent(), ["INVITE"], "the next half");
}

#[test]
fn a_peer_that_does_not_refresh_is_gone() {
    let mut rig = answered("Session-Expires: 90;refresher=uas");
    rig.run_until(59_000);
    assert_eq!(rig.told(), Vec::<String>::new());
    rig.run_until(60_000);
    assert_eq!(
        rig.told(),
        [
            "SU[]",
            "CS(ESTABLISHED>TERMINATED)",
            "DidFail{local, 408, the session timer ran out}",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.sent(), ["BYE"]);
}

#[test]
fn the_peers_refresh_starts_the_time_anew() {
    let mut rig = answered("Session-Expires: 90;refresher=uas");
    rig.run_until(50_000);
    let headers = "Supported: timer\nSession-Expires: 90;refresher=uac";
    rig.request_headed("UPDATE", 5, headers, "");
    assert_eq!(rig.last_header("Session-Expires").as_deref(), Some("90;refresher=uac"));
    assert_eq!(rig.last_header("Require").as_deref(), Some("timer"));
    rig.sent();
    rig.run_until(109_000);
    assert_eq!(rig.sent(), Vec::<String>::new());
}

#[test]
fn the_callee_keeps_the_callers_wish() {
    for (headers, expires, require) in [
        ("Supported: timer\nSession-Expires: 1800", "1800;refresher=uac", Some("timer")),
        ("Supported: timer\nSession-Expires: 1800;refresher=uas", "1800;refresher=uas", None),
        ("Session-Expires: 1800", "1800;refresher=uas", None),
    ] {
        let mut rig = Rig::new();
        rig.invited_with(headers, SDP);
        rig.accept().unwrap();
        rig.prepared();
        assert_eq!(rig.last_header("Session-Expires").as_deref(), Some(expires), "{headers}");
        assert_eq!(rig.last_header("Require").as_deref(), require, "{headers}");
    }
}

#[test]
fn an_invite_that_rings_for_90_seconds_is_given_up() {
    let mut rig = Rig::calling();
    rig.reply(180, "", "");
    rig.told();
    rig.run_until(90_000);
    assert_eq!(
        rig.told(),
        [
            "CS(CALLING>TERMINATED)",
            "DidFail{local, 408, nobody answered the call}",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.sent(), ["CANCEL"]);
}

#[test]
fn a_call_that_nobody_takes_is_refused_with_480_when_the_settings_say_so() {
    let ring_timeout = Some(Duration::from_secs(20));
    let mut rig = Rig::with_policy(Policy { ring_timeout, ..Policy::default() });
    rig.invited(SDP);
    rig.sent();
    rig.run_until(20_000);
    assert_eq!(rig.sent(), ["480"]);
}

#[test]
fn a_call_that_lasted_as_long_as_it_may_is_ended() {
    let duration_max = Some(Duration::from_secs(60));
    let mut rig = Rig::with_policy(Policy { duration_max, ..Policy::default() });
    rig.connect(1).unwrap();
    rig.prepared();
    rig.reply(200, "", SDP);
    rig.run_until(30_000);
    rig.order(Order::Hold).unwrap();
    rig.reply(200, "", SDP);
    rig.told();
    rig.run_until(60_000);
    assert_eq!(rig.told()[..2], ["CS(ESTABLISHED>TERMINATING)", "WillEnd"]);
}

#[test]
fn a_caller_may_ask_to_be_answered_by_itself_where_that_is_allowed() {
    for (auto_answer, sent) in [(true, vec!["200"]), (false, vec![])] {
        let mut rig = Rig::with_policy(Policy { auto_answer, ..Policy::default() });
        rig.invited_with("Call-Info: <sip:192.0.2.9>;answer-after=2", &format!("{SDP}{CHAT_LINE}"));
        rig.sent();
        rig.run_until(2000);
        if auto_answer {
            rig.prepared();
            rig.chat_prepared();
        }
        assert_eq!(rig.sent(), sent);
    }
}

#[test]
fn the_targets_of_a_redirection_are_handed_on() {
    let mut rig = Rig::calling();
    rig.reply(302, "Contact: <sip:carol@192.0.2.7>", "");
    assert!(rig.told().contains(&"DidFail{remote, 302, Phrase}".to_owned()));
    let headers = &rig.core.snapshot().remote_headers;
    assert!(headers.contains(&("Contact".into(), "<sip:carol@192.0.2.7>".into())));
}
