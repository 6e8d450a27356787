//! REFERENCE 1.5 and the rows about what breaks: 8, 20, 45.

use offhook::media::control::MediaEvent;
use offhook::notification::SessionState;
use offhook::notification::StreamKind::{Audio, Chat};
use offhook::session::{Order, PROPOSAL_MS, QUEUE_MAX};
use offhook::streams::Streams;
use offhook_tests::steps::{BOTH, CHAT, chat_alone, going, message, with_chat_line};
use offhook_tests::{CHAT_LINE, Rig, SDP, STREAM};

/// A name, a session that is over, whether it failed, whether we ended it.
type End = (&'static str, fn() -> Rig, bool, bool);

fn audio_broken(rig: &mut Rig) {
    rig.media_event(MediaEvent::Failed { stream: STREAM, reason: "the socket is gone".into() });
}

/// REFERENCE 1.3 row 8
#[test]
fn row_08_a_transport_error_is_a_local_503() {
    let mut rig = Rig::calling();
    rig.transport_failed();
    assert_eq!(
        rig.told(),
        ["CS(CALLING>TERMINATED)", "DidFail{local, 503, unreachable}", "DidEnd{local}"]
    );
    assert_eq!(
        (rig.sent(), rig.media(), rig.handed_over),
        (vec![], vec!["Prepare".into(), "Stop".into()], 0)
    );
}

/// REFERENCE 1.3 row 9
#[test]
fn row_09_a_2xx_that_refuses_every_line_is_acknowledged_and_ended() {
    // R: code 488 and the negotiation's text.
    let mut rig = Rig::new();
    rig.call(BOTH).unwrap();
    rig.prepared();
    rig.chat_prepared();
    rig.clear();
    rig.reply(200, "", &with_chat_line().replace("9000", "0").replace("2855 ", "0 "));
    assert_eq!(
        rig.told(),
        [
            "WillStart",
            "CS(CALLING>TERMINATED)",
            "DidFail{local, 488, the peer refused the audio stream}",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.sent(), ["ACK", "BYE"]);
}

/// REFERENCE 1.3 row 16, 2 row 27
#[test]
fn row_16_accept_without_streams_or_outside_of_incoming_is_an_error() {
    let mut rig = Rig::incoming();
    assert_eq!(rig.accept_with(Streams::default()).unwrap_err().name(), "InvalidArgument");
    assert_eq!(rig.accept_with(CHAT).unwrap_err().name(), "InvalidArgument");
    assert_eq!((rig.told(), rig.core.snapshot().state), (vec![], SessionState::Incoming));
    let mut over = Rig::established();
    assert_eq!(over.accept().unwrap_err().name(), "SessionStateError");
}

/// REFERENCE 1.3 row 17
#[test]
fn row_17_the_answer_keeps_lines_and_closes_what_is_not_accepted() {
    let video = "m=video 9100 RTP/AVP 31\r\n";
    for (streams, lines) in [
        (Streams::AUDIO, ["audio 4000 sendrecv", "video 0", "message 0"]),
        (CHAT, ["audio 0", "video 0", "message 2855"]),
        (BOTH, ["audio 4000 sendrecv", "video 0", "message 2855"]),
    ] {
        let mut rig = Rig::new();
        rig.invited(&format!("{SDP}{video}{CHAT_LINE}"));
        assert_eq!(rig.told()[1], "NewIncoming[audio,chat]");
        rig.accept_with(streams).unwrap();
        if streams.audio {
            rig.prepared();
        }
        if streams.chat {
            rig.chat_prepared();
        }
        assert_eq!(rig.lines(), lines);
    }
}

/// REFERENCE 1.3 row 18
#[test]
fn row_18_a_chats_stream_update_comes_after_did_start() {
    // 0.23, also where the connection stands before the ACK.
    let mut rig = Rig::new();
    rig.invited(&with_chat_line());
    rig.accept_with(BOTH).unwrap();
    rig.prepared();
    rig.chat_prepared();
    rig.clear();
    rig.chat_started();
    assert_eq!((rig.told(), rig.sent()), (vec!["MSRPChatDidStart".to_owned()], vec![]));
    rig.request("ACK", 1);
    assert_eq!(rig.told(), ["CS(ACCEPTING>ESTABLISHED)", "DidStart", "SU[audio,chat]"]);
}

/// REFERENCE 1.3 row 20, 1.5 item 10, 1.11 code 488, 2 row 12
#[test]
fn row_20_an_offer_that_cannot_be_used_after_all_is_488() {
    // 0.8: the code is told, too, where the row says 0.
    let mut rig = Rig::new();
    rig.invited(&chat_alone().replace("TCP/MSRP", "TCP/TLS/MSRP"));
    rig.accept_with(CHAT).unwrap();
    rig.clear();
    rig.chat_prepared();
    assert_eq!(
        rig.told(),
        [
            "MSRPChatDidInitialize",
            "CS(ACCEPTING>TERMINATED)",
            "DidFail{local, 488, the chat line has no usable path, or another transport than ours}",
            "DidEnd{local}"
        ]
    );
    assert!(rig.warning().contains("usable path"));
    assert_eq!(rig.sent(), ["488"]);
}

/// REFERENCE 1.3 row 45
#[test]
fn row_45_audio_that_breaks_ends_the_session() {
    for (mut rig, told, sent) in [
        (Rig::established(), vec!["SU[]", "CS(ESTABLISHED>TERMINATED)"], vec!["BYE"]),
        (Rig::proposing(), vec!["SU[]", "CS(PROPOSING>TERMINATED)"], vec!["BYE"]),
        // Its BYE waits for the ACK, at the endpoint.
        (Rig::answered(), vec!["SU[]", "CS(ACCEPTING>TERMINATED)"], vec![]),
        (
            Rig::with_chat(),
            vec![
                "SU[chat]",
                "MSRPChatWillEnd",
                "MSRPChatDidEnd",
                "SU[]",
                "CS(ESTABLISHED>TERMINATED)",
            ],
            vec!["BYE"],
        ),
    ] {
        audio_broken(&mut rig);
        let end = ["DidFail{local, 0, audio: the socket is gone}", "DidEnd{local}"];
        assert_eq!(rig.told(), [told, end.to_vec()].concat());
        assert_eq!(rig.sent(), sent);
        let waits = rig.left.iter().filter(|left| left.awaits_ack().is_some()).count();
        assert_eq!(waits, usize::from(sent.is_empty()));
        assert!(rig.core.snapshot().stop_time.is_some());
    }
    // What was not answered yet is refused.
    let mut accepting = Rig::incoming();
    accepting.accept().unwrap();
    accepting.clear();
    audio_broken(&mut accepting);
    assert_eq!(accepting.sent(), ["500"]);
    let mut proposed = Rig::proposed();
    audio_broken(&mut proposed);
    assert_eq!(proposed.sent(), ["500", "BYE"]);
}

/// REFERENCE 1.5 item 1, 2 row 13
#[test]
fn s1_5_item_1_every_end_is_told_once_and_after_its_failure_if_any() {
    let ends: [End; 9] = [
        (
            "refused",
            || {
                let mut r = Rig::calling();
                r.reply(486, "", "");
                r
            },
            true,
            false,
        ),
        (
            "timer B",
            || {
                let mut r = Rig::calling();
                r.run_until(40_000);
                r
            },
            true,
            false,
        ),
        (
            "cancelled",
            || {
                let mut r = Rig::incoming();
                r.request("CANCEL", 1);
                r
            },
            true,
            false,
        ),
        (
            "no ACK",
            || {
                let mut r = Rig::answered();
                r.run_until(40_000);
                r
            },
            true,
            false,
        ),
        (
            "BYE",
            || {
                let mut r = Rig::established();
                r.request("BYE", 1);
                r
            },
            false,
            false,
        ),
        (
            "BYE in a proposal",
            || {
                let mut r = Rig::proposing();
                r.request("BYE", 1);
                r
            },
            false,
            false,
        ),
        (
            "end()",
            || {
                let mut r = Rig::established();
                r.order(Order::End).unwrap();
                r.run_until(300);
                r
            },
            false,
            true,
        ),
        (
            "reject()",
            || {
                let mut r = Rig::incoming();
                r.order(Order::reject(603)).unwrap();
                r
            },
            false,
            true,
        ),
        (
            "481",
            || {
                let mut r = Rig::established();
                r.order(Order::Hold).unwrap();
                r.reply(481, "", "");
                r
            },
            true,
            false,
        ),
    ];
    for (name, end, fails, by_us) in ends {
        let told = end().told();
        let at = |what: &str| told.iter().position(|told| told.starts_with(what));
        assert_eq!(at("DidEnd"), Some(told.len() - 1), "{name}: {told:?}");
        assert_eq!(told.iter().filter(|t| t.starts_with("DidEnd")).count(), 1, "{name}");
        assert_eq!((at("DidFail").is_some(), at("WillEnd").is_some()), (fails, by_us), "{name}");
        if let Some(fail) = at("DidFail") {
            let originator = |text: &str| text.split(['{', ',', '}']).nth(1).unwrap().to_owned();
            assert_eq!(fail, told.len() - 2, "{name}");
            assert_eq!(originator(&told[fail]), originator(&told[fail + 1]), "{name}");
        }
    }
}

/// REFERENCE 1.5 item 2
#[test]
fn s1_5_item_2_a_response_fails_remotely_and_silence_locally() {
    let failure = |mut rig: Rig| rig.told().into_iter().find(|t| t.starts_with("DidFail")).unwrap();
    let mut refused = Rig::calling();
    refused.reply(404, "", "");
    let mut silent = Rig::calling();
    silent.run_until(32_000);
    let mut lost = Rig::calling();
    lost.transport_failed();
    assert!(failure(refused).starts_with("DidFail{remote, 404"));
    assert!(failure(silent).starts_with("DidFail{local, 408"));
    assert!(failure(lost).starts_with("DidFail{local, 503"));
}

/// REFERENCE 1.5 item 3
#[test]
fn s1_5_item_3_times_are_set_at_the_2xx_and_at_the_end() {
    let mut caller = Rig::calling();
    caller.run_until(1000);
    caller.reply(180, "", "");
    assert_eq!(caller.core.snapshot().start_time, None);
    caller.reply(200, "", SDP);
    let start = caller.core.snapshot().start_time.unwrap();
    caller.run_until(3000);
    caller.request("BYE", 1);
    let stop = caller.core.snapshot().stop_time.unwrap();
    assert_eq!(
        (start.to_string(), stop.to_string()),
        ("1970-01-01T00:00:01.000000Z".into(), "1970-01-01T00:00:03.000000Z".into())
    );
    // The callee's at its 200, not at the ACK.
    let answered = Rig::answered();
    assert!(answered.core.snapshot().start_time.is_some());
    // 0.3: stop_time whenever it ends, start_time only if it started.
    let mut refused = Rig::calling();
    refused.reply(486, "", "");
    let snapshot = refused.core.snapshot();
    assert!(snapshot.start_time.is_none() && snapshot.stop_time.is_some());
}

/// REFERENCE 1.5 item 4
#[test]
fn s1_5_item_4_the_peer_may_remove_the_last_stream() {
    let mut rig = Rig::callee();
    rig.source_seen();
    rig.request_with("INVITE", 2, &SDP.replace("9000", "0"));
    rig.request("ACK", 2);
    assert_eq!((rig.told(), rig.sent()), (vec!["SU[]".into()], vec!["200".into()]));
    rig.run_until(300_000);
    assert_eq!((rig.told(), rig.core.snapshot().state), (vec![], SessionState::Established));
}

/// REFERENCE 1.5 item 5
#[test]
fn s1_5_item_5_a_stream_that_cannot_be_prepared_fails_the_whole_call() {
    let mut caller = Rig::new();
    caller.call(BOTH).unwrap();
    caller.prepared();
    caller.clear();
    caller.chat_prepare_failed();
    assert_eq!(
        caller.told(),
        [
            "MSRPChatDidFail",
            "CS(CALLING>TERMINATED)",
            "DidFail{local, 0, chat: no listener}",
            "DidEnd{local}"
        ]
    );
    assert_eq!((caller.sent(), caller.media()), (vec![], vec!["Stop".into()]));
    let mut callee = Rig::new();
    callee.invited(&with_chat_line());
    callee.accept_with(BOTH).unwrap();
    callee.chat_prepared();
    callee.clear();
    callee.prepare_failed();
    assert_eq!(callee.sent(), ["500"]);
    assert_eq!(callee.told().last().map(String::as_str), Some("DidEnd{local}"));
}

/// REFERENCE 1.5 item 5
#[test]
fn s1_5_item_5_a_line_that_the_answer_refuses_is_dropped_without_a_word() {
    let mut rig = Rig::new();
    rig.call(BOTH).unwrap();
    rig.prepared();
    rig.chat_prepared();
    rig.clear();
    rig.reply(200, "", &with_chat_line().replace("2855 ", "0 "));
    assert_eq!(rig.told(), ["WillStart", "SU[audio]", "CS(CALLING>ESTABLISHED)", "DidStart"]);
    assert_eq!(rig.sent(), ["ACK"]);
    // Chat is absent now and may be added.
    rig.order(Order::Add(Chat)).unwrap();
}

/// REFERENCE 1.5 item 5, 1.9 item 10
#[test]
fn s1_5_item_5_a_chat_that_cannot_start_leaves_the_call_alone() {
    // 0.13: its messages are told, the line is closed by a re-INVITE, where 1.5 leaves it as is.
    let mut rig = Rig::new();
    rig.call(BOTH).unwrap();
    rig.prepared();
    rig.chat_prepared();
    rig.order(message("m1")).unwrap();
    rig.reply(200, "", &with_chat_line());
    rig.clear();
    rig.chat_failed();
    // No SU: it never was active.
    assert_eq!(rig.told(), ["MSRPChatDidFail", "DidNotDeliverMessage{m1, 0}"]);
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 0"]);
    assert_eq!(rig.sent(), ["INVITE"]);
    assert_eq!(rig.core.snapshot().state, SessionState::Established);
}

/// REFERENCE 1.5 item 6, 2 row 34
#[test]
fn s1_5_item_6_has_chat_comes_with_the_stream_update() {
    let mut rig = Rig::proposing();
    rig.reply(200, "", &with_chat_line());
    assert_eq!(rig.told().last().map(String::as_str), Some("AcceptedStreamProposal{local}"));
    assert!(!rig.core.snapshot().has_chat);
    rig.chat_started();
    assert!(rig.core.snapshot().has_chat);
}

/// REFERENCE 1.5 item 8
#[test]
fn s1_5_item_8_of_several_lines_the_first_usable_is_taken() {
    // 0.18 overrules the item.
    let lines = "m=audio 0 RTP/AVP 0\r\nm=audio 7000 RTP/AVP 18\r\nm=audio 7002 RTP/AVP 8\r\nm=audio 7004 RTP/AVP 0\r\n";
    let (head, _) = SDP.split_once("m=").unwrap();
    let mut rig = Rig::new();
    rig.invited(&format!("{head}{lines}"));
    rig.accept().unwrap();
    rig.prepared();
    assert_eq!(rig.lines(), ["audio 0", "audio 0", "audio 4000 sendrecv", "audio 0"]);
    assert_eq!(rig.core.snapshot().audio_remote_rtp_sdp.unwrap().port(), 7002);
    let mut chat = Rig::callee();
    let unusable = "m=message 2855 TCP/TLS/MSRP *\r\na=path:msrps://192.0.2.9:2855/x;tcp\r\n";
    chat.request_with("INVITE", 2, &format!("{SDP}{unusable}{CHAT_LINE}"));
    chat.order(Order::AcceptProposal(CHAT)).unwrap();
    chat.chat_prepared();
    assert_eq!(chat.lines(), ["audio 4000 sendrecv", "message 0", "message 2855"]);
}

/// REFERENCE 1.5 item 9
#[test]
fn s1_5_item_9_a_video_line_is_refused_without_a_word() {
    let video = "m=video 9100 RTP/AVP 31\r\n";
    let mut first = Rig::new();
    first.invited(&format!("{SDP}{video}"));
    assert_eq!(first.told()[1], "NewIncoming[audio]");
    first.accept().unwrap();
    first.prepared();
    assert_eq!(first.lines(), ["audio 4000 sendrecv", "video 0"]);
    let mut later = Rig::callee();
    later.request_with("INVITE", 2, &format!("{SDP}{video}"));
    assert_eq!((later.told(), later.sent()), (vec![], vec!["200".into()]));
}

/// REFERENCE 1.5 item 12
#[test]
fn s1_5_item_12_491_and_500_with_retry_after_make_the_offer_again() {
    // R: hold, unhold and remove are made again after the pauses of RFC 3261 §14.1.
    for (mut rig, latest) in [(Rig::established(), 4_000), (Rig::callee(), 2_000)] {
        for (status, extra) in [(491, ""), (500, "Retry-After: 1")] {
            rig.source_seen();
            rig.order(if status == 491 { Order::Hold } else { Order::Unhold }).unwrap();
            let begun = rig.now.as_micros() / 1000;
            rig.reply(status, extra, "");
            rig.clear();
            rig.run_until(begun + latest);
            // Once made, it is repeated as any INVITE over UDP.
            assert_eq!(rig.sent().first().map(String::as_str), Some("INVITE"), "{status}");
            rig.reply(200, "", &going(if status == 491 { "recvonly" } else { "sendrecv" }));
            assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]));
        }
        assert!(!rig.core.snapshot().on_hold_by_local);
    }
}

/// What the offers of a call that we hold look like after that answer: when the next one leaves,
/// in milliseconds from the answer, if any does within the time.
fn next_offer(status: u16, extra: &str, within: u64) -> Option<u64> {
    let mut rig = Rig::established();
    rig.source_seen();
    rig.order(Order::Hold).unwrap();
    rig.reply(status, extra, "");
    rig.clear();
    (0..within).step_by(10).find(|at| {
        rig.run_until(*at);
        !rig.sent().is_empty()
    })
}

/// REFERENCE 1.5 item 12
#[test]
fn s1_5_item_12_a_refused_offer_comes_again_no_sooner_than_the_peer_asks() {
    for seconds in [3, 5, 10] {
        for extra in [format!("Retry-After: {seconds}"), format!("Retry-After: {seconds} (busy)")] {
            let at = next_offer(500, &extra, 20_000).unwrap();
            assert!((seconds * 1000..seconds * 1000 + 500).contains(&at), "{extra}: {at}");
        }
    }
    // A shorter one does not let offers chase each other: the pause of §14.1 is the least.
    let at = next_offer(500, "Retry-After: 0;duration=60", 20_000).unwrap();
    assert!((2_100..4_100).contains(&at), "{at}");
    let at = next_offer(491, "Retry-After: 7", 20_000).unwrap();
    assert!((7_000..7_500).contains(&at), "{at}");
}

/// REFERENCE 1.5 item 12
#[test]
fn s1_5_item_12_a_wait_that_is_too_long_or_unreadable_is_a_refusal() {
    let longest = offhook::session::RETRY_AFTER_MAX_S;
    let at = next_offer(500, &format!("Retry-After: {longest}"), 1000 * (longest + 2)).unwrap();
    assert!(at >= 1000 * longest, "{at}");
    for extra in [format!("Retry-After: {}", longest + 1), "Retry-After: soon".into(), "".into()] {
        let mut rig = Rig::established();
        rig.source_seen();
        rig.order(Order::Hold).unwrap();
        rig.clear();
        rig.reply(500, &extra, "");
        assert_eq!(rig.told(), ["GotUnholdRequest{local}"], "{extra:?}");
        assert_eq!(next_offer(500, &extra, 100_000), None, "{extra:?}");
    }
}

/// REFERENCE 1.5 item 12
#[test]
fn s1_5_item_12_no_other_refusal_makes_an_offer_come_again() {
    for status in [480, 486, 503] {
        assert_eq!(next_offer(status, "Retry-After: 1", 20_000), None, "{status}");
    }
}

/// REFERENCE 1.5 item 12
#[test]
fn s1_5_item_12_a_proposal_that_meets_491_is_not_made_again() {
    let mut rig = Rig::proposing();
    rig.reply(491, "", "");
    assert_eq!(
        rig.told(),
        ["CS(PROPOSING>ESTABLISHED)", "RejectedStreamProposal{local, 491 Phrase}"]
    );
    rig.clear();
    rig.source_seen();
    rig.run_until(PROPOSAL_MS);
    assert_eq!(rig.sent(), [""; 0]);
}

/// REFERENCE 1.5 item 13
#[test]
fn s1_5_item_13_one_offer_at_a_time_in_order_up_to_the_limit() {
    let mut rig = Rig::established();
    rig.order(Order::Hold).unwrap();
    for _ in 0..QUEUE_MAX {
        rig.order(Order::Unhold).unwrap();
    }
    assert_eq!(rig.order(Order::Hold).unwrap_err().name(), "Busy");
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["GotHoldRequest{local}".into()], vec!["INVITE".into()])
    );
    rig.reply(200, "", &going("recvonly"));
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["GotUnholdRequest{local}".into()], vec!["ACK".into(), "INVITE".into()])
    );
    rig.reply(200, "", SDP);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]), "the rest changes nothing");
}

/// REFERENCE 1.5 item 13
#[test]
fn s1_5_item_13_an_order_waits_for_the_ack_of_the_peers_offer() {
    let mut rig = Rig::callee();
    rig.request_with("INVITE", 2, SDP);
    rig.clear();
    rig.order(Order::Hold).unwrap();
    assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
    rig.request("ACK", 2);
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["GotHoldRequest{local}".into()], vec!["INVITE".into()])
    );
}

/// REFERENCE 1.5 item 14
#[test]
fn s1_5_item_14_what_changes_nothing_sends_and_tells_nothing() {
    let mut rig = Rig::holding();
    rig.order(Order::Hold).unwrap();
    let mut free = Rig::established();
    free.order(Order::Unhold).unwrap();
    assert_eq!((rig.told(), rig.sent()), (vec![], vec![]));
    assert_eq!((free.told(), free.sent()), (vec![], vec![]));
    // What became needless while it waited, too.
    let mut gone = Rig::with_chat();
    gone.order(Order::Hold).unwrap();
    gone.order(Order::Remove(Chat)).unwrap();
    gone.chat_failed();
    gone.clear();
    gone.reply(200, "", &with_chat_line());
    assert_eq!(gone.lines(), ["audio 4000 sendonly", "message 0"]);
    assert_eq!((gone.told(), gone.sent()), (vec![], vec!["ACK".into(), "INVITE".into()]));
    gone.reply(200, "", &format!("{SDP}m=message 0 TCP/MSRP *\r\n"));
    assert_eq!(gone.sent(), ["ACK"]);
    assert!(gone.order(Order::Remove(Audio)).is_ok());
}

/// REFERENCE 1.5 item 15
#[test]
fn s1_5_item_15_a_challenge_to_a_hold_is_no_end() {
    for status in [401, 407] {
        let mut rig = Rig::established();
        rig.order(Order::Hold).unwrap();
        rig.reply(status, "", "");
        assert_eq!(rig.told(), ["GotHoldRequest{local}", "GotUnholdRequest{local}"]);
        assert_eq!(rig.core.snapshot().state, SessionState::Established);
    }
}

/// REFERENCE 1.5 item 5
#[test]
fn s1_5_item_5_a_line_that_the_answer_takes_in_a_way_we_cannot_use_is_closed() {
    // 0.12: the rest goes on.
    let mut rig = Rig::new();
    rig.call(BOTH).unwrap();
    rig.prepared();
    rig.chat_prepared();
    rig.clear();
    rig.reply(200, "", &with_chat_line().replace("RTP/AVP 0 101", "RTP/AVP 18"));
    assert_eq!(rig.told(), ["WillStart", "CS(CALLING>ESTABLISHED)", "DidStart"]);
    assert_eq!(rig.lines(), ["audio 0", "message 2855"]);
    assert_eq!(
        (rig.sent(), rig.media()),
        (vec!["ACK".into(), "INVITE".into()], vec!["Stop".into()])
    );
    rig.chat_started();
    assert_eq!(rig.told(), ["MSRPChatDidStart", "SU[chat]"]);
}
