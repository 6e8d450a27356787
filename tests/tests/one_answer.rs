//! An offer has one answer (RFC 3261 §13.2.1, RFC 3262 §5, RFC 6337 §3.1): what else comes for it is
//! not looked at.

use offhook::session::Order;
use offhook::streams::Streams;
use offhook_tests::{Rig, SDP};

/// The peer's audio at another port.
fn at_port(port: u16) -> String {
    SDP.replace("9000", &port.to_string())
}

fn reliable(rseq: u32) -> String {
    format!("Require: 100rel\nRSeq: {rseq}")
}

/// Where the audio goes to.
fn port(rig: &Rig) -> Option<u16> {
    rig.core.snapshot().audio_remote_rtp_sdp.map(|address| address.port())
}

#[test]
fn the_answer_in_a_reliable_183_outweighs_another_one_in_the_200() {
    let mut rig = Rig::calling();
    rig.reply(183, &reliable(1), SDP);
    rig.clear();
    rig.reply(200, "", &at_port(9100));
    assert_eq!(rig.told(), ["WillStart", "CS(CALLING>ESTABLISHED)", "DidStart"]);
    assert_eq!((rig.sent(), rig.media(), port(&rig)), (vec!["ACK".into()], vec![], Some(9000)));
}

#[test]
fn a_200_that_refuses_what_a_reliable_183_took_does_not_end_the_call() {
    let mut rig = Rig::calling();
    rig.reply(183, &reliable(1), SDP);
    rig.clear();
    rig.reply(200, "", &at_port(0));
    assert_eq!(rig.told(), ["WillStart", "CS(CALLING>ESTABLISHED)", "DidStart"]);
    assert_eq!(rig.sent(), ["ACK"]);
}

#[test]
fn a_second_answer_in_a_reliable_183_is_acknowledged_and_not_looked_at() {
    let mut rig = Rig::calling();
    rig.reply(183, &reliable(1), SDP);
    rig.clear();
    rig.reply(183, &reliable(2), &at_port(9100));
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["PRACK".into()]));
    rig.reply(180, "", &at_port(9200));
    assert_eq!(rig.told(), ["GotRingIndication"]);
    assert_eq!((rig.media(), port(&rig)), (vec![], Some(9000)));
}

#[test]
fn what_an_unreliable_183_says_is_a_preview_and_the_200_has_the_answer() {
    let mut rig = Rig::calling();
    rig.reply(183, "", SDP);
    rig.clear();
    rig.reply(200, "", &at_port(9100));
    assert_eq!((rig.media(), port(&rig)), (vec!["Update".to_owned()], Some(9100)));
}

#[test]
fn a_repeated_200_with_another_answer_gets_the_ack_and_changes_nothing() {
    let mut rig = Rig::calling();
    rig.reply(200, "", SDP);
    rig.clear();
    for port in [9100, 0] {
        rig.reply(200, "", &at_port(port));
        assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]));
    }
    assert_eq!((rig.media(), port(&rig)), (vec![], Some(9000)));
}

#[test]
fn each_branch_of_a_fork_has_an_answer_of_its_own() {
    let mut rig = Rig::calling();
    rig.reply_from("one", 183, &reliable(1), SDP);
    rig.reply_from("two", 183, &reliable(7), &at_port(9100));
    assert_eq!(port(&rig), Some(9100));
    rig.clear();
    rig.reply_from("one", 200, "", &at_port(9200));
    assert_eq!(rig.told(), ["WillStart", "CS(CALLING>ESTABLISHED)", "DidStart"]);
    assert_eq!((rig.media(), port(&rig)), (vec!["Update".to_owned()], Some(9000)));
}

#[test]
fn a_200_without_a_description_stands_by_the_answer_of_its_own_branch_alone() {
    let mut own = Rig::calling();
    own.reply(183, &reliable(1), SDP);
    own.reply(200, "", "");
    assert!(own.told().contains(&"DidStart".to_owned()));
    let mut other = Rig::calling();
    other.reply_from("one", 183, "", SDP);
    other.clear();
    other.reply_from("two", 200, "", "");
    let told = other.told();
    assert!(told.iter().any(|told| told.starts_with("DidFail{local, 488")), "{told:?}");
    assert_eq!(other.sent(), ["ACK", "BYE"]);
}

#[test]
fn an_early_update_moves_what_the_200_would_repeat() {
    let mut rig = Rig::calling();
    rig.reply(183, &reliable(1), SDP);
    rig.request_with("UPDATE", 5, &at_port(9300));
    assert_eq!(port(&rig), Some(9300));
    rig.clear();
    rig.reply(200, "", SDP);
    assert_eq!((rig.media(), port(&rig)), (vec![], Some(9300)));
}

#[test]
fn an_update_before_the_answer_is_491() {
    // A preview is no answer: our offer is still open (RFC 3311 §5.2).
    let mut rig = Rig::calling();
    rig.reply(180, &reliable(1), "");
    rig.reply(183, "", SDP);
    rig.clear();
    rig.request_with("UPDATE", 5, &at_port(9300));
    assert_eq!((rig.sent(), port(&rig)), (vec!["491".into()], Some(9000)));
}

#[test]
fn answers_are_remembered_up_to_the_limit_and_the_oldest_goes_first() {
    let mut rig = Rig::calling();
    for branch in 0..=offhook::session::FORKS_MAX {
        rig.reply_from(&format!("t{branch}"), 183, "", SDP);
    }
    rig.clear();
    let mut last = Rig::calling();
    for branch in 0..=offhook::session::FORKS_MAX {
        last.reply_from(&format!("t{branch}"), 183, "", SDP);
    }
    rig.reply_from("t0", 200, "", "");
    assert!(rig.told().iter().any(|told| told.starts_with("DidFail{local, 488")));
    last.reply_from("t1", 200, "", "");
    assert!(last.told().contains(&"DidStart".to_owned()));
}

#[test]
fn a_second_ack_with_another_answer_to_our_offer_is_not_looked_at() {
    let mut rig = Rig::new();
    rig.invited("");
    rig.order(Order::Accept { streams: Streams::AUDIO, headers: Vec::new() }).unwrap();
    rig.prepared();
    rig.request_with("ACK", 1, SDP);
    rig.clear();
    rig.request_with("ACK", 1, &at_port(9100));
    assert_eq!((rig.told(), rig.media(), port(&rig)), (vec![], vec![], Some(9000)));
}
