//! The agent's commands as values: what a line says, before anything is done.

use std::path::PathBuf;
use std::time::Duration;

use offhook::chat::Ask;
use offhook::id::SessionId;
use offhook::notification::StreamKind;
use offhook::streams::Streams;

use super::arguments::{Arguments, session_id};
use super::words::Words;
use crate::{options, settings};

/// How long `wait` waits that was not told.
const WAIT: Duration = Duration::from_secs(10);

/// Custom headers, in order.
pub(crate) type Headers = Vec<(String, String)>;

/// A command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Connect {
        uri: String,
        streams: Streams,
        routes: Vec<String>,
        headers: Headers,
    },
    Accept {
        streams: Option<Streams>,
        headers: Headers,
    },
    Reject {
        code: Option<u16>,
        headers: Headers,
    },
    Progress(Option<Streams>),
    End,
    Hold,
    Unhold,
    Add(StreamKind),
    Remove(StreamKind),
    AcceptProposal(Option<Streams>),
    RejectProposal,
    Message {
        to: Option<String>,
        content_type: String,
        text: String,
    },
    Composing(bool),
    Ask(Ask),
    Displayed(String),
    Nickname(String),
    SendFile(PathBuf),
    AcceptFile(PathBuf),
    CancelFile,
    Dtmf(char),
    Record(Option<PathBuf>),
    StopRecording,
    Play(PathBuf),
    StopPlaying,
    Echo(bool),
    Mute(bool),
    State,
    Statistics,
    Sessions,
    Settings(Box<settings::Arguments>),
    Use(SessionId),
    Wait {
        name: String,
        timeout: Duration,
    },
    Sleep(Duration),
    /// Registers the account, or takes that back.
    Register(bool),
    Quit,
    /// Understood, and not built yet: what.
    NotBuilt(&'static str),
}

/// A line that is neither blank nor a comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// The session it names.
    pub(crate) session: Option<SessionId>,
    /// The command's word.
    pub(crate) name: String,
    /// The command, or what is wrong with it.
    pub(crate) command: Result<Command, String>,
}

impl Line {
    /// Reads a line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = Words::new(line.trim_end_matches(['\r', '\n']));
        let mut name = match words.next() {
            Ok(word) => word.filter(|word| !word.starts_with('#'))?,
            Err(error) => {
                return Some(Self { session: None, name: String::new(), command: Err(error) });
            }
        };
        let mut session = None;
        if let Some(id) = session_id(&name) {
            let mut ahead = words;
            if let Ok(Some(next)) = ahead.next() {
                (session, name, words) = (Some(id), next, ahead);
            }
        }
        let command = command(&name, words, &mut session);
        Some(Self { session, name, command })
    }
}

/// Reads what follows a command's word. `state SESSION` is `SESSION state` said otherwise.
fn command(
    name: &str,
    words: Words<'_>,
    session: &mut Option<SessionId>,
) -> Result<Command, String> {
    if let Some(command) = with_text(name, words) {
        return command;
    }
    if name == "settings" {
        return Ok(Command::Settings(Box::new(settings::command(&words.all()?)?)));
    }
    let mut rest = Arguments::new(name, words)?;
    let command = match name {
        "connect" => {
            let uri = rest.need("a URI, like sip:bob@192.0.2.1")?;
            let (streams, routes) = rest.streams_and_routes()?;
            let headers = rest.take_headers();
            let streams = streams.unwrap_or(Streams::AUDIO);
            Command::Connect { uri, streams, routes, headers }
        }
        "accept" => Command::Accept { streams: rest.streams()?, headers: rest.take_headers() },
        "reject" => Command::Reject { code: rest.code()?, headers: rest.take_headers() },
        "progress" => Command::Progress(rest.streams()?),
        "end" => Command::End,
        "hold" => Command::Hold,
        "unhold" => Command::Unhold,
        "add" => Command::Add(rest.stream()?),
        "remove" => Command::Remove(rest.stream()?),
        "accept_proposal" => Command::AcceptProposal(rest.streams()?),
        "reject_proposal" => Command::RejectProposal,
        "composing" => Command::Composing(rest.one_of(["active", "idle"])? == "active"),
        "ask" => Command::Ask(rest.ask()?),
        "displayed" => Command::Displayed(rest.need("a message_id")?),
        "send_file" => Command::SendFile(rest.need("a file")?.into()),
        "accept_file" => {
            Command::AcceptFile(rest.optional().map_or_else(|| ".".into(), PathBuf::from))
        }
        "reject_file" => Command::RejectProposal,
        "cancel_file" => Command::CancelFile,
        "dtmf" => Command::Dtmf(rest.digit()?),
        "record" => Command::Record(rest.optional().map(PathBuf::from)),
        "stop_recording" => Command::StopRecording,
        "play" => Command::Play(rest.need("a WAV file")?.into()),
        "stop_playing" => Command::StopPlaying,
        "echo" => Command::Echo(rest.one_of(["on", "off"])? == "on"),
        "mute" => Command::Mute(true),
        "unmute" => Command::Mute(false),
        "state" => {
            *session = rest.optional_session()?.or(*session);
            Command::State
        }
        "statistics" => Command::Statistics,
        "sessions" => Command::Sessions,
        "use" => Command::Use(rest.session()?),
        "wait" => {
            let name = rest.need("a notification's name, like SIPSessionDidStart")?;
            let timeout = rest.optional().map_or(Ok(WAIT), |text| options::seconds(&text))?;
            Command::Wait { name, timeout }
        }
        "sleep" => Command::Sleep(options::seconds(&rest.need("a number of seconds")?)?),
        "register" => Command::Register(true),
        "unregister" => Command::Register(false),
        "quit" => Command::Quit,
        _ => not_built(name, &mut rest)?,
    };
    rest.finish()?;
    Ok(command)
}

/// Commands whose last argument runs to the end of the line.
fn with_text(name: &str, mut words: Words<'_>) -> Option<Result<Command, String>> {
    let before = match name {
        "message" | "nickname" => None,
        "message_as" => Some("a content type, like text/plain"),
        "message_to" | "page" => Some("a URI, like sip:bob@192.0.2.1"),
        _ => return None,
    };
    let first = match (before, before.and_then(|_| words.next().transpose())) {
        (Some(needed), None) => Err(format!("{name} needs {needed}")),
        (_, Some(Err(error))) => Err(error),
        (_, Some(Ok(word))) => Ok(Some(word)),
        (None, None) => Ok(None),
    };
    Some(first.and_then(|first| {
        let text = words.text();
        // An empty nickname gives back the one that we have.
        if text.is_empty() && name != "nickname" {
            return Err(format!("{name} needs a text"));
        }
        let plain = || String::from("text/plain");
        Ok(match (name, first) {
            ("nickname", _) => Command::Nickname(text),
            ("page", _) => Command::NotBuilt("page-mode MESSAGE"),
            ("message_as", Some(content_type)) => Command::Message { to: None, content_type, text },
            (_, to) => Command::Message { to, content_type: plain(), text },
        })
    }))
}

/// Commands of capabilities that are not built yet: their syntax is checked all the same.
fn not_built(name: &str, rest: &mut Arguments<'_>) -> Result<Command, String> {
    let what = match name {
        "transfer" => {
            rest.need("a URI, like sip:bob@192.0.2.1")?;
            "transfer"
        }
        "transfer_to" => {
            rest.session()?;
            "transfer"
        }
        "accept_transfer" | "reject_transfer" => "transfer",
        "ping" => {
            rest.need("a URI, like sip:bob@192.0.2.1")?;
            "ping"
        }
        _ => return Err(format!("there is no command {name:?}: see offhook agent --help")),
    };
    rest.take_headers();
    Ok(Command::NotBuilt(what))
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
