//! Messages that come in an order that nobody wishes for: found by the simulator.

use offhook::chat::ChatMessage;
use offhook::notification::StreamKind;
use offhook::session::Order;
use offhook::streams::Streams;
use offhook_fsm::Entropy;
use offhook_tests::door::{self, Door, request};
use offhook_tests::{CHAT_LINE, Rig, SDP};

#[test]
fn a_bye_that_overtakes_the_200_ends_the_call_when_that_comes() {
    let mut rig = Rig::calling();
    rig.request("BYE", 1);
    assert_eq!((rig.sent(), rig.told()), (vec!["200".into()], vec![]));
    rig.reply(200, "", SDP);
    assert_eq!(rig.sent(), ["ACK"]);
    assert_eq!(
        rig.told(),
        [
            "CS(CALLING>TERMINATED)",
            "DidFail{remote, 487, the peer ended the call before it stood}",
            "DidEnd{remote}"
        ]
    );
}

#[test]
fn a_bye_of_another_branch_does_not_keep_the_call_from_standing() {
    let mut rig = Rig::calling();
    rig.request("BYE", 1);
    rig.told();
    rig.reply_from("other", 200, "", SDP);
    assert!(rig.told().contains(&"DidStart".into()));
}

#[test]
fn a_proposal_that_comes_again_is_rung_again_and_told_once() {
    let mut rig = Rig::established();
    let proposal = format!("{SDP}{CHAT_LINE}");
    rig.request_with("INVITE", 2, &proposal);
    assert_eq!(rig.told(), ["CS(ESTABLISHED>PROPOSED)", "GotStreamProposal{remote, chat}"]);
    rig.request_with("INVITE", 2, &proposal);
    assert_eq!((rig.sent(), rig.told()), (vec!["180".into(), "180".into()], vec![]));
}

#[test]
fn the_cancel_of_a_re_invite_that_had_no_room_finds_its_session_by_its_tag() {
    let mut door =
        Door::with(offhook::endpoint::Settings { server_transactions_max: 0, ..door::settings() });
    for method in ["INVITE", "CANCEL"] {
        assert_eq!(door.receive(request(method, "1", ";tag=7-ours", "", "")), [0; 0]);
    }
    assert_eq!(door.passed, ["s7 INVITE", "s7 CANCEL"]);
}

#[test]
fn a_lost_core_tells_of_the_messages_that_were_not_delivered() {
    let mut rig = Rig::established();
    rig.order(Order::Add(StreamKind::Chat)).unwrap();
    let (id, content_type) = (String::from("m1"), "text/plain".into());
    let message =
        ChatMessage { id, content: b"hello".to_vec(), content_type, to: None, date: None };
    rig.order(Order::SendMessage(message)).unwrap();
    rig.told();
    for output in rig.core.farewell().outputs(rig.now, &mut Entropy::from_u64(1)) {
        rig.take(output);
    }
    assert!(rig.told().contains(&"DidNotDeliverMessage{m1, 0}".into()));
}

#[test]
fn a_call_is_taken_with_the_streams_that_early_media_has_answered_with() {
    let mut rig = Rig::incoming();
    rig.order(Order::Progress(Streams::AUDIO)).unwrap();
    rig.prepared();
    let accept = |streams| Order::Accept { streams, headers: Vec::new() };
    let other = Streams { audio: true, chat: true };
    assert_eq!(rig.order(accept(other)).unwrap_err().name(), "InvalidArgument");
    rig.order(accept(Streams::AUDIO)).unwrap();
}
