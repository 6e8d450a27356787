//! More than one answer to one INVITE (RFC 3261 §13.2.2.4), and answers that come too late.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::endpoint::Input;
use offhook::session::{FORKS_MAX, LATE_BYE_GAP, Order, end_late_answer};
use offhook::sip::{Builder, Message, text};
use offhook::transaction::{ClientTransaction, Timers, Verdict};
use offhook::transport::{Transmit, Transport};
use offhook_fsm::{Entropy, Instant};
use offhook_tests::door::Door;
use offhook_tests::{Rig, SDP, destination};

fn last(rig: &Rig) -> Message<Vec<u8>> {
    Message::parse(rig.wire.last().unwrap().1.clone()).unwrap()
}

#[test]
fn another_branch_that_answers_is_acknowledged_and_ended_while_the_call_goes_on() {
    let mut rig = Rig::established();
    rig.reply_from("other", 200, "", SDP);
    assert_eq!(last(&rig).to().unwrap().tag(), Some(&b"other"[..]));
    assert_eq!((rig.sent(), rig.told()), (vec!["ACK".to_owned(), "BYE".to_owned()], vec![]));
}

#[test]
fn a_repeated_answer_of_such_a_branch_is_acknowledged_again_and_ended_once() {
    let mut rig = Rig::established();
    rig.reply_from("other", 200, "", SDP);
    rig.reply_to("BYE", 200);
    rig.sent();
    rig.run_until(10_000);
    rig.reply_from("other", 200, "", SDP);
    assert_eq!(rig.sent(), ["ACK"]);
}

#[test]
fn branches_are_ended_up_to_the_limit_and_one_past_it_gets_nothing() {
    let mut rig = Rig::established();
    for number in 0..FORKS_MAX {
        rig.reply_from(&format!("f{number}"), 200, "", SDP);
        assert_eq!(rig.sent(), ["ACK", "BYE"]);
    }
    rig.reply_from("one-more", 200, "", SDP);
    assert_eq!(rig.sent(), [""; 0]);
}

#[test]
fn an_end_while_another_branch_is_ended_still_says_bye_to_the_peer() {
    let mut rig = Rig::established();
    rig.reply_from("other", 200, "", SDP);
    rig.sent();
    rig.order(Order::End).unwrap();
    assert_eq!(last(&rig).to().unwrap().tag(), Some(&b"theirs"[..]));
    assert_eq!(rig.sent(), ["BYE"]);
    rig.run_until(200);
    assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{local}"));
}

#[test]
fn the_answer_to_another_branchs_bye_does_not_end_the_wait_for_ours() {
    let mut rig = Rig::established();
    rig.reply_from("other", 200, "", SDP);
    let other = rig.wire.clone();
    rig.order(Order::End).unwrap();
    rig.told();
    rig.wire = other;
    rig.reply_to("BYE", 200);
    assert_eq!(rig.told(), [""; 0]);
    rig.run_until(200);
    assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{local}"));
}

#[test]
fn a_farewell_says_bye_to_the_peer_while_another_branch_is_ended() {
    let mut rig = Rig::established();
    rig.reply_from("other", 200, "", SDP);
    rig.sent();
    for output in rig.core.farewell().outputs(rig.now, &mut Entropy::from_u64(9)) {
        rig.take(output);
    }
    assert_eq!(rig.sent(), ["BYE"]);
    // Our BYE and the other's.
    assert_eq!(rig.handed_over, 2);
}

#[test]
fn a_2xx_that_mangles_what_is_ours_makes_a_dialog_all_the_same() {
    let mut rig = Rig::calling();
    let invite = String::from_utf8(rig.invite.clone()).unwrap();
    rig.invite =
        invite.replace("Call-ID: ", "Call-ID: x").replace("From: <", "From: \"X\" <").into();
    rig.reply(200, "", SDP);
    let ack = last(&rig);
    let sent = Message::parse(invite.as_bytes()).unwrap();
    assert_eq!(ack.call_id().unwrap(), sent.call_id().unwrap());
    assert_eq!(text(ack.from().unwrap().uri.raw), "sip:alice@192.0.2.1");
    assert_eq!(rig.sent(), ["ACK"]);
    // Its repetition is no other branch.
    rig.reply(200, "", SDP);
    assert_eq!(rig.sent(), ["ACK"]);
}

#[test]
fn a_2xx_after_a_refusal_is_acknowledged_and_ended() {
    let invite = Rig::calling().invite;
    let transmit =
        Transmit { destination: destination(Transport::Udp), bytes: invite.clone().into() };
    let (now, timers) = (Instant::ZERO, Timers::default());
    let mut transaction = ClientTransaction::new(now, timers, transmit).unwrap();
    let answer = |status: u16| {
        let request = Message::parse(&invite[..]).unwrap();
        let tag = format!("t{status}");
        let built = Builder::response(&request, status, "Phrase", Some(&tag), None).unwrap();
        Message::parse(built.finish()).unwrap()
    };
    assert_eq!(transaction.receive(now, &answer(486)), Verdict::Deliver);
    let late = answer(200);
    assert_eq!(transaction.receive(now, &late), Verdict::Deliver);
    let mut entropy = Entropy::from_u64(1);
    let request = transaction.request();
    let (ack, mut bye) =
        end_late_answer(now, timers, "offhook", &mut entropy, request, &late).unwrap();
    let ack = Message::parse(&ack.bytes[..]).unwrap();
    assert_eq!((ack.method(), ack.cseq().unwrap().number), (Some(&b"ACK"[..]), 1));
    let sent = bye.poll_transmit().unwrap();
    let bye = Message::parse(&sent.bytes[..]).unwrap();
    let number = 2 + LATE_BYE_GAP;
    assert_eq!((bye.method(), bye.cseq().unwrap().number), (Some(&b"BYE"[..]), number));
    for message in [ack, bye] {
        assert_eq!(message.to().unwrap().tag(), Some(&b"t200"[..]));
    }
}

#[test]
fn a_2xx_after_the_refusal_that_ended_the_session_reaches_whoever_ends_it() {
    // RFC 3261 §13.2.2.4, RFC 6026 §7.2: the ACK and the BYE are those of end_late_answer.
    let mut rig = Rig::calling();
    rig.reply(486, "", "");
    assert_eq!(rig.told().last().map(String::as_str), Some("DidEnd{remote}"));
    let mut door = Door::default();
    for transaction in std::mem::take(&mut rig.left) {
        door.feed(Input::HandOver(Box::new(transaction)));
    }
    for (tag, passed) in [("other", 1), ("other", 2), ("third", 3)] {
        let invite = Message::parse(&rig.invite[..]).unwrap();
        let answer = Builder::response(&invite, 200, "OK", Some(tag), None).unwrap().finish();
        let source = destination(Transport::Udp);
        door.feed(Input::Message { source, bytes: &answer });
        assert_eq!(door.passed, vec!["late answer"; passed]);
    }
    door.run_until(40_000);
    assert_eq!(door.core.transactions(), 0);
}

#[test]
fn the_bye_to_another_branch_goes_on_counting_from_its_prack() {
    // A peer answers 500 to a number that it has seen, and its call would stand for ever.
    let mut rig = Rig::calling();
    rig.reply_from("other", 183, "Require: 100rel\nRSeq: 1", SDP);
    assert_eq!(rig.last_header("CSeq").as_deref(), Some("2 PRACK"));
    rig.reply(200, "", SDP);
    rig.sent();
    rig.reply_from("other", 200, "", SDP);
    assert_eq!(rig.last_header("CSeq").as_deref(), Some("3 BYE"));
    assert_eq!(rig.sent(), ["ACK", "BYE"]);
}

#[test]
fn no_branch_gets_more_pracks_than_the_bye_of_a_late_answer_leaves_room_for() {
    let mut rig = Rig::calling();
    let highest = 1 + LATE_BYE_GAP;
    for rseq in 1..=LATE_BYE_GAP + 1 {
        rig.reply(180, &format!("Require: 100rel\nRSeq: {rseq}"), "");
        if !rig.wire.is_empty() {
            rig.reply_to("PRACK", 200);
            assert!(rseq <= LATE_BYE_GAP, "{rseq}");
            let last = rig.last_header("CSeq");
            assert_eq!(last, Some(format!("{} PRACK", rseq + 1)));
            assert!(rseq < highest);
        }
        rig.clear();
    }
}
