//! `offhook listen`, called by `offhook agent`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod support;

use serde_json::Value;
use support::{Agent, Process, folder, tone};

fn listen(args: &[&str]) -> (Process, String) {
    let common = ["listen", "--udp", "127.0.0.1:0", "--audio-device", "null"];
    let mut process = Process::start(&[&common, args].concat());
    let line = process.line();
    let (_, uri) = line.split_once("sip:").unwrap_or_else(|| panic!("{line}"));
    let uri = format!("sip:{}", uri.trim_end_matches(['.', '"', '}']));
    (process, uri)
}

#[test]
fn every_call_is_answered_and_told_in_a_line() {
    let (mut listener, uri) = listen(&["--auto-answer"]);
    let mut alice = Agent::start();
    for session in ["s1", "s2"] {
        alice.order(&format!("connect {uri} audio"));
        alice.wait("SIPSessionDidStart");
        alice.order("end");
        alice.wait("SIPSessionDidEnd");
        let line = listener.line();
        assert!(
            line.starts_with(&format!("{session} ")) && line.contains("The peer hung up"),
            "{line}"
        );
    }
    listener.interrupt();
    assert_eq!(listener.end().0.code(), Some(0));
}

#[test]
fn reject_refuses_with_the_code() {
    let (listener, uri) = listen(&["--reject", "480"]);
    let mut alice = Agent::start();
    alice.order(&format!("connect {uri} audio"));
    assert_eq!(alice.wait("SIPSessionDidFail")["data"]["code"], 480);
    listener.interrupt();
    assert_eq!(listener.end().0.code(), Some(0));
}

#[test]
fn once_ends_with_the_first_call() {
    let (listener, uri) = listen(&["--auto-answer", "audio", "--once"]);
    let mut alice = Agent::start();
    alice.order(&format!("connect {uri} audio"));
    alice.wait("SIPSessionDidStart");
    alice.order("end");
    let (status, out, _) = listener.end();
    assert_eq!((status.code(), out.len()), (Some(0), 2), "{out:#?}");
}

#[test]
fn once_fails_when_the_caller_gives_up() {
    let (listener, uri) = listen(&["--once"]);
    let mut alice = Agent::start();
    alice.order(&format!("connect {uri} audio"));
    alice.wait("SIPSessionGotRingIndication");
    alice.order("end");
    let (status, out, _) = listener.end();
    assert_eq!(status.code(), Some(1));
    assert!(out.last().unwrap().contains("The caller gave up"), "{out:#?}");
}

#[test]
fn ctrl_c_ends_running_calls() {
    let (listener, uri) = listen(&["--auto-answer"]);
    let mut alice = Agent::start();
    alice.order(&format!("connect {uri} audio"));
    alice.wait("SIPSessionDidStart");
    listener.interrupt();
    assert_eq!(alice.wait("SIPSessionDidEnd")["data"]["originator"], "remote");
    let (status, out, _) = listener.end();
    assert_eq!(status.code(), Some(0));
    assert!(out.last().unwrap().contains("(offhook ends)"), "{out:#?}");
}

#[test]
fn echo_sends_back_what_comes_in() {
    let folder = folder("listen-echo");
    let (said, heard) = (folder.join("said.wav"), folder.join("heard.wav"));
    tone(&said, 440.0, 3000);
    let (listener, uri) = listen(&["--auto-answer", "--echo", "--once"]);
    let device = format!("wav:{},{}", said.display(), heard.display());
    let call =
        ["call", &uri, "--udp", "127.0.0.1:0", "--duration", "1.5", "--audio-device", &device];
    let (status, out, errors) = Process::start(&call).end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    assert_eq!(listener.end().0.code(), Some(0));
    let mut wave = hound::WavReader::open(heard).unwrap();
    let samples: Vec<i16> = wave.samples().map(Result::unwrap).collect();
    let sounding = offhook::media::tone::sounding(&samples, 1000);
    assert!(sounding.len() > 8000, "{} samples", sounding.len());
    let hertz = offhook::media::tone::dominant_frequency(&sounding[..8000], 8000).unwrap();
    assert!((hertz - 440.0).abs() <= 5.0, "{hertz}");
}

#[test]
fn many_calls_at_once_are_answered() {
    const CALLS: usize = 40;
    let (mut listener, uri) = listen(&["--auto-answer", "--echo"]);
    let mut alice = Agent::start();
    for _ in 0..CALLS {
        alice.order(&format!("connect {uri} audio"));
    }
    let count = |told: &[Value], name: &str| told.iter().filter(|o| o["name"] == name).count();
    while count(&alice.told, "SIPSessionDidStart") < CALLS {
        alice.next();
    }
    let (code, told, _) = alice.end();
    assert_eq!((code, count(&told, "SIPSessionDidEnd")), (0, CALLS));
    for _ in 0..CALLS {
        listener.line_with("The peer hung up");
    }
}

#[test]
fn recordings_of_several_calls_are_numbered() {
    let folder = folder("listen-record");
    let file = folder.join("call.wav");
    let (mut listener, uri) =
        listen(&["--auto-answer", "--json", "--record", file.to_str().unwrap()]);
    let mut alice = Agent::start();
    for _ in 0..2 {
        alice.order(&format!("connect {uri} audio"));
        listener.line_with("SIPSessionDidStartRecordingAudio");
        alice.order("end");
        listener.line_with("offhook.call");
    }
    for name in ["call.wav", "call-2.wav"] {
        assert!(folder.join(name).exists(), "{name}");
    }
}

#[test]
fn json_tells_notifications_and_a_verdict_a_call() {
    let (mut listener, uri) = listen(&["--auto-answer", "--json"]);
    let mut alice = Agent::start();
    alice.order(&format!("connect {uri} audio"));
    alice.wait("SIPSessionDidStart");
    alice.order("end");
    let verdict: Value = serde_json::from_str(&listener.line_with("offhook.call")).unwrap();
    assert_eq!((&verdict["session"], &verdict["data"]["ok"]), (&"s1".into(), &true.into()));
    for line in &listener.out {
        assert!(serde_json::from_str::<Value>(line).unwrap()["name"].is_string(), "{line}");
    }
}
