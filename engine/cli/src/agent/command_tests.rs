use super::*;

fn read(line: &str) -> Line {
    Line::parse(line).unwrap()
}

fn command(line: &str) -> Command {
    read(line).command.unwrap()
}

const BOTH: Streams = Streams { audio: true, chat: true };

#[test]
fn blank_lines_and_comments_are_nothing() {
    for line in ["", "  \t", "# hold", "  # hold", "\r"] {
        assert_eq!(Line::parse(line), None, "{line:?}");
    }
}

#[test]
fn connect_takes_streams_routes_and_headers_in_any_order() {
    let line =
        "connect sip:b@192.0.2.1 audio \"+X-One: 1 and 2\" route=sip:192.0.2.9;lr chat +X-Two:3";
    let headers = vec![("X-One".into(), "1 and 2".into()), ("X-Two".into(), "3".into())];
    let expected = Command::Connect {
        uri: "sip:b@192.0.2.1".into(),
        streams: BOTH,
        routes: vec!["sip:192.0.2.9;lr".into()],
        headers,
    };
    assert_eq!(command(line), expected);
}

#[test]
fn connect_means_audio_and_accept_what_is_proposed() {
    let Command::Connect { streams, .. } = command("connect sip:b@192.0.2.1") else { panic!() };
    assert_eq!(streams, Streams::AUDIO);
    assert_eq!(command("accept"), Command::Accept { streams: None, headers: vec![] });
    assert_eq!(
        command("accept audio chat"),
        Command::Accept { streams: Some(BOTH), headers: vec![] }
    );
}

#[test]
fn a_prefix_names_the_session() {
    let line = read("s12 end\r\n");
    assert_eq!(
        line,
        Line { session: Some(SessionId(12)), name: "end".into(), command: Ok(Command::End) }
    );
    assert_eq!(read("state s3").session, Some(SessionId(3)));
    assert_eq!(read("s3 state").session, Some(SessionId(3)));
    assert_eq!(read("end").session, None);
}

#[test]
fn a_session_alone_is_no_command() {
    for line in ["s1", "s0 end", "s01 end", "sx end", "s end"] {
        assert!(read(line).command.is_err(), "{line}");
    }
}

#[test]
fn waiting_is_ten_seconds_unless_told() {
    for (line, millis) in [("wait SIPSessionDidEnd", 10_000), ("wait SIPSessionDidEnd 0.25", 250)] {
        let name = "SIPSessionDidEnd".into();
        assert_eq!(command(line), Command::Wait { name, timeout: Duration::from_millis(millis) });
    }
}

#[test]
fn every_other_command_is_understood() {
    for (line, expected) in [
        ("reject", Command::Reject { code: None, headers: vec![] }),
        ("reject 603", Command::Reject { code: Some(603), headers: vec![] }),
        ("progress audio", Command::Progress(Some(Streams::AUDIO))),
        ("dtmf #", Command::Dtmf('#')),
        ("record", Command::Record(None)),
        ("record \"a b.wav\"", Command::Record(Some("a b.wav".into()))),
        ("stop_recording", Command::StopRecording),
        ("play a.wav", Command::Play("a.wav".into())),
        ("stop_playing", Command::StopPlaying),
        ("echo on", Command::Echo(true)),
        ("mute", Command::Mute(true)),
        ("unmute", Command::Mute(false)),
        ("state", Command::State),
        ("statistics", Command::Statistics),
        ("sessions", Command::Sessions),
        ("use s2", Command::Use(SessionId(2))),
        ("sleep 0.5", Command::Sleep(Duration::from_millis(500))),
        ("hold", Command::Hold),
        ("unhold", Command::Unhold),
        ("add audio", Command::Add(StreamKind::Audio)),
        ("remove chat", Command::Remove(StreamKind::Chat)),
        ("send_file \"a b.txt\"", Command::SendFile("a b.txt".into())),
        ("accept_file", Command::AcceptFile(".".into())),
        ("accept_file folder", Command::AcceptFile("folder".into())),
        ("reject_file", Command::RejectProposal),
        ("cancel_file", Command::CancelFile),
        ("accept_proposal", Command::AcceptProposal(None)),
        ("accept_proposal audio", Command::AcceptProposal(Some(Streams::AUDIO))),
        ("reject_proposal", Command::RejectProposal),
        ("message hello  there", message(None, "text/plain", "hello  there")),
        ("message_as text/html <b>hello</b>", message(None, "text/html", "<b>hello</b>")),
        ("message_to sip:a@b hello", message(Some("sip:a@b"), "text/plain", "hello")),
        ("composing active", Command::Composing(true)),
        ("composing idle", Command::Composing(false)),
        ("ask delivery", Command::Ask(Ask { delivery: true, display: false })),
        ("ask display delivery", Command::Ask(Ask { delivery: true, display: true })),
        ("ask nothing", Command::Ask(Ask::default())),
        ("nickname Alice the great", Command::Nickname("Alice the great".into())),
        ("nickname", Command::Nickname(String::new())),
        ("displayed m1", Command::Displayed("m1".into())),
        ("register", Command::Register(true)),
        ("unregister", Command::Register(false)),
        ("quit", Command::Quit),
    ] {
        assert_eq!(command(line), expected, "{line}");
    }
}

#[test]
fn what_is_not_built_is_understood_as_such() {
    for line in [
        "page sip:a@b hello",
        "transfer sip:c@d",
        "transfer_to s2",
        "accept_transfer",
        "reject_transfer",
        "ping sip:a@b",
    ] {
        assert!(matches!(command(line), Command::NotBuilt(_)), "{line}");
    }
}

#[test]
fn bad_arguments_are_refused_with_the_command_s_name_kept() {
    for line in [
        "connect",
        "connect sip:a@b video",
        "connect sip:a@b route=tel:1",
        "accept video",
        "accept route=sip:a",
        "reject 200",
        "reject 700",
        "reject busy",
        "end now",
        "dtmf",
        "dtmf 12",
        "dtmf x",
        "play",
        "play a.wav b.wav",
        "echo",
        "echo maybe",
        "state me",
        "use",
        "use 1",
        "wait",
        "wait A ten",
        "wait A 1 2",
        "sleep",
        "sleep -1",
        "end \"+X: y\"",
        "connect sip:a@b +nonsense",
        "connect sip:a@b \"+a b: c\"",
        "connect \"sip:a",
        "message",
        "message_as text/plain",
        "message_to sip:a",
        "page",
        "add video",
        "add",
        "composing",
        "ask",
        "ask nothing display",
        "ask all",
        "displayed",
        "transfer",
        "transfer_to me",
        "ping",
        "send_file",
        "hold on",
        "nonsense",
    ] {
        let read = read(line);
        assert!(read.command.is_err(), "{line}");
        assert_eq!(read.name, line.split(' ').next().unwrap());
    }
}

fn message(to: Option<&str>, content_type: &str, text: &str) -> Command {
    let (to, content_type, text) = (to.map(str::to_owned), content_type.into(), text.into());
    Command::Message { to, content_type, text }
}
