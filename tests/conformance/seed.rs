//! REFERENCE part 2: where the seed leaves a choice, which one is taken.

use offhook::notification::{NotificationData, SessionState, StreamKind};
use offhook::session::Order;
use offhook::snapshot::CallDirection;
use offhook_fsm::session::{Event, State, allowed};
use offhook_tests::steps::{BOTH, chat_alone, with_chat_line};
use offhook_tests::{Rig, SDP};

/// REFERENCE 2 row 1, 2 row 2, 2 row 3
#[test]
fn part_2_row_1_2_3_names_that_the_seed_doubles_or_misspells() {
    let originator = offhook::notification::Originator::Local;
    let (message_id, code, reason) = (String::new(), 0, String::new());
    for (data, name) in [
        (
            NotificationData::SessionDidNotDeliverMessage { message_id, code, reason },
            "SIPSessionDidNotDeliverMessage",
        ),
        (
            NotificationData::SessionAcceptedStreamProposal { proposer: originator },
            "SIPSessionAcceptedStreamProposal",
        ),
        (NotificationData::SessionGotHoldRequest { originator }, "SIPSessionGotHoldRequest"),
        (NotificationData::SessionGotUnholdRequest { originator }, "SIPSessionGotUnholdRequest"),
    ] {
        assert_eq!(data.name(), name);
    }
}

/// REFERENCE 2 row 4
#[test]
fn part_2_row_4_there_are_nine_states() {
    let names: Vec<_> = State::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(
        names,
        [
            "NULL",
            "CALLING",
            "INCOMING",
            "ACCEPTING",
            "ESTABLISHED",
            "PROPOSING",
            "PROPOSED",
            "TERMINATING",
            "TERMINATED"
        ]
    );
}

/// REFERENCE 2 row 5, 2 row 24
#[test]
fn part_2_row_5_24_new_outgoing_names_our_streams_audio_first() {
    let mut rig = Rig::new();
    rig.call(BOTH).unwrap();
    assert_eq!(rig.told(), ["CS(NULL>CALLING)", "NewOutgoing[audio,chat]"]);
    assert_eq!(
        (StreamKind::Audio.to_string(), StreamKind::Chat.to_string()),
        ("audio".into(), "chat".into())
    );
}

/// REFERENCE 2 row 9, 2 row 10
#[test]
fn part_2_row_9_10_the_table_says_where_methods_are_legal() {
    use State::{Accepting, Calling, Established, Incoming, Proposed, Proposing};
    let of = |event| allowed(event).collect::<Vec<_>>();
    for event in [Event::Hold, Event::Propose, Event::Remove] {
        assert_eq!(of(event), [Established], "{event}");
    }
    for event in [Event::StartRecording, Event::StopRecording] {
        assert_eq!(of(event), [Established, Proposing, Proposed], "{event}");
    }
    assert_eq!(
        of(Event::SendDtmf),
        [Calling, Incoming, Accepting, Established, Proposing, Proposed]
    );
    assert_eq!(of(Event::SendMessage), [Calling, Accepting, Established, Proposing, Proposed]);
}

/// REFERENCE 2 row 11, 1.3 row 47
#[test]
fn part_2_row_11_end_and_reject_that_have_nothing_to_end_are_ignored() {
    let mut ending = Rig::established();
    ending.order(Order::End).unwrap();
    ending.clear();
    ending.order(Order::End).unwrap();
    let mut over = Rig::established();
    over.request("BYE", 1);
    over.clear();
    over.order(Order::End).unwrap();
    over.order(Order::reject(486)).unwrap();
    let mut fresh = Rig::new();
    fresh.order(Order::End).unwrap();
    for mut rig in [ending, over, fresh] {
        assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
    }
}

/// REFERENCE 2 row 14
#[test]
fn part_2_row_14_will_start_comes_before_the_ack_and_after_the_callees_streams() {
    // 0.23: before the ACK is handed to the socket, by the order of the core's own outputs.
    let mut rig = Rig::calling();
    rig.reply(200, "", SDP);
    assert_eq!(
        rig.trace[rig.trace.len() - 5..],
        ["WillStart", "Transmit ACK", "SU[audio]", "CS(CALLING>ESTABLISHED)", "DidStart"]
    );
    let mut callee = Rig::incoming();
    callee.accept().unwrap();
    callee.clear();
    callee.prepared();
    assert_eq!(callee.told(), ["RTPTransportDidInitialize", "SU[audio]", "WillStart"]);
}

/// REFERENCE 2 row 18, 2 row 35
#[test]
fn part_2_row_18_35_every_notification_has_a_utc_timestamp() {
    // 0.1 overrules the rows: message notifications, too; RFC 3339 with Z.
    let mut rig = Rig::chatting();
    rig.run_until(1_500);
    rig.order(offhook_tests::steps::message("m1")).unwrap();
    rig.chat_failed();
    assert_eq!(rig.stamps.last().unwrap().0, "SIPSessionGotStreamUpdate");
    for (name, stamp) in rig.stamps.iter().rev().take(3) {
        assert_eq!(stamp, "1970-01-01T00:00:01.500000Z", "{name}");
    }
}

/// REFERENCE 2 row 19
#[test]
fn part_2_row_19_attributes_are_options_and_outlive_the_session() {
    let fresh = Rig::new();
    let snapshot = fresh.core.snapshot();
    assert!(snapshot.direction.is_none() && snapshot.remote_uri.is_none());
    assert!(snapshot.audio_codec.is_none() && snapshot.audio_local_rtp.is_none());
    let mut rig = Rig::calling();
    // 0.3: our address from the moment the socket is bound, the rest from negotiation on.
    assert!(rig.core.snapshot().audio_local_rtp.is_some());
    assert!(rig.core.snapshot().audio_codec.is_none());
    rig.reply(200, "", SDP);
    assert!(rig.core.snapshot().audio_remote_rtp_sdp.is_some());
    assert_eq!(rig.core.snapshot().audio_srtp_active, Some(false));
    rig.request("BYE", 1);
    let snapshot = rig.core.snapshot();
    assert_eq!(snapshot.state, SessionState::Terminated);
    assert_eq!(snapshot.direction, Some(CallDirection::Outgoing));
    assert!(snapshot.local_uri.is_some() && snapshot.remote_uri.is_some());
    assert!(
        snapshot.route.is_some() && snapshot.start_time.is_some() && snapshot.stop_time.is_some()
    );
    assert!(snapshot.audio_codec.is_none() && snapshot.audio_local_rtp.is_none());
}

/// REFERENCE 2 row 20, 2 row 21
#[test]
fn part_2_row_20_21_addresses_and_route_of_both_directions() {
    let incoming = Rig::incoming();
    let snapshot = incoming.core.snapshot();
    assert_eq!(snapshot.local_uri.as_deref(), Some("sip:alice@192.0.2.1"), "the To of the INVITE");
    assert_eq!(snapshot.remote_uri.as_deref(), Some("\"Bob\" <sip:bob@192.0.2.9>"));
    assert_eq!((snapshot.route, snapshot.direction), (None, Some(CallDirection::Incoming)));
    let mut outgoing = Rig::new();
    assert_eq!(outgoing.core.snapshot().route, None);
    outgoing.connect(1).unwrap();
    outgoing.prepared();
    assert!(outgoing.core.snapshot().route.is_some());
}

/// REFERENCE 2 row 22
#[test]
fn part_2_row_22_the_peers_user_agent() {
    assert_eq!(Rig::incoming().core.snapshot().remote_user_agent.as_deref(), Some("peer/1"));
    for (status, header, body) in
        [(200, "Server: s/1", SDP), (200, "User-Agent: s/1", SDP), (486, "Server: s/1", "")]
    {
        let mut rig = Rig::calling();
        rig.reply(180, "User-Agent: other", "");
        assert_eq!(rig.core.snapshot().remote_user_agent, None);
        rig.reply(status, header, body);
        assert_eq!(rig.core.snapshot().remote_user_agent.as_deref(), Some("s/1"), "{status}");
    }
}

/// REFERENCE 2 row 26
#[test]
fn part_2_row_26_a_stream_update_is_the_whole_set_and_comes_with_a_change_only() {
    let mut rig = Rig::with_chat();
    rig.request_with("INVITE", 1, &with_chat_line());
    rig.request("ACK", 1);
    assert_eq!(rig.told(), [""; 0]);
    rig.request_with("INVITE", 2, &with_chat_line().replace("2855 ", "0 "));
    assert_eq!(rig.told(), ["MSRPChatWillEnd", "MSRPChatDidEnd", "SU[audio]"]);
}

/// REFERENCE 2 row 28
#[test]
fn part_2_row_28_reject_sends_the_code_that_is_asked_for() {
    for code in [300, 486, 603, 699] {
        let mut rig = Rig::incoming();
        rig.order(Order::reject(code)).unwrap();
        assert_eq!(rig.sent(), [code.to_string()]);
    }
    for code in [0, 200, 299, 700] {
        let mut rig = Rig::incoming();
        assert_eq!(rig.order(Order::reject(code)).unwrap_err().name(), "InvalidArgument");
        assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
    }
}

/// REFERENCE 2 row 23, 2 row 34
#[test]
fn part_2_row_23_34_a_chat_that_is_prepared_is_not_active() {
    let mut rig = Rig::new();
    rig.call(offhook_tests::steps::CHAT).unwrap();
    rig.chat_prepared();
    rig.reply(200, "", &chat_alone());
    assert!(!rig.core.snapshot().has_chat);
    rig.chat_started();
    assert!(rig.core.snapshot().has_chat);
    rig.order(Order::Hold).unwrap();
    let snapshot = rig.core.snapshot();
    assert!(snapshot.on_hold_by_local && !snapshot.on_hold_by_remote);
}
