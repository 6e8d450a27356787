//! Doing what a line says.

use offhook::Session;
use offhook::error::SessionError;
use offhook::id::SessionId;
use offhook::notification::{SessionState, StreamKind};
use offhook::snapshot::Snapshot;
use offhook::streams::Streams;
use serde_json::{Value, json};

use super::command::{Command, Headers};
use super::failure::Failure;
use super::history::Wanted;
use super::{Agent, Next};
use crate::settings::{self, Arguments};
use crate::{json, print};

/// Busy Here (RFC 3261 §21.4.24).
const BUSY_HERE: u16 = 486;

/// An object's name and data, or why there is none.
type Shown = Result<(&'static str, Value), Failure>;

impl Agent {
    /// Does a command, prints its result, then what it has to show.
    pub(super) fn execute(
        &mut self,
        name: &str,
        named: Option<SessionId>,
        command: Command,
    ) -> Next {
        let target = self.book.target(named);
        match command {
            Command::Quit => {
                self.result(name, None, Ok(()));
                return Next::Quit;
            }
            Command::Sleep(time) => {
                let slept = self.wait(None, time);
                self.result(name, None, slept);
            }
            Command::Wait { name: wanted, timeout } => {
                let wanted = Wanted { name: wanted, session: target, named: named.is_some() };
                let found = self.wait(Some(&wanted), timeout);
                self.result(name, target, found);
            }
            Command::Register(wanted) => {
                let engine = &self.running.engine;
                let done = if wanted { engine.register() } else { engine.unregister() };
                self.result(name, None, done.map_err(Failure::from));
            }
            Command::Sessions => {
                self.result(name, None, Ok(()));
                let shown = self.sessions();
                self.print(&shown);
            }
            Command::Settings(arguments) => self.settings(name, &arguments),
            Command::Use(id) => {
                let known = self.book.choose(id);
                let done = if known { Ok(()) } else { Err(Failure::unknown(id)) };
                self.result(name, Some(id), done);
            }
            Command::State => self.show(name, target, Self::state),
            Command::Statistics => self.show(name, target, Self::statistics),
            Command::Connect { uri, streams, routes, headers } => {
                let (id, done) = self.connect(named, &uri, streams, &routes, &headers);
                self.result(name, id, done);
            }
            Command::Message { to, content_type, text } => {
                let (id, done) = self.message(target, to.as_deref(), &content_type, &text);
                self.result_with(name, target, done, id.map(|id| ("message_id", json!(id))));
            }
            Command::NotBuilt(what) => {
                let failure = Failure::new("NotBuilt", format!("{what} is not built yet"));
                self.result(name, target, Err(failure));
            }
            order => {
                let done = self.order(target, order);
                self.result(name, target, done);
            }
        }
        Next::Line
    }

    /// The session that a command acts on.
    fn known(
        &self,
        target: Option<SessionId>,
    ) -> Result<(SessionId, &super::book::Known), Failure> {
        let id = target.ok_or_else(|| Failure::argument("there is no session yet"))?;
        Ok((id, self.book.get(id).ok_or_else(|| Failure::unknown(id))?))
    }

    fn connect(
        &mut self,
        named: Option<SessionId>,
        uri: &str,
        streams: Streams,
        routes: &[String],
        headers: &Headers,
    ) -> (Option<SessionId>, Result<(), Failure>) {
        let again = named.or_else(|| self.book.spare());
        let session = match again {
            None => Some(self.running.engine.session()),
            Some(id) => match self.known(Some(id)) {
                Ok((_, known)) => known.handle.clone(),
                Err(failure) => return (again, Err(failure)),
            },
        };
        let Some(session) = session else { return (again, Err(Failure::over("connect()"))) };
        let id = session.id();
        if again.is_none() {
            self.book.add(id, Some(session.clone()), streams);
        }
        let routes = if routes.is_empty() { self.running.routes.to(uri) } else { routes.to_vec() };
        let done = session.connect(uri, &routes, streams, headers);
        (Some(id), done.map_err(Failure::from))
    }

    /// Commands that are one method of the session.
    fn order(&self, target: Option<SessionId>, command: Command) -> Result<(), Failure> {
        let (_, known) = self.known(target)?;
        let Some(session) = &known.handle else {
            return match command {
                // Nothing is left to end, and nothing to refuse.
                Command::End | Command::Reject { .. } => Ok(()),
                _ => Err(Failure::over("this")),
            };
        };
        order(session, known.proposed, command).map_err(Failure::from)
    }

    /// Sends a chat message; gives its id.
    fn message(
        &self,
        target: Option<SessionId>,
        to: Option<&str>,
        content_type: &str,
        text: &str,
    ) -> (Option<String>, Result<(), Failure>) {
        let handle = match self.known(target) {
            Ok((_, known)) => known.handle.as_ref(),
            Err(failure) => return (None, Err(failure)),
        };
        let Some(session) = handle else { return (None, Err(Failure::over("send_message()"))) };
        match session.send_message(text.as_bytes(), content_type, to) {
            Ok(id) => (Some(id), Ok(())),
            Err(error) => (None, Err(Failure::from(error))),
        }
    }

    fn show(&mut self, name: &str, target: Option<SessionId>, what: fn(&Self, &Snapshot) -> Shown) {
        let shown = self.known(target).and_then(|(id, known)| {
            let snapshot = known.handle.as_ref().map_or_else(gone, |handle| {
                let snapshot = handle.snapshot();
                Snapshot::clone(&snapshot)
            });
            let (object, data) = what(self, &snapshot)?;
            Ok(json::object(object, Some(id), &data))
        });
        match shown {
            Err(failure) => self.result(name, target, Err(failure)),
            Ok(shown) => {
                self.result(name, target, Ok(()));
                self.print(&shown);
            }
        }
    }

    fn state(&self, snapshot: &Snapshot) -> Shown {
        Ok(("offhook.state", json::state(snapshot, self.running.account.as_deref())))
    }

    fn statistics(&self, snapshot: &Snapshot) -> Shown {
        let statistics = snapshot
            .statistics()
            .ok_or_else(|| Failure::new("SessionStateError", "the session has no audio"))?;
        Ok(("offhook.statistics", json::statistics(&statistics)))
    }

    fn settings(&mut self, name: &str, arguments: &Arguments) {
        let Some(manager) = &self.running.settings else {
            let text = "there is no folder for settings here: name one with --config DIR";
            return self.result(name, None, Err(Failure::argument(text)));
        };
        match settings::of_agent(manager, arguments) {
            Err(problem) => {
                let failure = Failure::new(problem.name, problem.text);
                self.result(name, None, Err(failure));
            }
            Ok(shown) => {
                self.result(name, None, Ok(()));
                for line in shown {
                    self.unheard |= !print(&line);
                }
            }
        }
    }

    /// The sessions that live, oldest first.
    fn sessions(&self) -> Value {
        let sessions = self.running.engine.session_manager().sessions();
        let shown = sessions.iter().map(|session| {
            let snapshot = session.snapshot();
            json!({
                "session": session.id().to_string(),
                "state": snapshot.state.to_string(),
                "direction": snapshot.direction.map(json::direction),
                "remote_uri": snapshot.remote_uri,
            })
        });
        json::object("offhook.sessions", None, &json!({"sessions": shown.collect::<Value>()}))
    }
}

fn order(session: &Session, proposed: Streams, command: Command) -> Result<(), SessionError> {
    match command {
        Command::Accept { streams, headers } => {
            session.accept(streams.unwrap_or_else(|| acceptable(proposed)), &headers)
        }
        Command::Reject { code, headers } => {
            session.reject_with(code.unwrap_or(BUSY_HERE), None, &headers)
        }
        Command::Progress(streams) => {
            session.send_progress(streams.unwrap_or_else(|| acceptable(proposed)))
        }
        Command::End => session.end(),
        Command::Hold => session.hold(),
        Command::Unhold => session.unhold(),
        Command::Add(StreamKind::Audio) => session.add_audio(),
        Command::Add(StreamKind::Chat) => session.add_chat(),
        Command::Remove(StreamKind::Audio) => session.remove_audio(),
        Command::Remove(StreamKind::Chat) => session.remove_chat(),
        Command::AcceptProposal(streams) => session.accept_proposal(streams.unwrap_or(proposed)),
        Command::RejectProposal => session.reject_proposal(),
        Command::Composing(active) => session.send_composing_indication(active),
        Command::Ask(ask) => session.request_dispositions(ask),
        Command::Nickname(nickname) => session.set_nickname(&nickname),
        Command::Displayed(id) => session.report_displayed(&id),
        Command::SendFile(path) => session.send_file(&path).map(drop),
        Command::AcceptFile(directory) => session.accept_file(&directory),
        Command::CancelFile => session.cancel_file(),
        Command::Dtmf(digit) => session.send_dtmf(digit),
        Command::Record(file) => session.start_recording_audio(file),
        Command::StopRecording => session.stop_recording_audio(),
        Command::Play(file) => session.play(file),
        Command::StopPlaying => session.stop_playing(),
        Command::Echo(on) => session.echo(on),
        Command::Mute(on) => session.mute(on),
        // Not a session's own order: `execute` has done it.
        _ => Ok(()),
    }
}

/// What `accept` takes when it is not told: all that is proposed. An INVITE without an offer gets
/// audio.
fn acceptable(proposed: Streams) -> Streams {
    if proposed == Streams::default() { Streams::AUDIO } else { proposed }
}

/// A session that was over before anyone could take its handle.
fn gone() -> Snapshot {
    Snapshot { state: SessionState::Terminated, ..Snapshot::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_takes_all_that_is_proposed() {
        let streams = |audio, chat| Streams { audio, chat };
        assert_eq!(acceptable(streams(true, true)), streams(true, true));
        assert_eq!(acceptable(streams(false, false)), Streams::AUDIO);
        assert_eq!(acceptable(streams(false, true)), streams(false, true));
    }
}
