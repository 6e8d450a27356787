//! Kamailio as an MSRP relay (RFC 4976): two agents chat through it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Field, OURS, THEIRS};
use crate::process::Process;
use crate::run::output;

const PATIENCE: Duration = Duration::from_secs(20);
const CONFIG: &str = include_str!("scenarios/msrp_relay.cfg");
const PASSWORD: &str = "sesame";
/// A message of many chunks.
const LONG: usize = 100_000;

pub(super) fn check(field: &mut Field) {
    let result = relay(field).and_then(|mut relay| chat(field, &mut relay));
    field.note("kamailio", "TCP", "relays a chat, with a password", result);
    let result = relay(field).and_then(|_relay| stranger(field));
    field.note("kamailio", "TCP", "refuses its place to a wrong password", result);
}

/// Starts it with all of its processes in a PID namespace, so that they end together.
fn relay(field: &Field) -> Result<Process, String> {
    let file = field.folder.join("msrp_relay.cfg");
    fs::write(&file, CONFIG.replace("ADDRESS", THEIRS))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let folder = field.folder.to_string_lossy();
    let together = ["--pid", "--fork", "--kill-child", "kamailio", "-DD", "-E"];
    let own = ["-m", "32", "-M", "8", "-Y", &folder, "-f", &file.to_string_lossy()];
    let mut relay = Process::start(Path::new("unshare"), &[&together[..], &own].concat())?;
    relay.wait(&["processes (at least)"], PATIENCE)?;
    Ok(relay)
}

/// An agent whose account has the relay for all of its chats.
fn agent(field: &Field, name: &str, address: &str, password: &str) -> Result<Process, String> {
    let folder = field.folder.join(format!("relay-{name}"));
    // It may be left from an earlier run.
    let _old = fs::remove_dir_all(&folder);
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(told)?;
    fs::write(folder.join("password"), password).map_err(told)?;
    let offhook = field.offhook.to_string_lossy();
    let config = folder.to_string_lossy();
    for words in [
        format!(
            "add {name}@example.com auth.password_file=password \
             nat_traversal.msrp_relay=sip:{THEIRS}:2855;transport=tcp \
             nat_traversal.use_msrp_relay_for_outbound=yes"
        ),
        format!("default {name}@example.com"),
    ] {
        let (fine, text) =
            output(&folder, &format!("{offhook} settings --config {config} {words}"))?;
        if !fine {
            return Err(text);
        }
    }
    let udp = format!("{address}:5060");
    let arguments = ["agent", "--config", &config, "--udp", &udp, "--audio-device", "null"];
    let mut agent = Process::start(&field.offhook, &arguments)?;
    agent.wait(&["offhook.ready"], PATIENCE)?;
    Ok(agent)
}

fn chat(field: &Field, relay: &mut Process) -> Result<String, String> {
    let mut a = agent(field, "alice", OURS, PASSWORD)?;
    let mut b = agent(field, "bob", THEIRS, PASSWORD)?;
    a.say(&format!("connect sip:bob@{THEIRS}:5060 chat"))?;
    b.wait(&["SIPSessionNewIncoming"], PATIENCE)?;
    b.say("accept chat")?;
    for side in [&mut a, &mut b] {
        side.wait(&["MSRPChatDidStart"], PATIENCE)?;
    }
    let long = "x".repeat(LONG);
    let texts = ["hello", &long, "bye"];
    for text in texts {
        a.say(&format!("message {text}"))?;
        b.say(&format!("message {text}"))?;
    }
    for side in [&mut a, &mut b] {
        for _text in texts {
            side.wait(&["SIPSessionDidDeliverMessage"], PATIENCE)?;
        }
    }
    a.say("end")?;
    for side in [&mut a, &mut b] {
        side.wait(&["SIPSessionDidEnd"], PATIENCE)?;
        side.say("quit")?;
        side.finish(PATIENCE)?;
    }
    for side in [&a, &b] {
        let got = side.count("{\"name\":\"SIPSessionGotMessage\"", "\n");
        if got != texts.len() {
            return Err(format!("{got} of {} messages came", texts.len()));
        }
    }
    for _place in ["alice's", "bob's"] {
        relay.wait(&["a place is given"], PATIENCE)?;
    }
    relay.wait(&["passed on"], PATIENCE)?;
    Ok(format!("{} messages each way, one of {LONG} octets, all delivered", texts.len()))
}

fn stranger(field: &Field) -> Result<String, String> {
    let mut a = agent(field, "mallory", OURS, "guessed")?;
    a.say(&format!("connect sip:bob@{THEIRS}:5060 chat"))?;
    a.wait(&["SIPSessionDidFail", "the relay msrp://"], PATIENCE)?;
    a.say("quit")?;
    a.finish(PATIENCE)?;
    Ok("the call fails and says why".into())
}
