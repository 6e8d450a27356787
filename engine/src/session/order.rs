//! What the application orders, split into the table's events.

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};
use offhook_media::control::MediaCommand;

use super::callee::Incoming;
use super::message::check_headers;
use super::{Cause, Core, Order};
use crate::error::SessionError;
use crate::notification::Originator;

impl Core {
    pub(super) fn order(&mut self, now: Instant, order: Order) -> Result<(), SessionError> {
        match order {
            Order::Connect { uri, routes, streams, headers } => {
                self.connect(now, uri, routes, streams, headers)
            }
            Order::ConnectByName { uri, wanted, streams, headers } => {
                self.connect_by_name(now, uri, wanted, streams, headers)
            }
            Order::Accept { streams, headers } => self.accept(now, streams, headers),
            Order::Progress(streams) => self.progress(now, streams),
            Order::Reject { code, reason, headers } => {
                self.permit("reject()", Event::Reject)?;
                check_headers(&headers)?;
                if !(300..700).contains(&code) {
                    let text = format!("reject() takes a code from 300 to 699, not {code}");
                    return Err(SessionError::InvalidArgument(text));
                }
                self.refuse_as(code, reason, headers)?;
                self.apply(now, Event::Reject);
                self.apply(now, Event::Farewell);
                Ok(())
            }
            Order::End => {
                self.end(now);
                Ok(())
            }
            Order::Hold => self.hold(now, true),
            Order::Unhold => self.hold(now, false),
            Order::Add(kind) => self.add(now, kind),
            Order::Remove(kind) => self.remove(now, kind),
            Order::AcceptProposal(streams) => self.accept_proposal(now, streams),
            Order::RejectProposal => self.reject_proposal(now),
            Order::SendMessage(message) => self.send_message(now, message),
            Order::Say(say) => self.say(say),
            Order::SendFile(work) => self.send_file(*work),
            Order::AcceptFile(directory) => self.accept_file(now, directory),
            Order::CancelFile => self.cancel_file(now),
            Order::SendDtmf(digit) => self.send_dtmf(now, digit),
            Order::StartRecording(file) => self.start_recording(now, file),
            Order::StopRecording => self.stop_recording(now),
            Order::Play(file) => {
                self.steer_audio(now, "play()", |stream| MediaCommand::Play { stream, file })
            }
            Order::StopPlaying => {
                let command = |stream| MediaCommand::StopPlaying { stream };
                self.steer_audio(now, "stop_playing()", command)
            }
            Order::Echo(on) => {
                self.steer_audio(now, "echo()", |stream| MediaCommand::Echo { stream, on })
            }
            Order::Mute(on) => {
                self.steer_audio(now, "mute()", |stream| MediaCommand::Mute { stream, on })
            }
        }
    }

    /// `end`, split by how far things have gone.
    fn end(&mut self, now: Instant) {
        let invite = self.outgoing.as_ref().and_then(|out| out.transaction.as_ref());
        let event = match self.state {
            State::Calling => match invite {
                None => Event::EndUnsent,
                Some(invite) if invite.is_proceeding() => Event::End,
                Some(_) => Event::EndUnanswered,
            },
            State::Accepting if !self.incoming.as_ref().is_some_and(Incoming::is_answered) => {
                Event::EndUnsent
            }
            State::Incoming => Event::EndUnsent,
            _ => Event::End,
        };
        self.cause = Cause::new(Originator::Local, 0, "");
        let over_at_once = event == Event::EndUnsent;
        self.apply(now, event);
        if over_at_once {
            self.apply(now, Event::Farewell);
        }
    }
}
