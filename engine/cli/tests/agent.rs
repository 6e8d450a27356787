//! `offhook agent`, as a script uses it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

mod support;

use serde_json::Value;
use support::{Agent, Process, establish, folder};

fn position(told: &[Value], wanted: impl Fn(&Value) -> bool) -> usize {
    told.iter().position(wanted).unwrap_or_else(|| panic!("not among {told:#?}"))
}

#[test]
fn ready_is_first_and_tells_what_was_bound() {
    let mut process = Process::start(&[
        "agent",
        "--udp",
        "127.0.0.1:0",
        "--tcp",
        "127.0.0.1:0",
        "--audio-device",
        "null",
    ]);
    let ready: Value = serde_json::from_str(&process.line()).unwrap();
    assert_eq!(ready["name"], "offhook.ready");
    for transport in ["udp", "tcp"] {
        let address = ready["data"][transport].as_str().unwrap();
        assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{ready}");
    }
    assert!(ready["data"]["uri"].as_str().unwrap().starts_with("sip:"), "{ready}");
    process.close_input();
    let (status, out, _) = process.end();
    assert_eq!(status.code(), Some(0));
    assert!(out.last().unwrap().contains("SIPEngineDidEnd"), "{out:#?}");
}

#[test]
fn what_is_set_holds_unless_it_is_typed() {
    let folder = folder("set");
    let text = "default_account = \"alice@127.0.0.1\"\n[sip]\nlocal_address = \"127.0.0.1\"\n\
                transport_list = [\"tcp\"]\n[rtp]\naudio_codec_list = [\"PCMA\"]\n\
                [account.\"alice@127.0.0.1\"]\nenabled = true\n";
    std::fs::write(folder.join("settings.toml"), text).unwrap();
    let name = folder.to_str().unwrap();
    let mut process = Process::start(&["agent", "--config", name, "--audio-device", "null"]);
    let ready: Value = serde_json::from_str(&process.line()).unwrap();
    assert_eq!(ready["data"]["uri"], "sip:alice@127.0.0.1");
    assert!(ready["data"]["tcp"].as_str().unwrap().starts_with("127.0.0.1:"), "{ready}");
    assert!(ready["data"].get("udp").is_none(), "{ready}");
    process.close_input();
    process.end();
    // The listener and the account are typed here, the codec is still the one that is set.
    let mut alice = Agent::with(&["--config", name, "--account", "sip:carol@127.0.0.1"]);
    assert_eq!(alice.uri, "sip:carol@127.0.0.1");
    let mut bob = Agent::start();
    establish(&mut alice, &mut bob);
    alice.order("state");
    let state = alice.wait("offhook.state");
    assert_eq!(state["data"]["audio_codec"], "PCMA");
    assert_eq!(state["data"]["account"], "sip:carol@127.0.0.1");
}

#[test]
fn settings_that_are_broken_are_told_with_their_line_and_nothing_starts() {
    let folder = folder("broken-settings");
    let file = folder.join("settings.toml");
    std::fs::write(&file, "[rtp]\naudio_codec_list = [\"opus\"]\n").unwrap();
    for verb in [&["agent"][..], &["listen"], &["call", "sip:bob@127.0.0.1:9"]] {
        let args = [verb, &["--config", folder.to_str().unwrap()]].concat();
        let (status, out, err) = Process::start(&args).end();
        assert_eq!(status.code(), Some(2), "{verb:?}");
        assert!(out.is_empty(), "{out:?}");
        assert!(err.contains("settings.toml") && err.contains("line 2"), "{err}");
    }
    assert!(std::fs::read_to_string(file).unwrap().contains("opus"));
}

#[test]
fn a_ladder_of_all_that_happened_is_on_stderr_at_the_end_and_nothing_of_it_on_stdout() {
    let (mut alice, mut bob) = (Agent::with(&["--ladder"]), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order("end");
    alice.wait("SIPSessionDidEnd");
    let (status, told, ladder) = alice.end();
    assert_eq!(status, 0);
    assert!(told.iter().all(|object| object["name"] != "SIPEngineSIPTrace"), "{told:#?}");
    let rows = ["s1 CALLING |", "--- INVITE, ", "<--- 200 OK (INVITE), ", "s1 SIPSessionDidEnd"];
    let mut rest = &*ladder;
    for row in rows {
        (_, rest) = rest.split_once(row).unwrap_or_else(|| panic!("no {row:?}:\n{ladder}"));
    }
    bob.end();
}

#[test]
fn a_call_tells_both_sides_its_course_in_order() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order("end");
    alice.wait("SIPSessionDidEnd");
    let end = bob.wait("SIPSessionDidEnd");
    assert_eq!(end["data"]["originator"], "remote");
    assert_eq!(
        alice.course("s1"),
        [
            "NULL>CALLING",
            "NewOutgoing",
            "GotRingIndication",
            "WillStart",
            "GotStreamUpdate",
            "CALLING>ESTABLISHED",
            "DidStart",
            "ESTABLISHED>TERMINATING",
            "WillEnd",
            "GotStreamUpdate",
            "TERMINATING>TERMINATED",
            "DidEnd",
        ]
    );
    assert_eq!(
        bob.course("s1"),
        [
            "NULL>INCOMING",
            "NewIncoming",
            "INCOMING>ACCEPTING",
            "GotStreamUpdate",
            "WillStart",
            "ACCEPTING>ESTABLISHED",
            "DidStart",
            "GotStreamUpdate",
            "ESTABLISHED>TERMINATED",
            "DidEnd",
        ]
    );
}

#[test]
fn a_result_comes_before_what_its_command_causes() {
    let (mut alice, bob) = (Agent::start(), Agent::start());
    let result = alice.order(&format!("connect {} audio", bob.uri));
    assert_eq!(result["session"], "s1");
    alice.wait("SIPSessionNewOutgoing");
    let at = position(&alice.told, |object| object["name"] == "offhook.result");
    let caused = position(&alice.told, |object| {
        object["session"] == "s1" && object["timestamp"].is_string()
    });
    assert!(at < caused, "{:#?}", alice.told);
}

#[test]
fn reject_says_busy_unless_told_otherwise() {
    for (command, code) in [("reject", 486), ("reject 603", 603)] {
        let (mut alice, mut bob) = (Agent::start(), Agent::start());
        alice.order(&format!("connect {} audio", bob.uri));
        bob.wait("SIPSessionNewIncoming");
        bob.order(command);
        let fail = alice.wait("SIPSessionDidFail");
        assert_eq!(
            (&fail["data"]["code"], &fail["data"]["originator"]),
            (&code.into(), &"remote".into())
        );
        assert_eq!(alice.wait("SIPSessionDidEnd")["data"]["originator"], "remote");
        assert_eq!(bob.wait("SIPSessionDidEnd")["data"]["originator"], "local");
    }
}

#[test]
fn wrong_lines_are_answered_and_the_agent_goes_on() {
    let mut agent = Agent::start();
    for (line, command, error) in [
        ("nonsense", "nonsense", "InvalidArgument"),
        ("connect", "connect", "InvalidArgument"),
        ("end", "end", "InvalidArgument"),
        ("s7 end", "end", "InvalidArgument"),
        ("use s7", "use", "InvalidArgument"),
        ("page sip:a@b hello", "page", "NotBuilt"),
        ("register", "register", "InvalidArgument"),
        ("wait SIPSessionDidStart 0.05", "wait", "Timeout"),
    ] {
        let result = agent.say(line);
        assert_eq!(
            (&result["command"], &result["ok"]),
            (&command.into(), &false.into()),
            "{result}"
        );
        assert_eq!(result["error"], error, "{result}");
        assert!(result["message"].is_string(), "{result}");
    }
    agent.write("# a comment");
    agent.write("");
    agent.order("sleep 0");
    assert_eq!(agent.end().0, 0);
}

#[test]
fn a_method_in_the_wrong_state_tells_which_it_needs() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    let result = bob.say("accept audio");
    assert_eq!(result["error"], "SessionStateError", "{result}");
    let message = result["message"].as_str().unwrap();
    assert!(message.contains("INCOMING") && message.contains("ESTABLISHED"), "{message}");
}

#[test]
fn state_shows_the_session_after_its_end_too() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order("state");
    let state = alice.wait("offhook.state");
    let data = &state["data"];
    assert_eq!((&state["session"], &data["state"]), (&"s1".into(), &"ESTABLISHED".into()));
    assert_eq!((&data["direction"], &data["has_audio"]), (&"outgoing".into(), &true.into()));
    assert!(data["audio_codec"].is_string() && data["audio_local_rtp_port"].is_u64(), "{data}");
    alice.order("end");
    alice.wait("SIPSessionDidEnd");
    alice.order("s1 state");
    let data = alice.wait("offhook.state")["data"].clone();
    assert_eq!(data["state"], "TERMINATED");
    assert!(data["remote_uri"].is_string() && data["stop_time"].is_string(), "{data}");
}

#[test]
fn wait_finds_what_was_printed_and_what_is_yet_to_come() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order("wait SIPSessionDidStart");
    assert_eq!(alice.say("wait SIPSessionDidStart 0.05")["ok"], false);
    bob.write("wait SIPSessionDidEnd");
    alice.order("end");
    let result = bob.wait("offhook.result");
    assert_eq!((&result["command"], &result["ok"]), (&"wait".into(), &true.into()));
    let told = &bob.told;
    let result_at = position(told, |object| object["command"] == "wait");
    assert!(position(told, |object| object["name"] == "SIPSessionDidEnd") < result_at);
}

#[test]
fn a_digit_arrives() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order("dtmf 5");
    alice.order("dtmf #");
    assert_eq!(bob.wait("SIPSessionGotDTMF")["data"]["digit"], "5");
    assert_eq!(bob.wait("SIPSessionGotDTMF")["data"]["digit"], "#");
}

#[test]
fn sessions_are_numbered_and_named_by_prefix_or_use() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    establish(&mut alice, &mut bob);
    alice.order("use s1");
    assert_eq!(alice.order("end")["session"], "s1");
    assert_eq!(alice.wait("SIPSessionDidEnd")["session"], "s1");
    alice.order("sessions");
    let list = alice.wait("offhook.sessions")["data"]["sessions"].clone();
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert_eq!((&list[0]["session"], &list[0]["state"]), (&"s2".into(), &"ESTABLISHED".into()));
    assert_eq!(alice.order("s2 end")["session"], "s2");
    assert_eq!(alice.wait("SIPSessionDidEnd")["session"], "s2");
}

#[test]
fn a_route_says_where_requests_go_and_headers_go_along() {
    let (mut alice, mut bob) = (Agent::start(), Agent::with(&["--trace", "sip"]));
    let address = bob.uri.split_once('@').unwrap().1.to_owned();
    let line =
        format!("connect sip:bob@192.0.2.1 audio route=sip:{address};lr \"+X-Test: two words\"");
    alice.order(&line);
    let invite = bob.wait("SIPEngineSIPTrace")["data"]["data"].as_str().unwrap().to_owned();
    assert!(invite.starts_with("INVITE sip:bob@192.0.2.1 SIP/2.0\r\n"), "{invite}");
    assert!(invite.contains("\r\nX-Test: two words\r\n"), "{invite}");
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept");
    alice.wait("SIPSessionDidStart");
    alice.order("state");
    let route = alice.wait("offhook.state")["data"]["route"].clone();
    assert!(route.as_str().unwrap().contains(&address), "{route}");
}

#[test]
fn the_end_of_input_ends_all_sessions() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    let (code, told, _) = alice.end();
    assert_eq!(code, 0);
    let names: Vec<_> = told.iter().map(|object| object["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| **name == "SIPSessionDidEnd").count(), 1);
    assert_eq!(names.last(), Some(&"SIPEngineDidEnd"));
    assert_eq!(bob.wait("SIPSessionDidEnd")["data"]["originator"], "remote");
}

#[test]
fn quit_does_not_look_at_the_rest_of_the_input() {
    let mut agent = Agent::start();
    agent.write("quit\nsleep 1000");
    let (code, told, _) = agent.end();
    assert_eq!(code, 0);
    assert!(!told.iter().any(|object| object["command"] == "sleep"), "{told:#?}");
}

#[test]
fn ctrl_c_ends_calls_even_while_a_command_waits() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.write("sleep 1000");
    alice.interrupt();
    assert_eq!(bob.wait("SIPSessionDidEnd")["data"]["originator"], "remote");
    assert_eq!(alice.wait("SIPEngineDidEnd")["name"], "SIPEngineDidEnd");
}

#[test]
fn a_second_ctrl_c_ends_the_agent_at_once() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut agent = Agent::start();
    agent.order(&format!("connect sip:x@{} audio", silent.local_addr().unwrap()));
    silent.recv(&mut [0; 2000]).unwrap();
    agent.interrupt();
    agent.wait("SIPEngineWillEnd");
    agent.interrupt();
    assert_eq!(agent.end().0, 130);
}

#[test]
fn traces_and_captures_show_the_messages() {
    let capture = folder("agent-capture").join("sip.pcap");
    let mut alice = Agent::with(&["--trace", "sip", "--pcap", capture.to_str().unwrap()]);
    let mut bob = Agent::start();
    establish(&mut alice, &mut bob);
    let (_, told, errors) = alice.end();
    let traced = told.iter().filter(|object| object["name"] == "SIPEngineSIPTrace").count();
    assert!(traced >= 5, "INVITE, 180, 200, ACK, BYE: {traced}");
    assert!(errors.contains("INVITE sip:") && errors.contains("BYE sip:"), "{errors}");
    let bytes = std::fs::read(capture).unwrap();
    assert_eq!(bytes[..4], 0xa1b2_c3d4_u32.to_le_bytes());
    assert!(bytes.windows(11).any(|part| part == b"INVITE sip:"));
    let (_, told, _) = bob.end();
    assert!(!told.iter().any(|object| object["name"] == "SIPEngineSIPTrace"));
}

#[test]
fn a_recording_is_written() {
    let file = folder("agent-recording").join("with blanks.wav");
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order(&format!("record \"{}\"", file.display()));
    let started = alice.wait("SIPSessionDidStartRecordingAudio");
    assert_eq!(started["data"]["file_name"].as_str(), file.to_str());
    alice.order("stop_recording");
    alice.wait("SIPSessionDidStopRecordingAudio");
    assert_eq!(hound::WavReader::open(file).unwrap().spec().bits_per_sample, 16);
}

#[test]
fn statistics_tell_every_counter_and_outlive_the_call() {
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    assert_eq!(alice.say("statistics")["ok"], false);
    establish(&mut alice, &mut bob);
    bob.order("dtmf 1");
    alice.wait("SIPSessionGotDTMF");
    let keys = [
        "packets_sent",
        "octets_sent",
        "packets_received",
        "octets_received",
        "packets_lost",
        "packets_discarded",
        "packets_rejected",
        "packets_unauthenticated",
        "packets_withheld",
        "jitter_us",
        "round_trip_us",
        "remote_packets_lost",
    ];
    alice.order("end");
    alice.wait("SIPSessionDidEnd");
    alice.order("statistics");
    let statistics = alice.wait("offhook.statistics");
    let data = &statistics["data"];
    assert!(keys.iter().all(|key| data[key].is_u64()), "{data}");
    assert!(data["packets_received"].as_u64().unwrap() > 0, "{data}");
    assert_eq!((&data["codec"], &data["sample_rate"]), (&"PCMU".into(), &8000.into()));
    assert_eq!(statistics["session"], "s1");
}

#[test]
fn settings_are_shown_and_changed_by_commands_and_told_as_notifications() {
    let folder = folder("agent-settings");
    let mut agent = Agent::with(&["--config", folder.to_str().unwrap()]);
    agent.order("settings set audio.silent=yes");
    let shown = agent.wait("offhook.setting")["data"].clone();
    assert_eq!((&shown["setting"], &shown["value"]), (&"audio.silent".into(), &true.into()));
    let told = agent.wait("CFGSettingsObjectDidChange");
    assert!(told["data"].to_string().contains("audio.silent"), "{told}");
    agent.order("settings add alice@example.com \"display_name=Alice B.\" auth.password=secret");
    assert_eq!(agent.wait("offhook.account")["data"]["account"], "alice@example.com");
    agent.order("settings --account alice@example.com show display_name auth.password");
    assert_eq!(agent.wait("offhook.setting")["data"]["value"], "Alice B.");
    assert_ne!(agent.wait("offhook.setting")["data"]["value"], "secret");
    for (line, error) in [
        ("settings show audio.colour", "UnknownName"),
        ("settings set audio.silent=perhaps", "InvalidValue"),
        ("settings --account bob@example.com", "UnknownAccount"),
        ("settings set", "InvalidArgument"),
        ("settings --config elsewhere", "InvalidArgument"),
    ] {
        assert_eq!(agent.say(line)["error"], error, "{line}");
    }
    let text = std::fs::read_to_string(folder.join("settings.toml")).unwrap();
    assert!(text.contains("silent = true") && text.contains("secret"), "{text}");
}

#[test]
fn an_account_that_is_typed_brings_its_own_settings_and_its_proxy() {
    let folder = folder("typed-account");
    let mut bob = Agent::start();
    let proxy = bob.uri.split_once('@').unwrap().1.to_owned();
    let text = format!(
        "[account.\"alice@example.com\".rtp]\naudio_codec_list = [\"PCMA\"]\n\
         [account.\"alice@example.com\".sip]\noutbound_proxy = \"{proxy}\"\n"
    );
    std::fs::write(folder.join("settings.toml"), text).unwrap();
    let typed = ["--config", folder.to_str().unwrap(), "--account", "alice@example.com"];
    let mut alice = Agent::with(&typed);
    alice.order("connect sip:bob@example.com");
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept");
    alice.wait("SIPSessionDidStart");
    alice.order("state");
    let state = alice.wait("offhook.state")["data"].clone();
    assert_eq!(state["audio_codec"], "PCMA");
    assert!(state["route"].as_str().unwrap().contains(&proxy), "{state}");
    // Others are not reached over it.
    let mut carol = Agent::start();
    let (_, address) = carol.uri.split_once('@').unwrap();
    alice.order(&format!("connect sip:carol@{address}"));
    carol.wait("SIPSessionNewIncoming");
    alice.order("state");
    let state = alice.wait("offhook.state")["data"].clone();
    assert!(!state["route"].as_str().unwrap().contains(&proxy), "{state}");
}

#[test]
fn a_recording_without_a_name_is_named_by_time_peer_and_direction_in_the_recordings_folder() {
    let folder = folder("agent-recordings");
    let recordings = folder.join("not there/yet");
    let text = format!("[audio]\nrecordings_directory = \"{}\"\n", recordings.display());
    std::fs::write(folder.join("settings.toml"), text).unwrap();
    let mut alice = Agent::with(&["--config", folder.to_str().unwrap()]);
    let mut bob = Agent::with(&["--account", "bob@example.com"]);
    let address = bob.listener.clone();
    alice.order(&format!("connect sip:bob@example.com:5070 audio route=sip:{address}"));
    bob.wait("SIPSessionNewIncoming");
    bob.order("accept");
    alice.wait("SIPSessionDidStart");
    for (command, name) in
        [("record", "-bob@example.com-outgoing.wav"), ("record mine.wav", "mine.wav")]
    {
        alice.order(command);
        alice.wait("SIPSessionWillStartRecordingAudio");
        let started = alice.wait("SIPSessionDidStartRecordingAudio");
        let file = std::path::PathBuf::from(started["data"]["file_name"].as_str().unwrap());
        assert_eq!(file.parent(), Some(recordings.as_path()));
        let base = file.file_name().unwrap().to_str().unwrap();
        assert!(base.ends_with(name), "{base}");
        if command == "record" {
            let time: Vec<_> = base.split('-').take(2).map(str::len).collect();
            assert_eq!(time, [8, 6], "{base}");
        }
        alice.order("state");
        let state = alice.wait("offhook.state")["data"].clone();
        assert_eq!(state["audio_recording_file_name"].as_str(), file.to_str());
        alice.order("stop_recording");
        alice.wait("SIPSessionWillStopRecordingAudio");
        let stopped = alice.wait("SIPSessionDidStopRecordingAudio");
        assert_eq!(stopped["data"], started["data"]);
        let spec = hound::WavReader::open(file).unwrap().spec();
        assert_eq!((spec.channels, spec.bits_per_sample, spec.sample_rate), (1, 16, 8000));
    }
}

#[test]
fn a_recording_that_is_ordered_on_hold_starts_right_before_the_unhold_is_told() {
    let folder = folder("agent-armed");
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order("hold");
    alice.wait("SIPSessionGotHoldRequest");
    let file = folder.join("armed.wav");
    alice.order(&format!("record \"{}\"", file.display()));
    alice.order("state");
    let state = alice.wait("offhook.state")["data"].clone();
    assert_eq!(state["audio_recording_file_name"].as_str(), file.to_str());
    assert_eq!(alice.say("record another.wav")["error"], "SessionStateError");
    alice.order("unhold");
    alice.wait("SIPSessionGotUnholdRequest");
    let course = alice.course("s1");
    let expected = ["WillStartRecordingAudio", "DidStartRecordingAudio", "GotUnholdRequest"];
    assert_eq!(course[course.len() - 3..], expected, "{course:?}");
    // It ends with the call, before the stream does.
    bob.order("end");
    alice.wait("SIPSessionDidEnd");
    let course = alice.course("s1");
    let expected = ["WillStopRecordingAudio", "DidStopRecordingAudio", "GotStreamUpdate"];
    let at = course.len() - 5;
    assert_eq!(course[at..at + 3], expected, "{course:?}");
    assert_eq!(alice.say("stop_recording")["error"], "SessionStateError");
}

#[test]
fn a_recording_that_cannot_be_written_is_told_to_have_stopped() {
    let folder = folder("agent-unwritable");
    std::fs::write(folder.join("file"), "").unwrap();
    let (mut alice, mut bob) = (Agent::start(), Agent::start());
    establish(&mut alice, &mut bob);
    alice.order(&format!("record \"{}\"", folder.join("file/x.wav").display()));
    alice.wait("SIPSessionWillStartRecordingAudio");
    alice.wait("SIPSessionDidStopRecordingAudio");
    assert!(!alice.course("s1").contains(&"DidStartRecordingAudio".into()));
    alice.order("state");
    assert!(alice.wait("offhook.state")["data"]["audio_recording_file_name"].is_null());
}
