//! The chat of a call with a person: on a terminal with a line that is edited, who writes, and ticks
//! on what was sent; elsewhere each line of standard input is a message.

mod editor;
mod keys;
mod screen;
mod width;

use std::collections::{BTreeMap, VecDeque};
use std::io::{IsTerminal as _, Read as _, Write as _};

use crossbeam_channel::{Receiver, Sender, bounded, never};
use offhook::Session;
use offhook::chat::{Ask, Disposition};
use offhook::error::SessionError;
use offhook::msrp::cpim::Address;
use offhook::notification::NotificationData as Data;
use offhook::shell::sys;
use offhook::sip::NameAddr;

use crate::trace::printable;
use crate::{Usage, input, note, print};
use editor::{Done, Editor};
use keys::Keys;
use screen::{Screen, Tick};

/// Pieces of what is typed that wait to be looked at.
const TYPED_MAX: usize = 64;
/// When the terminal does not say how large it is.
const USUAL_SIZE: (usize, usize) = (80, 24);
/// Messages of ours whose fate is open at most; more lines wait in standard input.
const OPEN_MAX: usize = 200;

const HELP: &str = "Enter sends a line. /quit or Ctrl-D hangs up, /nick NAME asks a chat room for a \
                    nickname,\n/to URI TEXT sends to one participant, // begins a line with /.";

/// What came from standard input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Typed {
    /// Octets of keys.
    Keys(Vec<u8>),
    /// A line.
    Line(input::Input),
}

/// What is to be done about what was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Nothing.
    Stay,
    /// Hang up, for that reason.
    HangUp(&'static str),
    /// The same, but what was sent last may take a moment.
    HangUpSoon(&'static str),
}

/// What a line says.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Said<'a> {
    Nothing,
    Quit,
    Help,
    Nick(&'a str),
    Message { to: Option<&'a str>, text: &'a str },
    Unknown(&'a str),
}

impl<'a> Said<'a> {
    fn of(line: &'a str) -> Self {
        let Some(command) = line.strip_prefix('/') else {
            return match line.trim().is_empty() {
                true => Self::Nothing,
                false => Self::Message { to: None, text: line },
            };
        };
        if command.starts_with('/') {
            return Self::Message { to: None, text: command };
        }
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        match (name, rest.trim(), rest.trim().split_once(' ')) {
            ("quit", "", _) => Self::Quit,
            ("help", ..) => Self::Help,
            ("nick", nickname, _) => Self::Nick(nickname),
            ("to", _, Some((to, text))) => Self::Message { to: Some(to), text: text.trim() },
            _ => Self::Unknown(line),
        }
    }
}

/// How the chat is shown.
enum Form {
    Terminal(Box<Terminal>),
    Plain,
    /// Notifications are told by others.
    Json,
}

/// A terminal with the line that is being written.
struct Terminal {
    keys: Keys,
    editor: Editor,
    screen: Screen,
    /// Who writes, as shown.
    writers: BTreeMap<String, String>,
}

/// The chat of a call.
pub(crate) struct Chat {
    session: Session,
    form: Form,
    typed: Receiver<Typed>,
    /// Messages of ours whose fate is open, with what they say.
    open: BTreeMap<String, String>,
    /// Lines that wait for room.
    waiting: VecDeque<String>,
    stands: bool,
    /// Standard input has ended, or what is typed counts no more: why.
    at_end: Option<&'static str>,
    /// A message was not delivered.
    failed: bool,
    unheard: bool,
}

impl Chat {
    /// Takes the terminal, if there is one.
    pub(crate) fn new(session: Session, json: bool) -> Result<Self, Usage> {
        let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let raw = is_terminal && !json && sys::raw_terminal();
        let cannot = |error: std::io::Error| Usage(format!("cannot start a thread: {error}"));
        let (form, typed) = if raw {
            let terminal = Terminal {
                keys: Keys::default(),
                editor: Editor::default(),
                screen: Screen::new(size()),
                writers: BTreeMap::new(),
            };
            (Form::Terminal(Box::new(terminal)), read_keys().map_err(cannot)?)
        } else {
            let form = if json { Form::Json } else { Form::Plain };
            (form, read_lines().map_err(cannot)?)
        };
        Ok(Self {
            session,
            form,
            typed,
            open: BTreeMap::new(),
            waiting: VecDeque::new(),
            stands: false,
            at_end: None,
            failed: false,
            unheard: false,
        })
    }

    /// Whether the terminal is ours: then nobody else writes to it.
    pub(crate) const fn has_terminal(&self) -> bool {
        matches!(self.form, Form::Terminal(_))
    }

    /// A message was not delivered, or could not be sent.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Nobody reads what is printed.
    pub(crate) const fn is_unheard(&self) -> bool {
        self.unheard
    }

    /// What is typed; nothing while there is no room for it, and after its end.
    pub(crate) fn typed(&self) -> Receiver<Typed> {
        let full = !self.waiting.is_empty() || self.open.len() >= OPEN_MAX;
        if self.at_end.is_some() || (full && !self.has_terminal()) {
            never()
        } else {
            self.typed.clone()
        }
    }

    /// Takes what was typed; `None` when standard input has ended.
    pub(crate) fn take(&mut self, typed: Option<Typed>) -> Next {
        match typed {
            Some(Typed::Keys(bytes)) => return self.press(&bytes),
            Some(Typed::Line(input::Input::Line(line))) => return self.say(&line),
            Some(Typed::Line(input::Input::TooLong)) => self.tell("The line is too long."),
            None if self.has_terminal() => return Next::HangUp("the terminal is gone"),
            None => return self.leave("end of input"),
        }
        self.next()
    }

    /// No more comes. A person is not kept waiting; a script's messages are all delivered first.
    fn leave(&mut self, why: &'static str) -> Next {
        self.at_end = Some(why);
        if self.has_terminal() && !self.stands {
            return Next::HangUp(why);
        }
        match self.next() {
            Next::Stay if self.has_terminal() => Next::HangUpSoon(why),
            next => next,
        }
    }

    /// When all that was read is sent and delivered, the chat is over.
    fn next(&self) -> Next {
        let done = self.stands && self.open.is_empty() && self.waiting.is_empty();
        self.at_end.filter(|_| done).map_or(Next::Stay, Next::HangUp)
    }

    fn press(&mut self, bytes: &[u8]) -> Next {
        let Form::Terminal(terminal) = &mut self.form else { return Next::Stay };
        let keys = terminal.keys.read(bytes);
        for key in keys {
            let Form::Terminal(terminal) = &mut self.form else { return Next::Stay };
            match terminal.editor.press(key) {
                Done::Same => {}
                Done::Changed => {
                    let line = terminal.editor.line();
                    let writes = !line.is_empty() && line.first() != Some(&'/');
                    // Before the chat stands, and after it, nobody is to know.
                    let _told = self.session.send_composing_indication(writes);
                }
                Done::Line(line) => match self.say(&line) {
                    Next::Stay => {}
                    next => return next,
                },
                Done::End => return self.leave("Ctrl-D"),
            }
        }
        self.show();
        Next::Stay
    }

    fn say(&mut self, line: &str) -> Next {
        match Said::of(line) {
            Said::Nothing => {}
            Said::Quit => return self.leave("/quit"),
            Said::Help => self.tell(HELP),
            Said::Nick(nickname) => {
                if let Err(error) = self.session.set_nickname(nickname) {
                    self.tell(&error.to_string());
                }
            }
            Said::Unknown(line) => {
                let line = printable(line.as_bytes());
                self.tell(&format!("There is no command {line:?}: /help tells which there are."));
            }
            Said::Message { to, text } => self.send(line, to, text),
        }
        Next::Stay
    }

    fn send(&mut self, line: &str, to: Option<&str>, text: &str) {
        match self.session.send_message(text.as_bytes(), "text/plain", to) {
            Ok(id) => {
                let shown = printable(text.as_bytes());
                let shown = match to {
                    Some(to) => format!("(to {}) {shown}", printable(to.as_bytes())),
                    None => shown,
                };
                let tick = if self.stands { Tick::Sent } else { Tick::Waiting };
                if let Form::Terminal(terminal) = &mut self.form {
                    let printed = terminal.screen.own(&id, &shown, tick);
                    self.write(&printed);
                }
                self.open.insert(id, shown);
            }
            Err(SessionError::Busy) => self.waiting.push_back(line.to_owned()),
            Err(error) => {
                self.failed = true;
                let text = format!("Not sent: {error}.");
                match self.form {
                    // Nothing else tells.
                    Form::Json => note(&text),
                    _ => self.tell(&text),
                }
            }
        }
    }

    /// Takes a notification of the session's.
    pub(crate) fn hear(&mut self, data: &Data) -> Next {
        match data {
            Data::MsrpChatDidStart => self.start(),
            Data::MsrpChatDidFail { reason } => {
                self.tell(&format!("The chat failed: {}.", printable(reason.as_bytes())));
                self.failed = true;
            }
            Data::SessionGotMessage { .. } => self.got(data),
            Data::SessionDidDeliverMessage { message_id, .. } => {
                self.open.remove(message_id);
                self.tick(message_id, Tick::Delivered);
            }
            Data::SessionDidNotDeliverMessage { message_id, reason, .. } => {
                self.failed = true;
                self.tick(message_id, Tick::Failed);
                if let Some(text) = self.open.remove(message_id) {
                    let reason = printable(reason.as_bytes());
                    self.tell(&format!("Not delivered ({reason}): {text}"));
                }
            }
            Data::ChatStreamGotDispositionNotification { message_id, disposition, .. } => {
                if *disposition == Disposition::Displayed {
                    self.tick(message_id, Tick::Displayed);
                }
            }
            Data::ChatStreamGotComposingIndication { active, sender, .. } => {
                self.writes(sender, *active);
            }
            Data::ChatStreamDidSetNickname { nickname } => {
                self.tell(&format!("You are {}.", printable(nickname.as_bytes())));
            }
            Data::ChatStreamDidNotSetNickname { nickname, reason, .. } => {
                let (nickname, reason) =
                    (printable(nickname.as_bytes()), printable(reason.as_bytes()));
                self.tell(&format!("You cannot be {nickname}: {reason}."));
            }
            _ => return Next::Stay,
        }
        while self.open.len() < OPEN_MAX
            && let Some(line) = self.waiting.pop_front()
        {
            let before = self.waiting.len();
            let _quit = self.say(&line);
            if self.waiting.len() > before {
                // There is no room yet.
                self.waiting.rotate_right(1);
                break;
            }
        }
        self.show();
        self.next()
    }

    fn start(&mut self) {
        self.stands = true;
        if self.has_terminal() {
            // Who talks with a person wants to know what the person saw.
            let _asked = self.session.request_dispositions(Ask { delivery: false, display: true });
            let open: Vec<String> = self.open.keys().cloned().collect();
            for id in open {
                self.tick(&id, Tick::Sent);
            }
            self.tell("The chat stands: /help tells what can be typed.");
        } else {
            self.tell("The chat stands.");
        }
    }

    fn got(&mut self, data: &Data) {
        if let Some(shown) = message(&self.session, data) {
            self.tell(&shown);
        }
        if let (true, Data::SessionGotMessage { message_id, .. }) = (self.has_terminal(), data) {
            let _told = self.session.report_displayed(message_id);
        }
    }

    fn writes(&mut self, sender: &str, active: bool) {
        let name = if sender.is_empty() { peer(&self.session) } else { name_of("", sender) };
        if let Form::Terminal(terminal) = &mut self.form {
            if active {
                terminal.writers.insert(sender.into(), name);
            } else {
                terminal.writers.remove(sender);
            }
        }
    }

    /// Prints a line.
    pub(crate) fn tell(&mut self, text: &str) {
        match &mut self.form {
            Form::Terminal(terminal) => {
                let printed = terminal.screen.print(text);
                self.write(&printed);
                self.show();
            }
            Form::Plain => self.unheard |= !print(text),
            Form::Json => {}
        }
    }

    fn tick(&mut self, id: &str, tick: Tick) {
        if let Form::Terminal(terminal) = &mut self.form {
            terminal.screen.resize(size());
            let printed = terminal.screen.tick(id, tick);
            self.write(&printed);
        }
    }

    /// Draws the line that is being written.
    fn show(&mut self) {
        let Form::Terminal(terminal) = &mut self.form else { return };
        terminal.screen.resize(size());
        let names: Vec<&str> = terminal.writers.values().map(String::as_str).collect();
        let status = match names.as_slice() {
            [] => String::new(),
            [name] => format!("({name} writes) "),
            several => format!("({} write) ", several.len()),
        };
        let editor = &terminal.editor;
        let prompt = terminal.screen.prompt(&status, editor.line(), editor.cursor());
        self.write(&prompt);
    }

    fn write(&mut self, text: &str) {
        let mut out = std::io::stdout();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.unheard |= written.is_err();
    }

    /// Gives the terminal back.
    pub(crate) fn close(&mut self) {
        if self.has_terminal() {
            self.write("\r\x1b[K");
            self.form = Form::Plain;
            sys::restore_terminal();
        }
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        self.close();
    }
}

/// A message that came, with its sender; nothing in it moves a terminal.
pub(crate) fn message(session: &Session, data: &Data) -> Option<String> {
    let Data::SessionGotMessage { content, content_type, cpim_headers, .. } = data else {
        return None;
    };
    let from = cpim_headers.iter().find(|(name, _)| name == "From");
    let from = from.and_then(|(_, value)| Address::parse(value));
    let from = match from {
        Some(address) => name_of(&address.name, address.uri),
        None => peer(session),
    };
    let is_text = content_type.get(..5).is_some_and(|t| t.eq_ignore_ascii_case("text/"));
    let text = if is_text {
        // No line of it is taken for somebody else's.
        printable(content).trim_end_matches('\n').replace('\n', "\n    ")
    } else {
        format!("({}, {} bytes)", printable(content_type.as_bytes()), content.len())
    };
    Some(format!("{from}: {text}"))
}

/// The peer's name.
fn peer(session: &Session) -> String {
    let uri = session.snapshot().remote_uri.clone().unwrap_or_default();
    match NameAddr::parse(uri.as_bytes()) {
        Ok(address) => {
            let uri = String::from_utf8_lossy(address.uri.raw).into_owned();
            name_of(&address.display_text(), &uri)
        }
        Err(_) => printable(uri.as_bytes()),
    }
}

/// A display name, else the user, else all of a URI; nothing in it moves a terminal.
fn name_of(display: &str, uri: &str) -> String {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let user = rest.split_once('@').map_or(uri, |(user, _)| user);
    let name = if display.trim().is_empty() { user } else { display };
    // A name is one line.
    printable(name.as_bytes()).replace(['\n', '\t'], " ")
}

fn size() -> (usize, usize) {
    sys::terminal_size().unwrap_or(USUAL_SIZE)
}

fn read_keys() -> std::io::Result<Receiver<Typed>> {
    let (tell, typed) = bounded(TYPED_MAX);
    let read = move || {
        let mut buffer = [0; 1024];
        let mut input = std::io::stdin().lock();
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    if tell.send(Typed::Keys(bytes)).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return note(&format!("the terminal cannot be read: {error}")),
            }
        }
    };
    std::thread::Builder::new().name("offhook-keys".into()).spawn(read)?;
    Ok(typed)
}

fn read_lines() -> std::io::Result<Receiver<Typed>> {
    let lines = input::lines()?;
    let (tell, typed): (Sender<Typed>, _) = bounded(TYPED_MAX);
    let pass = move || {
        for line in lines {
            if tell.send(Typed::Line(line)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("offhook-lines".into()).spawn(pass)?;
    Ok(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_or_a_command() {
        let message = |to, text| Said::Message { to, text };
        for (line, expected) in [
            ("", Said::Nothing),
            ("  ", Said::Nothing),
            (" hello ", message(None, " hello ")),
            ("//etc", message(None, "/etc")),
            ("/quit", Said::Quit),
            ("/quit now", Said::Unknown("/quit now")),
            ("/help", Said::Help),
            ("/nick Alice the great", Said::Nick("Alice the great")),
            ("/nick", Said::Nick("")),
            ("/to sip:a@b  hello you", message(Some("sip:a@b"), "hello you")),
            ("/to sip:a@b", Said::Unknown("/to sip:a@b")),
            ("/dance", Said::Unknown("/dance")),
        ] {
            assert_eq!(Said::of(line), expected, "{line:?}");
        }
    }

    #[test]
    fn who_speaks_is_named_in_one_line_that_moves_nothing() {
        for (display, uri, expected) in [
            ("Bob", "sip:b@h", "Bob"),
            ("", "sip:bob@h", "bob"),
            (" ", "sip:192.0.2.1", "sip:192.0.2.1"),
            ("B\x1b[2J\nob", "sip:b@h", "B\\u{1b}[2J ob"),
        ] {
            assert_eq!(name_of(display, uri), expected);
        }
    }
}
