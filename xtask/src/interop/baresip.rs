//! baresip, as caller and as callee: audio by its content in both directions, DTMF both ways.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Field, OURS, THEIRS, audio};
use crate::process::Process;

const PATIENCE: Duration = Duration::from_secs(20);
/// What each side speaks.
const OUR_TONE: f64 = 440.0;
const THEIR_TONE: f64 = 700.0;
/// baresip's control port.
const CONTROL: &str = "127.0.0.1:4444";

pub(super) fn check(field: &mut Field) {
    for (transport, codec) in [("UDP", "PCMU"), ("UDP", "PCMA"), ("TCP", "PCMU")] {
        for we_call in [true, false] {
            let who = if we_call { "is called" } else { "calls us" };
            let feature = format!("{who}, {codec}, audio and DTMF both ways");
            let result = call(field, transport, codec, we_call);
            field.note("baresip", transport, &feature, result);
        }
    }
}

fn call(field: &Field, transport: &str, codec: &str, we_call: bool) -> Result<String, String> {
    let folder = field.folder.join(format!("baresip-{transport}-{codec}-{we_call}"));
    // It may be left from an earlier run.
    let _old = fs::remove_dir_all(&folder);
    configure(&folder, codec)?;
    let (ours, recording) = (folder.join("ours.wav"), folder.join("recording.wav"));
    audio::write_tone(&ours, OUR_TONE, 20)?;
    let mut baresip = Process::start(
        Path::new("baresip"),
        &["-4", "-v", "-n", "veth1", "-f", &folder.to_string_lossy()],
    )?;
    baresip.wait(&["baresip is ready"], PATIENCE)?;
    let mut agent = agent(field)?;
    agent.wait(&["offhook.ready"], PATIENCE)?;
    let parameter = transport.to_ascii_lowercase();
    if we_call {
        agent.say(&format!("connect sip:bob@{THEIRS};transport={parameter} audio"))?;
    } else {
        order(&format!(
            r#"{{"command":"dial","params":"sip:offhook@{OURS};transport={parameter}"}}"#
        ))?;
        agent.wait(&["SIPSessionNewIncoming"], PATIENCE)?;
        agent.say("accept audio")?;
    }
    agent.say(&format!("play {}", ours.display()))?;
    agent.wait(&["SIPSessionDidStart"], PATIENCE)?;
    baresip.wait(&["Call established"], PATIENCE)?;
    agent.say(&format!("record {}", recording.display()))?;
    agent.say("dtmf 5")?;
    baresip.wait(&["received event: '5'"], PATIENCE)?;
    order(r#"{"command":"sndcode","params":"7"}"#)?;
    agent.wait(&["SIPSessionGotDTMF", "\"7\""], PATIENCE)?;
    // Three seconds to listen to.
    agent.say("sleep 3")?;
    agent.say("end")?;
    agent.wait(&["SIPSessionDidEnd"], PATIENCE)?;
    agent.say("quit")?;
    agent.finish(PATIENCE)?;
    drop(baresip);
    let theirs = dump(&folder)?;
    let they_hear = audio::hears(&theirs, OUR_TONE, true).map_err(|e| format!("they: {e}"))?;
    let we_hear = audio::hears(&recording, THEIR_TONE, false).map_err(|e| format!("we: {e}"))?;
    Ok(format!("they hear {they_hear}; we hear {we_hear}"))
}

fn agent(field: &Field) -> Result<Process, String> {
    let address = format!("{OURS}:5060");
    let arguments =
        ["agent", "--json", "--udp", &address, "--tcp", &address, "--audio-device", "null"];
    Process::start(&field.offhook, &arguments)
}

/// Writes baresip's configuration: a tone as its microphone, dumps of what it hears.
fn configure(folder: &Path, codec: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let (dumps, tone) = (folder.join("dumps"), folder.join("theirs.wav"));
    fs::create_dir_all(&dumps).map_err(told)?;
    audio::write_tone(&tone, THEIR_TONE, 20)?;
    let config = format!(
        "poll_method epoll\nsip_listen {THEIRS}:5060\ncall_local_timeout 120\ncall_max_calls 4\n\
         audio_player alsa,null\naudio_source aufile,{}\naudio_alert alsa,null\n\
         ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
         rtp_ports 20000-30000\nsnd_path {}\nmodule_path /usr/lib/baresip/modules\n\
         module g711.so\nmodule aufile.so\nmodule alsa.so\nmodule sndfile.so\n\
         module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
         ctrl_tcp_listen {CONTROL}\n",
        tone.display(),
        dumps.display()
    );
    fs::write(folder.join("config"), config).map_err(told)?;
    let account =
        format!("<sip:bob@{THEIRS}>;regint=0;answermode=auto;audio_codecs={codec}/8000/1\n");
    fs::write(folder.join("accounts"), account).map_err(told)
}

/// Gives baresip an order over its control port: JSON as a netstring.
fn order(json: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("baresip's control port: {error}");
    let mut control = TcpStream::connect(CONTROL).map_err(told)?;
    control.write_all(format!("{}:{json},", json.len()).as_bytes()).map_err(told)?;
    // It is carried out before the answer comes; the answer's first octet is enough.
    control.set_read_timeout(Some(PATIENCE)).map_err(told)?;
    let mut first = [0; 1];
    std::io::Read::read(&mut control, &mut first).map(drop).map_err(told)
}

/// What baresip decoded.
fn dump(folder: &Path) -> Result<PathBuf, String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut entries = fs::read_dir(folder.join("dumps")).map_err(told)?;
    let is_decoded = |path: &PathBuf| path.to_string_lossy().ends_with("-dec.wav");
    let found = entries.by_ref().flatten().map(|entry| entry.path()).find(is_decoded);
    found.ok_or_else(|| "baresip heard nothing".into())
}
