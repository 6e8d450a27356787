//! The peer's re-INVITE in a running call (REFERENCE 1.3 row 44, 1.7; RFC 3261 §14.2), and the
//! INVITE without an offer (REFERENCE 0.16).

use offhook::media::control::{Flow, MediaCommand};
use offhook::notification::SessionState;
use offhook::session::Order;
use offhook::sip::{HeaderName, Message, text};
use offhook_tests::{Rig, SDP};

const CHAT: &str = "m=message 9 TCP/MSRP *\r\na=path:msrp://192.0.2.9:9/x;tcp\r\n";

fn with(more: &str) -> String {
    format!("{SDP}{more}")
}

/// An incoming call that stands.
fn callee() -> Rig {
    let mut rig = Rig::answered();
    rig.request("ACK", 1);
    clear(&mut rig);
    rig
}

fn clear(rig: &mut Rig) {
    rig.told();
    rig.sent();
    rig.media();
    rig.orders();
}

fn last(rig: &Rig) -> Message<Vec<u8>> {
    Message::parse(rig.wire.last().unwrap().1.clone()).unwrap()
}

/// The `o=` line of our last description.
fn origin(rig: &Rig) -> String {
    let message = last(rig);
    text(message.body()).lines().find(|line| line.starts_with("o=")).unwrap().to_owned()
}

fn version(origin: &str) -> u64 {
    origin.split(' ').nth(2).unwrap().parse().unwrap()
}

/// REFERENCE 1.3 row 44, 1.7 item 2
#[test]
fn row_44_an_identical_refresh_is_answered_with_the_same_description() {
    let mut rig = Rig::incoming();
    rig.accept().unwrap();
    rig.prepared();
    let first = last(&rig).body().to_vec();
    rig.request("ACK", 1);
    clear(&mut rig);
    rig.request_with("INVITE", 2, SDP);
    assert_eq!(last(&rig).status(), Some(200));
    assert_eq!(text(last(&rig).body()), text(&first));
    assert_eq!((rig.told(), rig.media()), (vec![], vec![]));
    rig.request("ACK", 2);
    assert_eq!(rig.core.snapshot().state, SessionState::Established);
}

/// REFERENCE 1.3 row 44
#[test]
fn row_44_a_callers_offer_and_its_later_answer_differ_by_one_version() {
    let mut rig = Rig::new();
    rig.connect(1).unwrap();
    rig.prepared();
    let offered = version(&origin(&rig));
    rig.reply(200, "", SDP);
    rig.request_with("INVITE", 1, SDP);
    let answered = origin(&rig);
    assert_eq!(version(&answered), offered + 1);
    rig.request("ACK", 1);
    rig.request_with("INVITE", 2, SDP);
    assert_eq!(origin(&rig), answered);
}

/// REFERENCE 1.3 row 44, 1.6 item 4
#[test]
fn row_44_hold_and_unhold_of_the_peer_are_told_and_followed() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, &with("a=sendonly\r\n"));
    assert_eq!(rig.told(), ["GotHoldRequest{remote}"]);
    assert!(text(last(&rig).body()).contains("a=recvonly\r\n"));
    assert!(rig.core.snapshot().on_hold_by_remote);
    let [MediaCommand::Update { settings, .. }] = &rig.orders()[..] else { panic!() };
    assert_eq!(settings.flow, Flow { send: false, receive: true });
    rig.request("ACK", 2);
    let held = version(&origin(&rig));
    rig.request_with("INVITE", 3, SDP);
    assert_eq!(rig.told(), ["GotUnholdRequest{remote}"]);
    assert_eq!(version(&origin(&rig)), held + 1);
    assert!(!rig.core.snapshot().on_hold_by_remote);
}

/// REFERENCE 1.3 row 44, 1.7 item 11
#[test]
fn row_44_another_address_and_codec_move_the_running_stream() {
    let mut rig = callee();
    let moved = SDP.replace("m=audio 9000 RTP/AVP 0", "m=audio 9100 RTP/AVP 8");
    rig.request_with("INVITE", 2, &moved);
    let [MediaCommand::Update { settings, .. }] = &rig.orders()[..] else { panic!() };
    assert_eq!((settings.remote.port(), settings.codec.name()), (9100, "PCMA"));
    assert_eq!(rig.core.snapshot().audio_codec, Some("PCMA"));
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".to_owned()]));
}

#[test]
fn a_reinvite_moves_the_peers_address() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, SDP);
    rig.request("ACK", 2);
    rig.order(Order::End).unwrap();
    assert_eq!(text(last(&rig).request_uri().unwrap()), "sip:bob@192.0.2.9:5064");
}

/// REFERENCE 1.5 item 9
#[test]
fn lines_that_nobody_here_understands_get_port_0() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, &with("m=video 9100 RTP/AVP 31\r\n"));
    assert!(text(last(&rig).body()).contains("m=video 0 RTP/AVP 31\r\n"));
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".to_owned()]));
}

/// REFERENCE 1.7 item 5, 1.7 item 6, 1.11 code 488
#[test]
fn what_cannot_be_answered_is_488_with_a_warning_and_the_call_goes_on() {
    let lines = with("m=video 9100 RTP/AVP 31\r\n");
    let moved = SDP.replace("m=audio", &format!("{CHAT}m=audio"));
    for (setup, offer, why) in [
        (SDP, SDP.replace("RTP/AVP 0", "RTP/AVP 18"), "no common audio codec"),
        (SDP, moved, "may not change its medium"),
        (&lines, SDP.into(), "may not have fewer media lines"),
        (SDP, "v=0\r\nm=audio".into(), ""),
    ] {
        let mut rig = Rig::new();
        rig.invited(setup);
        rig.accept().unwrap();
        rig.prepared();
        rig.request("ACK", 1);
        clear(&mut rig);
        rig.request_with("INVITE", 2, &offer);
        let refusal = last(&rig);
        assert!(matches!(refusal.status(), Some(488 | 400)), "{offer}");
        let warning = text(refusal.header(HeaderName::Warning).unwrap()).into_owned();
        assert!(warning.starts_with("399 192.0.2.1 \"") && warning.contains(why), "{warning}");
        assert_eq!((rig.told(), rig.media()), (vec![], vec![]));
        rig.wire.clear();
        rig.request_with("INVITE", 3, setup);
        assert_eq!(rig.sent(), ["200"], "{offer}");
    }
}

#[test]
fn a_refused_reinvite_leaves_the_version_alone() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, SDP);
    let before = origin(&rig);
    rig.request("ACK", 2);
    let moved = SDP.replace("m=audio", &format!("{CHAT}m=audio"));
    rig.request_with("INVITE", 3, &moved);
    rig.request_with("INVITE", 4, SDP);
    assert_eq!(origin(&rig), before);
}

#[test]
fn the_200_is_repeated_until_the_ack_of_that_very_reinvite() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, SDP);
    rig.sent();
    rig.run_until(4_000);
    assert_eq!(rig.sent(), ["200", "200", "200"]);
    rig.request("ACK", 1);
    rig.run_until(8_000);
    assert_eq!(rig.sent(), ["200"]);
    rig.request("ACK", 2);
    rig.source_seen();
    rig.run_until(60_000);
    assert_eq!((rig.sent(), rig.core.snapshot().state), (vec![], SessionState::Established));
}

#[test]
fn without_that_ack_the_call_ends_with_bye() {
    let mut rig = callee();
    rig.source_seen();
    rig.request_with("INVITE", 2, SDP);
    rig.run_until(32_000);
    assert_eq!(
        rig.told(),
        [
            "SU[]",
            "CS(ESTABLISHED>TERMINATED)",
            "DidFail{local, 408, the ACK never came}",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.sent().last().map(String::as_str), Some("BYE"));
}

/// REFERENCE 1.7 item 1, 1.11 code 500
#[test]
fn a_reinvite_before_the_first_ones_end_is_500_with_retry_after() {
    for mut rig in [Rig::incoming(), Rig::answered()] {
        let before = rig.core.snapshot().state;
        rig.request_with("INVITE", 2, SDP);
        let refusal = last(&rig);
        assert_eq!(refusal.status(), Some(500));
        let seconds: u8 = text(refusal.header(HeaderName::RetryAfter).unwrap()).parse().unwrap();
        assert!(seconds <= 10);
        assert_eq!((rig.told(), rig.core.snapshot().state), (vec![], before));
    }
}

#[test]
fn r10_a_reinvite_while_we_end_is_481() {
    let mut rig = callee();
    rig.order(Order::End).unwrap();
    clear(&mut rig);
    rig.request_with("INVITE", 2, SDP);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["481".to_owned()]));
}

#[test]
fn an_end_while_the_ack_of_a_reinvite_is_out_waits_for_it() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, SDP);
    rig.sent();
    rig.order(Order::End).unwrap();
    assert_eq!(rig.sent(), [""; 0]);
    rig.request("ACK", 2);
    assert_eq!(rig.sent(), ["BYE"]);
}

fn offerless() -> Rig {
    let mut rig = Rig::new();
    rig.invited("");
    rig
}

/// REFERENCE 1.4 item 5
#[test]
fn r16_an_invite_without_an_offer_is_answered_with_ours() {
    let mut rig = offerless();
    assert_eq!(rig.told(), ["CS(NULL>INCOMING)", "NewIncoming[]"]);
    rig.accept().unwrap();
    rig.prepared();
    assert_eq!(rig.told(), ["CS(INCOMING>ACCEPTING)", "RTPTransportDidInitialize", "WillStart"]);
    assert!(text(last(&rig).body()).contains("m=audio 4000 RTP/AVP 0 8 101\r\n"));
    assert_eq!(rig.media(), ["Prepare"]);
    rig.request_with("ACK", 1, SDP);
    assert_eq!(rig.told(), ["SU[audio]", "CS(ACCEPTING>ESTABLISHED)", "DidStart"]);
    assert_eq!(rig.media(), ["Start"]);
}

/// REFERENCE 1.4 item 5
#[test]
fn r16_an_ack_without_a_usable_answer_ends_the_call() {
    for (answer, why) in [
        ("", "the ACK has no answer to our offer"),
        (&*SDP.replace("audio 9000", "audio 0"), "the peer refused the audio stream"),
    ] {
        let mut rig = offerless();
        rig.accept().unwrap();
        rig.prepared();
        clear(&mut rig);
        rig.request_with("ACK", 1, answer);
        assert_eq!(
            rig.told(),
            [
                "CS(ACCEPTING>TERMINATED)".to_owned(),
                format!("DidFail{{local, 488, {why}}}"),
                "DidEnd{local}".to_owned()
            ]
        );
        assert_eq!((rig.sent(), rig.media()), (vec!["BYE".to_owned()], vec!["Stop".to_owned()]));
    }
}

#[test]
fn r16_an_end_before_that_ack_waits_for_it_and_a_bye_follows() {
    let mut rig = offerless();
    rig.accept().unwrap();
    rig.prepared();
    rig.order(Order::End).unwrap();
    clear(&mut rig);
    rig.request_with("ACK", 1, SDP);
    assert_eq!((rig.sent(), rig.media()), (vec!["BYE".to_owned()], vec![]));
}

#[test]
fn the_cancel_of_another_invite_leaves_the_ringing_call_alone() {
    let mut rig = Rig::incoming();
    rig.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKother;rport";
    rig.request("CANCEL", 2);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".to_owned()]));
    assert_eq!(rig.core.snapshot().state, SessionState::Incoming);
}

#[test]
fn a_repeated_reinvite_gets_its_200_again() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, SDP);
    rig.sent();
    rig.request_with("INVITE", 2, SDP);
    assert_eq!(rig.sent(), ["200"]);
    assert_eq!(rig.core.snapshot().state, SessionState::Established);
}

/// REFERENCE 1.6 item 6
#[test]
fn a_zero_address_is_a_hold_from_before_there_were_directions() {
    let mut rig = callee();
    rig.request_with("INVITE", 2, &SDP.replace("c=IN IP4 192.0.2.9", "c=IN IP4 0.0.0.0"));
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["GotHoldRequest{remote}".into()], vec!["200".into()])
    );
    let [MediaCommand::Update { settings, .. }] = &rig.orders()[..] else { panic!() };
    assert!(!settings.flow.send);
}

#[test]
fn the_next_reinvite_takes_the_place_of_one_whose_ack_was_lost() {
    let mut rig = callee();
    rig.source_seen();
    rig.request_with("INVITE", 2, SDP);
    rig.run_until(30_000);
    rig.request_with("INVITE", 3, SDP);
    rig.sent();
    rig.request("ACK", 3);
    rig.run_until(90_000);
    assert_eq!((rig.sent(), rig.core.snapshot().state), (vec![], SessionState::Established));
}
