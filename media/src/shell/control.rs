//! The control thread: makes sockets, buffers, files and devices, hands them ready-made to the
//! audio thread, frees what comes back, and carries events to the sessions.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use offhook_fsm::Entropy;
use rtrb::{Consumer, Producer, RingBuffer};

use super::audio::{AudioThread, FromAudio, RING, STREAMS_MAX, ToAudio};
use super::device::OpenDevice;
use super::mailbox::{Receiver, Sender};
use super::media::MediaConfig;
use super::player::{Fed, Player};
use super::ports::{self, Sockets};
use super::raw::RawEnds;
use super::recorder::Recorder;
use super::sounds::{Act, Sounds};
use super::sys;
use super::voice::{Playing, Voice};
use crate::control::{MediaCommand, MediaEvent, StreamId, StreamSettings};
use crate::statistics::StreamCounters;
use crate::stream::{RtpStream, StreamEvent, StreamUpdate};

/// While there are streams: how often files are fed and drained and events carried.
const PACE: Duration = Duration::from_millis(20);
/// Sessions whose raw audio waits for their stream.
const RAWS_MAX: usize = 1024;

/// What the control thread is woken for.
pub(super) enum Mail {
    Command(Box<MediaCommand>),
    Attach(u64, Box<RawEnds>),
    /// The session has ended.
    Detach(u64),
    /// The device broke.
    DeviceFailed(String),
    /// Number, file, and the pause before it begins anew.
    PlaySound(u64, PathBuf, Option<Duration>),
    StopSound(u64),
    Stop(crossbeam_channel::Sender<()>),
}

/// A stream from its preparation to its end.
struct Stream {
    counters: Arc<StreamCounters>,
    /// Until the stream starts.
    sockets: Option<Sockets>,
    player: Option<CurrentFile>,
    /// The ring of a file that waits for the start.
    early_play: Option<Playing>,
    recorder: Option<Recorder>,
    raw: Option<Box<RawEnds>>,
    echo: bool,
    mute: bool,
    /// The audio thread was told to give it back.
    leaving: bool,
}

struct CurrentFile {
    number: u64,
    file: PathBuf,
    /// Gone once all of the file is in the ring.
    player: Option<Player>,
}

pub(super) struct Control {
    config: MediaConfig,
    entropy: Entropy,
    mailbox: Receiver<Mail>,
    own: Weak<Sender<Mail>>,
    tell: Box<dyn Fn(MediaEvent) + Send>,
    orders: Producer<ToAudio>,
    reports: Consumer<FromAudio>,
    /// Orders that found no room.
    backlog: VecDeque<ToAudio>,
    audio: Option<JoinHandle<()>>,
    streams: BTreeMap<StreamId, Stream>,
    raws: BTreeMap<u64, Box<RawEnds>>,
    device: OpenDevice,
    cname: String,
    next_file: u64,
    sounds: Sounds,
}

impl Control {
    /// Starts the audio thread.
    pub(super) fn start(
        config: MediaConfig,
        mut entropy: Entropy,
        mailbox: Receiver<Mail>,
        own: Weak<Sender<Mail>>,
        tell: impl Fn(MediaEvent) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, their_orders) = RingBuffer::new(RING);
        let (their_reports, reports) = RingBuffer::new(RING);
        let thread = AudioThread::new(their_orders, their_reports, config.playback_dtmf);
        let audio =
            std::thread::Builder::new().name("offhook-audio".into()).spawn(move || thread.run())?;
        // RFC 7022 §4.2: a name for this run that tells nothing of the host.
        let cname = String::from_utf8_lossy(&entropy.hex::<24>()).into_owned();
        let sounds = Sounds::new(config.sounds_volume);
        Ok(Self {
            config,
            entropy,
            mailbox,
            own,
            tell: Box::new(tell),
            orders,
            reports,
            backlog: VecDeque::new(),
            audio: Some(audio),
            streams: BTreeMap::new(),
            raws: BTreeMap::new(),
            device: OpenDevice::Closed,
            cname,
            next_file: 0,
            sounds,
        })
    }

    /// Serves until `Stop`, or until nobody can reach it any more.
    pub(super) fn run(&mut self) {
        loop {
            if self.audio.as_ref().is_some_and(JoinHandle::is_finished) {
                return self.broken("the audio thread panicked");
            }
            // Once nothing runs there is nothing to look after.
            let idle = self.is_resting() && self.backlog.is_empty();
            let mail = if idle {
                self.mailbox.recv().ok_or(RecvTimeoutError::Disconnected)
            } else {
                self.mailbox.recv_timeout(PACE)
            };
            match mail {
                Ok(Mail::Command(command)) => self.obey(*command),
                Ok(Mail::Attach(session, ends)) => self.attach(session, ends),
                Ok(Mail::Detach(session)) => drop(self.raws.remove(&session)),
                Ok(Mail::DeviceFailed(reason)) => self.device_failed(&reason),
                Ok(Mail::PlaySound(sound, file, pause)) => {
                    let act = self.sounds.play(sound, file, pause);
                    self.act(act);
                }
                Ok(Mail::StopSound(sound)) => {
                    let act = self.sounds.stop(sound);
                    self.act(act);
                }
                Ok(Mail::Stop(done)) => {
                    self.end();
                    // Whoever stops us waits no longer than it said.
                    let _gone = done.try_send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            }
            self.serve();
        }
    }

    /// Tells that there is no audio any more, and ends what is left of it.
    pub(super) fn broken(&mut self, reason: &str) {
        self.tell(MediaEvent::Broken { reason: reason.to_owned() });
        log::error!("{reason}");
        self.end();
    }

    /// Carries what the audio thread tells, feeds and drains the files.
    fn serve(&mut self) {
        while let Ok(report) = self.reports.pop() {
            self.hear(report);
        }
        let ids: Vec<StreamId> = self.streams.keys().copied().collect();
        for id in ids {
            self.feed(id);
            self.drain(id);
        }
        let acts = self.sounds.serve(sys::now());
        self.act(acts);
        self.device.serve();
        while let Some(order) = self.backlog.pop_front() {
            if let Err(rtrb::PushError::Full(order)) = self.orders.push(order) {
                self.backlog.push_front(order);
                break;
            }
        }
        self.wake();
        if self.is_resting() {
            self.device.rest();
            if self.device.is_closed_when_idle() {
                self.close_device();
            }
        }
    }

    /// Nobody speaks, and nothing sounds.
    fn is_resting(&self) -> bool {
        self.streams.is_empty() && self.sounds.is_empty()
    }

    fn act(&mut self, acts: impl IntoIterator<Item = Act>) {
        for act in acts {
            match act {
                Act::Play(number, ring) => {
                    self.open_device();
                    self.order(ToAudio::Sound(number, Some(Playing { number, ring })));
                }
                Act::Stop(number) => self.order(ToAudio::Sound(number, None)),
            }
        }
    }

    fn order(&mut self, order: ToAudio) {
        if !self.backlog.is_empty() {
            self.backlog.push_back(order);
        } else if let Err(rtrb::PushError::Full(order)) = self.orders.push(order) {
            self.backlog.push_back(order);
        }
        self.wake();
    }

    fn wake(&self) {
        if let Some(audio) = &self.audio {
            audio.thread().unpark();
        }
    }

    fn tell(&self, event: MediaEvent) {
        (self.tell)(event);
    }

    fn obey(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Prepare { stream, address } => self.prepare(stream, address),
            MediaCommand::Start { stream, settings } => self.begin(stream, settings),
            MediaCommand::Update { stream, settings } => {
                self.order(ToAudio::Update(stream, Box::new(StreamUpdate::new(settings))));
            }
            MediaCommand::SendDtmf { stream, digit } => {
                self.order(ToAudio::SendDtmf(stream, digit));
            }
            MediaCommand::StartRecording { stream, file } => self.start_recording(stream, file),
            MediaCommand::StopRecording { stream } => {
                self.order(ToAudio::Record(stream, None));
            }
            MediaCommand::Play { stream, file } => self.play(stream, file),
            MediaCommand::StopPlaying { stream } => self.stop_playing(stream, None),
            MediaCommand::Echo { stream, on } => {
                if let Some(entry) = self.streams.get_mut(&stream) {
                    entry.echo = on;
                    self.order(ToAudio::Echo(stream, on));
                }
            }
            MediaCommand::Mute { stream, on } => {
                if let Some(entry) = self.streams.get_mut(&stream) {
                    entry.mute = on;
                    self.order(ToAudio::Mute(stream, on));
                }
            }
            MediaCommand::Stop { stream } => self.stop(stream),
        }
    }

    fn prepare(&mut self, stream: StreamId, address: IpAddr) {
        let refused = |reason: String| MediaEvent::PrepareFailed { stream, reason };
        if self.streams.len() >= STREAMS_MAX {
            return self.tell(refused(format!("{STREAMS_MAX} audio streams run already")));
        }
        let sockets = match ports::bind(address, &self.config.rtp_ports, &mut self.entropy) {
            Ok(sockets) => sockets,
            Err(reason) => return self.tell(refused(reason)),
        };
        self.open_device();
        let counters = Arc::new(StreamCounters::default());
        let local = sockets.local;
        let entry = Stream {
            counters: Arc::clone(&counters),
            sockets: Some(sockets),
            player: None,
            early_play: None,
            recorder: None,
            raw: self.raws.remove(&stream.session),
            echo: false,
            mute: self.config.muted,
            leaving: false,
        };
        self.streams.insert(stream, entry);
        self.tell(MediaEvent::Prepared { stream, local, counters });
    }

    fn begin(&mut self, id: StreamId, settings: StreamSettings) {
        let Some(entry) = self.streams.get_mut(&id) else { return };
        let Some(sockets) = entry.sockets.take() else { return };
        // What came before the start is old by now.
        let mut old = [0; 16];
        while sockets.rtp.recv_from(&mut old).is_ok() {}
        let counters = Arc::clone(&entry.counters);
        let now = sys::now();
        let stream = RtpStream::new(settings, counters, &self.cname, &mut self.entropy, now);
        let voice = Box::new(Voice {
            id,
            rtp: sockets.rtp,
            rtcp: sockets.rtcp,
            stream,
            play: entry.early_play.take(),
            record: None,
            raw: entry.raw.take(),
            echo: entry.echo,
            mute: entry.mute,
        });
        self.order(ToAudio::Add(voice));
    }

    fn stop(&mut self, id: StreamId) {
        let Some(entry) = self.streams.get_mut(&id) else { return };
        if entry.sockets.is_some() {
            // It never started.
            self.streams.remove(&id);
            return;
        }
        if !entry.leaving {
            entry.leaving = true;
            self.order(ToAudio::Remove(id));
        }
    }

    fn attach(&mut self, session: u64, ends: Box<RawEnds>) {
        let entry = self.streams.iter_mut().find(|(id, _)| id.session == session);
        match entry {
            Some((_, entry)) if entry.sockets.is_some() => entry.raw = Some(ends),
            Some((id, _)) => {
                let id = *id;
                self.order(ToAudio::Raw(id, ends));
            }
            None if self.raws.len() < RAWS_MAX => {
                self.raws.insert(session, ends);
            }
            None => log::warn!("raw audio waits for {RAWS_MAX} sessions already: one is dropped"),
        }
    }

    fn start_recording(&mut self, stream: StreamId, file: PathBuf) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        match Recorder::create(&file) {
            Ok((recorder, ring)) => {
                entry.recorder = Some(recorder);
                self.order(ToAudio::Record(stream, Some(ring)));
                self.tell(MediaEvent::RecordingStarted { stream, file });
            }
            Err(reason) => self.tell(MediaEvent::RecordingFailed { stream, file, reason }),
        }
    }

    /// Nothing more comes for a recording.
    fn finish_recording(&mut self, stream: StreamId) {
        let recorder = self.streams.get_mut(&stream).and_then(|entry| entry.recorder.take());
        if let Some(recorder) = recorder {
            self.close_recording(stream, recorder);
        }
    }

    fn close_recording(&self, stream: StreamId, recorder: Recorder) {
        let file = recorder.file.clone();
        match recorder.finish() {
            Ok(()) => self.tell(MediaEvent::RecordingStopped { stream, file }),
            Err(reason) => self.tell(MediaEvent::RecordingFailed { stream, file, reason }),
        }
    }

    fn play(&mut self, stream: StreamId, file: PathBuf) {
        if !self.streams.contains_key(&stream) {
            return;
        }
        self.stop_playing(stream, None);
        let (player, ring) = match Player::open(&file, 100) {
            Ok(opened) => opened,
            Err(reason) => {
                return self.tell(MediaEvent::PlayEnded { stream, file, failure: Some(reason) });
            }
        };
        self.next_file += 1;
        let number = self.next_file;
        let playing = Playing { number, ring };
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        entry.player = Some(CurrentFile { number, file, player: Some(player) });
        if entry.sockets.is_some() {
            entry.early_play = Some(playing);
        } else {
            self.order(ToAudio::Play(stream, Some(playing)));
        }
    }

    fn stop_playing(&mut self, stream: StreamId, failure: Option<String>) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let Some(current) = entry.player.take() else { return };
        if entry.sockets.is_some() {
            entry.early_play = None;
        } else {
            self.order(ToAudio::Play(stream, None));
        }
        self.tell(MediaEvent::PlayEnded { stream, file: current.file, failure });
    }

    fn feed(&mut self, stream: StreamId) {
        let current = self.streams.get_mut(&stream).and_then(|entry| entry.player.as_mut());
        let Some(current) = current else { return };
        let fed = current.player.as_mut().map(Player::feed);
        match fed {
            // The ring's end tells the audio thread that nothing more comes.
            Some(Fed::Over) => current.player = None,
            Some(Fed::Broken(reason)) => self.stop_playing(stream, Some(reason)),
            Some(Fed::More) | None => {}
        }
    }

    fn drain(&mut self, stream: StreamId) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let Some(Err(reason)) = entry.recorder.as_mut().map(Recorder::drain) else { return };
        let file = entry.recorder.take().map(|recorder| recorder.file).unwrap_or_default();
        self.order(ToAudio::Record(stream, None));
        self.tell(MediaEvent::RecordingFailed { stream, file, reason });
    }

    fn hear(&mut self, report: FromAudio) {
        match report {
            FromAudio::Event(stream, StreamEvent::SourceSeen(source)) => {
                self.tell(MediaEvent::SourceSeen { stream, source });
            }
            FromAudio::Event(stream, StreamEvent::Dtmf(digit)) => {
                self.tell(MediaEvent::Dtmf { stream, digit });
            }
            FromAudio::Event(stream, StreamEvent::Silent) => {
                self.tell(MediaEvent::Silent { stream });
            }
            FromAudio::DtmfRefused(stream, error) => {
                log::warn!("a digit of session {} is not sent: {error}", stream.session);
            }
            FromAudio::Played(stream, playing) => {
                let entry = self.streams.get_mut(&stream);
                let ended = entry.and_then(|entry| {
                    entry.player.take_if(|current| current.number == playing.number)
                });
                if let Some(CurrentFile { file, .. }) = ended {
                    self.tell(MediaEvent::PlayEnded { stream, file, failure: None });
                }
            }
            FromAudio::SoundOver(playing) => self.sounds.over(playing.number, sys::now()),
            FromAudio::Recorded(stream, ring) => {
                drop(ring);
                self.finish_recording(stream);
            }
            FromAudio::Removed(voice) => {
                let id = voice.id;
                drop(voice);
                if let Some(entry) = self.streams.remove(&id) {
                    self.forget(id, entry);
                }
            }
            FromAudio::Garbage(garbage) => drop(garbage),
        }
    }

    /// A stream is gone: what it held is closed.
    fn forget(&self, stream: StreamId, entry: Stream) {
        if let Some(CurrentFile { file, .. }) = entry.player {
            self.tell(MediaEvent::PlayEnded { stream, file, failure: None });
        }
        if let Some(recorder) = entry.recorder {
            self.close_recording(stream, recorder);
        }
    }

    fn open_device(&mut self) {
        if self.device.is_open() {
            return;
        }
        let own = self.own.clone();
        let broken = move |reason: String| {
            if let Some(own) = own.upgrade() {
                // A full mailbox: the next callback tells it again.
                let _full = own.try_send(Mail::DeviceFailed(reason));
            }
        };
        match OpenDevice::open(&self.config.device, broken) {
            Ok((device, ends)) => {
                self.device = device;
                self.order(ToAudio::Device(ends));
            }
            Err(reason) => {
                self.device = OpenDevice::Silent;
                self.tell_device_failed(reason);
            }
        }
    }

    fn close_device(&mut self) {
        let device = std::mem::replace(&mut self.device, OpenDevice::Closed);
        self.order(ToAudio::Device(super::audio::DeviceEnds::default()));
        if let Err(reason) = device.close() {
            self.tell_device_failed(reason);
        }
    }

    /// The device is replaced by silence; calls go on.
    fn device_failed(&mut self, reason: &str) {
        if matches!(self.device, OpenDevice::Silent | OpenDevice::Closed) {
            return;
        }
        let device = std::mem::replace(&mut self.device, OpenDevice::Silent);
        self.order(ToAudio::Device(super::audio::DeviceEnds::default()));
        drop(device);
        self.tell_device_failed(reason.to_owned());
    }

    fn tell_device_failed(&self, reason: String) {
        log::warn!("the sound device failed: {reason}");
        let device = format!("{:?}", self.config.device);
        self.tell(MediaEvent::DeviceFailed { device, reason });
    }

    /// Ends the audio thread and closes everything.
    fn end(&mut self) {
        while let Some(order) = self.backlog.pop_front() {
            drop(order);
        }
        let mut stop = ToAudio::Stop;
        while let Err(rtrb::PushError::Full(order)) = self.orders.push(stop) {
            stop = order;
            if self.audio.as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
            self.wake();
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.wake();
        if let Some(audio) = self.audio.take()
            && audio.join().is_err()
        {
            log::error!("the audio thread panicked");
        }
        while let Ok(report) = self.reports.pop() {
            self.hear(report);
        }
        for (id, entry) in std::mem::take(&mut self.streams) {
            self.forget(id, entry);
        }
        let device = std::mem::replace(&mut self.device, OpenDevice::Closed);
        if let Err(reason) = device.close() {
            self.tell_device_failed(reason);
        }
    }
}
