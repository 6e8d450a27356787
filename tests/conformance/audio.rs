//! REFERENCE 1.8: what a session does about audio.

use offhook::media::control::MediaEvent;
use offhook::session::Order;
use offhook_tests::steps::{chat_alone, going};
use offhook_tests::{CHAT_LINE, Rig, SDP, STREAM};

/// REFERENCE 1.8 item 1
#[test]
fn s1_8_item_1_audio_comes_first_and_offers_telephone_events() {
    let mut rig = Rig::new();
    rig.call(offhook_tests::steps::BOTH).unwrap();
    rig.chat_prepared();
    rig.prepared();
    assert_eq!(rig.lines(), ["audio 4000 sendrecv", "message 2855"]);
    let offer = rig.description();
    assert!(offer.contains("\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"));
    assert!(offer.contains("\r\na=rtpmap:101 telephone-event/8000\r\n"));
    assert!(offer.contains("\r\nc=IN IP4 192.0.2.1\r\n"));
    let origin = offer.lines().nth(1).unwrap();
    let numbers: Vec<u64> = origin.split(' ').skip(1).take(2).map(|n| n.parse().unwrap()).collect();
    // NTP seconds of the simulated start, 1970-01-01.
    assert_eq!(numbers, [2_208_988_800, 2_208_988_800]);
}

/// REFERENCE 1.8 item 2
#[test]
fn s1_8_item_2_the_answer_has_one_codec_and_telephone_events() {
    for (formats, taken) in [("8 0 101", "8 101"), ("18 0 101", "0 101"), ("0", "0")] {
        let mut rig = Rig::new();
        let offer = SDP.replace("RTP/AVP 0 101", &format!("RTP/AVP {formats}"));
        let offer = if formats == "0" { offer.split("a=").next().unwrap().into() } else { offer };
        rig.invited(&offer);
        rig.accept().unwrap();
        rig.prepared();
        assert!(
            rig.description().contains(&format!("m=audio 4000 RTP/AVP {taken}\r\n")),
            "{formats}"
        );
    }
}

/// REFERENCE 1.8 item 3
#[test]
fn s1_8_item_3_has_audio_is_negotiation_and_was_received_is_packets() {
    let mut rig = Rig::calling();
    assert!(!rig.core.snapshot().has_audio);
    rig.reply(200, "", SDP);
    let snapshot = rig.core.snapshot();
    assert!(snapshot.has_audio && !snapshot.audio_was_received);
    assert_eq!(snapshot.audio_remote_rtp_received, None);
    rig.source_seen();
    let snapshot = rig.core.snapshot();
    assert!(snapshot.audio_was_received && snapshot.audio_remote_rtp_received.is_some());
}

/// REFERENCE 1.8 item 4
#[test]
fn s1_8_item_4_no_audio_is_told_once_and_not_after_audio_stopped() {
    let mut rig = Rig::established();
    rig.run_until(100_000);
    assert_eq!(rig.told(), ["GotNoAudio"]);
    let mut removed = Rig::established();
    removed.request_with("INVITE", 1, &SDP.replace("9000", "0"));
    removed.request("ACK", 1);
    removed.clear();
    removed.run_until(100_000);
    assert_eq!(removed.told(), [""; 0]);
}

/// REFERENCE 1.8 item 4, 2 row 33
#[test]
fn s1_8_item_4_the_timer_runs_from_early_media_and_ignores_hold() {
    let mut early = Rig::calling();
    early.run_until(1_000);
    early.reply(183, "", SDP);
    early.clear();
    early.run_until(5_999);
    assert_eq!(early.told(), [""; 0]);
    early.run_until(6_000);
    assert_eq!(early.told(), ["GotNoAudio"]);
    let mut held = Rig::calling();
    held.reply(200, "", &going("inactive"));
    held.clear();
    held.run_until(5_000);
    assert_eq!(held.told(), ["GotNoAudio"]);
}

/// REFERENCE 1.8 item 5
#[test]
fn s1_8_item_5_a_stream_is_this_sessions_own() {
    // 0.24 overrules the item: a session hears only its own peer.
    let mut rig = Rig::established();
    for order in rig.orders() {
        let text = format!("{order:?}");
        assert!(text.contains(&format!("{STREAM:?}")), "{text}");
    }
}

/// REFERENCE 1.8 item 6
#[test]
fn s1_8_item_6_only_180_rings_and_sdp_in_any_18x_starts_media() {
    for (status, rings) in [(180, true), (181, false), (182, false), (183, false)] {
        let mut rig = Rig::calling();
        rig.reply(status, "", "");
        assert_eq!(rig.told().contains(&"GotRingIndication".to_owned()), rings, "{status}");
        rig.reply(status, "", SDP);
        assert_eq!(rig.told().last().map(String::as_str), Some("SU[audio]"), "{status}");
    }
}

/// REFERENCE 1.8 item 6, 1.3 row 4
#[test]
fn s1_8_item_6_a_180_rings_without_a_tag() {
    // 0.23
    let mut rig = Rig::calling();
    let invite = rig.invite.clone();
    let invite = offhook::sip::Message::parse(&invite[..]).unwrap();
    let bytes =
        offhook::sip::Builder::response(&invite, 180, "Ringing", None, None).unwrap().finish();
    rig.response(bytes);
    assert_eq!(rig.told(), ["GotRingIndication"]);
}

/// REFERENCE 1.8 item 7
#[test]
fn s1_8_item_7_digits_are_sent_where_the_peer_takes_them() {
    let mut rig = Rig::established();
    rig.clear();
    for digit in "0123456789*#ABCD".chars() {
        rig.order(Order::SendDtmf(digit)).unwrap();
    }
    assert_eq!(rig.media(), vec!["SendDtmf"; 16]);
    for digit in ['a', 'E', ' ', '٣'] {
        assert_eq!(rig.order(Order::SendDtmf(digit)).unwrap_err().name(), "InvalidArgument");
    }
    let mut without = Rig::calling();
    without.reply(200, "", SDP.split("a=rtpmap").next().unwrap());
    let error = without.order(Order::SendDtmf('1')).unwrap_err().to_string();
    assert_eq!(error, "send_dtmf(): the peer does not take telephone-events");
    // 0.4: an error that says why, where 2009 sends into a hold.
    let mut held = Rig::held();
    let error = held.order(Order::SendDtmf('1')).unwrap_err().to_string();
    assert_eq!(error, "send_dtmf(): the peer holds the call, nothing may be sent");
    let mut holding = Rig::holding();
    holding.order(Order::SendDtmf('1')).unwrap();
}

/// REFERENCE 1.8 item 7
#[test]
fn s1_8_item_7_digits_that_come_are_told() {
    let mut rig = Rig::established();
    rig.media_event(MediaEvent::Dtmf { stream: STREAM, digit: '#' });
    assert_eq!(rig.told(), ["GotDtmf{#}"]);
}

/// REFERENCE 1.8 item 8
#[test]
fn s1_8_item_8_recording_needs_a_confirmed_call_and_active_audio() {
    let record = || Order::StartRecording("call.wav".into());
    for mut rig in [Rig::established(), Rig::proposing(), Rig::proposed(), Rig::callee()] {
        rig.order(record()).unwrap();
        assert_eq!(rig.told(), ["WillStartRecordingAudio"]);
        assert_eq!(rig.order(record()).unwrap_err().name(), "SessionStateError");
    }
    let mut chat = Rig::chatting();
    assert_eq!(
        chat.order(record()).unwrap_err().to_string(),
        "start_recording_audio() without active audio needs another state, the session is ESTABLISHED"
    );
}

/// REFERENCE 1.8 item 8
#[test]
fn s1_8_item_8_a_recording_armed_in_our_hold_starts_with_our_unhold() {
    let mut rig = Rig::holding();
    rig.order(Order::StartRecording("call.wav".into())).unwrap();
    assert_eq!(rig.told(), [""; 0]);
    assert!(rig.core.snapshot().audio_recording_file_name.is_some());
    rig.order(Order::Unhold).unwrap();
    assert_eq!(rig.told(), ["WillStartRecordingAudio"]);
    let file = "call.wav".into();
    rig.media_event(MediaEvent::RecordingStarted { stream: STREAM, file });
    // 0.22
    assert_eq!(rig.told(), ["DidStartRecordingAudio", "GotUnholdRequest{local}"]);
}

/// REFERENCE 1.8 item 13
#[test]
fn s1_8_item_13_without_a_free_port_the_preparation_fails() {
    let mut rig = Rig::new();
    rig.connect(1).unwrap();
    rig.clear();
    rig.prepare_failed();
    assert_eq!(rig.told()[2], "DidFail{local, 0, audio: no free port}");
}

/// REFERENCE 1.8 item 2
#[test]
fn s1_8_item_2_audio_is_matched_by_kind_and_not_by_place() {
    let (head, audio) = SDP.split_once("m=").unwrap();
    let mut rig = Rig::new();
    rig.invited(&format!("{}m={audio}", chat_alone()));
    rig.accept().unwrap();
    rig.prepared();
    assert_eq!(rig.lines(), ["message 0", "audio 4000 sendrecv"]);
    let mut reversed = Rig::new();
    reversed.invited(&format!("{head}m={audio}{CHAT_LINE}"));
    assert_eq!(reversed.told()[1], "NewIncoming[audio,chat]");
}
