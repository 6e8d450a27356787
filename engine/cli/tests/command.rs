//! The command as scripts use it.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn offhook(args: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The command may end without reading what it does not want.
    let _sent = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

const INVITE: &[u8] = include_bytes!("../../../tests/data/invite.sip");

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn parse_sip_prints_what_was_understood() {
    let ran = offhook(&["parse", "sip", "-"], INVITE);
    let value = json(&ran.out);
    assert_eq!(
        (ran.code, &value["method"], &value["status"]),
        (0, &Value::from("INVITE"), &Value::Null)
    );
    assert_eq!(value["from"]["tag"], "1928301774");
    assert_eq!(value["cseq"]["number"], 314159);
    assert_eq!(value["request_uri"]["host"], "192.0.2.4");
}

#[test]
fn parse_tells_what_a_user_agent_would_answer() {
    let text = String::from_utf8(INVITE.into()).unwrap();
    for (from, to, status) in [
        ("INVITE sip:", "INVITE tel:", 416),
        ("Max-Forwards", "Require: nothing\r\nMax-Forwards", 420),
        ("application/sdp", "application/unknown", 415),
        ("Contact:", "X-Contact:", 400),
    ] {
        let ran = offhook(&["parse", "sip", "-"], text.replacen(from, to, 1).as_bytes());
        assert_eq!((ran.code, &json(&ran.out)["status"]), (0, &Value::from(status)), "{to}");
    }
}

#[test]
fn refused_input_tells_error_offset_and_status() {
    for (kind, input, status) in
        [("sip", &b"hello"[..], 400), ("sip", b"", 400), ("sdp", b"v=1", 400)]
    {
        let ran = offhook(&["parse", kind, "-"], input);
        let value = json(&ran.out);
        assert_eq!((ran.code, &value["status"]), (1, &Value::from(status)));
        assert!(value["error"].is_string() && value["offset"].is_u64());
    }
}

#[test]
fn bytes_that_are_no_text_are_base64() {
    let message = [
        INVITE.split(|b| *b == b'\n').take(9).collect::<Vec<_>>().join(&b'\n'),
        b"\nSubject: \xff\r\n\r\n".to_vec(),
    ]
    .concat();
    let ran = offhook(&["parse", "sip", "-"], &message);
    assert!(ran.out.contains(r#"{"base64":"/w=="}"#), "{}", ran.out);
}

#[test]
fn a_stream_gives_one_object_a_line_and_tells_where_it_breaks() {
    let two = [INVITE, b"\r\n\r\n", INVITE].concat();
    let ran = offhook(&["parse", "--stream", "sip", "-"], &two);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 2));
    let ran = offhook(&["parse", "--stream", "sip", "-"], &two[..two.len() - 1]);
    assert_eq!((ran.code, ran.out.lines().count()), (1, 2));
}

#[test]
fn parse_sdp_prints_media_and_maps() {
    let ran = offhook(&["parse", "sdp", "-"], include_bytes!("../../../tests/data/offer.sdp"));
    let value = json(&ran.out);
    assert_eq!((ran.code, &value["media"][0]["port"]), (0, &Value::from(23456)));
    assert_eq!(value["media"][0]["rtpmap"][0]["channels"], 2);
}

#[test]
fn fsm_json_has_a_row_for_every_pair() {
    let ran = offhook(&["fsm", "session", "--json"], b"");
    let value = json(&ran.out);
    let rows = value["rows"].as_array().unwrap();
    let session = offhook_fsm::machine("session").unwrap();
    assert_eq!(rows.len(), session.states.len() * session.events.len());
    assert_eq!(ran.out.lines().count(), 1);
    let all = offhook(&["fsm", "--json"], b"").out;
    let names: Vec<_> = all.lines().map(|line| json(line)["machine"].clone()).collect();
    assert_eq!(names, offhook_fsm::MACHINES.iter().map(|m| m.name).collect::<Vec<_>>());
}

#[test]
fn wrong_usage_is_one_sentence_and_status_2() {
    for args in [
        &["dance"][..],
        &["parse"],
        &["parse", "sip"],
        &["parse", "sip", "/no/such/file"],
        &["fsm", "nothing"],
        &["fsm", "--pdf"],
        &["message", "sip:a@b"],
        &["parse", "msrp", "-"],
    ] {
        let ran = offhook(args, b"");
        assert_eq!((ran.code, ran.err.lines().count()), (2, 1), "{args:?}: {}", ran.err);
    }
}

#[test]
fn every_help_fits_one_screen_and_shows_an_example() {
    for args in [&["--help"][..], &["parse", "--help"], &["fsm", "--help"]] {
        let ran = offhook(args, b"");
        assert!(ran.code == 0 && ran.out.contains("Example: "));
        assert!(ran.out.lines().count() <= 24 && ran.out.lines().all(|line| line.len() <= 85));
    }
}
