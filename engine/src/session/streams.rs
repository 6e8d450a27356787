//! The session's audio stream: prepared, started, silenced, stopped.

use std::net::{IpAddr, SocketAddr};

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};
use offhook_media::control::{Flow, MediaCommand, MediaEvent, StreamId};

use super::{Cause, Core, Output};
use crate::error::{SessionError, SessionStateError};
use crate::negotiate::{Local, Settled};
use crate::notification::{NotificationData, Originator, StreamKind};

/// What the session knows of its audio.
#[derive(Clone, Default, Debug)]
pub(super) struct Audio {
    pub(super) address: Option<IpAddr>,
    pub(super) local: Option<SocketAddr>,
    pub(super) settled: Option<Settled>,
    running: Option<Settled>,
    /// Until then a first packet is awaited without a word.
    pub(super) silent_until: Option<Instant>,
    session_version: u64,
}

impl Audio {
    pub(super) fn wanted(&self) -> Vec<StreamKind> {
        self.address.map(|_| StreamKind::Audio).into_iter().collect()
    }
}

impl Core {
    const fn stream(&self) -> StreamId {
        StreamId { session: self.id.0, index: 0 }
    }

    pub(super) fn prepare_streams(&mut self) {
        if let Some(address) = self.audio.address {
            let stream = self.stream();
            self.push(Output::Media(MediaCommand::Prepare { stream, address }));
        }
    }

    /// Our side of a description; `None` until the socket is bound.
    pub(super) fn local_media(&mut self, now: Instant) -> Option<Local> {
        let audio = self.audio.local?;
        if self.audio.session_version == 0 {
            self.audio.session_version = self.timestamp(now).ntp_seconds();
        }
        let (session_id, version) = (self.audio.session_version, self.audio.session_version);
        Some(Local { session_id, version, audio, flow: Flow { send: true, receive: true } })
    }

    pub(super) fn media(&mut self, now: Instant, event: MediaEvent) {
        if event.stream() != self.stream() || self.is_terminated() {
            return;
        }
        match event {
            MediaEvent::Prepared { local, counters, .. } => {
                self.audio.local = Some(local);
                self.snapshot.audio_local_rtp = Some(local);
                self.snapshot.counters = Some(counters);
                self.tell(now, NotificationData::RtpTransportDidInitialize { local });
                self.prepared(now);
            }
            MediaEvent::PrepareFailed { reason, .. } => {
                let data = NotificationData::RtpTransportDidFail { reason: reason.clone() };
                self.tell(now, data);
                self.fail_locally(now, Event::PrepareFailed, format!("audio: {reason}"));
            }
            MediaEvent::Failed { reason, .. } => {
                self.fail_locally(now, Event::MediaFailed, format!("audio: {reason}"));
            }
            MediaEvent::SourceSeen { source, .. } => {
                self.audio.silent_until = None;
                self.snapshot.audio_was_received = true;
                self.snapshot.audio_remote_rtp_received = Some(source);
            }
            MediaEvent::Dtmf { digit, .. } => {
                self.tell(now, NotificationData::SessionGotDtmf { digit });
            }
            MediaEvent::PlayEnded { file, failure, .. } => {
                let data = NotificationData::WaveFileDidFinishPlaying { file_name: file, failure };
                self.tell(now, data);
            }
            // Recording is not ordered yet.
            MediaEvent::RecordingStarted { .. }
            | MediaEvent::RecordingStopped { .. }
            | MediaEvent::RecordingFailed { .. } => {}
        }
    }

    fn fail_locally(&mut self, now: Instant, event: Event, reason: String) {
        self.refuse_with(500, "");
        self.cause = Cause::new(Originator::Local, 0, reason);
        self.apply(now, event);
    }

    fn prepared(&mut self, now: Instant) {
        if self.state != State::Accepting {
            return self.apply(now, Event::Prepared);
        }
        match self.negotiate_answer(now) {
            Ok(()) => self.apply(now, Event::Prepared),
            Err(refusal) => {
                self.refuse_with(refusal.status, &refusal.reason);
                self.cause = Cause::new(Originator::Local, refusal.status, refusal.reason);
                self.apply(now, Event::NegotiationFailed);
            }
        }
    }

    pub(super) fn start_streams(&mut self, now: Instant) {
        let Some(settled) = self.audio.settled.clone() else { return };
        if self.audio.running.as_ref() == Some(&settled) {
            return;
        }
        let (stream, settings) = (self.stream(), settled.audio.clone());
        let codec = settings.codec;
        self.snapshot.audio_codec = Some(codec.name());
        self.snapshot.audio_sample_rate = Some(codec.clock_rate());
        self.snapshot.audio_srtp_active = Some(false);
        self.snapshot.audio_remote_rtp_sdp = Some(settings.remote);
        let held_before = self.snapshot.on_hold_by_remote;
        self.snapshot.on_hold_by_remote = settled.held_by_peer;
        if self.audio.running.replace(settled.clone()).is_some() {
            self.push(Output::Media(MediaCommand::Update { stream, settings }));
        } else {
            self.snapshot.has_audio = true;
            self.push(Output::Media(MediaCommand::Start { stream, settings }));
            let streams = vec![StreamKind::Audio];
            self.tell(now, NotificationData::SessionGotStreamUpdate { streams });
            self.watch_for_audio(now);
        }
        let originator = Originator::Remote;
        match (held_before, settled.held_by_peer) {
            (false, true) => self.tell(now, NotificationData::SessionGotHoldRequest { originator }),
            (true, false) => {
                self.tell(now, NotificationData::SessionGotUnholdRequest { originator });
            }
            _ => {}
        }
    }

    /// Nothing is sent or played any more; the stream itself stops when the session ends.
    pub(super) fn silence(&mut self) {
        self.audio.silent_until = None;
        if let Some(settled) = &self.audio.running {
            let flow = Flow { send: false, receive: false };
            let settings = offhook_media::control::StreamSettings { flow, ..settled.audio.clone() };
            let stream = self.stream();
            self.push(Output::Media(MediaCommand::Update { stream, settings }));
        }
    }

    pub(super) fn stop_streams(&mut self, now: Instant) {
        self.audio.silent_until = None;
        if self.audio.address.take().is_none() {
            return;
        }
        let stream = self.stream();
        self.push(Output::Media(MediaCommand::Stop { stream }));
        self.snapshot.has_audio = false;
        if self.audio.running.take().is_some() {
            let streams = Vec::new();
            self.tell(now, NotificationData::SessionGotStreamUpdate { streams });
        }
    }

    pub(super) fn send_dtmf(&mut self, digit: char) -> Result<(), SessionError> {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            let text = format!("send_dtmf() takes one of 0-9 * # A-D, not {digit:?}");
            return Err(SessionError::InvalidArgument(text));
        }
        let Some(running) = self.audio.running.as_ref().filter(|_| self.snapshot.has_audio) else {
            let allowed = vec![State::Established];
            let error = SessionStateError { method: "send_dtmf()", state: self.state, allowed };
            return Err(SessionError::State(error));
        };
        let refused = |why: &str| Err(SessionError::InvalidArgument(why.into()));
        if running.audio.send_telephone_event.is_none() {
            return refused("send_dtmf(): the peer does not take telephone-events");
        }
        if !running.audio.flow.send {
            return refused("send_dtmf(): the peer holds the call, nothing may be sent");
        }
        let stream = self.stream();
        self.push(Output::Media(MediaCommand::SendDtmf { stream, digit }));
        Ok(())
    }
}
