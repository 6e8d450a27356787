//! What is refused before anything is opened, and what help says.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::process::{Command, Stdio};

fn offhook(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(args)
        // The settings of whoever runs the tests are no part of them.
        .env("XDG_CONFIG_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-settings"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_help_fits_a_screen_and_shows_an_example() {
    let verbs = ["demo", "call", "listen", "message", "register", "agent"];
    for verb in verbs.into_iter().chain(["", "devices", "parse", "fsm", "settings"]) {
        let args: Vec<_> = [verb, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let (code, out, err) = offhook(&args);
        assert_eq!((code, err.as_str()), (0, ""), "{verb}");
        assert!(out.lines().count() <= 24, "{verb}:\n{out}");
        for line in out.lines() {
            assert!(line.chars().count() <= 80, "{verb}: {line}");
        }
        assert!(out.lines().any(|line| line.starts_with("Example: ")), "{verb}:\n{out}");
        let common = out.lines().filter(|line| *line == "Common options:").count();
        assert_eq!(
            common,
            usize::from(["call", "listen", "register", "agent"].contains(&verb)),
            "{out}"
        );
    }
}

#[test]
fn bad_options_exit_2_and_tell_what_to_type() {
    for (line, told) in [
        ("call", "call needs a URI"),
        ("call sip:a@b --chat --dtmf 1", "type --audio, too"),
        ("call sip:a@b --udp nowhere", "--udp 127.0.0.1:5060"),
        ("call sip:a@b --play /nonexistent.wav", "/nonexistent.wav"),
        ("listen --auto-answer video", "type audio, chat or both"),
        ("listen --reject 200", "300 to 699"),
        ("listen --tls 127.0.0.1:0", "not built yet"),
        ("agent --codecs opus", "--codecs PCMU,PCMA"),
        ("agent --msrp-transport udp", "type tcp or tls"),
        ("agent --password-file secret", "--account URI says"),
        ("agent --rtp-ports 5", "--rtp-ports 20000-20100"),
        ("agent --pcap /dev/null/a.pcap --udp 127.0.0.1:0", "/dev/null/a.pcap"),
        ("agent --audio-device wav:in.wav", "wav:microphone.wav,speaker.wav"),
        ("agent --audio-device wav:/nonexistent.wav,out.wav", "/nonexistent.wav"),
        ("demo now", "unexpected argument \"now\"; see --help"),
        ("devices now", "unexpected"),
        ("agent --udp", "missing argument for option '--udp'; see --help"),
        ("listen --audio-device null --udp 192.0.2.200:5060", "type one of its own"),
        ("message sip:a@b hello", "not built yet"),
        (
            "register --udp 127.0.0.1:0",
            "there is no account; start the engine with one: type --account",
        ),
        ("nonsense", "no verb"),
    ] {
        let (code, out, err) = offhook(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
        assert!(err.starts_with("offhook: ") && err.contains(told), "{line}: {err}");
        assert_eq!(err.lines().count(), 1, "{line}: {err}");
    }
}

#[test]
fn devices_lists_the_null_device_and_the_files() {
    let (code, out, _) = offhook(&["devices"]);
    assert_eq!(code, 0);
    assert!(out.contains("null") && out.contains("wav:IN.wav,OUT.wav"), "{out}");
}

#[test]
fn devices_as_json_is_an_object_a_line() {
    let (code, out, _) = offhook(&["devices", "--json"]);
    assert_eq!(code, 0);
    for line in out.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["name"], "offhook.device");
    }
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_type() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, out, err) = offhook(&["agent", "--audio-device", "null", "--udp", &address]);
    assert_eq!((code, out.as_str(), err.lines().count()), (2, "", 1), "{err}");
    assert!(err.contains(&address) && err.contains("0 for any"), "{err}");
}

#[test]
fn srtp_without_tls_warns_once_on_stderr() {
    for (policy, warnings) in [("optional", 1), ("mandatory", 1), ("disabled", 0)] {
        let line = ["agent", "--audio-device", "null", "--udp", "127.0.0.1:0", "--srtp", policy];
        let (code, _, err) = offhook(&line);
        let told = err.lines().filter(|line| line.contains("travel in the clear")).count();
        assert_eq!((code, told), (0, warnings), "{policy}: {err}");
    }
}

#[test]
fn a_demonstration_that_cannot_write_tells_where_it_would() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no-demo");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("target"), "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
    let output = command.arg("demo").current_dir(folder).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{err}");
    assert!(err.contains("target/demo: ") && err.contains("a folder of your own"), "{err}");
}
