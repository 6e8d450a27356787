//! A session under whatever happens in whatever order, drawn from seeds.

use std::path::PathBuf;

use offhook::media::control::MediaEvent;
use offhook::notification::SessionState;
use offhook::session::{Input, Order};
use offhook_fsm::Entropy;
use offhook_tests::{Rig, SDP, STREAM};

const SEEDS: u64 = 400;
const STEPS: u64 = 40;

/// One thing that may happen, drawn. What is refused is refused.
fn step(rig: &mut Rig, entropy: &mut Entropy, cseq: &mut u32) {
    let file = || PathBuf::from("f.wav");
    let body = match entropy.below(3) {
        0 => SDP.to_owned(),
        1 => format!("{SDP}a=sendonly\r\n"),
        _ => String::new(),
    };
    let body = &*body;
    let has_call = !rig.invite.is_empty();
    let outgoing = has_call && rig.core.snapshot().route.is_some();
    *cseq += 1;
    match entropy.below(22) {
        0 | 1 if !has_call && entropy.below(2) == 0 => drop(rig.connect(2)),
        0 | 1 if !has_call && rig.core.snapshot().direction.is_none() => rig.invited(body),
        2 | 3 => drop(rig.accept()),
        4 | 5 => rig.prepared(),
        6 if outgoing => rig.reply(180, "", body),
        7 if outgoing => rig.reply(200, "", body),
        8 if outgoing => rig.reply(486, "", ""),
        9 if outgoing => rig.reply_from("other", 200, "", SDP),
        10 if has_call => rig.request_with("ACK", *cseq - 1, body),
        11 if has_call && !outgoing => rig.request_with("ACK", 1, body),
        12 | 13 if has_call => rig.request_with("INVITE", *cseq, body),
        14 if has_call && entropy.below(3) == 0 => rig.request("BYE", *cseq),
        15 if entropy.below(4) == 0 => drop(rig.order(Order::End)),
        16 | 17 => drop(rig.order(Order::StartRecording(file()))),
        18 => drop(rig.order(Order::StopRecording)),
        19 => rig.media_event(MediaEvent::RecordingStarted { stream: STREAM, file: file() }),
        20 => match entropy.below(4) {
            0 => {
                let reason = String::from("denied");
                rig.media_event(MediaEvent::RecordingFailed {
                    stream: STREAM,
                    file: file(),
                    reason,
                });
            }
            1 => drop(rig.order(Order::SendDtmf('1'))),
            2 => drop(rig.order(Order::Play(file()))),
            _ => rig.media_event(MediaEvent::RecordingStopped { stream: STREAM, file: file() }),
        },
        _ => {
            let at = rig.now.as_micros() / 1000 + entropy.below(3000);
            rig.run_until(at);
        }
    }
}

/// A session after so many drawn steps.
fn run(seed: u64, steps: u64) -> Rig {
    let (mut rig, mut entropy, mut cseq) = (Rig::new(), Entropy::from_u64(seed), 1);
    for _ in 0..steps {
        step(&mut rig, &mut entropy, &mut cseq);
    }
    rig
}

#[test]
fn whatever_happens_states_follow_each_other_and_the_end_is_told_once_and_last() {
    let mut ended = 0;
    for seed in 0..SEEDS {
        let mut rig = run(seed, STEPS);
        rig.feed(Input::Fault("over".into())).unwrap();
        let (told, last) = (rig.told(), rig.core.snapshot().state);
        let mut state = String::from("NULL");
        for text in told.iter().filter_map(|text| text.strip_prefix("CS(")) {
            let (from, to) = text.trim_end_matches(')').split_once('>').unwrap();
            assert_eq!(from, state, "{seed}: {told:?}");
            to.clone_into(&mut state);
        }
        assert_eq!(state, last.name(), "{seed}");
        let ends = told.iter().filter(|text| text.starts_with("DidEnd")).count();
        assert_eq!(ends, usize::from(last == SessionState::Terminated), "{seed}: {told:?}");
        let is_last = told.last().is_some_and(|text| text.starts_with("DidEnd"));
        assert_eq!(is_last, ends == 1, "{seed}: {told:?}");
        ended += ends;
    }
    assert!(ended > 300, "{ended}");
}

#[test]
fn whatever_happens_a_recording_that_is_told_to_start_is_told_to_stop() {
    let mut recorded = 0;
    for seed in 0..SEEDS {
        let mut rig = run(seed, STEPS);
        rig.feed(Input::Fault("over".into())).unwrap();
        let told = rig.told();
        let mut stage = "none";
        for text in told.iter().map(String::as_str) {
            let next = match text {
                "WillStartRecordingAudio" => ("none", "starting"),
                "DidStartRecordingAudio" => ("starting", "running"),
                "WillStopRecordingAudio" => (stage, "stopping"),
                "DidStopRecordingAudio" => (stage, "none"),
                text if text.starts_with("SU[]") || text.starts_with("DidEnd") => ("none", "none"),
                _ => continue,
            };
            assert_eq!(stage, next.0, "{seed}: {told:?}");
            recorded += usize::from(next.1 == "running");
            stage = next.1;
        }
    }
    assert!(recorded > 10, "{recorded}");
}

#[test]
fn whatever_happened_a_farewell_tells_and_sends_what_the_core_would_have() {
    for seed in 0..SEEDS {
        for steps in [STEPS / 4, STEPS / 2, STEPS] {
            let (mut core, mut lost) = (run(seed, steps), run(seed, steps));
            for rig in [&mut core, &mut lost] {
                rig.told();
                rig.sent();
                rig.media();
            }
            core.feed(Input::Fault("internal error".into())).unwrap();
            let farewell = lost.core.farewell();
            for output in farewell.outputs(lost.now, &mut Entropy::from_u64(1)) {
                lost.take(output);
            }
            let case = format!("{seed} after {steps}");
            assert_eq!(core.told(), lost.told(), "{case}");
            assert_eq!(core.media(), lost.media(), "{case}");
            assert_eq!(core.sent(), lost.sent(), "{case}");
        }
    }
}

#[test]
fn whatever_happened_an_end_ends_within_twice_64_t1_even_when_nobody_answers() {
    for seed in 0..SEEDS {
        let mut rig = run(seed, STEPS);
        rig.order(Order::End).unwrap();
        let at = rig.now.as_micros() / 1000 + 64_200;
        rig.run_until(at);
        let state = rig.core.snapshot().state;
        assert!(matches!(state, SessionState::Null | SessionState::Terminated), "{seed}: {state}");
    }
}
