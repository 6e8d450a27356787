//! `offhook agent`: the library's API as text. Commands on stdin, JSON on stdout.

mod arguments;
mod book;
mod command;
mod execute;
mod failure;
mod history;
mod words;

use std::time::Duration;

use lexopt::prelude::{Long, Short};
use offhook::id::SessionId;
use offhook::notification::{NotificationData as Data, Originator, Sender, StreamKind};
use offhook::streams::Streams;
use serde_json::{Map, Value, json};

use crate::input::{self, Input};
use crate::ladder::Recorder;
use crate::options::{self, Options};
use crate::running::{self, Event, Running};
use crate::{Outcome, Usage, clock, json, print};
use book::Book;
use command::Line;
use failure::Failure;
use history::{History, Wanted};

const HELP: &str = "\
offhook agent [--ladder] [OPTIONS]

Commands on stdin, one a line; notifications on stdout, one JSON object a line:
  connect URI [audio] [chat] [route=ROUTE]...   accept [audio] [chat]   end
  reject [CODE]   progress [audio]   hold   unhold   dtmf DIGIT   mute   unmute
  add audio|chat   remove audio|chat   accept_proposal [audio] [chat]
  reject_proposal   message TEXT   message_as TYPE TEXT   message_to URI TEXT
  composing active|idle   ask delivery|display|nothing   displayed MESSAGE-ID
  nickname [NAME]   play FILE.wav   stop_playing   echo on|off   record [FILE]
  stop_recording   state [SESSION]   statistics   sessions   use SESSION   quit
  settings ...   wait NOTIFICATION [SECONDS]   sleep SECONDS
Sessions are s1, s2, ... in order of creation; a command acts on the one that it
is prefixed with (s1 end), the one named by use, or the newest. connect, accept
and reject take headers: \"+Name: value\". --ladder draws the calls at the end.
";
const EXAMPLE: &str = "Example: offhook agent --udp 127.0.0.1:0 < commands.txt";

/// How an agent goes on after a line.
enum Next {
    Line,
    Quit,
}

struct Agent {
    running: Running,
    book: Book,
    history: History,
    /// `--ladder`.
    ladder: Option<Recorder>,
    /// Messages are recorded for the ladder and not printed.
    hide_trace: bool,
    /// Nobody reads what we print.
    unheard: bool,
    interrupted: bool,
    /// The engine has ended by itself.
    failed: bool,
}

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let mut options = Options::default();
    let mut ladder = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("help") | Short('h') => {
                print(&format!("{HELP}{}{EXAMPLE}", options::HELP));
                return Ok(Outcome::Done);
            }
            Long("ladder") => ladder = Some(Recorder::default()),
            Long(name) => {
                let name = name.to_owned();
                options.take(&name, args)?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    options.trace.ladder = ladder.is_some();
    let running = running::start(&options)?;
    let hide_trace = ladder.is_some() && !running.trace.sip;
    let lines = input::lines().map_err(|error| Usage(format!("cannot start a thread: {error}")))?;
    let mut agent = Agent {
        running,
        book: Book::default(),
        history: History::default(),
        ladder,
        hide_trace,
        unheard: false,
        interrupted: false,
        failed: false,
    };
    agent.print(&json::ready(&agent.running.engine));
    agent.work(&lines);
    for event in agent.running.stop() {
        agent.note(&event);
    }
    if let Some(ladder) = agent.ladder.take() {
        ladder.show();
    }
    Ok(if agent.failed { Outcome::Refused } else { Outcome::Done })
}

impl Agent {
    /// Until the end of input, `quit`, Ctrl-C, or an engine or a reader that is gone.
    fn work(&mut self, lines: &crossbeam_channel::Receiver<Input>) {
        while !(self.unheard || self.interrupted || self.failed) {
            crossbeam_channel::select_biased! {
                recv(self.running.interrupts) -> _ => self.interrupted = true,
                recv(lines) -> line => {
                    let Ok(line) = line else { return };
                    self.print_waiting();
                    if let Next::Quit = self.line(line) {
                        return;
                    }
                }
                recv(self.running.events) -> event => match event {
                    Ok(event) => self.note(&event),
                    Err(_) => self.failed = true,
                },
            }
        }
    }

    fn line(&mut self, line: Input) -> Next {
        let line = match line {
            Input::Line(text) => Line::parse(&text),
            Input::TooLong => Some(Line {
                session: None,
                name: String::new(),
                command: Err("the line is longer than 1048576 octets".into()),
            }),
        };
        let Some(Line { session, name, command }) = line else { return Next::Line };
        match command {
            Ok(command) => self.execute(&name, session, command),
            Err(message) => {
                self.result(&name, session, Err(Failure::argument(message)));
                Next::Line
            }
        }
    }

    /// Prints what has already happened, and not what a command causes.
    fn print_waiting(&mut self) {
        for _ in 0..self.running.events.len() {
            if let Ok(event) = self.running.events.try_recv() {
                self.note(&event);
            }
        }
    }

    /// Prints a notification and learns from it.
    fn note(&mut self, event: &Event) {
        let notification = &event.notification;
        if let Some(ladder) = &mut self.ladder {
            ladder.note(&json::notification(notification));
            if self.hide_trace && matches!(notification.data, Data::EngineSipTrace { .. }) {
                return;
            }
        }
        let session = match notification.sender {
            Sender::Session(id) => Some(id),
            _ => None,
        };
        match (&notification.data, session) {
            (Data::SessionNewIncoming { streams }, Some(id)) => {
                let handle = self.running.session_of(event);
                self.book.add(id, handle, chosen(streams));
            }
            (
                Data::SessionGotStreamProposal { proposer: Originator::Remote, streams },
                Some(id),
            ) => {
                self.book.proposed(id, chosen(streams));
            }
            (Data::SessionDidEnd { .. }, Some(id)) => self.book.ended(id),
            (Data::EngineDidFail { .. }, _) => self.failed = true,
            _ => {}
        }
        self.history.push(notification.name(), session);
        self.print(&json::notification(notification));
    }

    /// Prints notifications until one is what is wanted.
    fn wait(&mut self, wanted: Option<&Wanted>, timeout: Duration) -> Result<(), Failure> {
        let deadline = clock::now() + timeout;
        loop {
            if wanted.is_some_and(|wanted| self.history.find(wanted)) {
                return Ok(());
            }
            if self.unheard || self.interrupted || self.failed {
                return Err(Failure::new("Interrupted", "the agent ends"));
            }
            crossbeam_channel::select_biased! {
                recv(self.running.interrupts) -> _ => self.interrupted = true,
                recv(self.running.events) -> event => match event {
                    Ok(event) => self.note(&event),
                    Err(_) => self.failed = true,
                },
                default(deadline.saturating_duration_since(clock::now())) => {
                    return match wanted {
                        None => Ok(()),
                        Some(wanted) => Err(Failure::timeout(&wanted.name, timeout)),
                    };
                }
            }
        }
    }

    fn result(&mut self, name: &str, session: Option<SessionId>, result: Result<(), Failure>) {
        self.result_with(name, session, result, None);
    }

    /// A result that gives something beside.
    fn result_with(
        &mut self,
        name: &str,
        session: Option<SessionId>,
        result: Result<(), Failure>,
        more: Option<(&str, Value)>,
    ) {
        let mut object = Map::new();
        object.insert("name".into(), json!("offhook.result"));
        object.insert("command".into(), json!(name));
        if let Some(id) = session {
            object.insert("session".into(), json!(id.to_string()));
        }
        object.insert("ok".into(), json!(result.is_ok()));
        if let Err(failure) = result {
            object.insert("error".into(), json!(failure.error));
            object.insert("message".into(), json!(failure.message));
        }
        object.extend(more.map(|(key, value)| (key.to_owned(), value)));
        self.print(&Value::Object(object));
    }

    fn print(&mut self, value: &Value) {
        self.unheard |= !print(&value.to_string());
    }
}

/// Kinds of streams as a choice.
fn chosen(streams: &[StreamKind]) -> Streams {
    Streams {
        audio: streams.contains(&StreamKind::Audio),
        chat: streams.contains(&StreamKind::Chat),
    }
}
