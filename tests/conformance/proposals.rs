//! Streams that the peer adds, and its other offers: rows 39 to 44, REFERENCE 1.7.

use offhook::error::SessionError;
use offhook::media::control::Flow;
use offhook::notification::SessionState;
use offhook::session::Order;
use offhook::sip::{HeaderName, text};
use offhook::streams::Streams;
use offhook_tests::steps::{BOTH, CHAT, going, with_chat_line};
use offhook_tests::{CHAT_LINE, Rig, SDP};

/// A call without streams.
fn empty() -> Rig {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 1, &SDP.replace("9000", "0"));
    rig.request("ACK", 1);
    rig.clear();
    rig
}

/// A call without streams in which the peer proposes both.
fn both_proposed() -> Rig {
    let mut rig = empty();
    rig.request_with("INVITE", 5, &with_chat_line());
    rig
}

/// REFERENCE 1.3 row 39
#[test]
fn row_39_a_reinvite_that_adds_rings_and_is_told() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &with_chat_line());
    assert_eq!(rig.sent(), ["180"]);
    assert_eq!(rig.told(), ["CS(ESTABLISHED>PROPOSED)", "GotStreamProposal{remote, chat}"]);
    let mut both = both_proposed();
    assert_eq!(both.told(), ["CS(ESTABLISHED>PROPOSED)", "GotStreamProposal{remote, audio,chat}"]);
}

/// REFERENCE 1.3 row 40, 2 row 17
#[test]
fn row_40_accepting_tells_accepted_before_the_streams() {
    let mut rig = both_proposed();
    rig.clear();
    rig.order(Order::AcceptProposal(BOTH)).unwrap();
    assert_eq!((rig.told(), rig.sent()), (vec![], vec![]), "preparation comes first");
    rig.prepared();
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
    assert_eq!(
        rig.told(),
        [
            "RTPTransportDidInitialize",
            "MSRPChatDidInitialize",
            "CS(PROPOSED>ESTABLISHED)",
            "AcceptedStreamProposal{remote}",
            "SU[audio]"
        ]
    );
    assert_eq!(rig.sent(), ["200"]);
    rig.request("ACK", 5);
    rig.chat_started();
    assert_eq!(rig.told(), ["MSRPChatDidStart", "SU[audio,chat]"]);
}

/// REFERENCE 1.3 row 40
#[test]
fn row_40_what_is_not_taken_is_answered_with_port_0() {
    let mut rig = both_proposed();
    rig.order(Order::AcceptProposal(Streams::AUDIO)).unwrap();
    rig.prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    let mut chat = both_proposed();
    chat.order(Order::AcceptProposal(CHAT)).unwrap();
    chat.chat_prepared();
    assert_eq!(chat.lines(), ["audio 0", "message 2855"]);
}

/// REFERENCE 1.3 row 40
#[test]
fn row_40_what_cannot_be_accepted_is_an_invalid_argument_and_changes_nothing() {
    // 0.5: not proposed, already running, or nothing at all.
    let mut rig = Rig::proposed();
    for streams in [Streams::AUDIO, BOTH, Streams::default()] {
        let refused = rig.order(Order::AcceptProposal(streams));
        assert!(matches!(refused, Err(SessionError::InvalidArgument(_))), "{streams:?}");
    }
    assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
    for mut rig in [Rig::established(), Rig::proposing(), Rig::incoming()] {
        let state = rig.core.snapshot().state;
        assert_eq!(
            rig.order(Order::AcceptProposal(CHAT)).unwrap_err().to_string(),
            format!("accept_proposal() needs PROPOSED, the session is {state}")
        );
    }
}

/// REFERENCE 1.3 row 40, 1.5 item 11
#[test]
fn s1_5_item_11_a_second_accept_proposal_is_a_state_error() {
    let mut rig = Rig::proposed();
    rig.order(Order::AcceptProposal(CHAT)).unwrap();
    let error = rig.order(Order::AcceptProposal(CHAT)).unwrap_err();
    assert_eq!(error.name(), "SessionStateError");
    assert!(error.to_string().starts_with("accept_proposal() while the first one works"));
    rig.chat_prepared();
    assert_eq!(rig.sent(), ["200"]);
}

/// REFERENCE 1.3 row 40, 1.11 code 488
#[test]
fn row_40_a_proposal_with_nothing_usable_is_488_and_rejected() {
    // 0.12
    let mut rig = Rig::established();
    let tls = CHAT_LINE.replace("TCP/MSRP", "TCP/TLS/MSRP");
    rig.request_with("INVITE", 5, &format!("{SDP}{tls}"));
    rig.clear();
    rig.order(Order::AcceptProposal(CHAT)).unwrap();
    rig.chat_prepared();
    let told = rig.told();
    assert_eq!(told[1], "CS(PROPOSED>ESTABLISHED)");
    assert!(told[2].starts_with("RejectedStreamProposal{remote, the chat line has no usable path"));
    assert!(rig.warning().contains("usable path"));
    assert_eq!(rig.sent(), ["488"]);
    rig.order(Order::Hold).unwrap();
    assert_eq!(rig.lines(), ["audio 4000 sendonly"]);
}

/// REFERENCE 1.3 row 40
#[test]
fn row_40_one_usable_stream_of_two_is_accepted() {
    // 0.12: 200, Accepted, then SU.
    let mut rig = empty();
    rig.request_with("INVITE", 5, &with_chat_line().replace("RTP/AVP 0", "RTP/AVP 18"));
    rig.order(Order::AcceptProposal(BOTH)).unwrap();
    rig.clear();
    rig.prepared();
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 0", "message 2855"]);
    assert_eq!(rig.told()[2..], ["CS(PROPOSED>ESTABLISHED)", "AcceptedStreamProposal{remote}"]);
    assert_eq!((rig.sent(), rig.media()), (vec!["200".into()], vec!["Stop".into()]));
}

/// REFERENCE 1.3 row 41
#[test]
fn row_41_a_rejection_is_told_and_then_sent() {
    let mut rig = Rig::proposed();
    rig.order(Order::RejectProposal).unwrap();
    assert_eq!(
        rig.told(),
        ["CS(PROPOSED>ESTABLISHED)", "RejectedStreamProposal{remote, rejected by the user}"]
    );
    assert_eq!(rig.sent(), ["488"]);
    assert_eq!(
        rig.order(Order::RejectProposal).unwrap_err().to_string(),
        "reject_proposal() needs PROPOSED, the session is ESTABLISHED"
    );
    // The call goes on as it was.
    rig.request_with("INVITE", 6, SDP);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".into()]));
}

/// REFERENCE 1.3 row 42, 1.11 code 500
#[test]
fn row_42_a_failed_preparation_is_500_and_the_call_goes_on() {
    let mut rig = Rig::proposed();
    rig.order(Order::AcceptProposal(CHAT)).unwrap();
    rig.chat_prepare_failed();
    assert_eq!(
        rig.told(),
        [
            "MSRPChatDidFail",
            "CS(PROPOSED>ESTABLISHED)",
            "RejectedStreamProposal{remote, chat: no listener}"
        ]
    );
    assert!(rig.warning().contains("chat: no listener"));
    assert_eq!(rig.sent(), ["500"]);
    assert!(rig.core.snapshot().has_audio);
}

/// REFERENCE 1.3 row 43, 1.11 code 487
#[test]
fn row_43_the_peer_cancels_before_and_during_preparation() {
    // R: 487, back to ESTABLISHED, told.
    for accepted in [false, true] {
        let mut rig = Rig::proposed();
        if accepted {
            rig.order(Order::AcceptProposal(CHAT)).unwrap();
        }
        rig.request("CANCEL", 5);
        assert_eq!(rig.sent(), ["200", "487"]);
        assert_eq!(
            rig.told(),
            ["CS(PROPOSED>ESTABLISHED)", "RejectedStreamProposal{remote, cancelled by the peer}"]
        );
        rig.order(Order::Hold).unwrap();
        assert_eq!(rig.lines(), ["audio 4000 sendonly"]);
    }
}

/// REFERENCE 1.3 row 43
#[test]
fn row_43_a_cancel_after_the_200_changes_nothing() {
    let mut rig = Rig::proposed();
    rig.order(Order::AcceptProposal(CHAT)).unwrap();
    rig.chat_prepared();
    rig.clear();
    rig.request("CANCEL", 5);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".into()]));
}

/// REFERENCE 1.3 row 44
#[test]
fn row_44_a_refresh_a_hold_and_a_removal_are_answered_at_once() {
    let mut rig = Rig::with_chat();
    for (cseq, offer, told) in [
        (1, with_chat_line(), vec![]),
        (2, format!("{}{CHAT_LINE}", going("sendonly")), vec!["GotHoldRequest{remote}"]),
        (3, with_chat_line(), vec!["GotUnholdRequest{remote}"]),
        (
            4,
            with_chat_line().replace("2855 ", "0 "),
            vec!["MSRPChatWillEnd", "MSRPChatDidEnd", "SU[audio]"],
        ),
    ] {
        rig.request_with("INVITE", cseq, &offer);
        assert_eq!(
            (rig.sent(), rig.told()),
            (vec!["200".into()], told.iter().map(|t| (*t).into()).collect())
        );
        rig.request("ACK", cseq);
    }
}

/// REFERENCE 1.7 item 1, 1.5 item 12
#[test]
fn s1_7_item_1_an_offer_while_another_is_pending() {
    // R: 491 when ours is pending, 500 with Retry-After when theirs is.
    let mut ours = Rig::established();
    ours.order(Order::Hold).unwrap();
    ours.clear();
    ours.request_with("INVITE", 5, SDP);
    assert_eq!((ours.told(), ours.sent()), (vec![], vec!["491".into()]));
    let mut proposing = Rig::proposing();
    for method in ["INVITE", "UPDATE"] {
        proposing.request_with(method, if method == "INVITE" { 5 } else { 6 }, SDP);
        assert_eq!((proposing.told(), proposing.sent()), (vec![], vec!["491".into()]), "{method}");
    }
    let mut theirs = Rig::proposed();
    // Another request, not the proposal again.
    theirs.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKother;rport";
    for (method, cseq) in [("INVITE", 6), ("UPDATE", 7)] {
        theirs.request_with(method, cseq, SDP);
        let seconds: u8 =
            text(theirs.last().header(HeaderName::RetryAfter).unwrap()).parse().unwrap();
        assert!(seconds <= 10);
        assert_eq!((theirs.told(), theirs.sent()), (vec![], vec!["500".into()]), "{method}");
    }
    assert_eq!(theirs.core.snapshot().state, SessionState::Proposed);
}

/// REFERENCE 1.7 item 1
#[test]
fn s1_7_item_1_a_reinvite_without_a_body_gets_a_fresh_offer_of_what_runs() {
    // 0.16
    let mut rig = Rig::with_chat();
    rig.request_with("INVITE", 5, "");
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
    rig.request_with("ACK", 5, &with_chat_line());
    assert_eq!((rig.sent(), rig.told()), (vec!["200".into()], vec![]));
    let mut holding = Rig::holding();
    holding.request_with("INVITE", 5, "");
    assert_eq!(holding.lines(), ["audio 4000 sendonly"]);
}

/// REFERENCE 1.7 item 2, 1.7 item 3, 1.7 item 4
#[test]
fn s1_7_item_2_3_4_the_origin_line_is_not_looked_at() {
    // R: identical or not, any increase, any contents.
    for origin in ["- 1 1 IN IP4 192.0.2.9", "- 1 7 IN IP4 192.0.2.9", "x 9 0 IN IP6 ::1"] {
        let mut rig = Rig::callee();
        let offer = going("sendonly").replace("o=- 1 1 IN IP4 192.0.2.9", &format!("o={origin}"));
        rig.request_with("INVITE", 2, &offer);
        assert_eq!(
            (rig.sent(), rig.told()),
            (vec!["200".into()], vec!["GotHoldRequest{remote}".into()]),
            "{origin}"
        );
    }
}

/// REFERENCE 1.7 item 5, 1.7 item 6, 1.7 item 8
#[test]
fn s1_7_item_5_6_8_offers_that_are_refused() {
    let (head, audio_line) = SDP.split_once("m=").unwrap();
    let swapped = format!("{head}{CHAT_LINE}m={audio_line}");
    let exchanged = format!("{}{CHAT_LINE}", SDP.replace("9000", "0"));
    for (mut rig, offer, why) in [
        (Rig::with_chat(), SDP.to_owned(), "may not have fewer media lines"),
        (Rig::with_chat(), swapped, "may not change its medium"),
        (Rig::callee(), exchanged, "may not add and remove streams at once"),
    ] {
        rig.request_with("INVITE", 5, &offer);
        assert!(rig.warning().contains(why), "{why}");
        assert_eq!((rig.sent(), rig.told()), (vec!["488".into()], vec![]), "{why}");
        assert_eq!(rig.core.snapshot().state, SessionState::Established);
    }
}

/// REFERENCE 1.7 item 7
#[test]
fn s1_7_item_7_port_0_removes_and_a_new_line_adds() {
    let mut removal = Rig::with_chat();
    removal.request_with("INVITE", 5, &with_chat_line().replace("9000", "0"));
    assert_eq!(removal.told(), ["SU[chat]"]);
    let mut addition = Rig::callee();
    addition.request_with("INVITE", 5, &with_chat_line());
    assert_eq!(addition.told(), ["CS(ESTABLISHED>PROPOSED)", "GotStreamProposal{remote, chat}"]);
    // A line that was closed before and a video line are neither.
    let mut neither = Rig::callee();
    neither.request_with(
        "INVITE",
        5,
        &format!("{SDP}m=message 0 TCP/MSRP *\r\nm=video 4 RTP/AVP 31\r\n"),
    );
    assert_eq!((neither.told(), neither.sent()), (vec![], vec!["200".into()]));
}

/// REFERENCE 1.7 item 9
#[test]
fn s1_7_item_9_a_hold_beside_an_addition_waits_for_the_users_answer() {
    let offer = format!("{}{CHAT_LINE}", going("sendonly"));
    let mut accepted = Rig::established();
    accepted.request_with("INVITE", 5, &offer);
    accepted.clear();
    assert!(!accepted.core.snapshot().on_hold_by_remote);
    accepted.order(Order::AcceptProposal(CHAT)).unwrap();
    accepted.chat_prepared();
    assert_eq!(
        accepted.told()[1..],
        ["CS(PROPOSED>ESTABLISHED)", "AcceptedStreamProposal{remote}", "GotHoldRequest{remote}"]
    );
    assert_eq!(accepted.flow(), Flow { send: false, receive: true });
    let mut rejected = Rig::established();
    rejected.request_with("INVITE", 5, &offer);
    rejected.clear();
    rejected.order(Order::RejectProposal).unwrap();
    assert!(!rejected.core.snapshot().on_hold_by_remote);
    assert_eq!(rejected.media(), [""; 0]);
}

/// REFERENCE 1.7 item 10
#[test]
fn s1_7_item_10_removals_and_hold_apply_together_audio_first() {
    let mut both = Rig::with_chat();
    both.request_with("INVITE", 5, &with_chat_line().replace("9000", "0").replace("2855 ", "0 "));
    assert_eq!(both.told(), ["SU[chat]", "MSRPChatWillEnd", "MSRPChatDidEnd", "SU[]"]);
    assert_eq!(both.sent(), ["200"]);
    let mut hold = Rig::with_chat();
    let offer = format!("{}{CHAT_LINE}", going("sendonly")).replace("2855 ", "0 ");
    hold.request_with("INVITE", 5, &offer);
    assert_eq!(
        hold.told(),
        ["GotHoldRequest{remote}", "MSRPChatWillEnd", "MSRPChatDidEnd", "SU[audio]"]
    );
}

/// REFERENCE 1.7 item 11
#[test]
fn s1_7_item_11_the_stream_follows_the_peers_new_address() {
    // R: re-target RTP.
    let mut rig = Rig::callee();
    let moved = SDP.replace("c=IN IP4 192.0.2.9", "c=IN IP4 192.0.2.77").replace("9000", "9200");
    rig.request_with("INVITE", 2, &moved);
    let address = rig.core.snapshot().audio_remote_rtp_sdp.unwrap();
    assert_eq!(address, "192.0.2.77:9200".parse().unwrap());
    assert_eq!((rig.media(), rig.told()), (vec!["Update".into()], vec![]));
}

/// REFERENCE 1.7 item 11
#[test]
fn s1_7_item_11_an_update_does_what_row_44_does_and_never_adds() {
    // 0.17 overrules the item, which answers every UPDATE with SDP 488.
    let mut rig = Rig::with_chat();
    rig.request_with("UPDATE", 1, &format!("{}{CHAT_LINE}", going("sendonly")));
    assert_eq!(rig.told(), ["GotHoldRequest{remote}"]);
    rig.request_with("UPDATE", 2, &with_chat_line().replace("2855 ", "0 "));
    assert_eq!(
        rig.told(),
        ["GotUnholdRequest{remote}", "MSRPChatWillEnd", "MSRPChatDidEnd", "SU[audio]"]
    );
    rig.request_with("UPDATE", 3, &with_chat_line());
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".into(), "200".into(), "504".into()]));
    rig.request("UPDATE", 4);
    assert_eq!(rig.sent(), ["200"]);
    // It moves the peer's address as a re-INVITE does.
    rig.order(Order::End).unwrap();
    assert_eq!(text(rig.last().request_uri().unwrap()), "sip:bob@192.0.2.9:5064");
}

/// REFERENCE 1.3 row 42
#[test]
fn row_42_the_failure_of_one_stream_does_not_harm_the_other() {
    // 0.12: the line is refused, the rest is accepted; whichever comes first.
    for chat_first in [true, false] {
        let mut rig = both_proposed();
        rig.order(Order::AcceptProposal(BOTH)).unwrap();
        if chat_first {
            rig.chat_prepare_failed();
            rig.clear();
            rig.prepared();
        } else {
            rig.prepared();
            rig.clear();
            rig.chat_prepare_failed();
        }
        assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
        assert_eq!(
            rig.told()[1..],
            ["CS(PROPOSED>ESTABLISHED)", "AcceptedStreamProposal{remote}", "SU[audio]"]
        );
        assert_eq!(rig.sent(), ["200"]);
    }
}

/// REFERENCE 1.7 item 7, 1.5 item 12
#[test]
fn s1_7_item_7_a_stream_that_we_are_just_removing_is_no_addition() {
    // Our removal met the peer's hold; the peer comes again first and does not know of it.
    let mut rig = Rig::with_chat();
    rig.order(Order::Remove(offhook::notification::StreamKind::Audio)).unwrap();
    rig.reply(491, "", "");
    rig.clear();
    rig.request_with("INVITE", 5, &format!("{}{CHAT_LINE}", going("sendonly")));
    assert_eq!(rig.lines(), ["audio 0", "message 2855"]);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".into()]));
}
