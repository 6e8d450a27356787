//! Hold: row 28 and REFERENCE 1.6, as part 0.18 to 0.22 changes it.

use offhook::media::control::{Flow, MediaCommand};
use offhook::notification::{SessionState, StreamKind};
use offhook::session::Order;
use offhook_tests::steps::{CHAT, chat_alone, going, message, with_chat_line};
use offhook_tests::{CHAT_LINE, Rig, SDP};

const fn flow(send: bool, receive: bool) -> Flow {
    Flow { send, receive }
}

/// REFERENCE 1.3 row 28, 1.6 item 1
#[test]
fn row_28_hold_unhold() {
    let mut rig = Rig::established();
    rig.clear();
    rig.order(Order::Hold).unwrap();
    // The answer is not awaited.
    assert_eq!(
        (rig.sent(), rig.told()),
        (vec!["INVITE".into()], vec!["GotHoldRequest{local}".into()])
    );
    let [MediaCommand::Update { settings, .. }] = &rig.orders()[..] else { panic!() };
    assert!(settings.on_hold && !settings.flow.receive);
    assert!(rig.core.snapshot().on_hold_by_local);
    rig.reply(200, "", &going("recvonly"));
    assert_eq!((rig.sent(), rig.told()), (vec!["ACK".into()], vec![]));
    rig.clear();
    rig.order(Order::Unhold).unwrap();
    assert_eq!(rig.told(), ["GotUnholdRequest{local}"]);
    let [MediaCommand::Update { settings, .. }] = &rig.orders()[..] else { panic!() };
    assert!(!settings.on_hold && settings.flow.receive, "it listens before the answer");
    rig.reply(200, "", SDP);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["INVITE".into(), "ACK".into()]));
    assert!(!rig.core.snapshot().on_hold_by_local);
}

/// REFERENCE 1.3 row 28, 2 row 10
#[test]
fn row_28_hold_is_an_error_outside_of_established() {
    for mut rig in [Rig::new(), Rig::calling(), Rig::incoming(), Rig::answered(), Rig::proposing()]
    {
        for order in [Order::Hold, Order::Unhold] {
            let error = rig.order(order).unwrap_err();
            assert!(error.to_string().contains("hold() needs ESTABLISHED, the session is"));
        }
        assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
    }
}

/// REFERENCE 1.6 item 2
#[test]
fn s1_6_item_2_directions_that_are_offered() {
    let offered = |mut rig: Rig, order| {
        rig.order(order).unwrap();
        rig.lines().pop().unwrap()
    };
    assert_eq!(offered(Rig::established(), Order::Hold), "audio 4000 sendonly");
    assert_eq!(offered(Rig::holding(), Order::Unhold), "audio 4000 sendrecv");
    // While the peer holds us we may not send (0.19); our unhold offers sendrecv all the same.
    assert_eq!(offered(Rig::held(), Order::Hold), "audio 4000 inactive");
    let mut both = Rig::held();
    both.order(Order::Hold).unwrap();
    both.reply(200, "", &going("inactive"));
    assert_eq!(offered(both, Order::Unhold), "audio 4000 sendrecv");
}

/// REFERENCE 1.6 item 3
#[test]
fn s1_6_item_3_directions_that_are_answered() {
    for (offer, free, holding) in [
        ("sendrecv", "sendrecv", "sendonly"),
        ("sendonly", "recvonly", "inactive"),
        ("recvonly", "sendonly", "sendonly"),
        ("inactive", "inactive", "inactive"),
    ] {
        for (mut rig, answer) in [(Rig::established(), free), (Rig::holding(), holding)] {
            rig.request_with("INVITE", 5, &going(offer));
            assert_eq!(rig.lines(), [format!("audio 4000 {answer}")], "{offer}");
        }
    }
}

/// REFERENCE 1.6 item 4
#[test]
fn s1_6_item_4_the_peer_holds_when_its_description_does_not_receive() {
    for (direction, holds) in
        [("sendrecv", false), ("sendonly", true), ("recvonly", false), ("inactive", true)]
    {
        let mut offered = Rig::callee();
        offered.request_with("INVITE", 2, &going(direction));
        assert_eq!(offered.core.snapshot().on_hold_by_remote, holds, "offer {direction}");
        let mut answered = Rig::calling();
        answered.reply(200, "", &going(direction));
        assert_eq!(answered.core.snapshot().on_hold_by_remote, holds, "answer {direction}");
    }
}

/// REFERENCE 1.6 item 4, 1.3 row 6
#[test]
fn s1_6_item_4_a_call_can_begin_held() {
    let mut caller = Rig::calling();
    caller.reply(200, "", &going("sendonly"));
    assert_eq!(
        caller.told(),
        ["WillStart", "SU[audio]", "GotHoldRequest{remote}", "CS(CALLING>ESTABLISHED)", "DidStart"]
    );
    assert_eq!(caller.flow(), flow(false, true));
    let mut callee = Rig::new();
    callee.invited(&going("inactive"));
    callee.accept().unwrap();
    callee.clear();
    callee.prepared();
    assert_eq!(
        callee.told(),
        ["RTPTransportDidInitialize", "SU[audio]", "GotHoldRequest{remote}", "WillStart"]
    );
    assert_eq!(callee.flow(), flow(false, false));
}

/// REFERENCE 1.6 item 4
#[test]
fn s1_6_item_4_an_inactive_answer_to_our_hold_is_no_hold_of_the_peer() {
    // 0.19 overrules the row, which counts it.
    let mut rig = Rig::established();
    rig.order(Order::Hold).unwrap();
    rig.told();
    rig.reply(200, "", &going("inactive"));
    assert_eq!(rig.told(), [""; 0]);
    assert!(!rig.core.snapshot().on_hold_by_remote);
    // Nor does it end one.
    let mut held = Rig::held();
    held.order(Order::Hold).unwrap();
    held.told();
    held.reply(200, "", &going("inactive"));
    assert_eq!(held.told(), [""; 0]);
    assert!(held.core.snapshot().on_hold_by_remote);
}

/// REFERENCE 1.6 item 5
#[test]
fn s1_6_item_5_both_hold_and_release_in_either_order() {
    for we_first in [true, false] {
        let mut rig = Rig::held();
        rig.order(Order::Hold).unwrap();
        rig.reply(200, "", &going("inactive"));
        assert_eq!(rig.told(), ["GotHoldRequest{local}"]);
        assert_eq!(rig.flow(), flow(false, false));
        let (ours, theirs) = if we_first {
            rig.order(Order::Unhold).unwrap();
            // The peer still holds: our sendrecv becomes its sendonly.
            rig.reply(200, "", &going("sendonly"));
            assert_eq!(
                (rig.flow(), rig.told().pop()),
                (flow(false, true), Some("GotUnholdRequest{local}".into()))
            );
            rig.request_with("INVITE", 2, SDP);
            rig.request("ACK", 2);
            (rig.told(), vec!["GotUnholdRequest{remote}".to_owned()])
        } else {
            rig.request_with("INVITE", 2, SDP);
            rig.request("ACK", 2);
            assert_eq!(rig.lines(), ["audio 4000 sendonly"], "never sendrecv while we hold");
            assert_eq!(rig.flow(), flow(true, false));
            rig.told();
            rig.order(Order::Unhold).unwrap();
            rig.reply(200, "", SDP);
            (rig.told(), vec!["GotUnholdRequest{local}".to_owned()])
        };
        assert_eq!(ours, theirs);
        assert_eq!(rig.flow(), flow(true, true));
        let snapshot = rig.core.snapshot();
        assert!(!snapshot.on_hold_by_local && !snapshot.on_hold_by_remote);
    }
}

/// REFERENCE 1.6 item 6
#[test]
fn s1_6_item_6_an_address_of_zeros_is_a_hold_in_offer_and_answer() {
    // 0.18 overrules the row: 0.0.0.0 and :: are holds.
    for address in ["IP4 0.0.0.0", "IP6 ::"] {
        let sdp = SDP.replace("c=IN IP4 192.0.2.9", &format!("c=IN {address}"));
        let mut rig = Rig::callee();
        rig.request_with("INVITE", 2, &sdp);
        assert_eq!(
            (rig.told(), rig.sent()),
            (vec!["GotHoldRequest{remote}".into()], vec!["200".into()])
        );
        let mut caller = Rig::calling();
        caller.reply(200, "", &sdp);
        assert!(caller.core.snapshot().on_hold_by_remote && !caller.flow().send);
    }
}

/// REFERENCE 1.6 item 7, 2 row 23
#[test]
fn s1_6_item_7_hold_with_chat_alone_changes_the_version_only() {
    let mut rig = Rig::new();
    rig.call(CHAT).unwrap();
    rig.chat_prepared();
    let (before, offered) = (rig.version(), rig.description());
    rig.reply(200, "", &chat_alone());
    rig.chat_started();
    rig.clear();
    rig.order(Order::Hold).unwrap();
    assert_eq!(rig.told(), ["GotHoldRequest{local}"]);
    assert_eq!(rig.version(), before + 1);
    let same = rig.description().replace(&format!(" {} IN", before + 1), &format!(" {before} IN"));
    assert_eq!(same, offered);
    assert!(rig.core.snapshot().on_hold_by_local && rig.core.snapshot().has_chat);
    rig.reply(200, "", &chat_alone());
    // The chat works on, and its peer can never hold it.
    rig.order(message("m1")).unwrap();
    rig.request_with("INVITE", 5, &format!("{}a=sendonly\r\n", chat_alone()));
    assert!(!rig.core.snapshot().on_hold_by_remote);
    assert_eq!(rig.told(), [""; 0]);
}

/// REFERENCE 1.6 item 8
#[test]
fn s1_6_item_8_a_refused_unhold_is_taken_back_and_told() {
    // 0.20 overrules the row, where the flag stays.
    let mut rig = Rig::holding();
    rig.order(Order::Unhold).unwrap();
    rig.reply(488, "", "");
    assert_eq!(rig.told(), ["GotUnholdRequest{local}", "GotHoldRequest{local}"]);
    assert!(rig.core.snapshot().on_hold_by_local);
    assert!(!rig.flow().receive);
    assert_eq!(rig.sent(), ["INVITE", "ACK"]);
}

/// REFERENCE 1.6 item 8
#[test]
fn s1_6_item_8_a_hold_that_nobody_answers_ends_the_session() {
    let mut rig = Rig::established();
    rig.source_seen();
    rig.order(Order::Hold).unwrap();
    rig.told();
    rig.run_until(32_000);
    assert_eq!(
        rig.told(),
        [
            "SU[]",
            "CS(ESTABLISHED>TERMINATED)",
            "DidFail{local, 408, Request Timeout}",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.sent().last().map(String::as_str), Some("BYE"));
}

/// REFERENCE 1.6 item 9
#[test]
fn s1_6_item_9_audio_added_while_held_is_offered_sendonly_and_not_connected() {
    // R: sendonly alone, and the microphone stays out.
    let mut rig = Rig::chatting();
    rig.order(Order::Hold).unwrap();
    rig.reply(200, "", &chat_alone());
    rig.order(Order::Add(StreamKind::Audio)).unwrap();
    rig.prepared();
    assert_eq!(rig.lines(), ["message 2855", "audio 4000 sendonly"]);
    rig.orders();
    let (head, audio) = SDP.split_once("m=").unwrap();
    rig.reply(200, "", &format!("{head}{CHAT_LINE}m={audio}a=recvonly\r\n"));
    let orders = rig.orders();
    let [MediaCommand::Start { settings, .. }] = &orders[..] else { panic!("{orders:?}") };
    assert!(settings.on_hold && !settings.flow.receive);
    assert!(rig.core.snapshot().on_hold_by_local);
}

/// REFERENCE 1.6 item 10
#[test]
fn s1_6_item_10_removing_audio_ends_the_peers_hold() {
    // 0.21: told before SU.
    let mut rig = Rig::held();
    rig.order(Order::Remove(StreamKind::Audio)).unwrap();
    assert_eq!(rig.told(), ["GotUnholdRequest{remote}", "SU[]"]);
    assert!(!rig.core.snapshot().on_hold_by_remote);
    let mut theirs = Rig::held();
    theirs.request_with("INVITE", 2, &SDP.replace("9000", "0"));
    assert_eq!(theirs.told(), ["GotUnholdRequest{remote}", "SU[]"]);
    // Our own hold is a wish of ours and stays.
    let mut ours = Rig::holding();
    ours.order(Order::Remove(StreamKind::Audio)).unwrap();
    assert!(ours.core.snapshot().on_hold_by_local);
}

/// REFERENCE 1.6 item 11, 2 row 15
#[test]
fn s1_6_item_11_who_held_unholds() {
    let mut ours = Rig::holding();
    ours.order(Order::Unhold).unwrap();
    assert_eq!(ours.told(), ["GotUnholdRequest{local}"]);
    let mut theirs = Rig::held();
    theirs.request_with("INVITE", 2, SDP);
    assert_eq!(theirs.told(), ["GotUnholdRequest{remote}"]);
    assert_eq!(theirs.core.snapshot().state, SessionState::Established);
}

/// REFERENCE 1.3 row 28
#[test]
fn row_28_chat_goes_on_in_hold() {
    let mut rig = Rig::with_chat();
    rig.order(Order::Hold).unwrap();
    assert_eq!(rig.lines(), ["audio 4000 sendonly", "message 2855"]);
    rig.reply(200, "", &with_chat_line().replace("m=message", "a=recvonly\r\nm=message"));
    rig.order(message("m1")).unwrap();
    assert_eq!(rig.told(), ["GotHoldRequest{local}"]);
    assert!(rig.core.snapshot().has_chat && rig.core.snapshot().has_audio);
}
