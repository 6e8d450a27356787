//! `offhook call --chat`, by scripts and on a terminal.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

mod support;

use support::{Agent, Process};

const COMMON: [&str; 4] = ["--udp", "127.0.0.1:0", "--audio-device", "null"];

fn call(uri: &str, args: &[&str]) -> Process {
    Process::start(&[&["call", uri], &COMMON[..], args].concat())
}

/// A chat on a terminal that stands.
fn terminal(bob: &mut Agent) -> Process {
    let uri = bob.uri.clone();
    let mut alice = Process::on_terminal(
        &[&["call", &uri, "--chat"][..], &COMMON, &["--account", "alice@h"]].concat(),
    );
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept chat");
    alice.line_with("The chat stands: /help tells");
    bob.wait("MSRPChatDidStart");
    alice
}

fn content(bob: &mut Agent) -> String {
    bob.wait("SIPSessionGotMessage")["data"]["content"].as_str().unwrap().to_owned()
}

#[test]
fn every_line_of_a_script_is_a_message_and_its_end_hangs_up_once_all_are_delivered() {
    let mut bob = Agent::start();
    let mut alice = call(&bob.uri, &["--chat"]);
    for line in ["early", "", "//slash", "/quit"] {
        alice.write(line);
    }
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept chat");
    assert_eq!((content(&mut bob), content(&mut bob)), ("early".into(), "/slash".into()));
    let (status, out, errors) = alice.end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    assert!(out.last().unwrap().starts_with("We hung up") && out.last().unwrap().contains("/quit"));
    assert_eq!(bob.wait("SIPSessionDidEnd")["data"]["originator"], "remote");
}

#[test]
fn a_script_of_a_thousand_lines_is_delivered_in_order() {
    let mut bob = Agent::start();
    let mut alice = call(&bob.uri, &["--chat"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept chat");
    for number in 0..1000 {
        alice.write(&format!("line {number}"));
    }
    alice.close_input();
    for number in 0..1000 {
        assert_eq!(content(&mut bob), format!("line {number}"));
    }
    let (status, out, errors) = alice.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""), "{out:#?}");
    assert!(out.last().unwrap().contains("end of input"), "{out:#?}");
}

#[test]
fn what_comes_is_printed_with_its_sender_and_cannot_move_a_terminal() {
    let mut bob = Agent::start();
    let mut alice = call(&bob.uri, &["--chat"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept chat");
    alice.line_with("The chat stands.");
    bob.order("message hello");
    alice.line_with("offhook: hello");
    bob.order("message \x1b[2Jgone");
    alice.line_with("offhook: \\u{1b}[2Jgone");
    bob.order("message one\\ncarol: two\\n");
    alice.line_with("offhook: one");
    assert_eq!(alice.line(), "    carol: two");
    bob.order("message_as image/png xyz");
    alice.line_with("offhook: (image/png, 3 bytes)");
    bob.order("end");
    let (status, out, _) = alice.end();
    assert_eq!(status.code(), Some(0), "{out:#?}");
}

#[test]
fn what_is_not_delivered_is_told_and_the_call_failed() {
    let mut bob = Agent::start();
    let mut alice = call(&bob.uri, &["--chat"]);
    bob.wait("SIPSessionNewIncoming");
    alice.write("hello?");
    alice.write("/dance");
    // It was read, and so was the line before.
    alice.line_with("There is no command \"/dance\"");
    bob.order("reject");
    let (status, out, _) = alice.end();
    assert_eq!(status.code(), Some(1));
    assert!(out.iter().any(|line| line.contains("Not delivered") && line.contains("hello?")));
}

#[test]
fn audio_and_chat_run_together() {
    let mut bob = Agent::start();
    let mut alice = call(&bob.uri, &["--chat", "--audio", "--dtmf", "5"]);
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept audio chat");
    alice.write("hello");
    assert_eq!(content(&mut bob), "hello");
    assert_eq!(bob.wait("SIPSessionGotDTMF")["data"]["digit"], "5");
    alice.close_input();
    assert_eq!(alice.end().0.code(), Some(0));
}

#[test]
fn json_tells_notifications_and_takes_lines() {
    let mut bob = Agent::start();
    let mut alice = call(&bob.uri, &["--chat", "--json"]);
    alice.write("hello");
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept chat");
    assert_eq!(content(&mut bob), "hello");
    alice.close_input();
    let (status, out, _) = alice.end();
    assert_eq!(status.code(), Some(0));
    for line in &out {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object["name"].is_string(), "{line}");
    }
    assert!(out.iter().any(|line| line.contains("SIPSessionDidDeliverMessage")));
}

#[test]
fn on_a_terminal_lines_are_edited_and_ticked() {
    let mut bob = Agent::start();
    let mut alice = terminal(&mut bob);
    bob.order("ask nothing");
    // "helo", left, "l", home, delete, "H", end, Enter.
    alice.press("helo\x1b[Dl\x1b[H\x1b[3~H\x1b[F\r");
    assert_eq!(content(&mut bob), "Hello");
    alice.line_with("✓  Hello");
    // The report comes before what Bob says then: two ticks where the line stands.
    bob.order("message fine");
    let seen = alice.line_with("offhook: fine");
    assert!(seen.contains("\x1b[1A✓✓\x1b[1B"), "{seen:?}");
    // What was sent before comes back with the arrow.
    alice.press("\x1b[A!\r");
    assert_eq!(content(&mut bob), "Hello!");
    alice.line_with("✓  Hello!");
    alice.press("\x04");
    let (status, out, errors) = alice.end();
    assert_eq!(status.code(), Some(0), "{out:#?} {errors}");
    assert!(out.last().unwrap().contains("(Ctrl-D)"), "{out:#?}");
}

#[test]
fn on_a_terminal_each_sees_who_writes_and_what_was_seen() {
    let mut bob = Agent::start();
    let mut alice = terminal(&mut bob);
    alice.press("h");
    let writes = bob.wait("ChatStreamGotComposingIndication");
    assert_eq!(writes["data"]["state"], "active");
    alice.press("\x7f");
    assert_eq!(bob.wait("ChatStreamGotComposingIndication")["data"]["state"], "idle");
    // What begins with a slash is for us.
    alice.press("/help\r");
    alice.line_with("Enter sends a line.");
    bob.order("ask display");
    bob.order("composing active");
    bob.order("message hi");
    let seen = bob.wait("ChatStreamGotDispositionNotification");
    assert_eq!(seen["data"]["disposition"], "displayed");
    let shown = alice.line_with("offhook: hi");
    assert!(shown.contains("(offhook writes) > "), "{shown:?}");
    alice.press("read?\r");
    let id = bob.wait("SIPSessionGotMessage")["data"]["message_id"].as_str().unwrap().to_owned();
    bob.order(&format!("displayed {id}"));
    alice.press("/quit\r");
    let (status, out, _) = alice.end();
    assert_eq!(status.code(), Some(0), "{out:#?}");
    assert!(out.iter().any(|line| line.contains("\x1b[36m✓✓")), "{out:#?}");
}

#[test]
fn the_terminal_is_given_back_however_the_chat_ends() {
    for end in ["end", "ctrl-c"] {
        let mut bob = Agent::start();
        let uri = bob.uri.clone();
        let program = env!("CARGO_BIN_EXE_offhook");
        // A shell that Ctrl-C does not end, whichever shell it is.
        let common = COMMON.join(" ");
        let line = format!("trap : INT; {program} call {uri} --chat {common}; stty -a");
        let mut alice = Process::shell_on_terminal(&line);
        bob.wait("SIPSessionNewIncoming");
        bob.order("accept chat");
        alice.line_with("The chat stands: /help tells");
        if end == "end" {
            bob.order("end");
        } else {
            alice.press("\x03");
        }
        let (_, out, _) = alice.end();
        let words: Vec<&str> = out.iter().flat_map(|line| line.split_whitespace()).collect();
        assert!(words.contains(&"icanon") && words.contains(&"echo"), "{end}: {out:#?}");
    }
}

#[test]
fn who_listens_takes_the_chat_that_is_wanted_and_shows_what_is_said() {
    for (wanted, args, code) in [
        ("audio,chat", &["--chat"][..], 0),
        ("chat", &["--audio", "--chat"], 0),
        ("audio", &["--chat"], 1),
    ] {
        let listen = ["listen", "--auto-answer", wanted, "--once", "--echo"];
        let mut bob = Process::start(&[&listen[..], &COMMON].concat());
        let line = bob.line_with("To be called as ");
        let uri = line.split("To be called as ").nth(1).unwrap().trim_end_matches('.').to_owned();
        let mut alice = call(&uri, &[args, &["--account", "alice@h"]].concat());
        alice.write("hello");
        alice.close_input();
        let (status, out, errors) = alice.end();
        assert_eq!(status.code(), Some(code), "{out:#?} {errors}");
        let (status, out, errors) = bob.end();
        assert_eq!((status.code(), errors.as_str()), (Some(code), ""), "{out:#?}");
        let shown = out.iter().any(|line| line.ends_with("alice: hello"));
        assert_eq!(shown, code == 0, "{out:#?}");
    }
}

#[test]
fn a_trace_of_msrp_shows_heads_and_counts_contents() {
    let mut bob = Agent::start();
    let mut alice = Process::start(&[&["agent", "--trace", "msrp"], &COMMON[..]].concat());
    alice.line_with("offhook.ready");
    alice.write(&format!("connect {} chat", bob.uri));
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept chat");
    alice.write("wait MSRPChatDidStart");
    alice.write("message 5ecret");
    bob.wait("SIPSessionGotMessage");
    alice.line_with("SIPSessionDidDeliverMessage");
    alice.write("quit");
    let (status, out, errors) = alice.end();
    assert_eq!(status.code(), Some(0), "{out:#?}");
    let traced: Vec<&String> =
        out.iter().filter(|line| line.contains("MSRPTransportTrace")).collect();
    let sends = |text: &str| text.contains("SEND") && text.contains("Content-Type: message/cpim");
    assert!(traced.iter().any(|line| sends(line) && line.contains(" bytes)")), "{traced:#?}");
    assert!(sends(&errors) && errors.contains(" REPORT"), "{errors}");
    let told = traced.iter().any(|line| line.contains("5ecret")) || errors.contains("5ecret");
    assert!(!told, "{traced:#?} {errors}");
}
