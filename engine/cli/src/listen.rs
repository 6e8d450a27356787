//! `offhook listen`: waits for calls.

mod answer;
mod person;
mod wish;

use std::collections::{BTreeMap, VecDeque};
use std::io::IsTerminal as _;

use crossbeam_channel::Receiver;
use offhook::Session;
use offhook::error::SessionError;
use offhook::id::SessionId;
use offhook::notification::{NotificationData as Data, Sender};
use offhook::streams::Streams;

use crate::call::progress::numbers as numbers_of;
use crate::input::{self, Input};
use crate::options;
use crate::outcome::Course;
use crate::running::{self, Event, Running};
use crate::trace::printable;
use crate::{Outcome, Usage, chat, json, note, print};
use answer::{Answer, answer};
use wish::{EXAMPLE, HELP, Wish};

/// Whatever can be taken.
const ANY: Streams = Streams { audio: true, chat: true };

/// A call that is not over.
struct Call {
    session: Session,
    /// What a person takes of it.
    proposed: Streams,
    course: Course,
}

/// Everything that listens; a call costs an entry here and no thread.
struct Listener {
    wish: Wish,
    calls: BTreeMap<SessionId, Call>,
    /// Calls that a person has not decided on, when there is one to ask.
    asking: VecDeque<SessionId>,
    a_person_answers: bool,
    /// How many calls were recorded.
    recordings: u64,
    /// What became of the only call (`--once`).
    verdict: Option<Outcome>,
    /// Nobody reads what we print.
    unheard: bool,
}

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let Some(wish) = wish::read(args)? else {
        print(&format!("{HELP}{}{EXAMPLE}", options::HELP));
        return Ok(Outcome::Done);
    };
    let running = running::start(&wish.options)?;
    let undecided = wish.auto_answer.is_none() && wish.reject.is_none();
    let a_person_answers = undecided && !wish.options.json && std::io::stdin().is_terminal();
    let lines = if a_person_answers {
        input::lines().map_err(|error| Usage(format!("cannot start a thread: {error}")))?
    } else {
        crossbeam_channel::never()
    };
    let mut listener = Listener {
        wish,
        calls: BTreeMap::new(),
        asking: VecDeque::new(),
        a_person_answers,
        recordings: 0,
        verdict: None,
        unheard: false,
    };
    listener.greet(&running);
    let failed = listener.work(&running, &lines);
    for call in listener.calls.values_mut() {
        call.course.cause = call.course.cause.or(Some("offhook ends"));
    }
    for event in running.stop() {
        listener.hear(&running, &event);
    }
    let verdict = listener.verdict.unwrap_or(Outcome::Done);
    Ok(if failed { Outcome::Refused } else { verdict })
}

impl Listener {
    /// Until Ctrl-C, the end of the only call, or an engine or a reader that is gone. Tells whether
    /// the engine failed.
    fn work(&mut self, running: &Running, lines: &Receiver<Input>) -> bool {
        let mut lines = lines.clone();
        while !self.unheard && self.verdict.is_none() {
            crossbeam_channel::select_biased! {
                recv(running.interrupts) -> _ => return false,
                recv(running.events) -> event => {
                    let Ok(event) = event else { return true };
                    self.hear(running, &event);
                    if let Data::EngineDidFail { reason } = &event.notification.data {
                        note(&format!("the engine failed: {reason}"));
                        return true;
                    }
                }
                recv(lines) -> line => match line {
                    Ok(Input::Line(text)) => self.decide(&text),
                    Ok(Input::TooLong) => self.ask(),
                    // Nobody types any more: calls just ring.
                    Err(_) => {
                        lines = crossbeam_channel::never();
                        self.a_person_answers = false;
                    }
                },
            }
        }
        false
    }

    fn greet(&mut self, running: &Running) {
        if self.wish.options.json {
            self.print(&json::ready(&running.engine).to_string());
            return;
        }
        let listeners = running.engine.listeners();
        let shown: Vec<_> =
            listeners.iter().map(|l| format!("{} {}", l.transport, l.address)).collect();
        let uri = running.engine.uri();
        self.print(&format!("Listening on {}. To be called as {uri}.", shown.join(", ")));
    }

    fn hear(&mut self, running: &Running, event: &Event) {
        let notification = &event.notification;
        if self.wish.options.json {
            self.print(&json::notification(notification).to_string());
        }
        let Sender::Session(id) = notification.sender else { return };
        if let Data::SessionNewIncoming { streams } = &notification.data {
            // A caller who has given up already needs no answer.
            if let Some(session) = running.session_of(event) {
                self.ring(id, session, streams);
            }
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.course.note(notification);
        match &notification.data {
            Data::SessionDidStart => self.start(id),
            Data::SessionDidEnd { .. } => self.end(id),
            Data::SessionGotMessage { .. } if !self.wish.options.json => {
                let shown = chat::message(&call.session, &notification.data);
                self.print(&format!("{id} {}", shown.unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn ring(
        &mut self,
        id: SessionId,
        session: Session,
        streams: &[offhook::notification::StreamKind],
    ) {
        let busy = self.wish.once && !self.calls.is_empty();
        let answer = answer(&self.wish, busy, streams);
        let done = match answer {
            Answer::Accept(streams) => session.accept(streams, &[]),
            Answer::Reject(code) => session.reject(Some(code)),
            Answer::Ring => Ok(()),
        };
        self.check(id, "answering", done);
        if let (Answer::Accept(Streams { audio: true, .. }), Some(file)) =
            (answer, self.wish.play.clone())
        {
            let done = session.play(file);
            self.check(id, "--play", done);
        }
        let only_refused = busy && matches!(answer, Answer::Reject(_));
        if !only_refused {
            let refused = matches!(answer, Answer::Reject(_));
            let cause = refused.then_some("refused");
            let proposed = answer::both(ANY, streams);
            self.calls.insert(id, Call { session, proposed, course: Course::with(cause) });
        }
        if answer == Answer::Ring && self.a_person_answers {
            self.asking.push_back(id);
            if self.asking.len() == 1 {
                self.ask();
            }
        }
    }

    fn start(&mut self, id: SessionId) {
        let Some(session) = self.calls.get(&id).map(|call| call.session.clone()) else { return };
        if session.snapshot().audio_stream.is_none() {
            return;
        }
        if self.wish.echo {
            let done = session.echo(true);
            self.check(id, "--echo", done);
        }
        if let Some(record) = &self.wish.record {
            let number = self.recordings + 1;
            let file = record.file(number, id, session.snapshot().start_time);
            let done = session.start_recording_audio(Some(file));
            if done.is_ok() {
                self.recordings = number;
            }
            self.check(id, "--record", done);
        }
    }

    fn end(&mut self, id: SessionId) {
        let Some(Call { session, course, .. }) = self.calls.remove(&id) else { return };
        let was_asked = self.asking.front() == Some(&id);
        self.asking.retain(|asked| *asked != id);
        let snapshot = session.snapshot();
        if self.wish.options.json {
            let object = json::object("offhook.call", Some(id), &course.object(&snapshot));
            self.print(&object.to_string());
        } else {
            let caller = snapshot.remote_uri.clone().unwrap_or_else(|| "unknown".into());
            let start = if was_asked { "\n" } else { "" };
            let caller = printable(caller.as_bytes());
            let numbers = snapshot.statistics().filter(|_| course.has_started());
            let numbers = numbers.map(|c| format!(" ({})", numbers_of(&c))).unwrap_or_default();
            self.print(&format!("{start}{id} {caller}: {}{numbers}", course.sentence()));
        }
        if was_asked {
            self.ask();
        }
        if self.wish.once {
            let refused_as_told = self.wish.reject.is_some();
            let well = course.went_well() || refused_as_told;
            self.verdict = Some(if well { Outcome::Done } else { Outcome::Refused });
        }
    }

    fn check(&self, id: SessionId, what: &str, done: Result<(), SessionError>) {
        if let Err(error) = done {
            note(&format!("{id}: {what}: {error}"));
        }
    }

    fn print(&mut self, text: &str) {
        self.unheard |= !print(text);
    }
}
