//! Offers in a call that stands: hold, streams added and removed, and the peer's offers that cross
//! ours.

use offhook::chat::ChatMessage;
use offhook::notification::StreamKind::{Audio, Chat};
use offhook::session::Order;
use offhook::streams::Streams;
use offhook_tests::{CHAT_LINE, Rig, SDP};

/// The peer's description with that direction.
fn going(direction: &str) -> String {
    format!("{SDP}a={direction}\r\n")
}

fn message(id: &str) -> Order {
    Order::SendMessage(ChatMessage {
        id: id.into(),
        content: b"hi".to_vec(),
        content_type: "text/plain".into(),
        to: None,
        date: None,
    })
}

/// REFERENCE 1.3 row 28, 1.6 item 1, 2 row 3
#[test]
fn hold_is_offered_told_and_settled() {
    let mut rig = Rig::established();
    rig.media();
    rig.order(Order::Hold).unwrap();
    assert_eq!(rig.told(), ["GotHoldRequest{local}"]);
    assert_eq!(rig.media(), ["Update"], "the microphone goes at once");
    assert_eq!(rig.lines(), ["audio 4000 sendonly"]);
    rig.reply(200, "", &going("recvonly"));
    assert_eq!(rig.sent(), ["INVITE", "ACK"]);
    assert_eq!(rig.told(), Vec::<String>::new());
    assert!(rig.core.snapshot().on_hold_by_local && !rig.core.snapshot().on_hold_by_remote);
    rig.order(Order::Unhold).unwrap();
    assert_eq!(rig.told(), ["GotUnholdRequest{local}"]);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv"]);
    rig.reply(200, "", &going("sendrecv"));
    assert_eq!(rig.sent(), ["INVITE", "ACK"]);
}

/// REFERENCE 1.5 item 13
#[test]
fn orders_wait_for_their_turn() {
    let mut rig = Rig::established();
    for order in [Order::Hold, Order::Unhold, Order::Add(Chat)] {
        rig.order(order).unwrap();
    }
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["GotHoldRequest{local}".into()], vec!["INVITE".into()])
    );
    rig.reply(200, "", &going("recvonly"));
    assert_eq!(rig.told(), ["GotUnholdRequest{local}"]);
    assert_eq!(rig.sent(), ["ACK", "INVITE"]);
    rig.reply(200, "", &going("sendrecv"));
    assert_eq!(rig.told(), ["CS(ESTABLISHED>PROPOSING)", "GotStreamProposal{local, chat}"]);
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
}

/// REFERENCE 1.3 row 33, 1.5 item 6, 2 row 2
#[test]
fn an_added_chat_is_told_accepted_before_it_is_active() {
    let mut rig = Rig::established();
    rig.order(Order::Add(Chat)).unwrap();
    rig.chat_prepared();
    rig.order(message("m1")).unwrap();
    rig.told();
    rig.reply(200, "", &format!("{SDP}{CHAT_LINE}"));
    assert_eq!(rig.told(), ["CS(PROPOSING>ESTABLISHED)", "AcceptedStreamProposal{local}"]);
    rig.chat_started();
    assert_eq!(rig.told(), ["MSRPChatDidStart", "SU[audio,chat]"]);
}

/// REFERENCE 1.3 row 34
#[test]
fn a_refused_line_is_a_rejected_proposal() {
    let mut rig = Rig::established();
    rig.order(Order::Add(Chat)).unwrap();
    rig.chat_prepared();
    rig.order(message("m1")).unwrap();
    rig.told();
    rig.reply(200, "", &format!("{SDP}m=message 0 TCP/MSRP *\r\n"));
    assert_eq!(
        rig.told(),
        [
            "DidNotDeliverMessage{m1, 0}",
            "CS(PROPOSING>ESTABLISHED)",
            "RejectedStreamProposal{local, the peer refused the chat stream}"
        ]
    );
}

/// REFERENCE 1.3 row 35
#[test]
fn a_proposal_that_is_refused_whole_tells_code_and_phrase() {
    let mut rig = Rig::established();
    rig.order(Order::Add(Chat)).unwrap();
    rig.chat_prepared();
    rig.told();
    rig.reply(488, "", "");
    assert_eq!(
        rig.told(),
        ["CS(PROPOSING>ESTABLISHED)", "RejectedStreamProposal{local, 488 Phrase}"]
    );
    assert!(rig.sent().contains(&"ACK".to_owned()));
}

/// REFERENCE 1.3 row 29, 1.3 row 32, 1.3 row 33, 2 row 25
#[test]
fn a_removed_stream_stops_before_its_line_is_closed() {
    let mut rig = Rig::with_chat();
    rig.order(Order::Remove(Audio)).unwrap();
    assert_eq!(rig.told(), ["SU[chat]"]);
    assert_eq!(rig.lines(), ["audio 0", "message 2855"]);
    rig.reply(200, "", &format!("{}{CHAT_LINE}", SDP.replace("9000", "0")));
    assert_eq!(rig.told(), Vec::<String>::new());
    rig.order(Order::Add(Audio)).unwrap();
    rig.prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"], "in its former place");
    rig.told();
    rig.reply(200, "", &format!("{SDP}{CHAT_LINE}"));
    assert_eq!(
        rig.told(),
        ["SU[audio,chat]", "CS(PROPOSING>ESTABLISHED)", "AcceptedStreamProposal{local}"]
    );
}

/// REFERENCE 1.3 row 39, 1.3 row 40, 1.5 item 11, 2 row 17
#[test]
fn the_peers_proposal_rings_until_it_is_accepted() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &format!("{SDP}{CHAT_LINE}"));
    assert_eq!(rig.sent(), ["180"]);
    assert_eq!(rig.told(), ["CS(ESTABLISHED>PROPOSED)", "GotStreamProposal{remote, chat}"]);
    rig.order(Order::AcceptProposal(Streams { audio: false, chat: true })).unwrap();
    assert!(rig.order(Order::AcceptProposal(Streams { audio: false, chat: true })).is_err());
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
    assert_eq!(rig.sent(), ["200"]);
    assert_eq!(
        rig.told(),
        ["MSRPChatDidInitialize", "CS(PROPOSED>ESTABLISHED)", "AcceptedStreamProposal{remote}"]
    );
    rig.request("ACK", 5);
    rig.chat_started();
    assert_eq!(rig.told(), ["MSRPChatDidStart", "SU[audio,chat]"]);
}

/// REFERENCE 1.3 row 41, 1.11 code 488
#[test]
fn a_rejected_proposal_is_told_before_488_is_sent() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &format!("{SDP}{CHAT_LINE}"));
    rig.told();
    rig.sent();
    rig.order(Order::RejectProposal).unwrap();
    assert_eq!(
        rig.told(),
        ["CS(PROPOSED>ESTABLISHED)", "RejectedStreamProposal{remote, rejected by the user}"]
    );
    assert_eq!(rig.sent(), ["488"]);
}

/// REFERENCE 1.3 row 43, 1.11 code 487
#[test]
fn a_cancelled_proposal_is_487_and_told() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &format!("{SDP}{CHAT_LINE}"));
    rig.told();
    rig.sent();
    rig.request("CANCEL", 5);
    assert_eq!(rig.sent(), ["200", "487"]);
    assert_eq!(
        rig.told(),
        ["CS(PROPOSED>ESTABLISHED)", "RejectedStreamProposal{remote, cancelled by the peer}"]
    );
}

/// REFERENCE 1.5 item 12
#[test]
fn offers_that_cross_are_both_491_and_ours_is_made_again() {
    let mut rig = Rig::established();
    rig.order(Order::Hold).unwrap();
    rig.sent();
    rig.request_with("INVITE", 5, &going("sendonly"));
    assert_eq!(rig.sent(), ["491"]);
    rig.reply(491, "", "");
    assert_eq!(rig.sent(), ["ACK"]);
    rig.run_until(2099);
    assert_eq!(rig.sent(), Vec::<String>::new(), "the caller waits at least 2.1 s");
    rig.run_until(4000);
    assert_eq!(rig.sent().first().map(String::as_str), Some("INVITE"), "and at most 4 s");
    rig.reply(200, "", &going("recvonly"));
    assert_eq!(rig.told(), ["GotHoldRequest{local}"], "told once");
}

/// REFERENCE 1.6 item 8
#[test]
fn a_refused_hold_is_taken_back_and_told() {
    let mut rig = Rig::established();
    rig.order(Order::Hold).unwrap();
    rig.reply(488, "", "");
    assert_eq!(rig.told(), ["GotHoldRequest{local}", "GotUnholdRequest{local}"]);
    assert!(!rig.core.snapshot().on_hold_by_local);
}

/// REFERENCE 1.6 item 8
#[test]
fn an_offer_to_a_peer_that_forgot_the_call_ends_it_without_bye() {
    for (status, sent) in [(481, vec!["INVITE", "ACK"]), (408, vec!["INVITE", "ACK", "BYE"])] {
        let mut rig = Rig::established();
        rig.order(Order::Hold).unwrap();
        rig.told();
        rig.reply(status, "", "");
        assert_eq!(
            rig.told(),
            [
                "SU[]",
                "CS(ESTABLISHED>TERMINATED)",
                &format!("DidFail{{remote, {status}, Phrase}}"),
                "DidEnd{remote}"
            ]
        );
        assert_eq!(rig.sent(), sent);
    }
}

/// REFERENCE 1.9 item 13, 2 row 1
#[test]
fn a_chat_that_breaks_leaves_and_its_line_is_closed() {
    let mut rig = Rig::with_chat();
    rig.order(message("m1")).unwrap();
    rig.chat_failed();
    assert_eq!(rig.told(), ["MSRPChatDidFail", "DidNotDeliverMessage{m1, 0}", "SU[audio]"]);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
}

#[test]
fn a_proposal_that_has_not_left_gives_way_to_the_peers() {
    let mut rig = Rig::established();
    rig.order(Order::Add(Chat)).unwrap();
    rig.told();
    rig.request_with("INVITE", 5, &going("sendonly"));
    assert_eq!(
        rig.told(),
        [
            "CS(PROPOSING>ESTABLISHED)",
            "RejectedStreamProposal{local, the peer's own offer came first}",
            "GotHoldRequest{remote}"
        ]
    );
    assert_eq!(rig.sent(), ["200"]);
}

#[test]
fn a_proposal_that_rings_is_cancelled_after_90_seconds() {
    let mut rig = Rig::established();
    rig.order(Order::Add(Chat)).unwrap();
    rig.chat_prepared();
    rig.reply(180, "", "");
    rig.sent();
    rig.run_until(90_000);
    assert_eq!(rig.sent(), ["CANCEL"]);
    rig.told();
    rig.reply(487, "", "");
    assert_eq!(
        rig.told(),
        ["CS(PROPOSING>ESTABLISHED)", "RejectedStreamProposal{local, 487 Phrase}"]
    );
}

/// REFERENCE 1.7 item 1
#[test]
fn a_reinvite_without_an_offer_gets_one_and_the_ack_answers_it() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, "");
    assert_eq!(rig.lines(), ["audio 4000 sendrecv"]);
    assert_eq!(rig.sent(), ["200"]);
    rig.request_with("ACK", 5, &going("sendonly"));
    assert_eq!(rig.told(), ["GotHoldRequest{remote}"]);
}

/// REFERENCE 1.7 item 11
#[test]
fn an_update_is_answered_at_once_unless_it_adds() {
    let mut rig = Rig::established();
    rig.request_with("UPDATE", 5, &going("sendonly"));
    assert_eq!(
        (rig.sent(), rig.told()),
        (vec!["200".into()], vec!["GotHoldRequest{remote}".into()])
    );
    rig.request_with("UPDATE", 6, &format!("{SDP}{CHAT_LINE}"));
    assert_eq!(rig.sent(), ["504"]);
    rig.request("UPDATE", 7);
    assert_eq!(rig.sent(), ["200"]);
}

/// REFERENCE 1.7 item 10, 1.5 item 4
#[test]
fn the_peer_removes_streams_at_once() {
    let mut rig = Rig::with_chat();
    rig.request_with(
        "INVITE",
        5,
        &format!("{}m=message 0 TCP/MSRP *\r\n", SDP.replace("9000", "0")),
    );
    assert_eq!(rig.told(), ["SU[chat]", "MSRPChatWillEnd", "MSRPChatDidEnd", "SU[]"]);
    assert_eq!(rig.lines(), ["audio 0", "message 0"]);
    assert_eq!(rig.sent(), ["200"]);
}

/// REFERENCE 1.3 row 37
#[test]
fn a_bye_refuses_the_proposal_that_waits() {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 5, &format!("{SDP}{CHAT_LINE}"));
    rig.told();
    rig.sent();
    rig.request("BYE", 6);
    assert_eq!(rig.sent(), ["487", "200"]);
    assert_eq!(rig.told(), ["SU[]", "CS(PROPOSED>TERMINATED)", "DidEnd{remote}"]);
}
