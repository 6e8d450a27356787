//! The examples, each against a peer engine in the same process.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

#[path = "../examples/answer.rs"]
#[allow(dead_code, reason = "the test starts it without its main")]
mod answer;
#[path = "../examples/chat_robot.rs"]
#[allow(dead_code, reason = "the test starts it without its main")]
mod chat_robot;
mod common;
#[path = "../examples/dtmf_menu.rs"]
#[allow(dead_code, reason = "the test starts it without its main")]
mod dtmf_menu;
#[path = "../examples/many_accounts.rs"]
#[allow(dead_code, reason = "the test starts it without its main")]
mod many_accounts;
#[path = "../examples/record.rs"]
#[allow(dead_code, reason = "the test starts it without its main")]
mod record;
#[path = "../examples/simple_outbound_call.rs"]
#[allow(dead_code, reason = "the test starts it without its main")]
mod simple_outbound_call;
#[path = "../examples/voice_robot.rs"]
#[allow(dead_code, reason = "the test starts it without its main")]
mod voice_robot;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::registrar::Registrar;
use common::{PATIENCE, Party};
use offhook::chat::Ask;
use offhook::media::shell::{AudioDevice, AudioSink};
use offhook::media::tone::{goertzel_power, sine, sounding, sounds_like};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Route, Session};
use simple_outbound_call::SimpleOutboundCall;

/// A folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("offhook-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn write_wav(file: &Path, samples: &[i16]) {
    let (channels, bits_per_sample) = (1, 16);
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels, sample_rate: 8000, bits_per_sample, sample_format };
    let mut writer = hound::WavWriter::create(file, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
}

/// Reads what comes until `enough` of it sounds.
fn hear(sink: &mut AudioSink, enough: usize) -> Vec<i16> {
    let (mut heard, mut part, mut quiet) = (Vec::new(), [0; 160], Duration::ZERO);
    while sounding(&heard, 500).len() < enough {
        let count = sink.read(&mut part);
        heard.extend(part.iter().take(count));
        if count == 0 {
            std::thread::park_timeout(Duration::from_millis(5));
            quiet += Duration::from_millis(5);
            assert!(quiet < PATIENCE, "only {} samples came", heard.len());
        }
    }
    sounding(&heard, 500).to_vec()
}

fn answered(bob: &Party) -> Session {
    let answer = bob.incoming(0);
    answer.accept(Streams::AUDIO, &[]).unwrap();
    answer
}

#[test]
fn the_simple_outbound_call_is_placed_over_its_route_and_ends_with_its_engine() {
    let bob = Party::new();
    let address = bob.engine.listeners().into_iter().find(|l| l.transport == Transport::Udp);
    let route: Route = address.unwrap().address.to_string().parse().unwrap();
    let uri = "\"Bob\" <sip:bob@example.com>".parse().unwrap();
    let call = SimpleOutboundCall::new(&uri, Some(&route)).unwrap();
    let answer = answered(&bob);
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
    call.end().unwrap();
    assert!(answer.wait_ended(PATIENCE));
    assert_eq!(Arc::strong_count(&call), 1);
}

#[test]
fn the_simple_outbound_call_ends_when_the_peer_hangs_up_or_the_call_cannot_be_placed() {
    let bob = Party::new();
    let uri = bob.uri(Transport::Tcp).parse().unwrap();
    let call = SimpleOutboundCall::new(&uri, None).unwrap();
    let answer = answered(&bob);
    assert_eq!(answer.wait_established(PATIENCE), Some(true));
    answer.end().unwrap();
    assert!(answer.wait_ended(PATIENCE));
    call.end().unwrap();
    let nowhere = "sip:bob@0.0.0.0".parse().unwrap();
    assert!(SimpleOutboundCall::new(&nowhere, None).is_err());
}

#[test]
fn the_menu_plays_the_file_of_the_digit_that_is_pressed() {
    let folder = folder("menu");
    write_wav(&folder.join("1.wav"), &sine(440.0, 8000, 8000, 8000));
    write_wav(&folder.join("star.wav"), &sine(1000.0, 8000, 8000, 8000));
    let menu = dtmf_menu::start(folder.clone(), ([127, 0, 0, 1], 0).into()).unwrap();
    let alice = Party::new();
    let call = alice.engine.session();
    call.connect(&menu.uri(), &[], Streams::AUDIO, &[]).unwrap();
    let (_source, mut sink) = call.raw_audio().unwrap();
    assert_eq!(call.wait_established(PATIENCE), Some(true));
    for (digit, hertz) in [('9', None), ('1', Some(440.0)), ('*', Some(1000.0))] {
        call.send_dtmf(digit).unwrap();
        let Some(hertz) = hertz else { continue };
        // What was played before may still sound for a moment.
        let heard = hear(&mut sink, 6000);
        let last = heard.len() - 2000;
        assert!(sounds_like(heard.get(last..).unwrap(), 8000, hertz), "{digit}");
        let rest = hear_silence(&mut sink);
        assert!(rest < PATIENCE, "{digit}");
    }
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
    menu.stop();
    std::fs::remove_dir_all(folder).unwrap();
}

/// Reads until a fifth of a second is quiet; how long that took.
fn hear_silence(sink: &mut AudioSink) -> Duration {
    let (mut quiet, mut part, mut waited) = (0, [0; 160], Duration::ZERO);
    while quiet < 1600 && waited < PATIENCE {
        let count = sink.read(&mut part);
        let heard = part.iter().take(count);
        for sample in heard {
            quiet = if sample.unsigned_abs() > 500 { 0 } else { quiet + 1 };
        }
        if count == 0 {
            std::thread::park_timeout(Duration::from_millis(5));
            waited += Duration::from_millis(5);
        }
    }
    waited
}

#[test]
fn the_recording_holds_both_sides() {
    let folder = folder("record");
    let bob = Party::new();
    let uri = bob.uri(Transport::Udp).parse().unwrap();
    let wanted = folder.join("call.wav");
    let file = wanted.clone();
    let starting = std::thread::Builder::new()
        .spawn(move || {
            record::Recording::start(&uri, file, AudioDevice::Null).map_err(|e| e.to_string())
        })
        .unwrap();
    let answer = answered(&bob);
    let recording = starting.join().unwrap().unwrap();
    let (mut theirs, mut heard) = answer.raw_audio().unwrap();
    let (mut ours, _sink) = recording.call.raw_audio().unwrap();
    assert_eq!(theirs.write(&sine(440.0, 6000, 8000, 8000)), 8000);
    assert_eq!(ours.write(&sine(1000.0, 6000, 8000, 8000)), 8000);
    // Once the peer has heard our second, both have passed.
    drop(hear(&mut heard, 7000));
    assert_eq!(recording.end().unwrap(), Some(wanted.clone()));
    assert!(answer.wait_ended(PATIENCE));
    let recorded: Vec<i16> =
        hound::WavReader::open(&wanted).unwrap().samples().map(Result::unwrap).collect();
    let middle = sounding(&recorded, 500);
    assert!(middle.len() > 6000, "{}", middle.len());
    let power = |hertz| goertzel_power(middle, 8000, hertz);
    for hertz in [440.0, 1000.0] {
        assert!(power(hertz) > 100.0 * power(700.0), "{hertz}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// A tone of 1000 Hz.
fn thousand_hertz(samples: usize) -> Vec<i16> {
    sine(1000.0, 8000, 8000, samples)
}

#[test]
fn the_answering_machine_sends_back_what_each_of_its_callers_says_until_they_hang_up() {
    let machine = answer::start(([127, 0, 0, 1], 0).into()).unwrap();
    let callers = [Party::new(), Party::new()];
    let calls = callers.each_ref().map(|alice| {
        let call = alice.engine.session();
        call.connect(&machine.uri(), &[], Streams::AUDIO, &[]).unwrap();
        let (source, sink) = call.raw_audio().unwrap();
        assert_eq!(call.wait_established(PATIENCE), Some(true));
        (call, source, sink)
    });
    for (call, mut source, mut sink) in calls {
        assert_eq!(source.write(&thousand_hertz(8000)), 8000);
        let heard = hear(&mut sink, 7000);
        assert!(sounds_like(heard.get(1000..5000).unwrap(), 8000, 1000.0));
        call.end().unwrap();
        assert!(call.wait_ended(PATIENCE));
    }
    machine.stop();
}

#[test]
fn the_chat_robot_writes_reads_and_answers() {
    let robot = chat_robot::start(([127, 0, 0, 1], 0).into()).unwrap();
    let alice = Party::new();
    let call = alice.engine.session();
    let chat = Streams { audio: false, chat: true };
    call.connect(&robot.uri(), &[], chat, &[]).unwrap();
    call.request_dispositions(Ask { delivery: false, display: true }).unwrap();
    call.send_message(b"how are you", "text/plain", None).unwrap();
    let got = alice.record.wait_for("SIPSessionGotMessage");
    assert_eq!(got.data.field("content"), Some("you are how".into()));
    let told: Vec<_> =
        alice.record.of(&call).into_iter().filter(|n| n.starts_with("Chat")).collect();
    let expected = [
        "ChatStreamGotDispositionNotification",
        "ChatStreamGotComposingIndication",
        "ChatStreamGotComposingIndication",
    ];
    assert_eq!(told, expected, "read, writes, and writes no more");
    robot.stop();
}

#[test]
fn the_robot_greets_and_says_back_what_it_heard_once_the_caller_pauses() {
    let mut robot = voice_robot::Robot::start(([127, 0, 0, 1], 0).into()).unwrap();
    let engine = robot.engine.clone();
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let serve = move || {
        while !is_over.load(Ordering::Acquire) {
            robot.serve();
        }
    };
    let serving = std::thread::Builder::new().spawn(serve).unwrap();
    let alice = Party::new();
    let call = alice.engine.session();
    call.connect(&engine.uri(), &[], Streams::AUDIO, &[]).unwrap();
    let (mut source, mut sink) = call.raw_audio().unwrap();
    let greeting = hear(&mut sink, 3500);
    assert!(sounds_like(greeting.get(..2000).unwrap(), 8000, 440.0));
    assert!(hear_silence(&mut sink) < PATIENCE);
    assert_eq!(source.write(&thousand_hertz(4000)), 4000);
    let said_back = hear(&mut sink, 3500);
    assert!(sounds_like(said_back.get(1000..3000).unwrap(), 8000, 1000.0));
    call.end().unwrap();
    assert!(call.wait_ended(PATIENCE));
    over.store(true, Ordering::Release);
    serving.join().unwrap();
    engine.stop();
}

#[test]
fn no_example_is_longer_than_120_lines() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 120, "{}: {lines} lines", path.display());
    }
}

#[test]
fn many_accounts_are_registered_and_taken_back() {
    let registrar = Registrar::new();
    let uri = format!("sip:{}", registrar.address).parse().unwrap();
    let (tell, all) = crossbeam_channel::bounded(1);
    let lines = many_accounts::Lines::start(&uri, 3, move || tell.send(()).unwrap()).unwrap();
    for _ in 0..3 {
        registrar.keep(&registrar.next(), 300);
    }
    all.recv_timeout(PATIENCE).unwrap();
    assert_eq!(lines.granted(), 3);
    let stop = move || lines.stop();
    let stops = std::thread::Builder::new().spawn(stop).unwrap();
    for _ in 0..3 {
        let asked = registrar.next();
        assert_eq!(asked.header("Expires"), "0");
        registrar.answer(&asked, 200, "");
    }
    stops.join().unwrap();
}
