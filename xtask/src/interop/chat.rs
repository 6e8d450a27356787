//! tshark, which reads the captures that offhook makes of a chat: it finds every message that
//! offhook says it sent or got, each in its packet, and nothing that it cannot read.

use std::fs;
use std::time::Duration;

use super::{Field, OURS, THEIRS, capture};
use crate::process::Process;

const PATIENCE: Duration = Duration::from_secs(20);
/// A message of many chunks.
const LONG: usize = 100_000;

pub(super) fn check(field: &mut Field) {
    let result = chat(field);
    field.note("tshark", "TCP", "reads every octet of a chat in --pcap", result);
}

fn agent(field: &Field, address: &str, side: &str) -> Result<Process, String> {
    let folder = field.folder.to_string_lossy();
    let (udp, pcap) = (format!("{address}:5060"), format!("{folder}/chat-{side}.pcap"));
    let arguments = ["agent", "--udp", &udp, "--audio-device", "null"];
    let traced = ["--trace", "msrp", "--pcap", &pcap];
    let mut agent = Process::start(&field.offhook, &[&arguments[..], &traced].concat())?;
    agent.wait(&["offhook.ready"], PATIENCE)?;
    Ok(agent)
}

fn chat(field: &Field) -> Result<String, String> {
    let (mut a, mut b) = (agent(field, OURS, "a")?, agent(field, THEIRS, "b")?);
    a.say(&format!("connect sip:bob@{THEIRS}:5060 chat"))?;
    b.wait(&["SIPSessionNewIncoming"], PATIENCE)?;
    b.say("accept chat")?;
    for side in [&mut a, &mut b] {
        side.wait(&["MSRPChatDidStart"], PATIENCE)?;
        side.say("ask delivery display")?;
        side.say("composing active")?;
    }
    let long = "x".repeat(LONG);
    let texts = ["hello", "-------abcd$ is no end", "MSRP abcd SEND", &long, "bye"];
    for text in texts {
        a.say(&format!("message {text}"))?;
        b.say(&format!("message {text}"))?;
    }
    for side in [&mut a, &mut b] {
        for _text in texts {
            side.wait(&["ChatStreamGotDispositionNotification"], PATIENCE)?;
        }
    }
    a.say("end")?;
    for side in [&mut a, &mut b] {
        side.wait(&["SIPSessionDidEnd"], PATIENCE)?;
        side.say("quit")?;
        side.finish(PATIENCE)?;
    }
    let mut told = Vec::new();
    for (side, process) in [("a", &a), ("b", &b)] {
        told.push(judge(field, side, process.count("MSRP ", "\"name\""))?);
    }
    Ok(told.join(", "))
}

/// What tshark finds in a side's capture, against the messages that the side traced.
fn judge(field: &Field, side: &str, traced: usize) -> Result<String, String> {
    let file = field.folder.join(format!("chat-{side}.pcap"));
    let size = fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?.len();
    let read = |filter: &str| capture::read(&file, filter);
    let messages = read("msrp.transaction.id")?.len();
    if let Some(fault) = read(capture::FAULTS)?.first() {
        return Err(format!("{side}: {fault}"));
    }
    if let Some(unread) = read("tcp.len > 0 && !msrp && !sip")?.first() {
        return Err(format!("{side}: no MSRP to tshark: {unread}"));
    }
    let gaps = "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment";
    if let Some(gap) = read(gaps)?.first() {
        return Err(format!("{side}: something is missing: {gap}"));
    }
    if messages != traced || messages == 0 {
        return Err(format!("{side}: {traced} messages passed, tshark reads {messages}"));
    }
    Ok(format!("{side}: {messages} messages in {size} octets"))
}
