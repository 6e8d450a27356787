//! A fault inside: as an input to a core that still stands, and as the farewell of one that is
//! lost (REFERENCE 1.3 row 46).

use std::path::PathBuf;

use offhook::media::control::MediaEvent;
use offhook::notification::SessionState;
use offhook::session::{Input, Order};
use offhook::sip::{HeaderName, Message, text};
use offhook_fsm::Entropy;
use offhook_tests::{Rig, SDP, STREAM};

/// What a session does when its fault comes: notifications, messages, orders to media, transactions
/// that go on elsewhere.
type Done = (Vec<String>, Vec<String>, Vec<String>, usize);

fn clear(rig: &mut Rig) {
    rig.told();
    rig.sent();
    rig.media();
}

fn done(rig: &mut Rig) -> Done {
    (rig.told(), rig.sent(), rig.media(), rig.handed_over)
}

fn fault(mut rig: Rig) -> Done {
    clear(&mut rig);
    rig.feed(Input::Fault("internal error".into())).unwrap();
    done(&mut rig)
}

fn farewell(mut rig: Rig) -> Done {
    clear(&mut rig);
    let farewell = rig.core.farewell();
    for output in farewell.outputs(rig.now, &mut Entropy::from_u64(9)) {
        rig.take(output);
    }
    done(&mut rig)
}

fn ringing() -> Rig {
    let mut rig = Rig::calling();
    rig.reply(180, "", "");
    rig
}

fn early_media() -> Rig {
    let mut rig = Rig::calling();
    rig.reply(183, "", SDP);
    rig
}

fn accepting() -> Rig {
    let mut rig = Rig::incoming();
    rig.accept().unwrap();
    rig
}

fn recorded() -> Rig {
    let mut rig = Rig::established();
    let file = PathBuf::from("call.wav");
    rig.order(Order::StartRecording(file.clone())).unwrap();
    rig.media_event(MediaEvent::RecordingStarted { stream: STREAM, file });
    rig
}

fn ended(mut rig: Rig) -> Rig {
    rig.order(Order::End).unwrap();
    rig
}

fn failed(from: &str, before: &[&str]) -> Vec<String> {
    let mut told: Vec<String> = before.iter().map(ToString::to_string).collect();
    told.push(format!("CS({from}>TERMINATED)"));
    told.push("DidFail{local, 0, internal error}".into());
    told.push("DidEnd{local}".into());
    told
}

/// A name for the test's message, the session, what it tells, what it sends, whether media stops.
type Case = (&'static str, fn() -> Rig, Vec<String>, Vec<&'static str>, bool);

/// Every state, and what must happen in it.
fn cases() -> Vec<Case> {
    let pair = ["WillStopRecordingAudio", "DidStopRecordingAudio", "SU[]"];
    let quiet = |before: &[&str]| {
        let mut told: Vec<String> = before.iter().map(ToString::to_string).collect();
        told.extend(["CS(TERMINATING>TERMINATED)".to_owned(), "DidEnd{local}".to_owned()]);
        told
    };
    vec![
        ("null", Rig::new, vec![], vec![], false),
        ("calling", Rig::calling, failed("CALLING", &[]), vec![], true),
        ("ringing", ringing, failed("CALLING", &[]), vec!["CANCEL"], true),
        ("early media", early_media, failed("CALLING", &["SU[]"]), vec!["CANCEL"], true),
        ("incoming", Rig::incoming, failed("INCOMING", &[]), vec!["500"], false),
        ("accepting", accepting, failed("ACCEPTING", &[]), vec!["500"], true),
        // The BYE is the endpoint's, which waits for the ACK: tests/tests/bye_before_ack.rs.
        ("answered", Rig::answered, failed("ACCEPTING", &["SU[]"]), vec![], true),
        ("established", Rig::established, failed("ESTABLISHED", &["SU[]"]), vec!["BYE"], true),
        ("recorded", recorded, failed("ESTABLISHED", &pair), vec!["BYE"], true),
        ("cancelled", || ended(ringing()), quiet(&[]), vec![], true),
        ("BYE is out", || ended(Rig::established()), quiet(&["SU[]"]), vec![], true),
        ("BYE waits", || ended(Rig::answered()), quiet(&["SU[]"]), vec![], true),
        ("over", || ended(Rig::incoming()), vec![], vec![], false),
    ]
}

/// REFERENCE 1.3 row 46, 2 row 12
#[test]
fn row_46_a_fault_ends_the_session_in_every_state() {
    for (name, rig, told, sent, stops) in cases() {
        let done = fault(rig());
        let stop: &[&str] = if stops { &["Stop"] } else { &[] };
        assert_eq!(
            (done.0, done.1),
            (told, sent.into_iter().map(String::from).collect()),
            "{name}"
        );
        assert_eq!(done.2, stop, "{name}");
    }
}

#[test]
fn a_farewell_does_what_the_core_would_have_done_in_every_state() {
    for (name, rig, told, sent, stops) in cases() {
        let done = farewell(rig());
        let stop: &[&str] = if stops { &["Stop"] } else { &[] };
        assert_eq!(
            (done.0, done.1),
            (told, sent.into_iter().map(String::from).collect()),
            "{name}"
        );
        assert_eq!(done.2, stop, "{name}");
    }
}

#[test]
fn a_farewell_hands_over_what_still_needs_an_answer() {
    for (name, rig, expected) in [
        ("calling", Rig::calling as fn() -> Rig, 0),
        // The CANCEL, and the INVITE whose 487 needs an ACK.
        ("ringing", ringing, 2),
        ("cancelled", || ended(ringing()), 2),
        ("answered", Rig::answered, 1),
        ("established", Rig::established, 1),
        ("BYE is out", || ended(Rig::established()), 1),
        ("incoming", Rig::incoming, 0),
    ] {
        assert_eq!(farewell(rig()).3, expected, "{name}");
    }
}

#[test]
fn a_farewells_bye_is_of_the_dialog_and_has_its_next_number() {
    let mut rig = Rig::established();
    let mut entropy = Entropy::from_u64(9);
    for output in rig.core.farewell().outputs(rig.now, &mut entropy) {
        rig.take(output);
    }
    let bye = Message::parse(&rig.wire[0].1[..]).unwrap();
    let invite = Message::parse(&rig.invite[..]).unwrap();
    assert_eq!(bye.call_id().unwrap(), invite.call_id().unwrap());
    assert_eq!(bye.from().unwrap().tag(), invite.from().unwrap().tag());
    assert_eq!(bye.to().unwrap().tag(), Some(&b"theirs"[..]));
    assert_eq!(bye.cseq().unwrap().number, 2);
    assert_eq!(text(bye.header(HeaderName::UserAgent).unwrap()), "offhook");
    // The core itself is as it was.
    rig.sent();
    rig.order(Order::End).unwrap();
    let own = Message::parse(&rig.wire[0].1[..]).unwrap();
    assert_eq!(own.cseq().unwrap().number, 2);
}

#[test]
fn a_farewell_settles_the_last_snapshot() {
    let rig = recorded();
    let mut snapshot = rig.core.snapshot().clone();
    rig.core.farewell().settle(rig.now, &mut snapshot);
    assert_eq!(snapshot.state, SessionState::Terminated);
    assert!(!snapshot.has_audio && snapshot.stop_time.is_some());
    assert_eq!(snapshot.audio_recording_file_name, None);
    let fresh = Rig::new();
    let mut snapshot = fresh.core.snapshot().clone();
    fresh.core.farewell().settle(fresh.now, &mut snapshot);
    assert_eq!(snapshot.state, SessionState::Null);
}
