//! The agent's commands as values: what a line says, before anything is done.

use std::path::PathBuf;
use std::time::Duration;

use offhook::id::SessionId;
use offhook::streams::Streams;

use super::arguments::{Arguments, session_id};
use super::words::Words;
use crate::options;

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
    Reject(Option<u16>),
    End,
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
    Use(SessionId),
    Wait {
        name: String,
        timeout: Duration,
    },
    Sleep(Duration),
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
    let mut rest = Arguments::new(words)?;
    let command = match name {
        "connect" => {
            let uri = rest.need("a URI, like sip:bob@192.0.2.1")?;
            let (streams, routes) = rest.streams_and_routes()?;
            let headers = rest.take_headers();
            let streams = streams.unwrap_or(Streams::AUDIO);
            Command::Connect { uri, streams, routes, headers }
        }
        "accept" => Command::Accept { streams: rest.streams()?, headers: rest.take_headers() },
        "reject" => Command::Reject(rest.code()?),
        "end" => Command::End,
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
        "quit" => Command::Quit,
        _ => not_built(name, &mut rest)?,
    };
    rest.finish(name)?;
    Ok(command)
}

/// Commands whose last argument runs to the end of the line.
fn with_text(name: &str, mut words: Words<'_>) -> Option<Result<Command, String>> {
    let (before, what) = match name {
        "message" => (None, "chat"),
        "message_as" => (Some("a content type, like text/plain"), "chat"),
        "message_to" => (Some("a URI, like sip:bob@192.0.2.1"), "chat"),
        "page" => (Some("a URI, like sip:bob@192.0.2.1"), "page-mode MESSAGE"),
        _ => return None,
    };
    let first = match (before, before.and_then(|_| words.next().transpose())) {
        (Some(needed), None) => Err(format!("{name} needs {needed}")),
        (_, Some(Err(error))) => Err(error),
        _ => Ok(()),
    };
    Some(first.and_then(|()| match words.text().as_str() {
        "" => Err(format!("{name} needs a text")),
        _ => Ok(Command::NotBuilt(what)),
    }))
}

/// Commands of capabilities that are not built yet: their syntax is checked all the same.
fn not_built(name: &str, rest: &mut Arguments) -> Result<Command, String> {
    let what = match name {
        "hold" | "unhold" => "hold",
        "add" | "remove" => {
            rest.one_of(["audio", "chat"])?;
            "adding and removing streams"
        }
        "accept_proposal" => {
            rest.streams()?;
            "adding and removing streams"
        }
        "reject_proposal" => "adding and removing streams",
        "register" | "unregister" => "registration",
        "send_file" => {
            rest.need("a file")?;
            "file transfer"
        }
        "accept_file" => {
            rest.optional();
            "file transfer"
        }
        "reject_file" => "file transfer",
        "composing" => {
            rest.one_of(["active", "idle"])?;
            "chat"
        }
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
