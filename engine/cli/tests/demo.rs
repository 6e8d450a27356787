//! `offhook demo`, as the README's first command runs it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use std::process::{Command, Stdio};

mod support;

#[test]
fn the_demonstration_works_and_shows_its_ladder() {
    let folder = support::folder("demo");
    // Whose settings are broken sees the demonstration all the same.
    std::fs::create_dir(folder.join("offhook")).unwrap();
    std::fs::write(folder.join("offhook/settings.toml"), "broken").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(["demo", "--ladder"])
        .current_dir(&folder)
        .env("XDG_CONFIG_HOME", &folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{out}\n{errors}");
    let order = [
        "s1 CALLING |",
        "--- INVITE",
        "| s1 INCOMING",
        "180 Ringing (INVITE)",
        "200 OK (INVITE)",
        "s1 ESTABLISHED |",
        "--- ACK",
        "| s1 SIPSessionGotMessage content=Can you hear me?",
        "s1 SIPSessionGotMessage content=Loud and clear.",
        "| s1 SIPSessionGotHoldRequest originator=remote",
        "| s1 SIPSessionGotUnholdRequest originator=remote",
        "| s1 SIPSessionGotDTMF digit=5",
        "--- BYE",
        "200 OK (BYE)",
        "s1 SIPSessionDidEnd originator=local |",
    ];
    let mut rest = &*out;
    for message in order {
        let found = rest.split_once(message);
        (_, rest) = found.unwrap_or_else(|| panic!("no {message:?} in its place:\n{out}"));
    }
    assert!(!out.contains("FAIL"), "{out}");
    for name in ["alice", "bob"] {
        let recording = folder.join(format!("target/demo/{name}-recording.wav"));
        assert!(hound::WavReader::open(recording).unwrap().duration() > 3 * 8000);
    }
}
