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
    for (kind, input, status) in [
        ("sip", &b"hello"[..], 400),
        ("sip", b"", 400),
        ("sdp", b"v=1", 400),
        ("msrp", b"", 400),
        ("msrp", b"MSRP a786 SEND\r\n\r\n", 400),
        ("cpim", b"x", 400),
    ] {
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

/// RFC 5438 §6.
const ASKS: &str = "From: Alice <im:alice@example.com>\r\nTo: Bob <im:bob@example.com>\r\n\
    NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n\
    DateTime: 2006-04-04T12:16:49-05:00\r\n\
    imdn.Disposition-Notification: positive-delivery, display\r\n\r\n\
    Content-type: text/plain\r\nContent-length: 12\r\n\r\nHello World";

/// RFC 4975 §5.1.
const SEND: &str = "MSRP a786hjs2 SEND\r\n\
    To-Path: msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp\r\n\
    From-Path: msrp://atlanta.example.com:7654/jshA7weztas;tcp\r\nMessage-ID: 87652491\r\n\
    Byte-Range: 1-25/25\r\nContent-Type: text/plain\r\n\r\nHey Bob, are you there?\u{e9}\
    \r\n-------a786hjs2$\r\n";

#[test]
fn parse_msrp_prints_requests_and_responses() {
    let ran = offhook(&["parse", "msrp", "-"], SEND.as_bytes());
    let value = json(&ran.out);
    assert_eq!((ran.code, &value["method"], &value["status"]), (0, &"SEND".into(), &Value::Null));
    assert_eq!(value["to_path"][0]["session_id"], "kjhd37s2s20w2a");
    assert_eq!(value["byte_range"], serde_json::json!({"start": 1, "end": 25, "total": 25}));
    assert_eq!((&value["content_type"], &value["flag"]), (&"text/plain".into(), &"$".into()));
    let unknown = SEND.replace("SEND", "DANCE");
    assert_eq!(json(&offhook(&["parse", "msrp", "-"], unknown.as_bytes()).out)["status"], 501);
    let answer = "MSRP d93kswow 200 OK\r\nTo-Path: msrp://a:1/b;tcp\r\n\
        From-Path: msrp://c:1/d;tcp\r\n-------d93kswow$\r\n";
    let both = format!("{SEND}{answer}");
    let ran = offhook(&["parse", "--stream", "msrp", "-"], both.as_bytes());
    let last = json(ran.out.lines().last().unwrap());
    assert_eq!((ran.code, ran.out.lines().count(), &last["code"]), (0, 2, &200.into()));
    let ran = offhook(&["parse", "--stream", "msrp", "-"], &both.as_bytes()[..both.len() - 1]);
    let last = json(ran.out.lines().last().unwrap());
    assert_eq!((ran.code, &last["offset"]), (1, &(both.len() - 1).into()));
    assert_eq!(offhook(&["parse", "msrp", "-"], both.as_bytes()).code, 1);
}

#[test]
fn parse_cpim_prints_headers_what_is_asked_and_known_documents() {
    let ran = offhook(&["parse", "cpim", "-"], ASKS.as_bytes());
    let value = json(&ran.out);
    assert_eq!((ran.code, &value["from"]["uri"]), (0, &"im:alice@example.com".into()));
    assert_eq!(value["date_time"], "2006-04-04T17:16:49.000000Z");
    assert_eq!(value["asks"], serde_json::json!(["positive-delivery", "display"]));
    assert_eq!((&value["content"], &value["document"]), (&"Hello World".into(), &Value::Null));
    let told = "\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n\
        <isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'><state>active</state>\
        <refresh>90</refresh></isComposing>";
    let document = &json(&offhook(&["parse", "cpim", "-"], told.as_bytes()).out)["document"];
    assert_eq!((&document["state"], &document["refresh"]), (&"active".into(), &90.into()));
    let told = "\r\nContent-Type: message/imdn+xml\r\n\r\n\
        <imdn xmlns='urn:ietf:params:xml:ns:imdn'>\
        <message-id>m1</message-id><datetime>2008-04-04T12:16:49-05:00</datetime>\
        <display-notification><status><displayed/></status></display-notification></imdn>";
    let document = &json(&offhook(&["parse", "cpim", "-"], told.as_bytes()).out)["document"];
    assert_eq!(
        (&document["kind"], &document["disposition"]),
        (&"display".into(), &"displayed".into())
    );
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
        &["parse", "xml", "-"],
        &["parse", "cpim", "-", "--stream"],
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
