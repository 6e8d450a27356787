//! A parrot on the telephone: greets each caller with a tone, listens, and says back what it heard
//! as soon as the caller pauses. It shows raw audio: the program reads and writes samples at its
//! own pace, the library paces the wire.
//!
//! `cargo run --example voice_robot -- 127.0.0.1:5070`

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use offhook::media::shell::{AudioSink, AudioSource};
use offhook::media::tone::sine;
use offhook::notification::{NotificationData, Sender};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Config, Delivery, Engine, Filter, Listener, NotificationCenter, Session};

type Error = Box<dyn std::error::Error>;

/// Samples a second.
const RATE: u32 = 8000;
/// A sample that is louder belongs to speech.
const SPEECH: u16 = 500;
/// So many quiet samples end what is said: 600 ms.
const PAUSE: usize = 4800;
/// What is remembered of one utterance: ten seconds.
const MEMORY: usize = 80_000;

/// One call.
struct Parrot {
    _call: Session,
    source: AudioSource,
    sink: AudioSink,
    /// To be said.
    saying: VecDeque<i16>,
    /// Heard since the last pause.
    heard: Vec<i16>,
    quiet: usize,
}

impl Parrot {
    fn new(call: Session) -> Result<Self, Error> {
        call.accept(Streams::AUDIO, &[])?;
        let (source, sink) = call.raw_audio()?;
        let greeting = sine(440.0, 8000, RATE, 4000).into();
        Ok(Self { _call: call, source, sink, saying: greeting, heard: Vec::new(), quiet: 0 })
    }

    /// Takes what came, gives what fits.
    fn serve(&mut self) {
        let mut part = [0; 160];
        loop {
            let count = self.sink.read(&mut part);
            if count == 0 {
                break;
            }
            part.iter().take(count).for_each(|sample| self.hear(*sample));
        }
        while let Some(sample) = self.saying.front() {
            if self.source.write(&[*sample]) == 0 {
                break;
            }
            self.saying.pop_front();
        }
    }

    fn hear(&mut self, sample: i16) {
        let is_speech = sample.unsigned_abs() > SPEECH;
        self.quiet = if is_speech { 0 } else { self.quiet + 1 };
        if (is_speech || !self.heard.is_empty()) && self.heard.len() < MEMORY {
            self.heard.push(sample);
        }
        if self.quiet >= PAUSE && !self.heard.is_empty() {
            self.saying.extend(self.heard.drain(..));
        }
    }
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5070".into()).parse()?;
    let listeners = vec![Listener { transport: Transport::Udp, address }];
    let center = NotificationCenter::new()?;
    let events = center.subscribe(Filter::ALL, 1024);
    let engine = Engine::start(Config { listeners, ..Config::default() }, center)?;
    #[allow(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("call {}; Ctrl-C ends", engine.uri());
    }
    let mut calls: BTreeMap<Sender, Parrot> = BTreeMap::new();
    loop {
        if let Some(Delivery::Notification(told)) = events.next(Duration::from_millis(10)) {
            match (told.sender, told.data) {
                (Sender::Session(id), NotificationData::SessionNewIncoming { .. }) => {
                    let Some(call) = engine.session_manager().get(id) else { continue };
                    match Parrot::new(call) {
                        Ok(parrot) => drop(calls.insert(told.sender, parrot)),
                        Err(error) => log::warn!("{error}"),
                    }
                }
                (sender, NotificationData::SessionDidEnd { .. }) => drop(calls.remove(&sender)),
                _ => {}
            }
        }
        calls.values_mut().for_each(Parrot::serve);
    }
}
