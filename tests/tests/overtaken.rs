//! Messages that come in an order that nobody wishes for: found by the simulator.

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
