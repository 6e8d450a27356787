//! REFERENCE 0.12: a stream that is being added and fails never harms the rest.

use offhook::media::control::MediaEvent;
use offhook::notification::SessionState;
use offhook::notification::StreamKind::{Audio, Chat};
use offhook::session::Order;
use offhook::streams::Streams;
use offhook_tests::steps::{BOTH, chat_alone};
use offhook_tests::{CHAT_LINE, Rig, SDP};

/// The peer's audio behind its chat.
fn chat_and_audio(port: u16) -> String {
    let (_, audio) = SDP.split_once("m=").unwrap();
    format!("{}m={}", chat_alone(), audio.replace("9000", &port.to_string()))
}

/// The stream that was prepared last breaks.
fn audio_breaks(rig: &mut Rig) {
    let (stream, reason) = (rig.stream, "no such device".into());
    rig.media_event(MediaEvent::Failed { stream, reason });
}

/// A chat to which we have added audio.
fn added_by_us() -> Rig {
    let mut rig = Rig::chatting();
    rig.order(Order::Add(Audio)).unwrap();
    rig.prepared();
    rig.reply(200, "", &chat_and_audio(9000));
    assert!(rig.told().ends_with(&["AcceptedStreamProposal{local}".into()]));
    rig.clear();
    rig
}

/// A chat to which the peer has added audio; our 200 waits for its ACK.
fn added_by_them() -> Rig {
    let mut rig = Rig::chatting();
    rig.request_with("INVITE", 5, &chat_and_audio(9000));
    rig.order(Order::AcceptProposal(Streams::AUDIO)).unwrap();
    rig.prepared();
    assert!(rig.told().ends_with(&["SU[audio,chat]".into()]));
    rig.clear();
    rig
}

/// REFERENCE 1.3 row 33, 1.3 row 45
#[test]
fn r12_audio_that_we_added_and_that_cannot_start_is_taken_out_again() {
    let mut rig = added_by_us();
    audio_breaks(&mut rig);
    assert_eq!(rig.told(), ["RTPTransportDidFail", "SU[chat]"]);
    assert_eq!(rig.lines(), ["message 2855", "audio 0"]);
    assert_eq!((rig.sent(), rig.media()), (vec!["INVITE".into()], vec!["Stop".into()]));
    rig.reply(200, "", &chat_and_audio(0));
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["ACK".into()]));
    let snapshot = rig.core.snapshot();
    let left = (snapshot.state, snapshot.has_audio, snapshot.has_chat);
    assert_eq!(left, (SessionState::Established, false, true));
}

/// REFERENCE 1.3 row 40, 1.3 row 45
#[test]
fn r12_audio_that_the_peer_added_and_that_cannot_start_is_taken_out_after_the_ack() {
    let mut rig = added_by_them();
    audio_breaks(&mut rig);
    assert_eq!(
        (rig.told(), rig.sent()),
        (vec!["RTPTransportDidFail".into(), "SU[chat]".into()], vec![])
    );
    rig.request("ACK", 5);
    assert_eq!(rig.lines(), ["message 2855", "audio 0"]);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["INVITE".into()]));
}

/// REFERENCE 1.3 row 34
#[test]
fn r12_audio_that_breaks_while_it_is_proposed_is_a_rejected_proposal_and_does_not_stay_open() {
    let mut rig = Rig::chatting();
    rig.order(Order::Add(Audio)).unwrap();
    rig.prepared();
    rig.clear();
    audio_breaks(&mut rig);
    assert_eq!((rig.told(), rig.sent()), (vec!["RTPTransportDidFail".into()], vec![]));
    rig.reply(200, "", &chat_and_audio(9000));
    assert_eq!(
        rig.told(),
        ["CS(PROPOSING>ESTABLISHED)", "RejectedStreamProposal{local, the audio stream has ended}"]
    );
    assert_eq!(rig.lines(), ["message 2855", "audio 0"]);
    assert_eq!(
        (rig.sent(), rig.media()),
        (vec!["ACK".into(), "INVITE".into()], vec!["Stop".into()])
    );
}

/// REFERENCE 1.3 row 42
#[test]
fn r12_audio_that_breaks_before_its_proposal_is_answered_leaves_the_other_stream() {
    let mut rig = Rig::established();
    rig.order(Order::Remove(Audio)).unwrap();
    rig.reply(200, "", &SDP.replace("9000", "0"));
    rig.request_with("INVITE", 5, &format!("{SDP}{CHAT_LINE}"));
    rig.order(Order::AcceptProposal(BOTH)).unwrap();
    rig.prepared();
    rig.clear();
    audio_breaks(&mut rig);
    assert_eq!((rig.told(), rig.sent()), (vec!["RTPTransportDidFail".into()], vec![]));
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 0", "message 2855"]);
    assert_eq!(
        rig.told(),
        ["MSRPChatDidInitialize", "CS(PROPOSED>ESTABLISHED)", "AcceptedStreamProposal{remote}"]
    );
}

/// REFERENCE 1.3 row 44
#[test]
fn r12_an_offer_of_the_peer_finds_the_line_of_failed_audio_closed() {
    let mut rig = added_by_us();
    rig.request_with("INVITE", 5, &chat_and_audio(9000));
    rig.clear();
    // Our own offer waits for the ACK.
    audio_breaks(&mut rig);
    rig.request("ACK", 5);
    assert_eq!(rig.sent(), ["INVITE"]);
    rig.reply(491, "", "");
    rig.clear();
    rig.request_with("INVITE", 6, &chat_and_audio(9000));
    assert_eq!(rig.lines(), ["message 2855", "audio 0"]);
    assert_eq!((rig.told(), rig.sent()), (vec![], vec!["200".into()]));
}

/// REFERENCE 1.3 row 40
#[test]
fn r12_a_proposal_that_waits_is_not_refused_because_added_audio_failed_meanwhile() {
    let mut rig = Rig::established();
    rig.order(Order::Remove(Audio)).unwrap();
    rig.reply(200, "", &SDP.replace("9000", "0"));
    rig.order(Order::Add(Audio)).unwrap();
    rig.prepared();
    rig.reply(200, "", SDP);
    rig.request_with("INVITE", 5, &format!("{SDP}{CHAT_LINE}"));
    rig.clear();
    audio_breaks(&mut rig);
    assert_eq!(rig.told(), ["RTPTransportDidFail", "SU[]"]);
    rig.order(Order::AcceptProposal(Streams { audio: false, chat: true })).unwrap();
    rig.chat_prepared();
    assert_eq!(rig.lines(), ["audio 0", "message 2855"]);
    assert!(rig.told().ends_with(&["AcceptedStreamProposal{remote}".into()]));
}

/// REFERENCE 1.3 row 45
#[test]
fn row_45_audio_that_was_added_long_ago_is_as_any_other() {
    for mut rig in [added_by_us(), added_by_them()] {
        let (stream, source) = (rig.stream, "192.0.2.9:9000".parse().unwrap());
        rig.media_event(MediaEvent::SourceSeen { stream, source });
        rig.clear();
        audio_breaks(&mut rig);
        assert_eq!(
            rig.told(),
            [
                "SU[chat]",
                "MSRPChatWillEnd",
                "MSRPChatDidEnd",
                "SU[]",
                "CS(ESTABLISHED>TERMINATED)",
                "DidFail{local, 0, audio: no such device}",
                "DidEnd{local}"
            ]
        );
    }
}

/// REFERENCE 1.3 row 45
#[test]
fn row_45_a_chat_that_was_added_makes_the_first_audio_no_added_one() {
    let mut rig = Rig::proposing();
    rig.order(Order::Add(Chat)).unwrap_err();
    audio_breaks(&mut rig);
    assert_eq!(rig.core.snapshot().state, SessionState::Terminated);
}
