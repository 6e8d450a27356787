//! The session's audio stream: prepared, started, silenced, stopped.

use std::net::{IpAddr, SocketAddr};

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};
use offhook_media::control::{Flow, MediaCommand, MediaEvent, StreamId};

use super::recording::Recording;
use super::{Cause, Core, Output};
use crate::error::SessionError;
use crate::negotiate::{Capabilities, Local, Refusal, Settled};
use crate::notification::{NotificationData, Originator, StreamKind};

/// What the session knows of its audio.
#[derive(Clone, Default, Debug)]
pub(super) struct Audio {
    pub(super) address: Option<IpAddr>,
    pub(super) local: Option<SocketAddr>,
    pub(super) settled: Option<Settled>,
    pub(super) running: Option<Settled>,
    /// Until then a first packet is awaited without a word.
    pub(super) silent_until: Option<Instant>,
    /// The `o=` line's session id and version.
    session_id: u64,
    version: u64,
    /// The last description that we sent.
    pub(super) described: Vec<u8>,
    pub(super) recording: Option<Recording>,
    /// For [`Action::OrderMedia`](offhook_fsm::session::Action).
    pub(super) order: Option<MediaCommand>,
    /// Orders from before there is a stream, one of each kind.
    waiting: Vec<MediaCommand>,
}

impl Audio {
    pub(super) fn wanted(&self) -> Vec<StreamKind> {
        self.address.map(|_| StreamKind::Audio).into_iter().collect()
    }

    /// The version of [`described`](Self::described).
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// Takes back a description that was made and not sent.
    pub(super) fn redescribe(&mut self, (described, version): (Vec<u8>, u64)) {
        (self.described, self.version) = (described, version);
    }
}

impl Core {
    pub(super) const fn stream(&self) -> StreamId {
        StreamId { session: self.id.0, index: 0 }
    }

    pub(super) fn prepare_streams(&mut self) {
        if let Some(address) = self.audio.address {
            let stream = self.stream();
            self.push(Output::Media(MediaCommand::Prepare { stream, address }));
            for command in std::mem::take(&mut self.audio.waiting) {
                self.push(Output::Media(command));
            }
        }
    }

    /// Our side of a description; `None` until the socket is bound.
    pub(super) fn local_media(&mut self, now: Instant) -> Option<Local> {
        let audio = self.audio.local?;
        if self.audio.session_id == 0 {
            self.audio.session_id = self.timestamp(now).ntp_seconds();
            self.audio.version = self.audio.session_id;
        }
        let (session_id, version) = (self.audio.session_id, self.audio.version);
        Some(Local { session_id, version, audio, flow: Flow { send: true, receive: true } })
    }

    /// Makes a description of ours. Its version is one more than the last one's when it differs
    /// (RFC 3264 §8).
    pub(super) fn describe<T>(
        &mut self,
        now: Instant,
        make: impl Fn(&Capabilities, &Local) -> Result<(Vec<u8>, T), Refusal>,
    ) -> Result<(Vec<u8>, T), Refusal> {
        let missing = || Refusal { status: 500, reason: "nothing is prepared".into() };
        let mut local = self.local_media(now).ok_or_else(missing)?;
        let mut made = make(&self.settings.capabilities, &local)?;
        if made.0 != self.audio.described {
            if !self.audio.described.is_empty() {
                local.version = local.version.wrapping_add(1);
                made = make(&self.settings.capabilities, &local)?;
            }
            self.audio.version = local.version;
            self.audio.described.clone_from(&made.0);
        }
        Ok(made)
    }

    pub(super) fn media(&mut self, now: Instant, event: MediaEvent) {
        if event.stream() != Some(self.stream()) || self.is_terminated() {
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
            MediaEvent::RecordingStarted { .. } => self.recording_started(now),
            MediaEvent::RecordingStopped { .. } => self.recording_stopped(now),
            MediaEvent::RecordingFailed { reason, .. } => self.recording_failed(now, &reason),
            // It is the engine's, not this stream's.
            MediaEvent::DeviceFailed { .. } => {}
        }
    }

    pub(super) fn fail_locally(&mut self, now: Instant, event: Event, reason: String) {
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
        self.tell_hold(now, Originator::Remote, held_before, settled.held_by_peer);
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
        self.end_recording(now);
        let stream = self.stream();
        self.push(Output::Media(MediaCommand::Stop { stream }));
        self.snapshot.has_audio = false;
        if self.audio.running.take().is_some() {
            let streams = Vec::new();
            self.tell(now, NotificationData::SessionGotStreamUpdate { streams });
        }
    }

    pub(super) fn send_dtmf(&mut self, now: Instant, digit: char) -> Result<(), SessionError> {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            let text = format!("send_dtmf() takes one of 0-9 * # A-D, not {digit:?}");
            return Err(SessionError::InvalidArgument(text));
        }
        self.permit("send_dtmf()", Event::SendDtmf)?;
        let Some(running) = self.audio.running.as_ref() else {
            return self.permit("send_dtmf() without active audio", Event::MissAudio);
        };
        let refused = |why: &str| Err(SessionError::InvalidArgument(why.into()));
        if running.audio.send_telephone_event.is_none() {
            return refused("send_dtmf(): the peer does not take telephone-events");
        }
        if !running.audio.flow.send {
            return refused("send_dtmf(): the peer holds the call, nothing may be sent");
        }
        let stream = self.stream();
        self.audio.order = Some(MediaCommand::SendDtmf { stream, digit });
        self.apply(now, Event::SendDtmf);
        Ok(())
    }

    /// What is sent in place of the microphone: legal as soon as a stream exists or may come.
    pub(super) fn steer_audio(
        &mut self,
        now: Instant,
        method: &'static str,
        command: impl FnOnce(StreamId) -> MediaCommand,
    ) -> Result<(), SessionError> {
        self.permit(method, Event::SteerAudio)?;
        if self.audio.address.is_none() && self.state != State::Incoming {
            return self.permit(method, Event::MissAudio);
        }
        self.audio.order = Some(command(self.stream()));
        self.apply(now, Event::SteerAudio);
        Ok(())
    }

    pub(super) fn order_media(&mut self) {
        let Some(command) = self.audio.order.take() else { return };
        if self.audio.address.is_some() {
            return self.push(Output::Media(command));
        }
        let kind = std::mem::discriminant(&command);
        self.audio.waiting.retain(|other| std::mem::discriminant(other) != kind);
        self.audio.waiting.push(command);
    }
}
