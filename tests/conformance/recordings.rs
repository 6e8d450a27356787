//! Recording, playing, echo and mute as orders (REFERENCE 0.4, 0.22, 1.8).

use std::path::PathBuf;

use offhook::error::SessionError;
use offhook::media::control::{MediaCommand, MediaEvent};
use offhook::session::Order;
use offhook_tests::{Rig, SDP, STREAM};

const HOLDING: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n";

fn file() -> PathBuf {
    "call.wav".into()
}

fn record(rig: &mut Rig) -> Result<(), SessionError> {
    rig.order(Order::StartRecording(file()))
}

fn started(rig: &mut Rig) {
    rig.media_event(MediaEvent::RecordingStarted { stream: STREAM, file: file() });
}

/// A call that is recorded.
fn recording() -> Rig {
    let mut rig = Rig::established();
    record(&mut rig).unwrap();
    started(&mut rig);
    rig.told();
    rig.media();
    rig
}

/// A call that the peer holds.
fn held() -> Rig {
    let mut rig = Rig::established();
    rig.request_with("INVITE", 1, HOLDING);
    rig.request("ACK", 1);
    rig.told();
    rig.sent();
    rig.media();
    rig
}

/// The text of a SessionStateError.
fn refusal(result: Result<(), SessionError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.name(), "SessionStateError");
    error.to_string()
}

/// REFERENCE 1.8 item 8
#[test]
fn recording_is_told_before_and_after_the_file_is_open() {
    let mut rig = Rig::established();
    rig.media();
    record(&mut rig).unwrap();
    assert_eq!(
        (rig.told(), rig.media()),
        (vec!["WillStartRecordingAudio".to_owned()], vec!["StartRecording".to_owned()])
    );
    assert_eq!(rig.core.snapshot().audio_recording_file_name, Some(file()));
    started(&mut rig);
    assert_eq!(rig.told(), ["DidStartRecordingAudio"]);
}

/// REFERENCE 1.8 item 8, 2 row 6
#[test]
fn stopping_is_told_before_and_after_the_file_is_closed() {
    let mut rig = recording();
    rig.order(Order::StopRecording).unwrap();
    assert_eq!(
        (rig.told(), rig.media()),
        (vec!["WillStopRecordingAudio".to_owned()], vec!["StopRecording".to_owned()])
    );
    rig.media_event(MediaEvent::RecordingStopped { stream: STREAM, file: file() });
    assert_eq!(rig.told(), ["DidStopRecordingAudio"]);
    assert_eq!(rig.core.snapshot().audio_recording_file_name, None);
    record(&mut rig).unwrap();
}

/// REFERENCE 1.8 item 8, 2 row 6
#[test]
fn a_recording_that_cannot_start_is_told_as_stopped() {
    let mut rig = Rig::established();
    record(&mut rig).unwrap();
    rig.told();
    let reason = String::from("no space left on device");
    rig.media_event(MediaEvent::RecordingFailed { stream: STREAM, file: file(), reason });
    assert_eq!(rig.told(), ["DidStopRecordingAudio"]);
    assert_eq!(rig.core.snapshot().audio_recording_file_name, None);
}

#[test]
fn a_recording_stopped_before_it_is_open_never_tells_a_start() {
    let mut rig = Rig::established();
    record(&mut rig).unwrap();
    rig.order(Order::StopRecording).unwrap();
    started(&mut rig);
    rig.media_event(MediaEvent::RecordingStopped { stream: STREAM, file: file() });
    assert_eq!(
        rig.told(),
        ["WillStartRecordingAudio", "WillStopRecordingAudio", "DidStopRecordingAudio"]
    );
}

/// REFERENCE 1.8 item 8, 2 row 9
#[test]
fn recording_calls_in_a_wrong_state_name_the_states_of_the_table() {
    let mut rig = Rig::calling();
    let allowed = "ESTABLISHED or PROPOSING or PROPOSED, the session is CALLING";
    assert_eq!(refusal(record(&mut rig)), format!("start_recording_audio() needs {allowed}"));
    assert_eq!(
        refusal(rig.order(Order::StopRecording)),
        format!("stop_recording_audio() needs {allowed}")
    );
    // Early media is no confirmed dialog.
    rig.reply(183, "", SDP);
    assert!(refusal(record(&mut rig)).starts_with("start_recording_audio() needs ESTABLISHED"));
}

/// REFERENCE 1.8 item 8
#[test]
fn a_second_start_and_a_stop_without_a_start_are_state_errors() {
    let mut rig = Rig::established();
    assert_eq!(
        refusal(rig.order(Order::StopRecording)),
        "stop_recording_audio() without a recording needs another state, the session is ESTABLISHED"
    );
    record(&mut rig).unwrap();
    rig.told();
    assert_eq!(
        refusal(record(&mut rig)),
        "start_recording_audio() while a recording runs needs another state, the session is ESTABLISHED"
    );
    rig.order(Order::StopRecording).unwrap();
    assert!(refusal(rig.order(Order::StopRecording)).contains("without a recording"));
    assert_eq!(rig.told(), ["WillStopRecordingAudio"]);
}

/// REFERENCE 1.3 row 26
#[test]
fn row_26_the_recordings_end_comes_before_the_sessions() {
    let mut rig = recording();
    rig.order(Order::End).unwrap();
    assert_eq!(rig.told(), ["CS(ESTABLISHED>TERMINATING)", "WillEnd"]);
    rig.reply_to("BYE", 200);
    assert_eq!(
        rig.told(),
        [
            "WillStopRecordingAudio",
            "DidStopRecordingAudio",
            "SU[]",
            "CS(TERMINATING>TERMINATED)",
            "DidEnd{local}"
        ]
    );
    assert_eq!(rig.media().last().map(String::as_str), Some("Stop"));
}

/// REFERENCE 1.3 row 27
#[test]
fn row_27_a_bye_ends_the_recording_first() {
    let mut rig = recording();
    rig.request("BYE", 1);
    assert_eq!(
        rig.told(),
        [
            "WillStopRecordingAudio",
            "DidStopRecordingAudio",
            "SU[]",
            "CS(ESTABLISHED>TERMINATED)",
            "DidEnd{remote}"
        ]
    );
}

#[test]
fn a_stop_that_was_announced_is_announced_once() {
    let mut rig = recording();
    rig.order(Order::StopRecording).unwrap();
    rig.request("BYE", 1);
    let told = rig.told();
    assert_eq!(told[..3], ["WillStopRecordingAudio", "DidStopRecordingAudio", "SU[]"]);
}

/// REFERENCE 1.8 item 8
#[test]
fn r22_a_recording_armed_in_hold_starts_right_before_the_unhold_is_told() {
    let mut rig = held();
    record(&mut rig).unwrap();
    assert_eq!((rig.told(), rig.media()), (vec![], vec![]));
    assert_eq!(rig.core.snapshot().audio_recording_file_name, Some(file()));
    rig.request_with("INVITE", 2, SDP);
    rig.request("ACK", 2);
    assert_eq!(rig.told(), ["WillStartRecordingAudio"]);
    started(&mut rig);
    assert_eq!(rig.told(), ["DidStartRecordingAudio", "GotUnholdRequest{remote}"]);
}

#[test]
fn r22_the_unhold_is_told_even_when_the_armed_recording_fails_or_the_call_is_held_again() {
    let mut failed = held();
    record(&mut failed).unwrap();
    failed.request_with("INVITE", 2, SDP);
    failed.told();
    let reason = String::from("denied");
    failed.media_event(MediaEvent::RecordingFailed { stream: STREAM, file: file(), reason });
    assert_eq!(failed.told(), ["DidStopRecordingAudio", "GotUnholdRequest{remote}"]);
    let mut again = held();
    record(&mut again).unwrap();
    again.request_with("INVITE", 2, SDP);
    again.request("ACK", 2);
    again.request_with("INVITE", 3, HOLDING);
    started(&mut again);
    assert_eq!(
        again.told(),
        [
            "WillStartRecordingAudio",
            "GotUnholdRequest{remote}",
            "GotHoldRequest{remote}",
            "DidStartRecordingAudio"
        ]
    );
}

#[test]
fn an_armed_recording_that_is_stopped_tells_its_end_at_once() {
    let mut rig = held();
    record(&mut rig).unwrap();
    rig.order(Order::StopRecording).unwrap();
    assert_eq!(rig.told(), ["WillStopRecordingAudio", "DidStopRecordingAudio"]);
    assert_eq!(rig.media(), [""; 0]);
}

/// REFERENCE 1.8 item 8
#[test]
fn a_hold_during_a_recording_is_silent_about_it() {
    let mut rig = recording();
    rig.request_with("INVITE", 1, HOLDING);
    rig.request("ACK", 1);
    rig.request_with("INVITE", 2, SDP);
    rig.request("ACK", 2);
    assert_eq!(rig.told(), ["GotHoldRequest{remote}", "GotUnholdRequest{remote}"]);
}

/// REFERENCE 1.8 item 7, 2 row 9
#[test]
fn dtmf_names_what_is_missing() {
    let mut calling = Rig::calling();
    assert_eq!(
        refusal(calling.order(Order::SendDtmf('1'))),
        "send_dtmf() without active audio needs another state, the session is CALLING"
    );
    calling.reply(183, "", SDP);
    calling.media();
    calling.order(Order::SendDtmf('1')).unwrap();
    assert_eq!(calling.media(), ["SendDtmf"]);
    let mut fresh = Rig::new();
    assert_eq!(
        refusal(fresh.order(Order::SendDtmf('1'))),
        "send_dtmf() needs CALLING or INCOMING or ACCEPTING or ESTABLISHED or PROPOSING or PROPOSED, the session is NULL"
    );
    let mut ending = Rig::established();
    ending.order(Order::End).unwrap();
    assert!(refusal(ending.order(Order::SendDtmf('1'))).contains("is TERMINATING"));
}

#[test]
fn playing_before_audio_is_active_follows_the_preparation() {
    let mut caller = Rig::new();
    caller.connect(1).unwrap();
    caller.order(Order::Play(file())).unwrap();
    caller.order(Order::Echo(true)).unwrap();
    assert_eq!(caller.media(), ["Prepare", "Play", "Echo"]);
    let mut callee = Rig::incoming();
    callee.order(Order::Mute(true)).unwrap();
    callee.order(Order::Mute(false)).unwrap();
    callee.order(Order::Play(file())).unwrap();
    assert_eq!(callee.media(), [""; 0]);
    callee.accept().unwrap();
    assert_eq!(callee.media(), ["Prepare", "Mute", "Play"]);
    assert_eq!(callee.orders()[1], MediaCommand::Mute { stream: STREAM, on: false });
}

#[test]
fn steering_a_running_call_reaches_media_and_the_files_end_is_told() {
    let mut rig = Rig::established();
    rig.media();
    for order in [Order::Play(file()), Order::StopPlaying, Order::Echo(true), Order::Mute(true)] {
        rig.order(order).unwrap();
    }
    assert_eq!(rig.media(), ["Play", "StopPlaying", "Echo", "Mute"]);
    rig.media_event(MediaEvent::PlayEnded { stream: STREAM, file: file(), failure: None });
    assert_eq!(rig.told(), ["WaveFileDidFinishPlaying"]);
}

#[test]
fn steering_needs_a_session_that_has_or_will_have_audio() {
    let allowed = "INCOMING or ACCEPTING or ESTABLISHED or PROPOSING or PROPOSED";
    let mut fresh = Rig::new();
    assert_eq!(
        refusal(fresh.order(Order::Play(file()))),
        format!("play() needs CALLING or {allowed}, the session is NULL")
    );
    let mut over = Rig::established();
    over.request("BYE", 1);
    for order in [Order::StopPlaying, Order::Echo(true), Order::Mute(true)] {
        assert!(refusal(over.order(order)).ends_with("the session is TERMINATED"));
    }
}
