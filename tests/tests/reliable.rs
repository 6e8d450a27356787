//! Reliable provisional responses (RFC 3262) and early media, on both sides.

use offhook::session::Order;
use offhook::streams::Streams;
use offhook_tests::{Rig, SDP};

fn reliable(rseq: u32) -> String {
    format!("Require: 100rel\nRSeq: {rseq}")
}

#[test]
fn each_reliable_response_gets_its_prack_once_and_in_order() {
    let mut rig = Rig::calling();
    rig.reply(180, &reliable(7), "");
    assert_eq!(rig.last_header("RAck").as_deref(), Some("7 1 INVITE"));
    assert_eq!(rig.last_header("CSeq").as_deref(), Some("2 PRACK"));
    rig.reply(180, &reliable(7), "");
    rig.reply(180, &reliable(9), "");
    assert_eq!(rig.sent(), ["PRACK"], "neither a repetition nor one out of order counts");
    assert_eq!(rig.told(), ["GotRingIndication"]);
    rig.reply(183, &reliable(8), SDP);
    assert_eq!(rig.last_header("RAck").as_deref(), Some("8 1 INVITE"));
    assert_eq!(rig.told(), ["SU[audio]"]);
}

#[test]
fn requests_in_the_confirmed_dialog_go_on_counting() {
    let mut rig = Rig::calling();
    rig.reply(180, &reliable(7), "");
    rig.reply_to("PRACK", 200);
    rig.reply(200, "", SDP);
    rig.order(Order::End).unwrap();
    assert_eq!(rig.last_header("CSeq").as_deref(), Some("3 BYE"));
}

#[test]
fn each_branch_of_a_fork_counts_for_itself() {
    let mut rig = Rig::calling();
    rig.reply_from("one", 180, &reliable(7), "");
    rig.reply_from("two", 180, &reliable(70), "");
    assert_eq!(rig.last_header("RAck").as_deref(), Some("70 1 INVITE"));
    assert_eq!(rig.sent(), ["PRACK", "PRACK"]);
}

#[test]
fn ringing_is_reliable_where_the_caller_requires_it() {
    let mut rig = Rig::new();
    rig.invited_with("Require: 100rel", SDP);
    let rseq = rig.last_header("RSeq").unwrap();
    assert_eq!(rig.last_header("Require").as_deref(), Some("100rel"));
    assert_eq!(rig.sent(), ["180"]);
    rig.run_until(600);
    assert_eq!(rig.sent(), ["180"], "repeated");
    rig.request_headed("PRACK", 2, &format!("RAck: {rseq} 9 INVITE"), "");
    assert_eq!(rig.sent(), ["481"], "it names another INVITE");
    rig.request_headed("PRACK", 3, &format!("RAck: {rseq} 1 INVITE"), "");
    assert_eq!(rig.sent(), ["200"]);
    rig.run_until(10_000);
    assert_eq!(rig.sent(), Vec::<String>::new());
}

#[test]
fn a_caller_that_never_acknowledges_is_refused() {
    let mut rig = Rig::new();
    rig.invited_with("Require: 100rel", SDP);
    rig.told();
    rig.run_until(32_000);
    assert_eq!(rig.sent().last().map(String::as_str), Some("500"));
    assert!(rig.told().contains(&"DidEnd{local}".to_owned()));
}

#[test]
fn early_media_starts_before_the_call_is_taken() {
    let mut rig = Rig::incoming();
    rig.order(Order::Progress(Streams::AUDIO)).unwrap();
    rig.prepared();
    assert_eq!(
        (rig.sent(), rig.told()),
        (
            vec!["183".to_owned()],
            vec!["RTPTransportDidInitialize".to_owned(), "SU[audio]".to_owned()]
        )
    );
    rig.accept().unwrap();
    assert_eq!(rig.sent(), ["200"]);
    assert_eq!(rig.told(), ["CS(INCOMING>ACCEPTING)", "WillStart"]);
    rig.request("ACK", 1);
    assert_eq!(rig.told(), ["CS(ACCEPTING>ESTABLISHED)", "DidStart"]);
}

#[test]
fn the_200_waits_for_the_prack_of_our_answer() {
    let mut rig = Rig::new();
    rig.invited_with("Supported: 100rel", SDP);
    rig.sent();
    rig.order(Order::Progress(Streams::AUDIO)).unwrap();
    rig.prepared();
    let rseq = rig.last_header("RSeq").unwrap();
    rig.accept().unwrap();
    assert_eq!(rig.sent(), ["183"]);
    rig.request_headed("PRACK", 2, &format!("RAck: {rseq} 1 INVITE"), "");
    assert_eq!(rig.sent(), ["200", "200"], "to the PRACK, then to the INVITE");
}

#[test]
fn a_cancel_stops_early_media() {
    let mut rig = Rig::incoming();
    rig.order(Order::Progress(Streams::AUDIO)).unwrap();
    rig.prepared();
    rig.told();
    rig.request("CANCEL", 1);
    assert_eq!(rig.told()[0], "SU[]");
    assert_eq!(rig.sent(), ["183", "200", "487"]);
}
