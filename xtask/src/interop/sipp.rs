//! sipp's built-in scenarios, as caller and as callee.

use std::path::Path;
use std::time::Duration;

use super::{Field, OURS, THEIRS};
use crate::process::{Cost, Process};

/// Threads that may stay: the engine's own five, the process's, and the pool's idle ones.
const THREADS_KEPT: usize = 6 + 64;
const PATIENCE: Duration = Duration::from_secs(60);
/// A server that knows alice's password.
const CHALLENGING_UAS: &str = include_str!("scenarios/challenging_uas.xml");

pub(super) fn check(field: &mut Field) {
    for (transport, flag, calls, rate) in
        [("UDP", "u1", 2000, 100), ("TCP", "t1", 500, 50), ("TCP", "tn", 100, 50)]
    {
        let feature = match flag {
            "tn" => "calls us, a connection each",
            _ => "calls us",
        };
        let result = calls_us(field, flag, calls, rate);
        field.note("sipp", transport, feature, result);
    }
    for (transport, flag, parameter) in [("UDP", "u1", "udp"), ("TCP", "t1", "tcp")] {
        let result = is_called(field, flag, parameter);
        field.note("sipp", transport, "is called", result);
        let result = asks_for_a_password(field, flag, parameter);
        field.note("sipp", transport, "asks for a password", result);
    }
}

fn calls_us(field: &Field, flag: &str, calls: u32, rate: u32) -> Result<String, String> {
    let (udp, tcp) = (format!("{OURS}:5060"), format!("{OURS}:5060"));
    let arguments = [
        "listen",
        "--json",
        "--auto-answer",
        "--udp",
        &udp,
        "--tcp",
        &tcp,
        "--audio-device",
        "null",
    ];
    let mut listen = Process::start(&field.offhook, &arguments)?;
    listen.wait(&["offhook.ready"], PATIENCE)?;
    // One call first, so that what is made once is there before.
    sipp(field, flag, 1, 1)?;
    let before = listen.cost();
    let counted = sipp(field, flag, calls, rate)?;
    let after = settled(&listen, before)?;
    listen.interrupt()?;
    listen.finish(PATIENCE)?;
    let grown = after.resident_kib.saturating_sub(before.resident_kib);
    Ok(format!("{counted}; afterwards {} threads, {grown} KiB more", after.threads))
}

/// Runs sipp's `uac` scenario against us.
fn sipp(field: &Field, flag: &str, calls: u32, rate: u32) -> Result<String, String> {
    let stats = field.folder.join(format!("sipp-{flag}-{calls}.csv"));
    // It may be left from an earlier run.
    let _old = std::fs::remove_file(&stats);
    let (calls_text, rate_text) = (calls.to_string(), rate.to_string());
    let stats_text = stats.to_string_lossy().into_owned();
    let target = format!("{OURS}:5060");
    let arguments = [
        "-sn",
        "uac",
        &target,
        "-i",
        THEIRS,
        "-p",
        "5062",
        "-t",
        flag,
        "-m",
        &calls_text,
        "-r",
        &rate_text,
        "-d",
        "0",
        "-nostdin",
        "-trace_stat",
        "-stf",
        &stats_text,
        "-fd",
        "1",
        "-max_socket",
        "400",
    ];
    let mut sipp = Process::start(Path::new("sipp"), &arguments)?;
    let fine = sipp.finish(PATIENCE)?;
    let text = std::fs::read_to_string(&stats).map_err(|error| error.to_string())?;
    let column = |name: &str| last_of(&text, name);
    let (good, failed, repeated) = (
        column("SuccessfulCall(C)").unwrap_or(0),
        column("FailedCall(C)").unwrap_or(0),
        column("Retransmissions(C)").unwrap_or(0),
    );
    let counted = format!("{good} calls, {failed} failed, {repeated} retransmissions");
    if fine && good == u64::from(calls) && failed == 0 && repeated == 0 {
        Ok(counted)
    } else {
        Err(counted)
    }
}

/// The last value of a column of sipp's statistics.
fn last_of(csv: &str, name: &str) -> Option<u64> {
    let mut lines = csv.lines();
    let at = lines.next()?.split(';').position(|column| column == name)?;
    lines.last()?.split(';').nth(at)?.parse().ok()
}

/// Waits until sockets and threads are back to where they were.
fn settled(listen: &Process, before: Cost) -> Result<Cost, String> {
    let step = Duration::from_millis(100);
    let mut left = Duration::from_secs(20);
    loop {
        let now = listen.cost();
        if now.descriptors <= before.descriptors && now.threads <= THREADS_KEPT {
            return Ok(now);
        }
        if left.is_zero() {
            return Err(format!("left behind: {now:?}, before {before:?}"));
        }
        std::thread::park_timeout(step);
        left = left.saturating_sub(step);
    }
}

/// Waits until somebody has bound a port.
fn await_port(protocol: &str, port: u16) -> Result<(), String> {
    let step = Duration::from_millis(50);
    let mut left = PATIENCE;
    loop {
        let sockets = std::fs::read_to_string(format!("/proc/net/{protocol}"));
        if sockets.map_err(|e| e.to_string())?.contains(&format!(":{port:04X} ")) {
            return Ok(());
        }
        if left.is_zero() {
            return Err(format!("nobody listens at {protocol} port {port}"));
        }
        std::thread::park_timeout(step);
        left = left.saturating_sub(step);
    }
}

/// A call to a server that challenges INVITE and BYE, and checks what it gets.
fn asks_for_a_password(field: &Field, flag: &str, parameter: &str) -> Result<String, String> {
    let settings = field.folder.join("challenged");
    let account = format!("alice@{THEIRS}");
    let text = format!(
        "default_account = \"{account}\"\n[account.\"{account}\"]\nenabled = true\n\
         [account.\"{account}\".auth]\npassword = \"sesame\"\n"
    );
    let scenario = field.folder.join("challenging_uas.xml");
    let written = std::fs::create_dir_all(&settings)
        .and_then(|()| std::fs::write(settings.join("settings.toml"), text))
        .and_then(|()| std::fs::write(&scenario, CHALLENGING_UAS));
    written.map_err(|error| error.to_string())?;
    let scenario = scenario.to_string_lossy().into_owned();
    let arguments =
        ["-sf", &scenario, "-i", THEIRS, "-p", "5066", "-t", flag, "-m", "1", "-nostdin"];
    let mut sipp = Process::start(Path::new("sipp"), &arguments)?;
    await_port(parameter, 5066)?;
    let uri = format!("sip:test@{THEIRS}:5066;transport={parameter}");
    let settings = settings.to_string_lossy().into_owned();
    let (udp, tcp) = (format!("{OURS}:0"), format!("{OURS}:0"));
    let arguments = [
        "call",
        &uri,
        "--config",
        &settings,
        "--json",
        "--duration",
        "1",
        "--udp",
        &udp,
        "--tcp",
        &tcp,
        "--audio-device",
        "null",
    ];
    let mut call = Process::start(&field.offhook, &arguments)?;
    call.wait(&["SIPSessionDidEnd"], PATIENCE)?;
    let ours = call.finish(PATIENCE)?;
    let theirs = sipp.finish(PATIENCE)?;
    let said = "INVITE, ACK and BYE proven, the BYE again with the next nonce";
    if ours && theirs { Ok(said.into()) } else { Err(format!("{ours} {theirs}")) }
}

fn is_called(field: &Field, flag: &str, parameter: &str) -> Result<String, String> {
    let arguments = ["-sn", "uas", "-i", THEIRS, "-p", "5064", "-t", flag, "-m", "1", "-nostdin"];
    let mut sipp = Process::start(Path::new("sipp"), &arguments)?;
    await_port(parameter, 5064)?;
    let uri = format!("sip:test@{THEIRS}:5064;transport={parameter}");
    let (udp, tcp) = (format!("{OURS}:0"), format!("{OURS}:0"));
    let arguments = [
        "call",
        &uri,
        "--json",
        "--duration",
        "1",
        "--udp",
        &udp,
        "--tcp",
        &tcp,
        "--audio-device",
        "null",
    ];
    let mut call = Process::start(&field.offhook, &arguments)?;
    call.wait(&["SIPSessionDidStart"], PATIENCE)?;
    call.wait(&["SIPSessionDidEnd"], PATIENCE)?;
    let ours = call.finish(PATIENCE)?;
    let theirs = sipp.finish(PATIENCE)?;
    if ours && theirs { Ok("one call".into()) } else { Err(format!("{ours} {theirs}")) }
}
