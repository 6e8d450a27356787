//! What is refused before anything is opened, and what help says.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::process::{Command, Stdio};

fn offhook(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_help_fits_a_screen_and_shows_an_example() {
    for verb in ["", "demo", "call", "listen", "agent", "devices", "parse", "fsm", "settings"] {
        let args: Vec<_> = [verb, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let (code, out, err) = offhook(&args);
        assert_eq!((code, err.as_str()), (0, ""), "{verb}");
        assert!(out.lines().count() <= 24, "{verb}:\n{out}");
        for line in out.lines() {
            assert!(line.chars().count() <= 80, "{verb}: {line}");
        }
        assert!(out.contains("Example: "), "{verb}:\n{out}");
    }
}

#[test]
fn bad_options_exit_2_and_tell_what_to_type() {
    for (line, told) in [
        ("call", "call needs a URI"),
        ("call sip:a@b --chat", "not built yet"),
        ("call sip:a@b --udp nowhere", "--udp 127.0.0.1:5060"),
        ("call sip:a@b --play /nonexistent.wav", "/nonexistent.wav"),
        ("listen --auto-answer audio,chat", "not built yet"),
        ("listen --reject 200", "300 to 699"),
        ("listen --tls 127.0.0.1:0", "not built yet"),
        ("agent --codecs opus", "--codecs PCMU,PCMA"),
        ("agent --msrp-transport tls", "not built yet"),
        ("agent --password-file secret", "not built yet"),
        ("agent --rtp-ports 5", "--rtp-ports 20000-20100"),
        ("agent --pcap /nonexistent/a.pcap --udp 127.0.0.1:0", "/nonexistent/a.pcap"),
        ("agent --audio-device wav:in.wav", "wav:microphone.wav,speaker.wav"),
        ("agent --audio-device wav:/nonexistent.wav,out.wav", "/nonexistent.wav"),
        ("demo now", "unexpected"),
        ("devices now", "unexpected"),
        ("message sip:a@b hello", "not built yet"),
        ("register", "not built yet"),
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
