//! The media layer of a simulated user agent: sockets, files and devices are made up, the streams
//! themselves are the real ones. A stream ticks only while something can be learnt from it: at its
//! start and while digits are on their way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use offhook::media::control::{MediaCommand, MediaEvent, StreamId, StreamSettings};
use offhook::media::statistics::StreamCounters;
use offhook::media::stream::{DATAGRAM_MAX, FRAME, RtpStream, StreamEvent};
use offhook_fsm::{Entropy, Instant};

/// How often a stream ticks.
pub const TICK: Duration = Duration::from_millis(20);
/// Ticks after the start, and after a change: enough for the first packets.
const START_TICKS: u32 = 8;
/// Ticks for one digit: tone, pause, and some more.
const DIGIT_TICKS: u32 = 16;
/// Ticks for which a stream listens after a packet: a digit whose end was lost is over by then.
const LISTEN_TICKS: u32 = 12;

/// How often things go wrong, in permille.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Faults {
    /// No port is free.
    pub prepare: u64,
    /// A recording's file cannot be made.
    pub record: u64,
    /// A stream breaks when it starts.
    pub start: u64,
}

#[derive(Debug)]
struct Stream {
    local: SocketAddr,
    counters: Arc<StreamCounters>,
    rtp: Option<Box<RtpStream>>,
    sends: u32,
    listens: u32,
    ticks: bool,
    recording: Option<PathBuf>,
    playing: Option<PathBuf>,
}

/// What the media layer wants done.
#[derive(Debug)]
pub enum Effect {
    /// Tell the session.
    Tell(MediaEvent),
    /// Send a datagram from the first address to the second.
    Send(SocketAddr, SocketAddr, Arc<[u8]>),
    /// Let the stream tick after [`TICK`].
    Tick(StreamId),
    /// The file that plays ends some time.
    Play(StreamId, PathBuf),
}

/// The media layer of one user agent.
#[derive(Debug)]
pub struct Audio {
    streams: BTreeMap<StreamId, Stream>,
    ports: BTreeMap<u16, StreamId>,
    next_port: u16,
    faults: Faults,
    entropy: Entropy,
    effects: Vec<Effect>,
}

impl Audio {
    /// A media layer without streams.
    #[must_use]
    pub const fn new(faults: Faults, entropy: Entropy) -> Self {
        Self {
            streams: BTreeMap::new(),
            ports: BTreeMap::new(),
            next_port: 16_384,
            faults,
            entropy,
            effects: Vec::new(),
        }
    }

    /// Streams that were prepared and not stopped.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// How a stream runs, and where it receives.
    #[must_use]
    pub fn running(&self, session: u64) -> Option<(SocketAddr, &StreamSettings)> {
        let of_session = |(id, _): &(&StreamId, &Stream)| id.session == session;
        let (_, stream) = self.streams.iter().find(of_session)?;
        Some((stream.local, stream.rtp.as_ref()?.settings()))
    }

    /// What is to be done since the last call.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn tell(&mut self, event: MediaEvent) {
        self.effects.push(Effect::Tell(event));
    }

    fn fails(&mut self, permille: u64) -> bool {
        permille > 0 && self.entropy.below(1000) < permille
    }

    /// Carries out an order of a session.
    pub fn obey(&mut self, now: Instant, command: MediaCommand) {
        match command {
            MediaCommand::Prepare { stream, address } => self.prepare(stream, address),
            MediaCommand::Start { stream, settings } => self.start(now, stream, settings),
            MediaCommand::Update { stream, settings } => {
                let rtp = self.streams.get_mut(&stream).and_then(|s| s.rtp.as_mut());
                if let Some(rtp) = rtp {
                    rtp.update(now, settings);
                    self.wake(stream, START_TICKS, 0);
                }
            }
            MediaCommand::SendDtmf { stream, digit } => {
                let rtp = self.streams.get_mut(&stream).and_then(|s| s.rtp.as_mut());
                if rtp.is_some_and(|rtp| rtp.send_dtmf(digit).is_ok()) {
                    self.wake(stream, DIGIT_TICKS, 0);
                }
            }
            MediaCommand::StartRecording { stream, file } => self.record(stream, file),
            MediaCommand::StopRecording { stream } => {
                let entry = self.streams.get_mut(&stream);
                if let Some(file) = entry.and_then(|entry| entry.recording.take()) {
                    self.tell(MediaEvent::RecordingStopped { stream, file });
                }
            }
            MediaCommand::Play { stream, file } => {
                self.stop_playing(stream);
                if let Some(entry) = self.streams.get_mut(&stream) {
                    entry.playing = Some(file.clone());
                    self.effects.push(Effect::Play(stream, file));
                }
            }
            MediaCommand::StopPlaying { stream } => self.stop_playing(stream),
            // What is sent in place of the microphone is silence here anyway.
            MediaCommand::Echo { .. } | MediaCommand::Mute { .. } => {}
            MediaCommand::Stop { stream } => self.stop(now, stream),
        }
    }

    fn prepare(&mut self, stream: StreamId, address: std::net::IpAddr) {
        if self.fails(self.faults.prepare) {
            let reason = "no port is free".into();
            return self.tell(MediaEvent::PrepareFailed { stream, reason });
        }
        let local = SocketAddr::new(address, self.next_port);
        self.ports.insert(self.next_port, stream);
        self.next_port = self.next_port.checked_add(2).unwrap_or(16_384);
        let counters = Arc::new(StreamCounters::default());
        let entry = Stream {
            local,
            counters: Arc::clone(&counters),
            rtp: None,
            sends: 0,
            listens: 0,
            ticks: false,
            recording: None,
            playing: None,
        };
        self.streams.insert(stream, entry);
        self.tell(MediaEvent::Prepared { stream, local, counters });
    }

    fn start(&mut self, now: Instant, stream: StreamId, settings: StreamSettings) {
        if self.fails(self.faults.start) {
            let reason = "the stream broke".into();
            return self.tell(MediaEvent::Failed { stream, reason });
        }
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let (counters, entropy) = (Arc::clone(&entry.counters), &mut self.entropy);
        let rtp = RtpStream::new(settings, counters, "cname", entropy, now);
        entry.rtp = Some(Box::new(rtp));
        self.wake(stream, START_TICKS, 0);
    }

    fn record(&mut self, stream: StreamId, file: PathBuf) {
        if self.fails(self.faults.record) {
            let reason = "permission denied".into();
            return self.tell(MediaEvent::RecordingFailed { stream, file, reason });
        }
        if let Some(entry) = self.streams.get_mut(&stream) {
            entry.recording = Some(file.clone());
            self.tell(MediaEvent::RecordingStarted { stream, file });
        }
    }

    fn stop_playing(&mut self, stream: StreamId) {
        let playing = self.streams.get_mut(&stream).and_then(|entry| entry.playing.take());
        if let Some(file) = playing {
            self.tell(MediaEvent::PlayEnded { stream, file, failure: None });
        }
    }

    /// A file that plays has reached its end.
    pub fn play_ends(&mut self, stream: StreamId, file: &PathBuf) {
        if self.streams.get(&stream).is_some_and(|entry| entry.playing.as_ref() == Some(file)) {
            self.stop_playing(stream);
        }
    }

    fn stop(&mut self, now: Instant, stream: StreamId) {
        self.stop_playing(stream);
        let Some(mut entry) = self.streams.remove(&stream) else { return };
        self.ports.retain(|_, of| *of != stream);
        let mut packet = [0; DATAGRAM_MAX];
        if let Some(out) = entry.rtp.as_mut().and_then(|rtp| rtp.bye(now, &mut packet)) {
            let bytes = Arc::from(&packet[..out.length]);
            self.effects.push(Effect::Send(entry.local, out.to, bytes));
        }
        if let Some(file) = entry.recording {
            self.tell(MediaEvent::RecordingStopped { stream, file });
        }
    }

    fn wake(&mut self, id: StreamId, sends: u32, listens: u32) {
        let Some(entry) = self.streams.get_mut(&id).filter(|entry| entry.rtp.is_some()) else {
            return;
        };
        entry.sends += sends;
        entry.listens = entry.listens.max(listens);
        if !std::mem::replace(&mut entry.ticks, true) {
            self.effects.push(Effect::Tick(id));
        }
    }

    /// A datagram came to one of our ports.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Some(stream) = self.ports.get(&(to.port() & !1)).copied() else { return };
        let rtp = self.streams.get_mut(&stream).and_then(|entry| entry.rtp.as_mut());
        let Some(rtp) = rtp else { return };
        if to.port() & 1 == 0 {
            rtp.receive_rtp(now, from, bytes);
        } else {
            rtp.receive_rtcp(now, from, bytes);
        }
        self.hear(stream);
        self.wake(stream, 0, LISTEN_TICKS);
    }

    fn hear(&mut self, stream: StreamId) {
        let Some(rtp) = self.streams.get_mut(&stream).and_then(|entry| entry.rtp.as_mut()) else {
            return;
        };
        while let Some(event) = rtp.poll_event() {
            let event = match event {
                StreamEvent::SourceSeen(source) => MediaEvent::SourceSeen { stream, source },
                StreamEvent::Dtmf(digit) => MediaEvent::Dtmf { stream, digit },
                StreamEvent::Silent => MediaEvent::Silent { stream },
            };
            self.effects.push(Effect::Tell(event));
        }
    }

    /// One tick of a stream.
    pub fn tick(&mut self, now: Instant, id: StreamId) {
        let Some(entry) = self.streams.get_mut(&id) else { return };
        let Some(rtp) = entry.rtp.as_mut() else { return };
        let rtcp = SocketAddr::new(entry.local.ip(), entry.local.port() + 1);
        let (mut packet, mut heard) = ([0; DATAGRAM_MAX], [0; FRAME]);
        rtp.playout(now, &mut heard);
        if entry.sends > 0 {
            rtp.capture(now, &[0; FRAME]);
            while let Some(out) = rtp.poll_packet(now, &mut packet) {
                let bytes = Arc::from(&packet[..out.length]);
                self.effects.push(Effect::Send(entry.local, out.to, bytes));
            }
            if let Some(out) = rtp.poll_rtcp(now, &mut packet) {
                let bytes = Arc::from(&packet[..out.length]);
                self.effects.push(Effect::Send(rtcp, out.to, bytes));
            }
        }
        entry.sends = entry.sends.saturating_sub(1);
        entry.listens = entry.listens.saturating_sub(1);
        entry.ticks = entry.sends > 0 || entry.listens > 0;
        if entry.ticks {
            self.effects.push(Effect::Tick(id));
        }
        self.hear(id);
    }
}
