//! Streams that we add and remove: rows 29 to 38.

use offhook::notification::SessionState;
use offhook::notification::StreamKind::{Audio, Chat};
use offhook::session::Order;
use offhook::sip::{HeaderName, text};
use offhook_tests::steps::{chat_alone, going, message, with_chat_line};
use offhook_tests::{CHAT_LINE, Rig, SDP};

const NOTHING: [&str; 0] = [];

/// REFERENCE 1.3 row 29, 2 row 25, 2 row 26
#[test]
fn row_29_a_stream_is_stopped_before_its_line_is_closed() {
    let mut audio = Rig::with_chat();
    audio.clear();
    audio.order(Order::Remove(Audio)).unwrap();
    assert_eq!((audio.told(), audio.media()), (vec!["SU[chat]".into()], vec!["Stop".into()]));
    assert_eq!(audio.lines(), ["audio 0", "message 2855"]);
    let mut chat = Rig::with_chat();
    chat.order(Order::Remove(Chat)).unwrap();
    assert_eq!(chat.told(), ["MSRPChatWillEnd", "MSRPChatDidEnd", "SU[audio]"]);
    assert_eq!(chat.lines(), ["audio 4000 sendrecv", "message 0"]);
    // The answer changes nothing more, whatever it is.
    for status in [200, 488, 603] {
        let mut rig = Rig::with_chat();
        rig.order(Order::Remove(Chat)).unwrap();
        rig.clear();
        let body =
            if status == 200 { format!("{SDP}m=message 0 TCP/MSRP *\r\n") } else { String::new() };
        rig.reply(status, "", &body);
        assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]));
        assert_eq!(rig.core.snapshot().state, SessionState::Established);
    }
}

/// REFERENCE 1.3 row 29, 1.5 item 4
#[test]
fn row_29_the_last_stream_may_go_and_the_session_lives_on() {
    // 0.14 overrules the row, where removing the last stream is an error.
    let mut rig = Rig::established();
    rig.order(Order::Remove(Audio)).unwrap();
    assert_eq!((rig.told(), rig.lines()), (vec!["SU[]".to_owned()], vec!["audio 0".to_owned()]));
    rig.reply(200, "", &SDP.replace("9000", "0"));
    assert_eq!(rig.sent(), ["INVITE", "ACK"]);
    rig.clear();
    rig.run_until(100_000);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
    assert_eq!(rig.core.snapshot().state, SessionState::Established);
    rig.order(Order::Add(Audio)).unwrap();
    rig.prepared();
    rig.reply(200, "", SDP);
    assert_eq!(
        rig.told(),
        [
            "CS(ESTABLISHED>PROPOSING)",
            "GotStreamProposal{local, audio}",
            "RTPTransportDidInitialize",
            "SU[audio]",
            "CS(PROPOSING>ESTABLISHED)",
            "AcceptedStreamProposal{local}"
        ]
    );
}

/// REFERENCE 1.3 row 29, 1.3 row 30, 2 row 10
#[test]
fn row_29_30_adding_what_is_there_and_removing_what_is_not_are_errors() {
    let mut rig = Rig::established();
    assert_eq!(
        rig.order(Order::Add(Audio)).unwrap_err().to_string(),
        "add_audio() while there is audio needs another state, the session is ESTABLISHED"
    );
    assert_eq!(
        rig.order(Order::Remove(Chat)).unwrap_err().to_string(),
        "remove_chat() without a chat needs another state, the session is ESTABLISHED"
    );
    assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
}

/// REFERENCE 1.3 row 29
#[test]
fn row_29_a_recording_stops_with_its_audio() {
    let mut rig = Rig::with_chat();
    rig.order(Order::StartRecording("call.wav".into())).unwrap();
    rig.told();
    rig.order(Order::Remove(Audio)).unwrap();
    assert_eq!(rig.told(), ["WillStopRecordingAudio", "DidStopRecordingAudio", "SU[chat]"]);
}

/// REFERENCE 1.3 row 30, 2 row 16
#[test]
fn row_30_add_tells_proposing_then_the_proposal() {
    let mut chat = Rig::established();
    chat.order(Order::Add(Chat)).unwrap();
    assert_eq!(chat.told(), ["CS(ESTABLISHED>PROPOSING)", "GotStreamProposal{local, chat}"]);
    assert_eq!(chat.sent(), NOTHING);
    let mut audio = Rig::chatting();
    audio.order(Order::Add(Audio)).unwrap();
    assert_eq!(audio.told(), ["CS(ESTABLISHED>PROPOSING)", "GotStreamProposal{local, audio}"]);
    assert_eq!(audio.media(), ["Prepare"]);
    assert!(audio.order(Order::Add(Chat)).is_err(), "PROPOSING");
}

/// REFERENCE 1.3 row 31
#[test]
fn row_31_a_failed_preparation_rejects_the_proposal_alone() {
    let mut chat = Rig::established();
    chat.order(Order::Add(Chat)).unwrap();
    chat.told();
    chat.chat_prepare_failed();
    assert_eq!(
        chat.told(),
        [
            "MSRPChatDidFail",
            "CS(PROPOSING>ESTABLISHED)",
            "RejectedStreamProposal{local, chat: no listener}"
        ]
    );
    let mut audio = Rig::chatting();
    audio.order(Order::Add(Audio)).unwrap();
    audio.told();
    audio.prepare_failed();
    assert_eq!(
        audio.told(),
        [
            "RTPTransportDidFail",
            "CS(PROPOSING>ESTABLISHED)",
            "RejectedStreamProposal{local, audio: no free port}"
        ]
    );
    assert_eq!((chat.sent(), audio.sent()), (vec![], vec![]));
    assert!(chat.core.snapshot().has_audio && audio.core.snapshot().has_chat);
    // It may be tried again.
    chat.order(Order::Add(Chat)).unwrap();
    chat.chat_prepared();
    assert_eq!(chat.sent(), ["INVITE"]);
}

/// REFERENCE 1.3 row 32
#[test]
fn row_32_the_line_is_appended_or_takes_its_former_place() {
    let mut rig = Rig::with_chat();
    rig.order(Order::Remove(Audio)).unwrap();
    let version = rig.version();
    rig.reply(200, "", &with_chat_line().replace("9000", "0"));
    rig.order(Order::Add(Audio)).unwrap();
    rig.told();
    rig.prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
    assert_eq!(rig.version(), version + 1);
    assert_eq!(rig.told(), ["RTPTransportDidInitialize"]);
    let mut appended = Rig::chatting();
    appended.order(Order::Add(Audio)).unwrap();
    appended.prepared();
    assert_eq!(appended.lines(), ["message 2855", "audio 4000 sendrecv"]);
}

/// REFERENCE 1.3 row 32
#[test]
fn row_32_the_reinvite_is_of_the_dialog() {
    let mut rig = Rig::established();
    rig.order(Order::Add(Chat)).unwrap();
    rig.chat_prepared();
    let reinvite = rig.last();
    assert_eq!(text(reinvite.request_uri().unwrap()), "sip:bob@192.0.2.9:5062");
    assert_eq!(reinvite.cseq().unwrap().number, 2);
    assert_eq!(reinvite.to().unwrap().tag(), Some(&b"theirs"[..]));
    assert!(reinvite.header(HeaderName::Contact).is_some());
    rig.reply(200, "", &with_chat_line());
    assert_eq!((rig.last().method(), rig.last().cseq().unwrap().number), (Some(&b"ACK"[..]), 2));
}

/// REFERENCE 1.3 row 33, 2 row 26
#[test]
fn row_33_audio_is_active_before_accepted_and_chat_after() {
    let (head, audio_line) = SDP.split_once("m=").unwrap();
    let mut audio = Rig::chatting();
    audio.order(Order::Add(Audio)).unwrap();
    audio.prepared();
    audio.clear();
    audio.reply(200, "", &format!("{head}{CHAT_LINE}m={audio_line}"));
    assert_eq!(
        audio.told(),
        ["SU[audio,chat]", "CS(PROPOSING>ESTABLISHED)", "AcceptedStreamProposal{local}"]
    );
    assert_eq!((audio.sent(), audio.media()), (vec!["ACK".into()], vec!["Start".into()]));
    let mut chat = Rig::proposing();
    chat.reply(200, "", &with_chat_line());
    assert_eq!(chat.told(), ["CS(PROPOSING>ESTABLISHED)", "AcceptedStreamProposal{local}"]);
    assert_eq!(chat.sent(), ["ACK"]);
    chat.chat_started();
    assert_eq!(chat.told(), ["MSRPChatDidStart", "SU[audio,chat]"]);
}

/// REFERENCE 1.3 row 33
#[test]
fn row_33_a_repeated_2xx_gets_the_ack_again() {
    let mut rig = Rig::proposing();
    rig.reply(200, "", &with_chat_line());
    rig.clear();
    rig.reply(200, "", &with_chat_line());
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]));
}

/// REFERENCE 1.3 row 34, 1.5 item 7
#[test]
fn row_34_a_line_with_port_0_rejects_the_proposal() {
    let mut rig = Rig::proposing();
    rig.reply(200, "", &format!("{SDP}m=message 0 TCP/MSRP *\r\n"));
    assert_eq!(
        rig.told(),
        [
            "CS(PROPOSING>ESTABLISHED)",
            "RejectedStreamProposal{local, the peer refused the chat stream}"
        ]
    );
    assert_eq!(rig.sent(), ["ACK"]);
    assert!(rig.core.snapshot().has_audio);
}

/// REFERENCE 1.3 row 34
#[test]
fn row_34_a_2xx_without_a_description_rejects_the_proposal() {
    let mut rig = Rig::proposing();
    rig.reply(200, "", "");
    assert_eq!(
        rig.told(),
        [
            "CS(PROPOSING>ESTABLISHED)",
            "RejectedStreamProposal{local, the answer has no description}"
        ]
    );
    assert_eq!(rig.sent(), ["ACK"]);
    assert_eq!(rig.core.snapshot().state, SessionState::Established);
    assert!(rig.core.snapshot().has_audio);
}

/// REFERENCE 1.3 row 35, 1.11 code 488
#[test]
fn row_35_a_refused_proposal_tells_code_and_phrase() {
    for status in [302, 403, 486, 488, 491, 500, 503, 603] {
        let mut rig = Rig::proposing();
        rig.order(message("m1")).unwrap();
        rig.reply(status, "", "");
        assert_eq!(
            rig.told(),
            [
                "DidNotDeliverMessage{m1, 0}",
                "CS(PROPOSING>ESTABLISHED)",
                &format!("RejectedStreamProposal{{local, {status} Phrase}}")
            ]
        );
        assert_eq!(rig.sent(), ["ACK"]);
        // The next offer knows nothing of the line.
        rig.order(Order::Hold).unwrap();
        assert_eq!(rig.lines(), ["audio 4000 sendonly"]);
    }
}

/// REFERENCE 1.3 row 36
#[test]
fn row_36_408_and_481_to_a_proposal_end_the_session() {
    for (status, sent) in [(408, vec!["ACK", "BYE"]), (481, vec!["ACK"])] {
        let mut rig = Rig::proposing();
        rig.reply(status, "", "");
        assert_eq!(
            rig.told(),
            [
                "SU[]",
                "CS(PROPOSING>TERMINATED)",
                &format!("DidFail{{remote, {status}, Phrase}}"),
                "DidEnd{remote}"
            ]
        );
        // 0.11: BYE goes out unless it was 481.
        assert_eq!(rig.sent(), sent);
    }
}

/// REFERENCE 1.3 row 36
#[test]
fn row_36_silence_or_a_transport_error_end_the_session_locally() {
    let mut silence = Rig::proposing();
    silence.source_seen();
    silence.run_until(32_000);
    let mut error = Rig::proposing();
    error.transport_failed();
    for (mut rig, fail) in [(silence, "408, Request Timeout"), (error, "503, unreachable")] {
        assert_eq!(
            rig.told(),
            [
                "SU[]",
                "CS(PROPOSING>TERMINATED)",
                &format!("DidFail{{local, {fail}}}"),
                "DidEnd{local}"
            ]
        );
        assert_eq!(rig.sent().last().map(String::as_str), Some("BYE"));
    }
}

/// REFERENCE 1.3 row 37
#[test]
fn row_37_a_bye_while_a_proposal_is_pending_is_an_end_and_no_failure() {
    // R: as row 27, never DidFail.
    let mut ours = Rig::proposing();
    ours.request("BYE", 1);
    assert_eq!(ours.told(), ["SU[]", "CS(PROPOSING>TERMINATED)", "DidEnd{remote}"]);
    assert_eq!(ours.sent(), ["200"]);
    // The re-INVITE that is abandoned still waits for its 487.
    assert!(ours.handed_over >= 1);
    let mut theirs = Rig::proposed();
    theirs.request("BYE", 6);
    assert_eq!(theirs.told(), ["SU[]", "CS(PROPOSED>TERMINATED)", "DidEnd{remote}"]);
    assert_eq!(theirs.sent(), ["487", "200"]);
}

/// REFERENCE 1.3 row 38
#[test]
fn row_38_end_while_a_proposal_is_pending_says_bye() {
    for (mut rig, state, sent) in [
        (Rig::proposing(), "PROPOSING", vec!["BYE"]),
        (Rig::proposed(), "PROPOSED", vec!["487", "BYE"]),
    ] {
        rig.order(Order::End).unwrap();
        assert_eq!(rig.told(), [format!("CS({state}>TERMINATING)"), "WillEnd".into()]);
        rig.reply_to("BYE", 200);
        assert_eq!(rig.sent(), sent);
        assert_eq!(rig.told(), ["SU[]", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
    }
}

/// REFERENCE 1.3 row 38
#[test]
fn row_38_what_comes_of_an_abandoned_proposal_tells_nothing() {
    for status in [200, 487] {
        let mut rig = Rig::proposing();
        rig.order(Order::End).unwrap();
        rig.clear();
        let body = if status == 200 { with_chat_line() } else { String::new() };
        rig.reply(status, "", &body);
        assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]), "{status}");
        rig.run_until(200);
        assert_eq!(rig.told(), ["SU[]", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
    }
}

/// REFERENCE 1.5 item 7
#[test]
fn s1_5_item_7_a_stream_that_came_and_went_does_not_spoil_the_next_proposal() {
    let (head, audio_line) = SDP.split_once("m=").unwrap();
    let mut rig = Rig::chatting();
    rig.order(Order::Add(Audio)).unwrap();
    rig.prepared();
    rig.reply(200, "", &format!("{head}{CHAT_LINE}m={audio_line}"));
    rig.order(Order::Remove(Audio)).unwrap();
    let closed = audio_line.replace("9000", "0");
    rig.reply(200, "", &format!("{head}{CHAT_LINE}m={closed}"));
    rig.order(Order::Remove(Chat)).unwrap();
    let no_chat = "m=message 0 TCP/MSRP *\r\n";
    rig.reply(200, "", &format!("{head}{no_chat}m={closed}"));
    rig.order(Order::Add(Chat)).unwrap();
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["message 2855", "audio 0"]);
    rig.told();
    rig.reply(200, "", &format!("{head}{CHAT_LINE}m={closed}"));
    assert_eq!(rig.told(), ["CS(PROPOSING>ESTABLISHED)", "AcceptedStreamProposal{local}"]);
}

/// REFERENCE 1.5 item 4, 1.9 item 13
#[test]
fn s1_5_item_4_a_chat_that_ends_leaves_an_empty_session() {
    let mut rig = Rig::chatting();
    rig.chat_failed();
    assert_eq!(rig.told(), ["MSRPChatDidFail", "SU[]"]);
    assert_eq!(rig.lines(), ["message 0"]);
    rig.reply(200, "", &chat_alone().replace("2855 ", "0 "));
    rig.run_until(100_000);
    assert_eq!(rig.core.snapshot().state, SessionState::Established);
}

/// REFERENCE 1.3 row 36
#[test]
fn row_36_a_proposal_that_only_rings_is_cancelled_after_90_s() {
    // 0.15 overrules the row, where it waits forever.
    let mut rig = Rig::proposing();
    rig.source_seen();
    rig.reply(180, "", "");
    assert_eq!(rig.told(), NOTHING, "the ringing of a proposal is no ring indication");
    rig.run_until(89_999);
    assert_eq!(rig.sent(), NOTHING);
    rig.run_until(90_000);
    let (cancel, invite) = (rig.last(), offhook::sip::Message::parse(&rig.invite[..]).unwrap());
    assert_eq!((cancel.method(), cancel.cseq().unwrap().number), (Some(&b"CANCEL"[..]), 2));
    assert_eq!(cancel.via().unwrap().branch(), invite.via().unwrap().branch());
    rig.reply(487, "", "");
    assert_eq!(
        rig.told(),
        ["CS(PROPOSING>ESTABLISHED)", "RejectedStreamProposal{local, 487 Phrase}"]
    );
}

/// REFERENCE 1.3 row 36
#[test]
fn row_36_the_cancel_of_a_proposal_goes_the_way_of_its_reinvite() {
    let mut rig = Rig::calling();
    rig.reply(200, "Record-Route: <sip:192.0.2.7;lr>, <sip:192.0.2.8;lr>", SDP);
    rig.order(Order::Add(Chat)).unwrap();
    rig.chat_prepared();
    rig.source_seen();
    rig.reply(180, "", "");
    rig.run_until(90_000);
    let routes = |method| {
        let message = rig.find(method);
        message.elements(HeaderName::Route).map(|r| text(r).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(routes("CANCEL"), routes("INVITE"));
    assert_eq!(routes("CANCEL"), ["<sip:192.0.2.8;lr>", "<sip:192.0.2.7;lr>"]);
}

/// REFERENCE 1.5 item 12
#[test]
fn s1_5_item_12_a_hold_that_waits_for_another_try_survives_the_peers_proposal() {
    let mut rig = Rig::established();
    rig.order(Order::Hold).unwrap();
    rig.reply(491, "", "");
    rig.clear();
    rig.request_with("INVITE", 5, &with_chat_line());
    assert_eq!(rig.told(), ["CS(ESTABLISHED>PROPOSED)", "GotStreamProposal{remote, chat}"]);
    rig.source_seen();
    rig.run_until(10_000);
    rig.order(Order::RejectProposal).unwrap();
    assert_eq!(
        rig.told(),
        ["CS(PROPOSED>ESTABLISHED)", "RejectedStreamProposal{remote, rejected by the user}"]
    );
    assert_eq!(rig.sent(), ["180", "488"]);
    rig.run_until(14_000);
    assert_eq!(rig.lines(), ["audio 4000 sendonly"], "the hold is offered again");
    rig.reply(200, "", &going("recvonly"));
    assert_eq!((rig.told(), rig.core.snapshot().on_hold_by_local), (vec![], true));
}

/// REFERENCE 1.3 row 34
#[test]
fn row_34_a_line_that_is_taken_but_cannot_be_used_is_closed_again() {
    // 0.12: the line is refused or removed, the rest goes on.
    let mut rig = Rig::proposing();
    let without_path = "m=message 2855 TCP/MSRP *\r\na=accept-types:text/plain\r\n";
    rig.reply(200, "", &format!("{SDP}{without_path}"));
    assert_eq!(
        rig.told(),
        [
            "CS(PROPOSING>ESTABLISHED)",
            "RejectedStreamProposal{local, the chat line has no usable path, or another transport than ours}"
        ]
    );
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    assert_eq!(rig.sent(), ["ACK", "INVITE"]);
    rig.reply(200, "", &format!("{SDP}m=message 0 TCP/MSRP *\r\n"));
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]));
    assert!(rig.core.snapshot().has_audio);
}
