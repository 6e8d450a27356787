//! The audio thread: every 20 ms, by an absolute clock, each stream receives, plays, speaks. It
//! takes no lock, makes and frees nothing, and parks while there is no stream.

use std::time::Duration;

use offhook_fsm::Instant;
use rtrb::{Consumer, Producer};

use super::digit_tones::DigitTones;
use super::raw;
use super::sounds::SOUNDS_MAX;
use super::sys::{self, Priority};
use super::voice::{Playing, Scratch, Voice};
use crate::control::StreamId;
use crate::mixer::Mixer;
use crate::stream::{DtmfQueueFull, FRAME, StreamEvent, StreamUpdate};

/// Streams at once.
pub(super) const STREAMS_MAX: usize = 8192;
/// Orders and reports that wait.
pub(super) const RING: usize = 8192;
/// Samples of a live microphone that may wait: 100 ms.
const LIVE_MAX: usize = 800;
/// The length of a tick.
const TICK: Duration = Duration::from_millis(20);
/// Ticks that are made up for after a delay; what is later is left out.
const CATCH_UP: u32 = 5;

/// Orders to the audio thread. What they carry was made elsewhere.
pub(super) enum ToAudio {
    Add(Box<Voice>),
    Update(StreamId, Box<StreamUpdate>),
    SendDtmf(StreamId, char),
    Record(StreamId, Option<Producer<i16>>),
    Play(StreamId, Option<Playing>),
    Raw(StreamId, Box<raw::RawEnds>),
    Echo(StreamId, bool),
    Mute(StreamId, bool),
    /// For the speaker alone; `None` ends the one of that number.
    Sound(u64, Option<Playing>),
    Remove(StreamId),
    Device(DeviceEnds),
    Stop,
}

/// What it tells, and what it gives back to be freed.
pub(super) enum FromAudio {
    Event(StreamId, StreamEvent),
    DtmfRefused(StreamId, DtmfQueueFull),
    /// A file was played to its end.
    Played(StreamId, Playing),
    /// A sound was heard to its end.
    SoundOver(Playing),
    /// Nothing more comes for this recording.
    Recorded(StreamId, Producer<i16>),
    Removed(Box<Voice>),
    Garbage(Garbage),
}

/// To be freed elsewhere.
#[allow(dead_code, reason = "it is carried to be dropped")]
pub(super) enum Garbage {
    Update(Box<StreamUpdate>),
    Playing(Playing),
    Raw(Box<raw::RawEnds>),
    Record(Producer<i16>),
    Device(DeviceEnds),
}

/// The device's rings: 8000 Hz mono. Absent ends stand for silence and for nobody listening.
#[derive(Debug, Default)]
pub(super) struct DeviceEnds {
    pub(super) microphone: Option<Consumer<i16>>,
    pub(super) speaker: Option<Producer<i16>>,
    /// The microphone's samples come by its own clock: what piles up is left out.
    pub(super) is_live: bool,
}

pub(super) struct AudioThread {
    orders: Consumer<ToAudio>,
    reports: Producer<FromAudio>,
    #[allow(clippy::vec_box, reason = "voices are made and freed elsewhere, as they are")]
    voices: Vec<Box<Voice>>,
    sounds: Vec<Playing>,
    digits: DigitTones,
    /// The user is to hear digits.
    playback_dtmf: bool,
    device: DeviceEnds,
    scratch: Box<Scratch>,
    /// What found no room in the ring.
    waiting: Vec<FromAudio>,
}

impl AudioThread {
    pub(super) fn new(
        orders: Consumer<ToAudio>,
        reports: Producer<FromAudio>,
        playback_dtmf: bool,
    ) -> Self {
        Self {
            orders,
            reports,
            voices: Vec::with_capacity(STREAMS_MAX),
            sounds: Vec::with_capacity(SOUNDS_MAX),
            digits: DigitTones::default(),
            playback_dtmf,
            device: DeviceEnds::default(),
            scratch: Box::default(),
            waiting: Vec::with_capacity(RING),
        }
    }

    /// Runs until it is ordered to stop, or the control thread is gone.
    pub(super) fn run(mut self) {
        match sys::raise_priority() {
            Priority::Realtime => log::debug!("the audio thread runs with realtime priority"),
            Priority::Raised => log::info!("no realtime priority: the audio thread is only nicer"),
            Priority::Ordinary => {
                log::warn!("the audio thread has no priority: under load audio may stutter");
            }
        }
        let mut next = sys::now();
        loop {
            let now = sys::now();
            if !self.obey(now) {
                return;
            }
            self.flush();
            if self.voices.is_empty() && self.sounds.is_empty() && self.waiting.is_empty() {
                self.digits.stop();
                std::thread::park();
                next = sys::now();
                continue;
            }
            if next > now {
                sys::sleep_until(next);
            }
            self.tick(next);
            next += TICK;
            let late = sys::now() - next;
            if late > TICK * CATCH_UP {
                next = sys::now();
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        let mut microphone = [0; FRAME];
        if let Some(ring) = &mut self.device.microphone {
            while self.device.is_live && ring.slots() > LIVE_MAX {
                raw::read(ring, &mut microphone);
            }
            raw::read(ring, &mut microphone);
        }
        let mut mix = Mixer::default();
        for at in 0..self.voices.len() {
            let Some(voice) = self.voices.get_mut(at) else { break };
            let id = voice.id;
            let ended = voice.tick(now, &microphone, &mut self.scratch);
            if voice.raw.is_none() {
                mix.add(&self.scratch.heard);
            }
            while let Some(event) = self.voices.get_mut(at).and_then(|v| v.stream.poll_event()) {
                if let StreamEvent::Dtmf(digit) = event {
                    self.hear_digit(digit);
                }
                self.report(FromAudio::Event(id, event));
            }
            if let Some(playing) = ended {
                self.report(FromAudio::Played(id, playing));
            }
        }
        self.sound(&mut mix);
        self.digits.add_to(&mut mix);
        if let Some(ring) = &mut self.device.speaker {
            let mut frame = [0; FRAME];
            mix.all(&mut frame);
            // A device that takes nothing loses samples.
            let _taken = raw::write(ring, &frame);
        }
    }

    /// Adds the sounds; those that are over go back.
    fn sound(&mut self, mix: &mut Mixer) {
        for at in (0..self.sounds.len()).rev() {
            let Some(playing) = self.sounds.get_mut(at) else { break };
            let mut frame = [0; FRAME];
            let count = raw::read(&mut playing.ring, &mut frame);
            mix.add(&frame);
            if count == 0 && playing.ring.is_abandoned() && playing.ring.is_empty() {
                let over = self.sounds.swap_remove(at);
                self.report(FromAudio::SoundOver(over));
            }
        }
    }

    /// Takes its orders; `false` when it is to end.
    fn obey(&mut self, now: Instant) -> bool {
        loop {
            match self.orders.pop() {
                Ok(ToAudio::Stop) => {
                    while let Some(id) = self.voices.first().map(|voice| voice.id) {
                        self.remove(now, id);
                    }
                    self.flush();
                    return false;
                }
                Ok(order) => self.carry_out(now, order),
                Err(_) => return !self.orders.is_abandoned(),
            }
        }
    }

    fn carry_out(&mut self, now: Instant, order: ToAudio) {
        match order {
            // The control thread lets in no more than there is room for.
            ToAudio::Add(voice) => self.voices.push(voice),
            ToAudio::Update(id, mut update) => {
                if let Some(voice) = self.voice(id) {
                    voice.stream.exchange(now, &mut update);
                }
                // What it replaced goes back in the box.
                self.report(FromAudio::Garbage(Garbage::Update(update)));
            }
            ToAudio::SendDtmf(id, digit) => {
                let sent = self.voice(id).map(|voice| voice.stream.send_dtmf(digit));
                match sent {
                    Some(Ok(())) => self.hear_digit(digit),
                    Some(Err(error)) => self.report(FromAudio::DtmfRefused(id, error)),
                    None => {}
                }
            }
            ToAudio::Record(id, ring) => {
                let old = match self.voice(id) {
                    Some(voice) => std::mem::replace(&mut voice.record, ring),
                    None => ring,
                };
                if let Some(ring) = old {
                    self.report(FromAudio::Recorded(id, ring));
                }
            }
            ToAudio::Play(id, playing) => {
                let old = match self.voice(id) {
                    Some(voice) => std::mem::replace(&mut voice.play, playing),
                    None => playing,
                };
                if let Some(playing) = old {
                    self.report(FromAudio::Garbage(Garbage::Playing(playing)));
                }
            }
            ToAudio::Raw(id, mut ends) => {
                if let Some(voice) = self.voice(id) {
                    match &mut voice.raw {
                        Some(raw) => std::mem::swap(raw, &mut ends),
                        // The box is freed with the voice's own.
                        None => return self.adopt(id, ends),
                    }
                }
                self.report(FromAudio::Garbage(Garbage::Raw(ends)));
            }
            ToAudio::Echo(id, on) => {
                if let Some(voice) = self.voice(id) {
                    voice.echo = on;
                }
            }
            ToAudio::Mute(id, on) => {
                if let Some(voice) = self.voice(id) {
                    voice.mute = on;
                }
            }
            ToAudio::Sound(number, playing) => {
                let old = self.sounds.iter().position(|sound| sound.number == number);
                if let Some(at) = old {
                    let old = self.sounds.swap_remove(at);
                    self.report(FromAudio::Garbage(Garbage::Playing(old)));
                }
                match playing {
                    Some(playing) if self.sounds.len() < SOUNDS_MAX => self.sounds.push(playing),
                    Some(playing) => self.report(FromAudio::Garbage(Garbage::Playing(playing))),
                    None => {}
                }
            }
            ToAudio::Remove(id) => self.remove(now, id),
            ToAudio::Device(ends) => {
                let old = std::mem::replace(&mut self.device, ends);
                self.report(FromAudio::Garbage(Garbage::Device(old)));
            }
            ToAudio::Stop => {}
        }
    }

    fn hear_digit(&mut self, digit: char) {
        if self.playback_dtmf && self.device.is_live {
            self.digits.play(digit);
        }
    }

    fn adopt(&mut self, id: StreamId, ends: Box<raw::RawEnds>) {
        if let Some(voice) = self.voice(id) {
            voice.raw = Some(ends);
        }
    }

    fn remove(&mut self, now: Instant, id: StreamId) {
        if let Some(at) = self.voices.iter().position(|voice| voice.id == id) {
            let mut voice = self.voices.swap_remove(at);
            voice.say_bye(now, &mut self.scratch);
            self.report(FromAudio::Removed(voice));
        }
    }

    fn voice(&mut self, id: StreamId) -> Option<&mut Voice> {
        self.voices.iter_mut().find(|voice| voice.id == id).map(|voice| &mut **voice)
    }

    fn report(&mut self, report: FromAudio) {
        if let Err(rtrb::PushError::Full(report)) = self.reports.push(report) {
            // An event more or less; what must be freed elsewhere waits.
            let is_event = matches!(report, FromAudio::Event(..) | FromAudio::DtmfRefused(..));
            if !is_event && self.waiting.len() < self.waiting.capacity() {
                self.waiting.push(report);
            }
        }
    }

    fn flush(&mut self) {
        while let Some(report) = self.waiting.pop() {
            if let Err(rtrb::PushError::Full(report)) = self.reports.push(report) {
                self.waiting.push(report);
                return;
            }
        }
    }
}
