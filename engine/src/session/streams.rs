//! The session's streams: prepared, started, brought in line, silenced, stopped.

use std::net::SocketAddr;
use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};
use offhook_media::control::{Flow, MediaCommand, MediaEvent, StreamId, StreamSettings};

use super::recording::Recording;
use super::{Cause, Core, Output};
use crate::error::SessionError;
use crate::negotiate::{SettledAudio, SrtpPolicy};
use crate::notification::{NotificationData, Originator, StreamKind};
use crate::sdp::Direction;
use crate::sdp::crypto::{CryptoAttribute, offer_crypto};
use crate::streams::Streams;

/// What the session knows of its audio.
#[derive(Clone, Default, Debug)]
pub(super) struct Audio {
    /// It is prepared, or is being prepared.
    pub(super) exists: bool,
    /// It was added to a call that stood, and nothing was heard on it yet.
    added: bool,
    /// Counts the audio streams before this one.
    index: u32,
    pub(super) local: Option<SocketAddr>,
    /// Our SRTP keys, one a suite, for the life of the stream; empty without SRTP.
    pub(super) keys: Arc<[CryptoAttribute]>,
    pub(super) running: Option<SettledAudio>,
    /// Until then a first packet is awaited without a word.
    pub(super) silent_until: Option<Instant>,
    pub(super) recording: Option<Recording>,
    /// For [`Action::OrderMedia`](offhook_fsm::session::Action).
    pub(super) order: Option<MediaCommand>,
    /// Orders from before there is a stream, one of each kind.
    waiting: Vec<MediaCommand>,
}

impl Core {
    pub(super) const fn stream(&self) -> StreamId {
        StreamId { session: self.id.0, index: self.audio.index }
    }

    /// Prepares what is wanted and not there yet.
    pub(super) fn prepare_streams(&mut self) {
        let Some(address) = self.description.address else { return };
        if self.wanted.audio && !self.audio.exists {
            self.audio.exists = true;
            self.audio.added = matches!(self.state, State::Proposing | State::Proposed);
            self.preparing.audio = true;
            if self.settings.capabilities.srtp != SrtpPolicy::Disabled {
                self.audio.keys = offer_crypto(&mut self.entropy).into();
            }
            let stream = self.stream();
            self.push(Output::Media(MediaCommand::Prepare { stream, address }));
            for command in std::mem::take(&mut self.audio.waiting) {
                self.push(Output::Media(command));
            }
        }
        if self.wanted.chat && !self.chat.exists {
            self.prepare_chat(address);
        }
        self.prepare_file(address);
        self.prepared_at_once = self.preparing.is_empty() && !self.file.preparing;
    }

    pub(super) fn media(&mut self, now: Instant, event: MediaEvent) {
        if event.stream() != Some(self.stream()) || self.is_terminated() {
            return;
        }
        match event {
            MediaEvent::Prepared { local, counters, .. } => {
                self.audio.local = Some(local);
                self.snapshot.audio_stream = Some(self.audio.index);
                self.snapshot.audio_local_rtp = Some(local);
                self.snapshot.counters = Some(counters);
                self.tell(now, NotificationData::RtpTransportDidInitialize { local });
                self.preparing.audio = false;
                self.prepared(now);
            }
            MediaEvent::PrepareFailed { reason, .. } => {
                let data = NotificationData::RtpTransportDidFail { reason: reason.clone() };
                self.tell(now, data);
                self.preparing.audio = false;
                self.prepare_failed(now, StreamKind::Audio, &reason);
            }
            MediaEvent::Failed { reason, .. } => self.audio_failed(now, reason),
            MediaEvent::SourceSeen { source, .. } => {
                (self.audio.silent_until, self.audio.added) = (None, false);
                self.snapshot.audio_was_received = true;
                self.snapshot.audio_remote_rtp_received = Some(source);
            }
            MediaEvent::Silent { .. } => self.fell_silent(now),
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
            // They are the engine's, not this stream's.
            MediaEvent::DeviceFailed { .. } | MediaEvent::Broken { .. } => {}
        }
    }

    /// The peer was heard, and is no more.
    fn fell_silent(&mut self, now: Instant) {
        self.tell(now, NotificationData::RtpStreamDidTimeout);
        let policy = &self.settings.policy;
        if policy.hangup_on_timeout
            && matches!(self.state, State::Established | State::Proposing | State::Proposed)
        {
            self.cause = Cause::new(Originator::Local, 0, "the peer's audio has stopped");
            self.apply(now, Event::End);
        }
    }

    /// The stream is gone. One that was just added harms nobody else (REFERENCE 0.12).
    fn audio_failed(&mut self, now: Instant, reason: String) {
        if !self.audio.added {
            return self.fail_locally(now, Event::MediaFailed, format!("audio: {reason}"));
        }
        self.tell(now, NotificationData::RtpTransportDidFail { reason: reason.clone() });
        let asked =
            self.state == State::Proposed && self.description.line_of(StreamKind::Audio).is_none();
        if asked {
            // The proposal that it is for is not answered yet.
            self.preparing.audio = false;
            return self.prepare_failed(now, StreamKind::Audio, &reason);
        }
        self.apply(now, Event::AddedAudioFailed);
    }

    /// Audio that broke in a call that goes on: its line is closed in its turn.
    pub(super) fn close_audio(&mut self, now: Instant) {
        self.remove_audio(now);
        self.close_later(StreamKind::Audio);
    }

    pub(super) fn fail_locally(&mut self, now: Instant, event: Event, reason: String) {
        self.refuse_with(500, "");
        self.cause = Cause::new(Originator::Local, 0, reason);
        self.apply(now, event);
    }

    /// A stream that was wanted cannot be made. One that was added harms nobody else
    /// (REFERENCE 0.12).
    pub(super) fn prepare_failed(&mut self, now: Instant, kind: StreamKind, reason: &str) {
        let reason = format!("{kind}: {reason}");
        let others = self.wanted.without(kind);
        if self.state == State::Proposed && !others.is_empty() {
            self.wanted = others;
            self.remove_stream(now, kind);
            return self.prepared(now);
        }
        self.reoffer_refusal = (500, reason.clone());
        self.blame_offer(&reason);
        self.fail_locally(now, Event::PrepareFailed, reason);
    }

    /// Goes on once everything that is wanted is prepared.
    pub(super) fn prepared(&mut self, now: Instant) {
        let early_answer = self.state == State::Accepting && self.awaits_prack();
        if !self.preparing.is_empty() || self.file.preparing || early_answer {
            return;
        }
        let answered = match self.state {
            State::Incoming | State::Accepting => self.negotiate_answer(now),
            State::Proposed => self.negotiate_proposal(now),
            _ => return self.apply(now, Event::Prepared),
        };
        match answered {
            Ok(()) => self.apply(now, Event::Prepared),
            Err(refusal) => {
                self.refuse_with(refusal.status, &refusal.reason);
                self.reoffer_refusal = (refusal.status, refusal.reason.clone());
                self.cause = Cause::new(Originator::Local, refusal.status, refusal.reason);
                self.apply(now, Event::NegotiationFailed);
            }
        }
    }

    /// Brings what runs in line with what was negotiated: audio first, then chat.
    pub(super) fn start_streams(&mut self, now: Instant) {
        let Some(settled) = self.settled.clone() else { return };
        match settled.audio {
            Some(audio) if self.audio.exists => self.start_audio(now, audio),
            Some(_) => {}
            None => self.remove_audio(now),
        }
        if settled.chat.is_none() && self.chat.is_offered() {
            self.remove_chat(now);
        }
        if settled.file.is_none() && self.file.local.is_some() {
            self.remove_file(now);
        }
    }

    fn start_audio(&mut self, now: Instant, settled: SettledAudio) {
        if self.audio.running.as_ref() == Some(&settled) {
            return;
        }
        let (stream, settings) = (self.stream(), settled.settings.clone());
        let codec = settings.codec;
        self.snapshot.audio_direction = Some(direction(&settings));
        self.snapshot.audio_codec = Some(codec.name());
        self.snapshot.audio_sample_rate = Some(codec.clock_rate());
        self.snapshot.audio_srtp_active = Some(settings.srtp.is_some());
        self.snapshot.audio_remote_rtp_sdp = Some(settings.remote);
        let held_before = self.snapshot.on_hold_by_remote;
        let held = held_by_peer(&settled, held_before);
        self.snapshot.on_hold_by_remote = held;
        if self.audio.running.replace(settled).is_some() {
            self.push(Output::Media(MediaCommand::Update { stream, settings }));
        } else {
            self.snapshot.has_audio = true;
            self.push(Output::Media(MediaCommand::Start { stream, settings }));
            self.tell_streams(now);
            self.watch_for_audio(now);
        }
        self.tell_hold(now, Originator::Remote, held_before, held);
    }

    /// Changes how the running audio flows, before the peer has agreed.
    pub(super) fn steer_flow(&mut self, change: impl FnOnce(&mut StreamSettings)) {
        let stream = self.stream();
        let Some(running) = &mut self.audio.running else { return };
        change(&mut running.settings);
        let settings = running.settings.clone();
        self.snapshot.audio_direction = Some(direction(&settings));
        self.push(Output::Media(MediaCommand::Update { stream, settings }));
    }

    /// Posts the set of active streams, if it changed.
    pub(super) fn tell_streams(&mut self, now: Instant) {
        self.snapshot.has_chat = self.chat.is_up();
        let active = Streams { audio: self.snapshot.has_audio, chat: self.snapshot.has_chat };
        if active != self.told_streams {
            self.told_streams = active;
            self.tell(now, NotificationData::SessionGotStreamUpdate { streams: active.kinds() });
        }
    }

    /// Nothing is sent or played any more; the stream itself stops when the session ends.
    pub(super) fn silence(&mut self) {
        self.audio.silent_until = None;
        self.steer_flow(|settings| settings.flow = Flow { send: false, receive: false });
    }

    /// One stream leaves a call that goes on.
    fn remove_audio(&mut self, now: Instant) {
        if !self.audio.exists {
            return;
        }
        self.stop_audio(now);
        if std::mem::take(&mut self.snapshot.on_hold_by_remote) {
            let originator = Originator::Remote;
            self.tell(now, NotificationData::SessionGotUnholdRequest { originator });
        }
        self.tell_streams(now);
    }

    fn remove_chat(&mut self, now: Instant) {
        self.stop_chat(now);
        self.tell_streams(now);
    }

    /// Takes a stream out of the call, whatever its stage.
    pub(super) fn remove_stream(&mut self, now: Instant, kind: StreamKind) {
        match kind {
            StreamKind::Audio => self.remove_audio(now),
            StreamKind::Chat => self.remove_chat(now),
            StreamKind::File => self.remove_file(now),
        }
    }

    /// The session ends: recordings first, then each stream.
    pub(super) fn stop_streams(&mut self, now: Instant) {
        if self.audio.exists {
            self.stop_audio(now);
            self.tell_streams(now);
        }
        if self.chat.exists {
            self.stop_chat(now);
            self.tell_streams(now);
        }
        let reason = "the session ended before the file was through";
        self.stop_file(now, reason);
        self.drop_files(now, reason);
        self.tell_streams(now);
    }

    /// The recording, the sockets, and what was known of the stream.
    fn stop_audio(&mut self, now: Instant) {
        self.audio.silent_until = None;
        self.end_recording(now);
        let stream = self.stream();
        self.push(Output::Media(MediaCommand::Stop { stream }));
        (self.audio.exists, self.audio.added) = (false, false);
        self.audio.index = self.audio.index.saturating_add(1);
        self.audio.local = None;
        self.audio.keys = Arc::default();
        self.audio.running = None;
        self.preparing.audio = false;
        let snapshot = &mut self.snapshot;
        (snapshot.audio_stream, snapshot.audio_direction) = (None, None);
        snapshot.has_audio = false;
        snapshot.audio_was_received = false;
        (snapshot.audio_codec, snapshot.audio_sample_rate) = (None, None);
        snapshot.audio_srtp_active = None;
        (snapshot.audio_local_rtp, snapshot.audio_remote_rtp_sdp) = (None, None);
        snapshot.audio_remote_rtp_received = None;
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
        if running.settings.send_telephone_event.is_none() {
            return refused("send_dtmf(): the peer does not take telephone-events");
        }
        if !running.settings.flow.send {
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
        if !self.audio.exists && self.state != State::Incoming {
            return self.permit(method, Event::MissAudio);
        }
        self.audio.order = Some(command(self.stream()));
        self.apply(now, Event::SteerAudio);
        Ok(())
    }

    pub(super) fn order_media(&mut self) {
        let Some(command) = self.audio.order.take() else { return };
        if self.audio.exists {
            return self.push(Output::Media(command));
        }
        let kind = std::mem::discriminant(&command);
        self.audio.waiting.retain(|other| std::mem::discriminant(other) != kind);
        self.audio.waiting.push(command);
    }
}

/// The peer holds us when it says that it does not receive. An inactive answer to our own hold
/// says nothing new (REFERENCE 0.19).
fn held_by_peer(settled: &SettledAudio, before: bool) -> bool {
    if settled.answers_hold && settled.theirs == Direction::Inactive {
        return before;
    }
    !settled.theirs.receives()
}

/// Who sends, from our point of view.
const fn direction(settings: &StreamSettings) -> Direction {
    Direction::new(settings.flow.send, settings.flow.receive)
}
