//! Our session description as it develops: its version, and its lines, which keep their places for
//! the life of the session (RFC 3264 §8).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_media::control::Flow;

use super::Core;
use crate::negotiate::{
    Capabilities, LocalAudio, Origin, OwnLine, Refusal, Settled, SrtpPolicy, Wish, Wishes, offer,
};
use crate::notification::StreamKind;
use crate::sdp::MEDIA_MAX;
use crate::streams::Streams;

/// Our side of the session's description.
#[derive(Clone, Default, Debug)]
pub(super) struct Description {
    /// Our address, known from the route or the INVITE on.
    pub(super) address: Option<IpAddr>,
    session_id: u64,
    /// Of the last description that was sent.
    version: u64,
    /// The last description that was sent.
    sent: Vec<u8>,
    /// The lines in force.
    pub(super) lines: Vec<OwnLine>,
}

impl Description {
    /// Where a stream of that kind runs.
    pub(super) fn line_of(&self, kind: StreamKind) -> Option<usize> {
        self.lines.iter().position(|line| !line.is_closed() && line.is_for(medium(kind)))
    }

    /// The lines with one more stream: in the place of a closed line of its kind, else behind all.
    fn with(&self, line: OwnLine, kind: StreamKind) -> Option<Vec<OwnLine>> {
        let mut lines = self.lines.clone();
        // A closed line for a file and one for a chat are the same.
        let words = if kind == StreamKind::File { "message" } else { medium(kind) };
        let free = lines.iter().position(|line| line.is_closed() && line.is_for(words));
        if let Some(place) = free.and_then(|at| lines.get_mut(at)) {
            *place = line;
            return Some(lines);
        }
        if lines.len() >= MEDIA_MAX {
            return None;
        }
        lines.push(line);
        Some(lines)
    }
}

/// What the `m=` line calls a stream; a file is told from a chat by another word.
pub(super) const fn medium(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::Audio => "audio",
        StreamKind::Chat => "message",
        StreamKind::File => "file",
    }
}

impl Core {
    /// Makes a description of ours. Its version is one more than the last one's when it differs,
    /// or when it must (RFC 3264 §8).
    pub(super) fn describe<T>(
        &mut self,
        now: Instant,
        must_differ: bool,
        make: impl Fn(&Capabilities, &Origin) -> Result<(Vec<u8>, T), Refusal>,
    ) -> Result<(Vec<u8>, T), Refusal> {
        let missing = || Refusal::new(500, "nothing is prepared");
        let address = self.description.address.ok_or_else(missing)?;
        if self.description.session_id == 0 {
            let seconds = self.timestamp(now).ntp_seconds();
            (self.description.session_id, self.description.version) = (seconds, seconds);
        }
        let Description { session_id, version, .. } = self.description;
        let mut origin = Origin { session_id, version, address };
        let mut made = make(&self.settings.capabilities, &origin)?;
        let first = self.description.sent.is_empty();
        if !first && (must_differ || made.0 != self.description.sent) {
            origin.version = version.wrapping_add(1);
            made = make(&self.settings.capabilities, &origin)?;
        }
        self.description.version = origin.version;
        self.description.sent.clone_from(&made.0);
        Ok(made)
    }

    /// Offers these lines.
    pub(super) fn describe_offer(
        &mut self,
        now: Instant,
        must_differ: bool,
        lines: &[OwnLine],
    ) -> Result<Vec<u8>, Refusal> {
        let make = |able: &Capabilities, origin: &Origin| Ok((offer(able, origin, lines), ()));
        self.describe(now, must_differ, make).map(|(body, ())| body)
    }

    /// Our audio as we offer it: our own wish alone (REFERENCE 0.19). While the peer holds us we
    /// cannot offer to send.
    fn offered_audio(&self) -> Option<LocalAudio> {
        let on_hold = self.snapshot.on_hold_by_local;
        let flow = Flow { send: !on_hold || !self.snapshot.on_hold_by_remote, receive: !on_hold };
        Some(self.local_audio(self.audio.local?, flow))
    }

    /// Our audio with its keys. What is encrypted stays so (no downgrade by a later offer).
    fn local_audio(&self, address: SocketAddr, flow: Flow) -> LocalAudio {
        let mandatory = self.settings.capabilities.srtp == SrtpPolicy::Mandatory;
        let running = self.audio.running.as_ref();
        let encrypted = running.is_some_and(|running| running.settings.srtp.is_some());
        let line = self.description.line_of(StreamKind::Audio);
        let savp = match line.and_then(|at| self.description.lines.get(at)) {
            Some(OwnLine::Audio(audio)) => audio.savp,
            _ => mandatory,
        };
        LocalAudio {
            address,
            flow,
            on_hold: self.snapshot.on_hold_by_local,
            keys: Arc::clone(&self.audio.keys),
            must_encrypt: mandatory || encrypted,
            savp,
            silence: self.settings.policy.rtp_timeout,
        }
    }

    /// The lines in force, directions as we wish them now.
    pub(super) fn lines_now(&self) -> Vec<OwnLine> {
        let mut lines = self.description.lines.clone();
        if let Some(audio) = self.offered_audio() {
            let running = self.description.line_of(StreamKind::Audio);
            if let Some(line) = running.and_then(|at| lines.get_mut(at)) {
                *line = OwnLine::Audio(audio);
            }
        }
        // A stream that broke or was closed by the peer is not offered anew before its own turn.
        for kind in [StreamKind::Audio, StreamKind::Chat, StreamKind::File] {
            let gone = self.description.line_of(kind).filter(|_| !self.exists(kind));
            if let Some(line) = gone.and_then(|at| lines.get_mut(at)) {
                *line = line.closed();
            }
        }
        lines
    }

    /// The lines with streams that are prepared beside those in force; `None` when there is no
    /// room.
    pub(super) fn lines_with(&self, streams: Streams) -> Option<Vec<OwnLine>> {
        self.lines_with_kinds(&streams.kinds())
    }

    pub(super) fn lines_with_kinds(&self, kinds: &[StreamKind]) -> Option<Vec<OwnLine>> {
        let mut description = self.description.clone();
        description.lines = self.lines_now();
        for kind in kinds.iter().copied() {
            let line = match kind {
                StreamKind::Audio => OwnLine::Audio(self.offered_audio()?),
                StreamKind::Chat => OwnLine::Chat(self.chat.local.clone()?),
                StreamKind::File => OwnLine::File(Box::new(self.file.local.clone()?)),
            };
            description.lines = description.with(line, kind)?;
        }
        Some(description.lines)
    }

    /// What we take from an offer: the streams that run, in their places, and `more`.
    pub(super) fn wishes(&self, more: Streams) -> Wishes {
        let audio_line = self.description.line_of(StreamKind::Audio);
        let chat_line = self.description.line_of(StreamKind::Chat);
        let flow = Flow { send: true, receive: !self.snapshot.on_hold_by_local };
        let audio = self.audio.local.map(|address| self.local_audio(address, flow));
        Wishes {
            audio: Wish {
                local: audio.filter(|_| audio_line.is_some() || more.audio),
                line: audio_line,
            },
            chat: Wish {
                local: self.chat.local.clone().filter(|_| chat_line.is_some() || more.chat),
                line: chat_line,
            },
            file: Wish {
                local: self.file.local.clone(),
                line: self.description.line_of(StreamKind::File),
            },
        }
    }

    /// An offer of ours was answered: these lines are in force, without those that the peer
    /// refused. What it took and we cannot use is closed in its turn (REFERENCE 0.12).
    pub(super) fn agree(&mut self, lines: Vec<OwnLine>, settled: Settled) {
        let audio = settled.audio.as_ref().map(|audio| audio.line);
        let chat = settled.chat.as_ref().map(|chat| chat.line);
        let file = settled.file.as_ref().map(|file| file.link.line);
        let mut left_open = settled.left_open.kinds();
        left_open.extend(settled.file_left_open.then_some(StreamKind::File));
        let open = |line: &OwnLine| {
            let mut kinds = left_open.iter().copied();
            kinds.any(|kind| !line.is_closed() && line.is_for(medium(kind)))
        };
        let kept = |at: usize| [audio, chat, file].contains(&Some(at));
        let lines = lines.into_iter().enumerate();
        self.description.lines = lines
            .map(|(at, line)| if kept(at) || open(&line) { line } else { line.closed() })
            .collect();
        for kind in left_open {
            self.close_later(kind);
        }
        self.settled = Some(settled);
    }
}
