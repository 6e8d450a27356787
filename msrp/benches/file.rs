//! What a file costs: a [`Sender`] over two sessions to a [`Receiver`], in one thread and without
//! sockets. `cargo bench -p offhook-msrp --bench file [-- MIB [CHUNK]]`; 1024 MiB unless told, and
//! with a size of chunks those alone.
#![allow(clippy::print_stdout, reason = "it prints its measurements")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails is none")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use offhook_fsm::Entropy;
use offhook_msrp::chat::{Chat, Event, Features, Input, Local, Output, Peer};
use offhook_msrp::file::{
    Algorithm, FILE_CHUNK_BYTES, Hasher, Receiver, ReceiverInput, ReceiverOutput, Sender,
    SenderInput, SenderOutput,
};
use offhook_msrp::file_selector::FileSelector;

const ALICE: &str = "msrp://192.0.2.1:2855/alice1234567890;tcp";
const BOB: &str = "msrp://192.0.2.2:2855/bob1234567890;tcp";
/// What a socket is read with.
const READ_BYTES: usize = 64 * 1024;
const ZERO: offhook_fsm::Instant = offhook_fsm::Instant::ZERO;

/// The file: this over and over.
struct Content(Vec<u8>);

impl Content {
    fn new() -> Self {
        let mut bytes = vec![0; 1 << 20];
        Entropy::from_u64(1).fill(&mut bytes);
        Self(bytes)
    }

    fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        let at = usize::try_from(offset).unwrap() % self.0.len();
        self.0.iter().as_slice().get(at..(at + len).min(self.0.len())).unwrap().to_vec()
    }

    fn hash(&self, algorithm: Algorithm, mib: u64) -> (Vec<u8>, Duration) {
        let begin = Instant::now();
        let mut hasher = Hasher::new(algorithm);
        for _ in 0..mib {
            hasher.update(&self.0);
        }
        (hasher.finish(), begin.elapsed())
    }
}

struct Side {
    chat: Chat,
    wire: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
}

impl Side {
    fn new(local: Local, peer: &str, seed: u64) -> Self {
        let mut chat = Chat::new(local, Entropy::from_u64(seed)).unwrap();
        chat.handle_input(ZERO, Input::Start(Peer::new(peer))).unwrap();
        chat.handle_input(ZERO, Input::Connected).unwrap();
        Self { chat, wire: VecDeque::new(), events: VecDeque::new() }
    }

    fn drain(&mut self) {
        loop {
            match self.chat.poll_output() {
                Output::Transmit(bytes) => {
                    self.chat.handle_input(ZERO, Input::Written(bytes.len())).unwrap();
                    self.wire.push_back(bytes);
                    // What is written is read at once, as by a peer that keeps up.
                    return;
                }
                Output::Event(event) => self.events.push_back(event),
                Output::Close | Output::Timeout(_) => return,
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(READ_BYTES) {
            self.chat.handle_input(ZERO, Input::Received(piece)).unwrap();
            self.drain();
        }
    }
}

fn transfer(content: &Content, mib: u64, algorithm: Option<Algorithm>, chunk: usize) -> Duration {
    let hashes = algorithm.map(|it| (it.name().to_owned(), content.hash(it, mib).0));
    let hashes = hashes.into_iter().collect();
    let selector = FileSelector { size: Some(mib << 20), hashes, ..FileSelector::default() };
    let mut sender = Sender::new("file", &selector, None).unwrap();
    let mut receiver = Receiver::new(&selector, None, u64::MAX, None).unwrap();
    let features = Features { progress: true, ..Features::default() };
    let alice = Local { chunk_bytes: chunk, features, ..Local::new(ALICE, true) };
    let mut bob = Local::new(BOB, false);
    receiver.set_limits(&mut bob);
    let (mut a, mut b) = (Side::new(alice, BOB, 1), Side::new(bob, ALICE, 2));
    let begin = Instant::now();
    let mut written = 0;
    loop {
        a.drain();
        while let Some(bytes) = a.wire.pop_front() {
            b.receive(&bytes);
        }
        b.drain();
        while let Some(bytes) = b.wire.pop_front() {
            a.receive(&bytes);
        }
        while let Some(event) = a.events.pop_front() {
            sender.handle_input(SenderInput::Chat(event));
        }
        loop {
            match sender.poll_output() {
                SenderOutput::Order(order) => order.carry_out(&mut a.chat, ZERO).unwrap(),
                SenderOutput::Need { offset, len } => {
                    sender.handle_input(SenderInput::Data(content.read(offset, len)));
                }
                SenderOutput::Progress { .. } => {}
                SenderOutput::Finished(result) => assert_eq!(result, Ok(())),
                SenderOutput::Idle => break,
            }
        }
        while let Some(event) = b.events.pop_front() {
            receiver.handle_input(ReceiverInput::Chat(event));
        }
        loop {
            match receiver.poll_output() {
                ReceiverOutput::Write { bytes, .. } => written += bytes.len() as u64,
                ReceiverOutput::Finished(result) => {
                    assert_eq!((result, written), (Ok(mib << 20), mib << 20));
                    return begin.elapsed();
                }
                ReceiverOutput::Idle => break,
                ReceiverOutput::Progress { .. } => {}
                other => assert_eq!(other, ReceiverOutput::Idle),
            }
        }
    }
}

/// The process's highest use of memory.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}

fn main() {
    // As a test it only has to run.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let mut told = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let mib = told.next().unwrap_or(if bench { 1024 } else { 2 });
    let chunk = told.next().and_then(|chunk| usize::try_from(chunk).ok());
    let content = Content::new();
    let tell = |what: &str, took: Duration| {
        let rate = f64::from(u32::try_from(mib).unwrap()) * 1.048_576 / took.as_secs_f64();
        println!("{what:<44} {rate:>8.0} MB/s   peak {}", peak());
    };
    if let Some(chunk) = chunk {
        return tell("no hash", transfer(&content, mib, None, chunk));
    }
    for chunk in [FILE_CHUNK_BYTES, 2048] {
        tell(&format!("no hash, chunks of {chunk}"), transfer(&content, mib, None, chunk));
    }
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256] {
        let name = algorithm.name();
        tell(&format!("{name} alone"), content.hash(algorithm, mib).1);
        let took = transfer(&content, mib, Some(algorithm), FILE_CHUNK_BYTES);
        tell(&format!("{name} as it comes, chunks of {FILE_CHUNK_BYTES}"), took);
    }
}
