//! `offhook parse KIND FILE`: what a message says, as JSON.

use std::io::Read as _;

use lexopt::prelude::{Long, Short, Value as Word};
use offhook::msrp;
use offhook::msrp::cpim::{Cpim, CpimError};
use offhook::sdp::SessionDescription;
use offhook::sip::{FrameError, Framed, Message, StreamFramer, validate};
use serde_json::{Value, json};

use crate::{Outcome, Usage, describe, describe_msrp, print};

const HELP: &str = "\
offhook parse KIND FILE [--stream]

Prints what was understood as JSON. KIND is sip, sdp, msrp or cpim; FILE - reads
standard input. \"status\" is what a user agent would answer, where one applies.
Refused input prints {\"error\":..., \"offset\":..., \"status\":...} and exits 1.
--stream reads a byte stream of several sip or msrp messages, one object a line.

Example: offhook parse sip invite.sip
";

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let (mut words, mut stream) = (Vec::new(), false);
    while let Some(arg) = args.next()? {
        match arg {
            Long("stream") => stream = true,
            // There is no other form.
            Long("json") => {}
            Long("help") | Short('h') => {
                print(HELP.trim_end());
                return Ok(Outcome::Done);
            }
            Word(word) if words.len() < 2 => words.push(word),
            other => return Err(other.unexpected().into()),
        }
    }
    let [kind, file] = words.as_slice() else {
        return Err(Usage("parse needs a KIND and a FILE: see offhook parse --help".into()));
    };
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    read.map_err(|error| Usage(format!("{}: {error}", file.to_string_lossy())))?;
    match (kind.to_string_lossy().as_ref(), stream) {
        ("sip", false) => Ok(show(sip(&bytes))),
        ("sip", true) => Ok(sip_stream(&bytes)),
        ("sdp", false) => Ok(show(sdp(&bytes))),
        ("msrp", false) => Ok(show(msrp(&bytes))),
        ("msrp", true) => Ok(msrp_stream(&bytes)),
        ("cpim", false) => Ok(show(cpim(&bytes))),
        ("sdp" | "cpim", true) => Err(Usage("--stream is for sip and msrp".into())),
        (kind, _) => Err(Usage(format!("there is no kind {kind:?}: it is sip, sdp, msrp or cpim"))),
    }
}

fn show(result: Result<Value, Value>) -> Outcome {
    match result {
        Ok(value) => {
            print(&value.to_string());
            Outcome::Done
        }
        Err(value) => {
            print(&value.to_string());
            Outcome::Refused
        }
    }
}

fn refused(error: impl ToString, offset: usize, status: u16) -> Value {
    json!({"error": error.to_string(), "offset": offset, "status": status})
}

fn sip(bytes: &[u8]) -> Result<Value, Value> {
    let message = Message::parse(bytes).map_err(|e| refused(e, e.offset, e.status()))?;
    validate(&message).map_err(|fault| refused(&fault.reason, fault.offset, fault.status))?;
    Ok(describe::sip(&message))
}

fn sip_stream(bytes: &[u8]) -> Outcome {
    let mut framer = StreamFramer::new();
    framer.push(bytes);
    loop {
        match framer.next_frame() {
            Ok(Some(Framed::Message(message))) => {
                if let Outcome::Refused = show(sip(&message)) {
                    return Outcome::Refused;
                }
            }
            Ok(Some(Framed::Ping)) => {}
            Ok(None) if framer.is_pending() => {
                let text = "the stream ends inside a message";
                return show(Err(refused(text, bytes.len(), 400)));
            }
            Ok(None) => return Outcome::Done,
            Err(FrameError { error, message }) => {
                let offset = bytes.len().saturating_sub(message.len());
                return show(Err(refused(error, offset, error.status())));
            }
        }
    }
}

fn sdp(bytes: &[u8]) -> Result<Value, Value> {
    let sdp = SessionDescription::parse(bytes).map_err(|e| refused(e, e.offset, e.status()))?;
    Ok(describe::sdp(&sdp))
}

fn msrp(bytes: &[u8]) -> Result<Value, Value> {
    let message = msrp::Message::parse(bytes).map_err(|e| refused(e, e.offset, e.status()))?;
    Ok(describe_msrp::msrp(&message))
}

fn msrp_stream(bytes: &[u8]) -> Outcome {
    let mut rest = bytes;
    while !rest.is_empty() {
        let before = bytes.len().saturating_sub(rest.len());
        match msrp::Message::parse_first(rest) {
            Ok((message, after)) => {
                show(Ok(describe_msrp::msrp(&message)));
                rest = after;
            }
            Err(error) => {
                let offset = before.saturating_add(error.offset);
                return show(Err(refused(error, offset, error.status())));
            }
        }
    }
    Outcome::Done
}

fn cpim(bytes: &[u8]) -> Result<Value, Value> {
    let message = Cpim::parse(bytes).map_err(|error| {
        // What is missing is missing at the end; the rest is a matter of the headers as a whole.
        let at = if error == CpimError::Unterminated { bytes.len() } else { 0 };
        refused(error, at, 400)
    })?;
    Ok(describe_msrp::cpim(&message))
}
