//! A parrot on the telephone: greets each caller with a tone, listens, and says back what it heard
//! as soon as the caller pauses. It shows raw audio: the program reads and writes samples at its
//! own pace, the library paces the wire.
//!
//! `cargo run --example voice_robot -- 127.0.0.1:5070`

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use offhook::media::shell::{AudioSink, AudioSource};
use offhook::media::tone::sine;
use offhook::notification::{NotificationData, Sender};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{
    Config, Delivery, Engine, Filter, Listener, NotificationCenter, Session, Subscription,
};

type Error = Box<dyn std::error::Error>;

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
        let greeting = sine(440.0, 8000, 8000, 4000).into();
        Ok(Self { _call: call, source, sink, saying: greeting, heard: Vec::new(), quiet: 0 })
    }

    /// Takes what came, gives what fits.
    fn serve(&mut self) {
        let mut part = [0; 160];
        while let count @ 1.. = self.sink.read(&mut part) {
            part.iter().take(count).for_each(|sample| self.hear(*sample));
        }
        let said = self.source.write(self.saying.make_contiguous());
        self.saying.drain(..said);
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

/// An engine whose every call is a parrot's.
pub(crate) struct Robot {
    pub(crate) engine: Engine,
    events: Subscription,
    calls: BTreeMap<Sender, Parrot>,
}

impl Robot {
    /// Starts the engine.
    pub(crate) fn start(address: SocketAddr) -> Result<Self, Error> {
        let listeners = vec![Listener { transport: Transport::Udp, address }];
        let center = NotificationCenter::new()?;
        let events = center.subscribe(Filter::ALL, 1024);
        let engine = Engine::start(Config { listeners, ..Config::default() }, center)?;
        Ok(Self { engine, events, calls: BTreeMap::new() })
    }

    /// Looks after the calls for 10 ms.
    pub(crate) fn serve(&mut self) {
        if let Some(Delivery::Notification(told)) = self.events.next(Duration::from_millis(10)) {
            match (told.sender, told.data) {
                (Sender::Session(id), NotificationData::SessionNewIncoming { .. }) => {
                    let call = self.engine.session_manager().get(id);
                    match call.map(Parrot::new) {
                        Some(Ok(parrot)) => drop(self.calls.insert(told.sender, parrot)),
                        Some(Err(error)) => log::warn!("{error}"),
                        None => {}
                    }
                }
                (sender, NotificationData::SessionDidEnd { .. }) => {
                    self.calls.remove(&sender);
                }
                _ => {}
            }
        }
        self.calls.values_mut().for_each(Parrot::serve);
    }
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5070".into()).parse()?;
    let mut robot = Robot::start(address)?;
    #[allow(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("call {}; Ctrl-C ends", robot.engine.uri());
    }
    loop {
        robot.serve();
    }
}
