//! REFERENCE 1.3, rows 1–27 for audio: the order and data of notifications and the messages on the
//! wire, in simulated time.

use offhook::error::SessionError;
use offhook::notification::SessionState;
use offhook::session::{Input, Order, Policy, Route};
use offhook::sip::{HeaderName, Message, text};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook_tests::{Rig, SDP, destination};

const HOLDING: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0\r\na=sendonly\r\n";

fn end(rig: &mut Rig) {
    rig.order(Order::End).unwrap();
}

/// REFERENCE 1.3 row 1, 2 row 5
#[test]
fn row_01_connect_tells_calling_and_new_outgoing_and_prepares() {
    let mut rig = Rig::new();
    rig.connect(1).unwrap();
    assert_eq!(rig.told(), ["CS(NULL>CALLING)", "NewOutgoing[audio]"]);
    assert_eq!((rig.media(), rig.sent()), (vec!["Prepare".to_owned()], vec![]));
}

/// REFERENCE 1.3 row 1
#[test]
fn row_01_connect_without_streams_or_routes_changes_nothing() {
    let mut rig = Rig::new();
    assert!(matches!(rig.connect(0), Err(SessionError::InvalidArgument(_))));
    let uri = "sip:b@192.0.2.9".parse().unwrap();
    let route = Route { destination: destination(Transport::Udp), when_long: None };
    let order =
        Order::Connect { uri, routes: vec![route], streams: Streams::default(), headers: vec![] };
    assert!(matches!(rig.order(order), Err(SessionError::InvalidArgument(_))));
    assert_eq!((rig.told(), rig.core.snapshot().state), (vec![], SessionState::Null));
    assert_eq!((rig.sent(), rig.media()), (vec![], vec![]));
}

/// REFERENCE 1.3 row 2, 1.8 item 1
#[test]
fn row_02_the_invite_leaves_when_audio_is_prepared() {
    let mut rig = Rig::new();
    rig.connect(1).unwrap();
    rig.told();
    rig.prepared();
    assert_eq!(rig.told(), ["RTPTransportDidInitialize"]);
    let invite = Message::parse(&rig.invite[..]).unwrap();
    assert_eq!(invite.request_uri(), Some(&b"sip:bob@192.0.2.9"[..]));
    assert_eq!(invite.content_type().as_deref(), Some("application/sdp"));
    assert!(text(invite.body()).contains("m=audio 4000 RTP/AVP 0 8 101"));
    assert_eq!(rig.sent(), ["INVITE"]);
}

/// REFERENCE 1.3 row 3, 2 row 12
#[test]
fn row_03_a_failed_preparation_ends_the_call_with_code_0() {
    let mut rig = Rig::new();
    rig.connect(1).unwrap();
    rig.told();
    rig.prepare_failed();
    assert_eq!(
        rig.told(),
        [
            "RTPTransportDidFail",
            "CS(CALLING>TERMINATED)",
            "DidFail{local, 0, audio: no free port}",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.sent(), [""; 0]);
}

/// REFERENCE 1.3 row 4, 1.8 item 6
#[test]
fn row_04_each_180_is_a_ring_indication_and_other_1xx_are_none() {
    let mut rig = Rig::calling();
    for (status, told) in [(100, 0), (180, 1), (180, 1), (181, 0), (183, 0)] {
        rig.reply(status, "", "");
        assert_eq!(rig.told(), vec!["GotRingIndication"; told], "{status}");
        assert_eq!((rig.sent(), rig.core.snapshot().state), (vec![], SessionState::Calling));
    }
}

/// REFERENCE 1.3 row 5, 1.8 item 6
#[test]
fn row_05_a_183_with_an_answer_starts_early_media() {
    let mut rig = Rig::calling();
    rig.media();
    rig.reply(183, "", SDP);
    assert_eq!((rig.told(), rig.media()), (vec!["SU[audio]".to_owned()], vec!["Start".to_owned()]));
    rig.reply(200, "", SDP);
    assert_eq!(rig.told(), ["WillStart", "CS(CALLING>ESTABLISHED)", "DidStart"]);
    assert_eq!((rig.media(), rig.sent()), (vec![], vec!["ACK".to_owned()]));
}

/// REFERENCE 1.3 row 5, 1.6 item 4
#[test]
fn row_05_a_180_with_an_answer_rings_first() {
    let mut rig = Rig::calling();
    rig.reply(180, "", HOLDING);
    assert_eq!(rig.told(), ["GotRingIndication", "SU[audio]", "GotHoldRequest{remote}"]);
    assert_eq!((rig.sent(), rig.core.snapshot().state), (vec![], SessionState::Calling));
}

/// REFERENCE 1.3 row 6
#[test]
fn row_06_a_2xx_starts_the_call() {
    let mut rig = Rig::calling();
    rig.reply(200, "Server: peer/2", SDP);
    assert_eq!(rig.told(), ["WillStart", "SU[audio]", "CS(CALLING>ESTABLISHED)", "DidStart"]);
    let ack = Message::parse(&rig.wire.last().unwrap().1[..]).unwrap();
    assert_eq!(
        (ack.method(), ack.request_uri()),
        (Some(&b"ACK"[..]), Some(&b"sip:bob@192.0.2.9:5062"[..]))
    );
    // 0.23: WillStart is told before the ACK leaves, and nothing else is.
    let order: Vec<_> = rig.trace.iter().rev().take(5).rev().map(String::as_str).collect();
    let expected =
        ["WillStart", "Transmit ACK", "SU[audio]", "CS(CALLING>ESTABLISHED)", "DidStart"];
    assert_eq!(order, expected);
    assert_eq!(rig.wire.len(), 1);
    let snapshot = rig.core.snapshot();
    assert_eq!(snapshot.remote_user_agent.as_deref(), Some("peer/2"));
    assert_eq!((snapshot.audio_codec, snapshot.has_audio), (Some("PCMU"), true));
    assert!(snapshot.start_time.is_some() && snapshot.stop_time.is_none());
}

/// REFERENCE 1.3 row 6
#[test]
fn row_06_a_repeated_2xx_is_acknowledged_again_and_tells_nothing() {
    let mut rig = Rig::established();
    rig.reply(200, "", SDP);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".to_owned()]));
}

/// REFERENCE 1.3 row 6
#[test]
fn row_06_another_branch_that_answers_is_acknowledged_and_ended() {
    let mut rig = Rig::established();
    rig.reply_from("other", 200, "", SDP);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".to_owned(), "BYE".to_owned()]));
    assert_eq!(rig.core.snapshot().state, SessionState::Established);
}

/// REFERENCE 1.3 row 7
#[test]
fn row_07_a_refusal_ends_the_call_with_code_reason_and_warning() {
    let mut rig = Rig::calling();
    rig.reply(488, "Warning: 399 h \"no codec\"", "");
    assert_eq!(
        rig.told(),
        ["CS(CALLING>TERMINATED)", "DidFail{remote, 488, Phrase (no codec)}", "DidEnd{remote}"]
    );
    assert_eq!((rig.sent(), rig.handed_over), (vec!["ACK".to_owned()], 1));
}

/// REFERENCE 1.3 row 7
#[test]
fn row_07_a_refusal_after_early_media_tells_that_audio_stops() {
    let mut rig = Rig::calling();
    rig.reply(183, "", SDP);
    rig.told();
    rig.reply(603, "", "");
    assert_eq!(
        rig.told(),
        ["SU[]", "CS(CALLING>TERMINATED)", "DidFail{remote, 603, Phrase}", "DidEnd{remote}"]
    );
    assert_eq!(
        (rig.sent(), rig.media().last().map(String::as_str)),
        (vec!["ACK".into()], Some("Stop"))
    );
}

/// REFERENCE 1.3 row 8
#[test]
fn row_08_nobody_answers_for_64_t1() {
    let mut rig = Rig::calling();
    rig.run_until(31_999);
    assert_eq!((rig.told(), rig.sent().len()), (vec![], 6));
    rig.run_until(32_000);
    assert_eq!(
        rig.told(),
        ["CS(CALLING>TERMINATED)", "DidFail{local, 408, Request Timeout}", "DidEnd{local}"]
    );
    assert_eq!((rig.sent(), rig.handed_over), (vec![], 0), "there is nothing to cancel or to end");
}

/// REFERENCE 1.3 row 9
#[test]
fn row_09_a_2xx_that_cannot_be_used_is_acknowledged_and_ended() {
    let mut rig = Rig::calling();
    rig.reply(200, "", "");
    assert_eq!(
        rig.told(),
        [
            "WillStart",
            "CS(CALLING>TERMINATED)",
            "DidFail{local, 488, the answer has no session description}",
            "DidEnd{local}"
        ]
    );
    assert_eq!((rig.sent(), rig.handed_over), (vec!["ACK".to_owned(), "BYE".to_owned()], 2));
}

/// REFERENCE 1.3 row 10
#[test]
fn row_10_end_before_the_invite_left_is_over_at_once() {
    let mut rig = Rig::new();
    rig.connect(1).unwrap();
    rig.told();
    end(&mut rig);
    assert_eq!(
        rig.told(),
        ["CS(CALLING>TERMINATING)", "WillEnd", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]
    );
    assert_eq!((rig.sent(), rig.media()), (vec![], vec!["Prepare".to_owned(), "Stop".to_owned()]));
}

/// REFERENCE 1.3 row 11
#[test]
fn row_11_cancel_waits_for_the_first_provisional_response() {
    let mut rig = Rig::calling();
    end(&mut rig);
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["CS(CALLING>TERMINATING)".to_owned(), "WillEnd".to_owned()], vec![])
    );
    rig.run_until(500);
    assert_eq!(rig.sent(), ["INVITE"]);
    rig.reply(100, "", "");
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["CANCEL".to_owned()]));
}

/// REFERENCE 1.3 row 11
#[test]
fn row_11_without_any_response_it_finishes_at_64_t1() {
    let mut rig = Rig::calling();
    end(&mut rig);
    rig.told();
    rig.run_until(32_000);
    assert_eq!(rig.told(), ["CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
    assert!(rig.sent().iter().all(|sent| sent == "INVITE"), "no CANCEL without a response");
}

/// REFERENCE 1.3 row 12, 1.3 row 13
#[test]
fn row_12_13_after_a_1xx_cancel_goes_out_at_once_and_487_ends_it() {
    let mut rig = Rig::calling();
    rig.reply(180, "", "");
    rig.told();
    end(&mut rig);
    assert_eq!(rig.sent(), ["CANCEL"]);
    rig.reply(180, "", "");
    rig.reply(487, "", "");
    assert_eq!(
        rig.told(),
        ["CS(CALLING>TERMINATING)", "WillEnd", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]
    );
    assert_eq!(rig.sent(), ["ACK"]);
}

/// REFERENCE 1.3 row 13
#[test]
fn row_13_r59_a_cancel_without_487_ends_after_64_t1() {
    let mut rig = Rig::calling();
    rig.reply(180, "", "");
    end(&mut rig);
    rig.reply_to("CANCEL", 200);
    rig.clear();
    rig.run_until(31_999);
    assert_eq!(rig.told(), [""; 0]);
    rig.run_until(32_000);
    assert_eq!(rig.told(), ["CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
    assert_eq!(rig.sent(), [""; 0]);
}

/// REFERENCE 1.3 row 14
#[test]
fn row_14_a_2xx_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut rig = Rig::calling();
    rig.reply(180, "", "");
    end(&mut rig);
    rig.told();
    rig.sent();
    rig.reply(200, "", SDP);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".to_owned(), "BYE".to_owned()]));
    rig.run_until(200);
    assert_eq!(rig.told(), ["CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
}

/// REFERENCE 1.3 row 15, 1.11 code 180
#[test]
fn row_15_an_invite_rings_and_is_told() {
    let mut rig = Rig::new();
    rig.invited(SDP);
    assert_eq!(rig.told(), ["CS(NULL>INCOMING)", "NewIncoming[audio]"]);
    assert_eq!(rig.sent(), ["180"]);
    let snapshot = rig.core.snapshot();
    assert_eq!(snapshot.remote_uri.as_deref(), Some("\"Bob\" <sip:bob@192.0.2.9>"));
    assert_eq!(snapshot.remote_user_agent.as_deref(), Some("peer/1"));
}

/// REFERENCE 1.3 row 16, 1.3 row 17, 1.3 row 18, 1.11 code 200, 1.8 item 2
#[test]
fn row_16_17_18_accept_prepares_answers_and_stands_with_the_ack() {
    let mut rig = Rig::incoming();
    rig.accept().unwrap();
    assert_eq!((rig.told(), rig.sent()), (vec!["CS(INCOMING>ACCEPTING)".to_owned()], vec![]));
    rig.prepared();
    assert_eq!(rig.told(), ["RTPTransportDidInitialize", "SU[audio]", "WillStart"]);
    let ok = Message::parse(&rig.wire[0].1[..]).unwrap();
    assert!(text(ok.body()).contains("m=audio 4000 RTP/AVP 0 101\r\n"));
    assert!(ok.to().unwrap().tag().is_some() && ok.header(HeaderName::Contact).is_some());
    rig.request("ACK", 1);
    assert_eq!(rig.told(), ["CS(ACCEPTING>ESTABLISHED)", "DidStart"]);
    rig.sent();
    rig.run_until(40_000);
    assert_eq!(rig.sent(), [""; 0]);
}

/// REFERENCE 1.3 row 16, 2 row 27
#[test]
fn row_16_a_stream_that_was_not_proposed_cannot_be_accepted() {
    let mut rig = Rig::incoming();
    let streams = Streams { audio: true, chat: true };
    let refused = rig.order(Order::Accept { streams, headers: vec![] });
    assert!(matches!(refused, Err(SessionError::InvalidArgument(_))));
    assert_eq!((rig.told(), rig.core.snapshot().state), (vec![], SessionState::Incoming));
    assert_eq!((rig.sent(), rig.media()), (vec![], vec![]));
}

/// REFERENCE 1.3 row 17
#[test]
fn row_17_the_200_is_repeated_until_the_ack() {
    let mut rig = Rig::answered();
    rig.run_until(4_000);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".to_owned(); 3]));
    rig.request("ACK", 1);
    assert_eq!(rig.told(), ["CS(ACCEPTING>ESTABLISHED)", "DidStart"]);
    rig.run_until(40_000);
    assert_eq!(rig.sent(), [""; 0]);
}

/// REFERENCE 1.3 row 19, 1.11 code 500
#[test]
fn row_19_a_failed_preparation_refuses_with_500() {
    let mut rig = Rig::incoming();
    rig.accept().unwrap();
    rig.told();
    rig.prepare_failed();
    assert_eq!(
        rig.told(),
        [
            "RTPTransportDidFail",
            "CS(ACCEPTING>TERMINATED)",
            "DidFail{local, 0, audio: no free port}",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.sent(), ["500"]);
}

/// REFERENCE 1.3 row 21
#[test]
fn row_21_without_an_ack_for_64_t1_the_call_ends_with_bye() {
    let mut rig = Rig::answered();
    rig.run_until(32_000);
    assert_eq!(
        rig.told()[1..],
        [
            "SU[]",
            "CS(ACCEPTING>TERMINATED)",
            "DidFail{local, 408, the ACK never came}",
            "DidEnd{local}"
        ]
    );
    assert_eq!((rig.sent().last().map(String::as_str), rig.handed_over), (Some("BYE"), 1));
}

/// REFERENCE 1.3 row 22, 1.11 code 487
#[test]
fn row_22_a_cancel_before_the_answer_ends_with_487() {
    for accepting in [false, true] {
        let mut rig = Rig::incoming();
        if accepting {
            rig.accept().unwrap();
            rig.told();
        }
        rig.request("CANCEL", 1);
        let from = if accepting { "ACCEPTING" } else { "INCOMING" };
        let state = format!("CS({from}>TERMINATED)");
        assert_eq!(
            rig.told(),
            [&state, "DidFail{remote, 487, the caller cancelled the call}", "DidEnd{remote}"]
        );
        assert_eq!(rig.sent(), ["200", "487"]);
    }
}

/// REFERENCE 1.3 row 22
#[test]
fn row_22_a_cancel_after_the_200_changes_nothing() {
    let mut rig = Rig::answered();
    rig.request("CANCEL", 1);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".to_owned()]));
}

/// REFERENCE 1.3 row 23, 1.11 code 486, 2 row 28
#[test]
fn row_23_reject_and_end_refuse_an_incoming_call() {
    for (order, code) in [(Order::reject(603), "603"), (Order::End, "486")] {
        let mut rig = Rig::incoming();
        rig.order(order).unwrap();
        assert_eq!(
            rig.told(),
            ["CS(INCOMING>TERMINATING)", "WillEnd", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]
        );
        assert_eq!(rig.sent(), [code]);
    }
}

/// REFERENCE 1.3 row 24
#[test]
fn row_24_end_before_the_200_refuses_and_after_it_waits_for_the_ack() {
    let mut rig = Rig::incoming();
    rig.accept().unwrap();
    end(&mut rig);
    assert_eq!(rig.sent(), ["486"]);
    let mut rig = Rig::answered();
    end(&mut rig);
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["CS(ACCEPTING>TERMINATING)".to_owned(), "WillEnd".to_owned()], vec![])
    );
    rig.request("ACK", 1);
    assert_eq!(rig.sent(), ["BYE"]);
    rig.wire.clear();
    rig.run_until(200);
    assert_eq!(rig.told(), ["SU[]", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
}

/// REFERENCE 1.3 row 25
#[test]
fn row_25_a_bye_before_the_ack_fails_the_call() {
    let mut rig = Rig::answered();
    rig.request("BYE", 2);
    assert_eq!(
        rig.told(),
        [
            "SU[]",
            "CS(ACCEPTING>TERMINATED)",
            "DidFail{remote, 487, the peer ended the call before it stood}",
            "DidEnd{remote}"
        ]
    );
    assert_eq!(rig.sent(), ["200"]);
}

/// REFERENCE 1.3 row 26
#[test]
fn row_26_end_says_bye_and_audio_falls_silent_at_once() {
    let mut rig = Rig::established();
    rig.media();
    end(&mut rig);
    assert_eq!(
        (rig.told(), rig.media()),
        (
            vec!["CS(ESTABLISHED>TERMINATING)".to_owned(), "WillEnd".to_owned()],
            vec!["Update".to_owned()]
        )
    );
    rig.reply_to("BYE", 200);
    assert_eq!(rig.told(), ["SU[]", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
    assert_eq!((rig.sent(), rig.media()), (vec!["BYE".to_owned()], vec!["Stop".to_owned()]));
    assert!(rig.core.snapshot().stop_time.is_some());
}

/// REFERENCE 1.3 row 26
#[test]
fn row_26_an_unanswered_bye_is_the_endpoints_after_200_ms() {
    let mut rig = Rig::established();
    end(&mut rig);
    rig.told();
    rig.run_until(199);
    assert_eq!(rig.told(), [""; 0]);
    rig.run_until(200);
    assert_eq!(rig.told(), ["SU[]", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
    assert_eq!(rig.sent(), ["BYE"]);
    // The BYE, and the INVITE that still listens for other branches.
    assert_eq!(rig.handed_over, 2);
}

/// REFERENCE 1.3 row 27
#[test]
fn row_27_a_bye_of_the_peer_ends_the_call_without_failure() {
    let mut rig = Rig::established();
    rig.request("BYE", 1);
    assert_eq!(rig.told(), ["SU[]", "CS(ESTABLISHED>TERMINATED)", "DidEnd{remote}"]);
    assert_eq!(rig.sent(), ["200"]);
}

/// REFERENCE 1.5 item 16
#[test]
fn crossing_byes_end_locally() {
    let mut rig = Rig::established();
    end(&mut rig);
    rig.told();
    rig.request("BYE", 1);
    assert_eq!(rig.told(), ["SU[]", "CS(TERMINATING>TERMINATED)", "DidEnd{local}"]);
    assert_eq!(rig.sent(), ["BYE", "200"]);
}

/// REFERENCE 1.3 row 47, 2 row 11
#[test]
fn row_47_end_in_null_and_terminated_does_nothing() {
    let mut rig = Rig::new();
    end(&mut rig);
    let mut over = Rig::established();
    over.request("BYE", 1);
    over.clear();
    end(&mut over);
    assert_eq!((rig.told(), over.told()), (vec![], vec![]));
    assert_eq!((rig.sent(), over.sent()), (vec![], vec![]));
    let mut ending = Rig::established();
    end(&mut ending);
    ending.clear();
    end(&mut ending);
    assert_eq!((ending.told(), ending.sent(), ending.media()), (vec![], vec![], vec![]));
}

#[test]
fn a_wrong_state_names_the_method_the_state_and_where_it_is_allowed() {
    let mut rig = Rig::established();
    let error = rig.accept().unwrap_err();
    assert_eq!(error.to_string(), "accept() needs INCOMING, the session is ESTABLISHED");
    assert_eq!(error.name(), "SessionStateError");
    assert_eq!(
        rig.connect(1).unwrap_err().to_string(),
        "connect() needs NULL, the session is ESTABLISHED"
    );
    assert!(rig.order(Order::reject(486)).is_err());
}

/// REFERENCE 1.10 item 1, 2 row 7
#[test]
fn routes_are_tried_in_order_with_the_same_request_and_a_new_branch() {
    let mut rig = Rig::new();
    rig.connect(2).unwrap();
    rig.prepared();
    let first = rig.invite.clone();
    rig.told();
    rig.sent();
    rig.reply(503, "", "");
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".to_owned(), "INVITE".to_owned()]));
    let branch =
        |bytes: &[u8]| Message::parse(bytes).unwrap().via().unwrap().branch().unwrap().to_vec();
    let same = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*text(&branch(bytes)), "-");
    assert_ne!(branch(&first), branch(&rig.invite));
    assert_eq!(same(&first), same(&rig.invite));
    rig.reply(503, "", "");
    assert_eq!(
        rig.told(),
        ["CS(CALLING>TERMINATED)", "DidFail{remote, 503, Phrase}", "DidEnd{remote}"]
    );
}

/// REFERENCE 1.10 item 1
#[test]
fn a_transport_error_and_silence_try_the_next_route_and_486_does_not() {
    let mut rig = Rig::new();
    rig.connect(3).unwrap();
    rig.prepared();
    rig.sent();
    let branch = Message::parse(&rig.invite[..]).unwrap().via().unwrap().branch().unwrap().to_vec();
    rig.feed(Input::TransportError { branch, reason: "refused".into() }).unwrap();
    assert_eq!(rig.sent(), ["INVITE"]);
    rig.run_until(32_000);
    assert_eq!(rig.sent().len(), 7);
    rig.told();
    rig.reply(486, "", "");
    assert_eq!(rig.told()[1], "DidFail{remote, 486, Phrase}");
}

#[test]
fn a_long_invite_goes_over_tcp_first_and_over_udp_when_that_is_refused() {
    let mut rig = Rig::new();
    let uri = "sip:bob@192.0.2.9".parse().unwrap();
    let when_long = Some(destination(Transport::Tcp));
    let routes = vec![Route { destination: destination(Transport::Udp), when_long }];
    let headers = vec![("X-Long".to_owned(), "x".repeat(1300))];
    rig.order(Order::Connect { uri, routes, streams: Streams::AUDIO, headers }).unwrap();
    rig.prepared();
    assert_eq!(rig.wire.pop().unwrap().0.transport, Transport::Tcp);
    let branch = Message::parse(&rig.invite[..]).unwrap().via().unwrap().branch().unwrap().to_vec();
    rig.feed(Input::TransportError { branch, reason: "refused".into() }).unwrap();
    assert_eq!(rig.wire.pop().unwrap().0.transport, Transport::Udp);
}

#[test]
fn headers_that_the_session_writes_itself_are_refused() {
    for (name, value) in
        [("Via", "x"), ("v", "x"), ("To", "x"), ("X Y", "z"), ("X", "a\r\nb"), ("l", "1")]
    {
        let mut rig = Rig::new();
        let uri = "sip:bob@192.0.2.9".parse().unwrap();
        let routes = vec![Route { destination: destination(Transport::Udp), when_long: None }];
        let headers = vec![(name.to_owned(), value.to_owned())];
        let refused = rig.order(Order::Connect { uri, routes, streams: Streams::AUDIO, headers });
        assert!(matches!(refused, Err(SessionError::InvalidArgument(_))), "{name}");
    }
}

/// REFERENCE 1.8 item 4
#[test]
fn no_audio_is_told_once_after_5_s_unless_a_packet_came() {
    let mut silent = Rig::established();
    silent.run_until(4_999);
    assert_eq!(silent.told(), [""; 0]);
    silent.run_until(60_000);
    assert_eq!(silent.told(), ["GotNoAudio"]);
    let mut heard = Rig::established();
    heard.source_seen();
    heard.run_until(60_000);
    assert_eq!(heard.told(), [""; 0]);
}

/// REFERENCE 1.8 item 4
#[test]
fn no_audio_is_told_after_the_time_that_is_set() {
    let no_audio_timeout = std::time::Duration::from_secs(20);
    let policy = Policy { no_audio_timeout, ..Policy::default() };
    let mut silent = Rig::with_policy(policy);
    silent.connect(1).unwrap();
    silent.prepared();
    silent.reply(200, "", SDP);
    silent.clear();
    silent.run_until(19_999);
    assert_eq!(silent.told(), [""; 0]);
    silent.run_until(20_000);
    assert_eq!(silent.told(), ["GotNoAudio"]);
}

/// REFERENCE 1.8 item 7
#[test]
fn dtmf_needs_active_audio_a_digit_and_a_peer_that_takes_it() {
    let mut rig = Rig::calling();
    assert!(matches!(rig.order(Order::SendDtmf('1')), Err(SessionError::State(_))));
    rig.reply(200, "", SDP);
    rig.media();
    rig.order(Order::SendDtmf('#')).unwrap();
    assert_eq!(rig.media(), ["SendDtmf"]);
    assert!(matches!(rig.order(Order::SendDtmf('a')), Err(SessionError::InvalidArgument(_))));
    let mut held = Rig::calling();
    held.reply(200, "", HOLDING);
    assert!(matches!(held.order(Order::SendDtmf('1')), Err(SessionError::InvalidArgument(_))));
}

#[test]
fn a_bye_of_a_stranger_is_answered_481_and_a_stale_one_500() {
    let mut rig = Rig::established();
    rig.invite = String::from_utf8(rig.invite).unwrap().replace("Call-ID: ", "Call-ID: x").into();
    rig.request("BYE", 1);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["481".to_owned()]));
    let mut callee = Rig::answered();
    callee.request("ACK", 1);
    callee.request("BYE", 1);
    assert_eq!(callee.sent(), ["500"]);
    assert_eq!(callee.core.snapshot().state, SessionState::Established);
}
