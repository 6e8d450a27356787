//! `offhook settings` as scripts use it.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// A folder of a test's own that is not there yet.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("settings").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

fn run(command: &mut Command, input: &str) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The command may end without reading what it does not want.
    let _sent = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn offhook(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
    command.arg("settings").arg("--config").arg(folder);
    command
}

/// Runs `offhook settings` with the words of `line`.
fn settings(folder: &Path, line: &str) -> Ran {
    run(offhook(folder).args(line.split_whitespace()), "")
}

/// Like [`settings`], which must work.
fn done(folder: &Path, line: &str) -> String {
    let ran = settings(folder, line);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}: {}", ran.out);
    ran.out
}

/// Like [`settings`], which must be refused with exit status 2 and one sentence.
fn refused(folder: &Path, line: &str) -> String {
    let ran = settings(folder, line);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}: {}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{line}: {}", ran.err);
    ran.err
}

fn file(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("settings.toml")).unwrap()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn show_tells_every_setting_and_marks_what_is_not_the_default() {
    let folder = folder("show");
    done(&folder, "set audio.silent=yes");
    let out = done(&folder, "");
    assert_eq!(out, done(&folder, "show"));
    let first = format!("# {}", folder.join("settings.toml").display());
    assert_eq!(out.lines().next(), Some(first.as_str()));
    let line = |name: &str| out.lines().find(|line| line.contains(name)).unwrap();
    assert!(line("audio.silent").starts_with("* audio.silent"), "{out}");
    assert!(line("audio.silent").ends_with("true  (default false)"), "{out}");
    assert!(line("rtp.port_range").starts_with("  rtp.port_range"), "{out}");
    assert_eq!(done(&folder, "show --changed").lines().count(), 2);
    let group = done(&folder, "show rtp.encryption sip.udp_port");
    assert_eq!(group.lines().count(), 5, "{group}");
    let described = done(&folder, "show audio.silent --describe");
    assert!(described.contains("Allowed: true or false."), "{described}");
}

#[test]
fn show_as_json_is_an_object_a_line_with_values_of_their_type() {
    let folder = folder("json");
    done(&folder, "set audio.silent=yes rtp.audio_codec_list=PCMA sip.udp_port=5060");
    let all = objects(&done(&folder, "show --json --describe"));
    assert!(all.len() > 50 && all.iter().all(|object| object["name"] == "offhook.setting"));
    let of = |name: &str| &all.iter().find(|o| o["data"]["setting"] == name).unwrap()["data"];
    assert_eq!(of("audio.silent")["value"], true);
    assert_eq!(of("audio.silent")["default"], false);
    assert_eq!(of("audio.silent")["is_default"], false);
    assert_eq!(of("audio.silent")["allowed"], "true or false");
    assert_eq!(of("audio.silent")["account"], Value::Null);
    assert_eq!(of("sip.udp_port")["value"], 5060);
    assert_eq!(of("rtp.audio_codec_list")["value"][0], "PCMA");
    assert_eq!(of("sip.ring_timeout")["value"], Value::Null);
    assert_eq!(of("rtp.port_range")["value"], "16384-65534");
}

#[test]
fn set_saves_all_or_nothing_and_tells_what_holds() {
    let folder = folder("set");
    let out = done(&folder, "set audio.silent=yes rtp.port_range=20000-20100");
    assert_eq!(out.lines().count(), 2, "{out}");
    assert_eq!(file(&folder), "[audio]\nsilent = true\n\n[rtp]\nport_range = \"20000-20100\"\n");
    for (line, told) in [
        (
            "set audio.muted=yes audio.silent=maybe",
            r#"audio.silent cannot be "maybe"; allowed: true or false"#,
        ),
        ("set sip.udp_port=65536", "a whole number from 0 to 65535"),
        ("set audio.colour=blue", "there is no setting \"audio.colour\"; offhook settings show"),
        ("set audio=1", "there is no setting \"audio\""),
        ("set audio.silent", "audio.silent=yes"),
        ("set --account nobody@h enabled=yes", "there is no account nobody@h; offhook settings"),
        ("show audio.colour", "there is no setting"),
        ("reset audio.colour", "there is no setting"),
        ("colour", "type show, set, reset"),
    ] {
        let error = refused(&folder, line);
        assert!(error.starts_with("offhook: ") && error.contains(told), "{line}: {error}");
    }
    assert!(!file(&folder).contains("muted"));
}

#[test]
fn reset_takes_settings_and_groups_back_to_their_defaults() {
    let folder = folder("reset");
    done(&folder, "set audio.silent=yes audio.muted=yes sip.udp_port=5060 sounds.volume=10");
    let out = done(&folder, "reset audio sounds.volume");
    assert!(out.lines().all(|line| line.starts_with("  ")), "{out}");
    assert_eq!(file(&folder), "[sip]\nudp_port = 5060\n");
}

#[test]
fn reset_all_moves_the_file_aside_even_a_broken_one() {
    let folder = folder("reset-all");
    assert!(done(&folder, "reset --all").contains("there was no file"));
    std::fs::write(folder.join("settings.toml"), "[audio\n").unwrap();
    let out = done(&folder, "reset --all --json");
    let moved = folder.join("settings.toml.old-1");
    assert_eq!(objects(&out)[0]["data"]["moved_to"], moved.to_str().unwrap());
    assert_eq!(std::fs::read_to_string(moved).unwrap(), "[audio\n");
    done(&folder, "show");
}

#[test]
fn a_broken_file_is_told_with_its_place_and_is_not_written_over() {
    let folder = folder("broken");
    std::fs::create_dir_all(&folder).unwrap();
    for (text, place) in [
        ("[audio]\nsilent = maybe\n", "settings.toml, line 2, column 10: "),
        ("[audio]\n\nsilent = 3\n", "settings.toml, line 3, column 10: audio.silent cannot be 3"),
        ("a = [1,\n", "settings.toml, line "),
        ("a = \"\"\"x\n", "settings.toml, line "),
    ] {
        std::fs::write(folder.join("settings.toml"), text).unwrap();
        for line in ["show", "set audio.muted=yes", "add a@h", "accounts", "reset audio"] {
            let error = refused(&folder, line);
            assert!(error.contains(place) && error.contains("reset --all"), "{line}: {error}");
        }
        assert_eq!(file(&folder), text);
    }
}

#[test]
fn unknown_keys_are_told_on_stderr_and_kept() {
    let folder = folder("unknown");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("settings.toml"), "# mine\n[audio]\ncolour = 1\n").unwrap();
    let ran = settings(&folder, "set audio.muted=yes");
    assert_eq!(ran.code, 0);
    assert!(
        ran.err.ends_with("line 3: audio.colour is no setting and is ignored\n"),
        "{}",
        ran.err
    );
    assert_eq!(file(&folder), "# mine\n[audio]\ncolour = 1\nmuted = true\n");
}

#[test]
fn accounts_are_added_listed_changed_and_removed() {
    let folder = folder("accounts");
    assert_eq!(done(&folder, "accounts").trim_end(), format!("* {:<38} enabled", "bonjour@local"));
    done(&folder, "add alice@example.com sip.register=no");
    done(&folder, "add sip:bob@example.com enabled=no");
    assert!(file(&folder).contains("[account.\"alice@example.com\"]\nenabled = true\n"));
    done(&folder, "default alice@example.com");
    done(&folder, "set --account alice@example.com display_name=Alice");
    let told: Vec<_> = objects(&done(&folder, "accounts --json"))
        .iter()
        .map(|object| {
            let data = &object["data"];
            assert_eq!(object["name"], "offhook.account");
            (data["account"].to_string(), data["enabled"] == true, data["default"] == true)
        })
        .collect();
    let row = |name: &str, enabled, default| (format!("{name:?}"), enabled, default);
    let expected = [
        row("bonjour@local", true, false),
        row("alice@example.com", true, true),
        row("bob@example.com", false, false),
    ];
    assert_eq!(told, expected);
    let shown = done(&folder, "show --account alice@example.com --changed");
    assert_eq!(shown.lines().count(), 4, "{shown}");
    done(&folder, "reset --all --account alice@example.com");
    assert!(!file(&folder).contains("Alice"));
    done(&folder, "remove alice@example.com");
    assert!(!file(&folder).contains("[account.\"alice@example.com\"]"));
    for (line, told) in [
        ("add bob@example.com", "there is an account bob@example.com already"),
        ("add alice", "type it as user@domain"),
        ("remove alice@example.com", "there is no account alice@example.com"),
        ("remove bonjour@local", "disable it instead"),
        ("default bob@example.com", "is not enabled"),
    ] {
        assert!(refused(&folder, line).contains(told), "{line}");
    }
}

#[test]
fn a_password_comes_from_standard_input_and_is_never_shown() {
    let folder = folder("password");
    done(&folder, "add alice@example.com");
    let error = refused(&folder, "set --account alice@example.com auth.password=sesame");
    assert!(error.contains("auth.password=-") && !error.contains("sesame"), "{error}");
    let line = "set --account alice@example.com auth.password=-";
    let ran = run(offhook(&folder).args(line.split(' ')), "open sesame\nmore\n");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("***") && !ran.out.contains("sesame"), "{}", ran.out);
    assert!(file(&folder).contains("password = \"open sesame\""));
    for line in ["show --account alice@example.com", "show --account alice@example.com --json"] {
        let out = done(&folder, line);
        assert!(out.contains("***") && !out.contains("sesame"), "{out}");
    }
    let ran = run(offhook(&folder).args(line.split(' ')), "");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("auth.password cannot be what was given"), "{}", ran.err);
    done(&folder, "set --account alice@example.com auth.password=none");
    assert!(!file(&folder).contains("sesame"));
}

#[test]
fn many_commands_at_once_lose_nothing() {
    let folder = folder("many");
    let names = ["audio.silent", "audio.muted", "sip.auto_answer", "logs.trace_sip"];
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            let mut command = offhook(&folder);
            command.args(["set", &format!("{name}=yes")]).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(file(&folder).matches("= true").count(), 4, "{}", file(&folder));
}

#[test]
fn without_a_folder_the_platform_s_is_used() {
    let home = folder("home");
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
    command.args(["settings", "set", "audio.silent=yes"]);
    command.env("HOME", &home).env_remove("XDG_CONFIG_HOME");
    let ran = run(&mut command, "");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let shown = run(
        Command::new(env!("CARGO_BIN_EXE_offhook"))
            .arg("settings")
            .env("HOME", &home)
            .env_remove("XDG_CONFIG_HOME"),
        "",
    );
    let path = shown.out.lines().next().unwrap().trim_start_matches("# ");
    assert!(Path::new(path).starts_with(&home), "{path}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "[audio]\nsilent = true\n");
}

#[test]
fn the_password_file_of_an_account_is_read_where_the_account_is_used() {
    let folder = folder("password_file");
    done(&folder, "add alice@example.com auth.password_file=nowhere");
    done(&folder, "default alice@example.com");
    let mut agent = Command::new(env!("CARGO_BIN_EXE_offhook"));
    let ran =
        run(agent.args(["agent", "--audio-device", "null", "--config"]).arg(&folder), "quit\n");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("nowhere") && ran.err.contains("password"), "{}", ran.err);
}
