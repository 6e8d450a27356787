//! `offhook call` against `offhook agent` and `offhook listen`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod support;

use serde_json::Value;
use support::{Agent, Process, folder, tone};

fn call(uri: &str, args: &[&str]) -> Process {
    let common = ["call", uri, "--udp", "127.0.0.1:0", "--audio-device", "null"];
    Process::start(&[&common, args].concat())
}

#[test]
fn a_call_that_its_duration_ends_is_a_success() {
    let mut bob = Agent::start();
    let caller = call(&bob.uri, &["--duration", "0.3"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    let (status, out, errors) = caller.end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    let last = out.last().unwrap();
    assert!(last.starts_with("We hung up after") && last.contains("--duration"), "{out:#?}");
    assert_eq!(bob.wait("SIPSessionDidEnd")["data"]["originator"], "remote");
}

#[test]
fn a_call_that_the_peer_ends_is_a_success() {
    let mut bob = Agent::start();
    let mut caller = call(&bob.uri, &[]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    caller.line_with("The call stands.");
    bob.wait("SIPSessionDidStart");
    bob.order("end");
    let (status, out, _) = caller.end();
    assert_eq!(status.code(), Some(0), "{out:#?}");
    assert!(out.last().unwrap().starts_with("The peer hung up after"), "{out:#?}");
}

#[test]
fn a_refused_call_fails_with_the_peer_s_reason() {
    let mut bob = Agent::start();
    let caller = call(&bob.uri, &[]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("reject 603");
    let (status, out, _) = caller.end();
    assert_eq!(status.code(), Some(1));
    assert!(out.last().unwrap().starts_with("The peer refused the call: 603"), "{out:#?}");
}

#[test]
fn ctrl_c_cancels_a_call_that_rings() {
    let mut bob = Agent::start();
    let mut caller = call(&bob.uri, &[]);
    bob.wait("SIPSessionNewIncoming");
    caller.line_with("It rings.");
    caller.interrupt();
    let (status, out, _) = caller.end();
    assert_eq!(status.code(), Some(1));
    assert!(out.last().unwrap().contains("(Ctrl-C)"), "{out:#?}");
    assert_eq!(bob.wait("SIPSessionDidFail")["data"]["code"], 487);
}

#[test]
fn ctrl_c_does_not_wait_for_a_peer_that_is_silent() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let caller = call(&format!("sip:x@{}", silent.local_addr().unwrap()), &[]);
    silent.recv(&mut [0; 2000]).unwrap();
    caller.interrupt();
    let (status, out, _) = caller.end();
    assert_eq!(status.code(), Some(1));
    assert!(out.last().unwrap().contains("(Ctrl-C)"), "{out:#?}");
}

#[test]
fn a_call_whose_output_nobody_reads_hangs_up() {
    let mut bob = Agent::start();
    let mut caller = call(&bob.uri, &["--json"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    caller.line_with("SIPSessionDidStart");
    caller.close_output();
    assert_eq!(bob.wait("SIPSessionDidEnd")["data"]["originator"], "remote");
    let (status, _, errors) = caller.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn digits_are_sent_one_after_the_other() {
    let mut bob = Agent::start();
    let caller = call(&bob.uri, &["--dtmf", "19#"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    for digit in ["1", "9", "#"] {
        assert_eq!(bob.wait("SIPSessionGotDTMF")["data"]["digit"], digit);
    }
    bob.order("end");
    assert_eq!(caller.end().0.code(), Some(0));
}

#[test]
fn json_ends_with_the_verdict() {
    let mut bob = Agent::start();
    let caller = call(&bob.uri, &["--json", "--duration", "1.5"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    let (status, out, _) = caller.end();
    assert_eq!(status.code(), Some(0));
    let objects: Vec<Value> = out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = objects.last().unwrap();
    assert_eq!((&last["name"], &last["data"]["ok"]), (&"offhook.call".into(), &true.into()));
    assert!(last["data"]["statistics"]["packets_sent"].as_u64().unwrap() > 0, "{last}");
    let names: Vec<_> = objects.iter().map(|object| object["name"].as_str().unwrap()).collect();
    for name in
        ["SIPSessionNewOutgoing", "SIPSessionDidStart", "offhook.progress", "SIPSessionDidEnd"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

#[test]
fn a_file_is_played_and_the_call_recorded() {
    let folder = folder("call-record");
    let (played, recorded) = (folder.join("played.wav"), folder.join("recorded.wav"));
    tone(&played, 440.0, 500);
    let mut bob = Agent::start();
    let files = ["--play", played.to_str().unwrap(), "--record", recorded.to_str().unwrap()];
    let mut caller = call(&bob.uri, &files);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    caller.line_with("Played ");
    bob.order("end");
    let (status, out, errors) = caller.end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    assert!(hound::WavReader::open(recorded).unwrap().duration() > 0);
}

#[test]
fn while_we_are_on_the_phone_others_are_refused() {
    let (mut bob, mut carol) = (Agent::start(), Agent::start());
    let mut caller = call(&bob.uri, &["--json"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio");
    caller.line_with("SIPSessionDidStart");
    bob.wait("SIPSessionDidStart");
    bob.order("state");
    let uri = bob.wait("offhook.state")["data"]["remote_uri"].as_str().unwrap().to_owned();
    let uri =
        uri.rsplit(['<', '>']).find(|part| part.starts_with("sip:")).unwrap_or(&uri).to_owned();
    carol.order(&format!("connect {uri} audio"));
    assert_eq!(carol.wait("SIPSessionDidFail")["data"]["code"], 486);
    bob.order("end");
    assert_eq!(caller.end().0.code(), Some(0));
}
