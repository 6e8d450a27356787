//! A file from one core over two sessions to the other.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

mod sides;

use offhook_msrp::Limits;
use offhook_msrp::chat::{Event, Features, Input, Local, Outgoing};
use offhook_msrp::file::{
    Algorithm, FILE_CHUNK_BYTES, FileError, Hasher, Order, Receiver, ReceiverInput, ReceiverOutput,
    Sender, SenderInput, SenderOutput,
};
use offhook_msrp::file_selector::{FileRange, FileSelector};

use crate::sides::{ALICE, BOB, Side, pair, settle};

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from((at * 7 + at / 251) % 256).unwrap()).collect()
}

fn selector(content: &[u8], algorithm: Option<Algorithm>) -> FileSelector {
    let hash = |algorithm: Algorithm| {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(content);
        (algorithm.name().to_owned(), hasher.finish())
    };
    FileSelector {
        size: Some(content.len() as u64),
        hashes: algorithm.into_iter().map(hash).collect(),
        ..FileSelector::default()
    }
}

/// Both ends, and what is on their disks.
struct Transfer {
    a: Side,
    b: Side,
    sender: Sender,
    receiver: Receiver,
    source: Vec<u8>,
    stored: Vec<u8>,
    reads: usize,
    progress: (Vec<u64>, Vec<u64>),
    sent: Option<Result<(), FileError>>,
    got: Option<Result<u64, FileError>>,
}

impl Transfer {
    fn new(source: &[u8], sender: Sender, receiver: Receiver) -> Self {
        let features = Features { progress: true, ..Features::default() };
        let chunk_bytes = FILE_CHUNK_BYTES;
        let alice = Local { chunk_bytes, features, ..Local::new(ALICE, true) };
        let mut bob = Local { features, ..Local::new(BOB, false) };
        receiver.set_limits(&mut bob);
        let (a, b) = pair(alice, bob);
        let (source, stored) = (source.to_vec(), Vec::new());
        let (progress, sent, got) = (<(Vec<u64>, Vec<u64>)>::default(), None, None);
        Self { a, b, sender, receiver, source, stored, reads: 0, progress, sent, got }
    }

    fn usual(source: &[u8], algorithm: Option<Algorithm>) -> Self {
        let selector = selector(source, algorithm);
        let sender = Sender::new("file", &selector, None).unwrap();
        Self::new(source, sender, Receiver::new(&selector, None, 1 << 40, None).unwrap())
    }

    /// One round: outputs are carried out, bytes move. False when nothing is left to do.
    fn step(&mut self, cut: usize) -> bool {
        let mut busy = self.send();
        settle(&mut self.a, &mut self.b, cut);
        for event in std::mem::take(&mut self.a.events) {
            self.sender.handle_input(SenderInput::Chat(event));
            busy = true;
        }
        for event in std::mem::take(&mut self.b.events) {
            self.receiver.handle_input(ReceiverInput::Chat(event));
            busy = true;
        }
        self.receive() || busy
    }

    fn send(&mut self) -> bool {
        let mut busy = false;
        loop {
            match self.sender.poll_output() {
                SenderOutput::Order(order) => self.a.carry_out(order),
                SenderOutput::Need { offset, len } => {
                    let from = usize::try_from(offset).unwrap().min(self.source.len());
                    let to = (from + len).min(self.source.len());
                    self.sender.handle_input(SenderInput::Data(self.source[from..to].to_vec()));
                }
                SenderOutput::Progress { sent, acknowledged, total } => {
                    assert!(acknowledged <= sent && sent <= total);
                    self.progress.0.push(acknowledged);
                }
                SenderOutput::Finished(result) => assert_eq!(self.sent.replace(result), None),
                SenderOutput::Idle => return busy,
            }
            busy = true;
        }
    }

    fn receive(&mut self) -> bool {
        let mut busy = false;
        loop {
            match self.receiver.poll_output() {
                ReceiverOutput::Order(order) => self.b.carry_out(order),
                ReceiverOutput::Write { offset, bytes } => {
                    let (from, to) = (offset as usize, offset as usize + bytes.len());
                    self.stored.resize(self.stored.len().max(to), 0);
                    self.stored[from..to].copy_from_slice(&bytes);
                }
                ReceiverOutput::Read { offset, len } => {
                    self.reads += 1;
                    let from = offset as usize;
                    let bytes = self.stored[from..from + len].to_vec();
                    self.receiver.handle_input(ReceiverInput::Data(bytes));
                }
                ReceiverOutput::Progress { received, .. } => self.progress.1.push(received),
                ReceiverOutput::Finished(result) => assert_eq!(self.got.replace(result), None),
                ReceiverOutput::Idle => return busy,
            }
            busy = true;
        }
    }

    fn run(mut self) -> Self {
        while self.step(16 * 1024) {}
        self
    }

    fn run_until(&mut self, received: usize) {
        while self.stored.len() < received {
            assert!(self.step(16 * 1024));
        }
    }
}

impl Side {
    fn carry_out(&mut self, order: Order) {
        // A message that is done meanwhile is no mistake.
        let _done = order.carry_out(&mut self.chat, self.now);
        self.drain();
    }
}

#[test]
fn files_of_every_size_arrive_as_they_were() {
    for algorithm in [None, Some(Algorithm::Sha1), Some(Algorithm::Sha256)] {
        let chunk = FILE_CHUNK_BYTES;
        for bytes in [0, 1, 2047, 2048, chunk - 1, chunk, chunk + 1, 2 * chunk, 5 * chunk + 3] {
            let source = content(bytes);
            let done = Transfer::usual(&source, algorithm).run();
            assert_eq!((done.sent, done.got), (Some(Ok(())), Some(Ok(bytes as u64))), "{bytes}");
            assert!(done.stored == source, "{bytes}");
            assert_eq!(done.reads, 0, "what comes in order is never read again");
        }
    }
}

#[test]
fn a_file_arrives_however_its_stream_is_cut() {
    let source = content(700);
    let selector = selector(&source, Some(Algorithm::Sha256));
    let sender = Sender::new("file", &selector, None).unwrap();
    let receiver = Receiver::new(&selector, None, 700, None).unwrap();
    let mut whole = Transfer::new(&source, sender, receiver);
    whole.send();
    while !whole.a.events.is_empty() {
        for event in std::mem::take(&mut whole.a.events) {
            whole.sender.handle_input(SenderInput::Chat(event));
        }
        whole.send();
    }
    let wire = std::mem::take(&mut whole.a.wire);
    for cut in 0..=wire.len() {
        let (mut b, mut receiver) = (whole.b.clone(), whole.receiver.clone());
        b.put(Input::Received(&wire[..cut]));
        b.put(Input::Received(&wire[cut..]));
        let mut stored = vec![0; 700];
        let mut got = None;
        for event in std::mem::take(&mut b.events) {
            receiver.handle_input(ReceiverInput::Chat(event));
        }
        loop {
            match receiver.poll_output() {
                ReceiverOutput::Write { offset, bytes } => {
                    stored[offset as usize..][..bytes.len()].copy_from_slice(&bytes);
                }
                ReceiverOutput::Finished(result) => got = Some(result),
                ReceiverOutput::Idle => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(got, Some(Ok(700)), "{cut}");
        assert!(stored == source, "{cut}");
    }
}

#[test]
fn progress_goes_up_at_both_ends_and_is_told_a_hundred_times_at_most() {
    let done = Transfer::usual(&content(200 * FILE_CHUNK_BYTES), None).run();
    let (sent, got) = &done.progress;
    assert!(got.is_sorted_by(|a, b| a < b) && (50..=100).contains(&got.len()), "{got:?}");
    assert!(sent.is_sorted() && (50..=200).contains(&sent.len()), "{sent:?}");
    assert!(*sent.last().unwrap() > 190 * FILE_CHUNK_BYTES as u64);
}

#[test]
fn a_transfer_that_was_cut_goes_on_where_it_stopped_and_its_hash_is_of_all_of_it() {
    let source = content(10 * FILE_CHUNK_BYTES + 5);
    for algorithm in [None, Some(Algorithm::Sha1)] {
        let mut first = Transfer::usual(&source, algorithm);
        first.run_until(3 * FILE_CHUNK_BYTES);
        first.b.put(Input::Disconnected(Some("reset".into())));
        while first.step(4096) {}
        let error = first.got.clone().unwrap().unwrap_err();
        assert!(matches!(error, FileError::Lost(_)) && error.is_resumable());
        let here = first.receiver.whole_up_to();
        assert!(here >= 3 * FILE_CHUNK_BYTES as u64 && here < source.len() as u64);

        let selector = selector(&source, algorithm);
        let range = Some(FileRange { start: here + 1, stop: None });
        let mut prefix = Hasher::new(Algorithm::Sha1);
        prefix.update(&first.stored[..here as usize]);
        let sender = Sender::new("rest", &selector, range).unwrap();
        assert_eq!(sender.total(), source.len() as u64 - here);
        let receiver = Receiver::new(&selector, range, 1 << 40, Some(prefix)).unwrap();
        let mut second = Transfer::new(&source, sender, receiver);
        second.stored = first.stored;
        let second = second.run();
        assert_eq!(second.got, Some(Ok(source.len() as u64)));
        assert!(second.stored == source);
    }
}

#[test]
fn a_range_in_the_middle_comes_alone_and_without_the_hash_of_the_whole() {
    let source = content(1000);
    let selector = selector(&source, Some(Algorithm::Sha1));
    let range = Some(FileRange { start: 101, stop: Some(200) });
    let sender = Sender::new("file", &selector, range).unwrap();
    let receiver = Receiver::new(&selector, range, 1000, None).unwrap();
    let done = Transfer::new(&source, sender, receiver).run();
    assert_eq!((done.sent, done.got), (Some(Ok(())), Some(Ok(200))));
    assert_eq!(done.stored[100..], source[100..200]);
}

#[test]
fn a_prefix_that_does_not_fit_is_refused() {
    let selector = selector(&content(1000), Some(Algorithm::Sha1));
    let range = Some(FileRange { start: 11, stop: None });
    let prefix = |algorithm, bytes| {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&content(bytes));
        Some(hasher)
    };
    let new = |prefix| Receiver::new(&selector, range, 1000, prefix).map(|_| ());
    assert_eq!(new(prefix(Algorithm::Sha1, 10)), Ok(()));
    for bad in [
        None,
        prefix(Algorithm::Sha1, 9),
        prefix(Algorithm::Sha1, 11),
        prefix(Algorithm::Sha256, 10),
    ] {
        assert_eq!(new(bad), Err(FileError::Prefix));
    }
}

#[test]
fn r19_a_file_that_is_not_the_announced_one_is_refused_at_its_end() {
    let source = content(3 * FILE_CHUNK_BYTES);
    let selector = selector(&source, Some(Algorithm::Sha256));
    let sender = Sender::new("file", &selector, None).unwrap();
    let receiver = Receiver::new(&selector, None, 1 << 40, None).unwrap();
    let mut other = source;
    other[100_000] ^= 1;
    let done = Transfer::new(&other, sender, receiver).run();
    assert_eq!(done.got, Some(Err(FileError::HashMismatch)));
    assert!(!FileError::HashMismatch.is_resumable());
}

#[test]
fn r19_sizes_are_looked_at_before_and_while_the_file_comes() {
    let told = |size: Option<u64>| FileSelector { size, ..FileSelector::default() };
    let new = |size, range, max| Receiver::new(&told(size), range, max, None).map(|_| ());
    assert_eq!(new(Some(1000), None, 1000), Ok(()));
    assert_eq!(new(Some(1001), None, 1000), Err(FileError::TooLarge { limit: 1000 }));
    let to = |start, stop| Some(FileRange { start, stop });
    assert_eq!(new(Some(1000), to(1000, Some(1000)), 1000), Ok(()));
    assert_eq!(new(Some(1000), to(1001, None), 1000), Ok(()), "nothing is left");
    assert_eq!(new(Some(1000), to(1002, None), 2000), Err(FileError::Range));
    assert_eq!(new(Some(1000), to(1, Some(1001)), 2000), Err(FileError::Range));
    assert_eq!(new(None, to(1002, None), 1000), Err(FileError::TooLarge { limit: 1000 }));

    // The peer sends other sizes than were agreed on: the session's limit and ours.
    for (agreed, sent, fine) in [
        (Some(1000), 1000, true),
        (Some(1000), 1001, false),
        (Some(1000), 999, false),
        (None, 5000, true),
        (None, 5001, false),
    ] {
        let source = content(sent);
        let sender = Sender::new("file", &selector(&source, None), None).unwrap();
        let receiver = Receiver::new(&told(agreed), None, 5000, None).unwrap();
        let done = Transfer::new(&source, sender, receiver).run();
        assert_eq!(done.got == Some(Ok(sent as u64)), fine, "{agreed:?} {sent}");
        if sent > 1000 && !fine {
            let code = 413;
            assert!(
                matches!(done.sent, Some(Err(FileError::NotDelivered { code: c, .. })) if c == code)
            );
            assert!(done.stored.is_empty());
        }
    }
}

#[test]
fn r19_a_session_that_lets_too_much_through_does_not_fool_the_receiver() {
    let told = FileSelector { size: Some(10), ..FileSelector::default() };
    let piece = |id: &str, offset, bytes: usize| {
        ReceiverInput::Chat(Event::Piece { id: id.into(), offset, bytes: content(bytes) })
    };
    for (offset, bytes) in [(0, 11), (10, 1), (u64::MAX, 1), (u64::MAX - 1, 9)] {
        let mut receiver = Receiver::new(&told, None, 100, None).unwrap();
        receiver.handle_input(piece("m", offset, bytes));
        let refuse = Order::Refuse { id: "m".into(), status: 413 };
        assert_eq!(receiver.poll_output(), ReceiverOutput::Order(refuse));
        let end = receiver.poll_output();
        assert!(matches!(
            end,
            ReceiverOutput::Finished(Err(FileError::SizeMismatch { told: 10, .. }))
        ));
    }
    // A second message is no file.
    let mut receiver = Receiver::new(&told, None, 100, None).unwrap();
    receiver.handle_input(piece("m", 0, 5));
    receiver.handle_input(piece("n", 5, 5));
    assert!(matches!(receiver.poll_output(), ReceiverOutput::Write { offset: 0, .. }));
    let refuse = Order::Refuse { id: "n".into(), status: 413 };
    assert_eq!(receiver.poll_output(), ReceiverOutput::Order(refuse));
    assert_eq!(receiver.poll_output(), ReceiverOutput::Idle);
}

#[test]
fn pieces_out_of_order_are_read_again_for_the_hash() {
    let source = content(300_000);
    for algorithm in [None, Some(Algorithm::Sha256)] {
        let mut transfer = Transfer::usual(&source, algorithm);
        let order = [(0, 50_000), (100_000, 200_000), (200_000, 300_000), (50_000, 100_000)];
        for (from, to) in order {
            let (id, bytes) = ("m".into(), source[from..to].to_vec());
            let piece = Event::Piece { id, offset: from as u64, bytes };
            transfer.receiver.handle_input(ReceiverInput::Chat(piece));
        }
        assert_eq!(transfer.receiver.whole_up_to(), 300_000);
        let (id, content_type) = ("m".into(), "a/b".into());
        let complete = Event::Complete { id, content_type, total: 300_000 };
        transfer.receiver.handle_input(ReceiverInput::Chat(complete));
        transfer.receive();
        assert_eq!(transfer.got, Some(Ok(300_000)));
        assert_eq!(transfer.reads > 0, algorithm.is_some());
    }
}

#[test]
fn what_lies_behind_a_gap_does_not_count_as_there() {
    let selector = FileSelector { size: Some(100), ..FileSelector::default() };
    let mut receiver = Receiver::new(&selector, None, 100, None).unwrap();
    assert_eq!(receiver.whole_up_to(), 0);
    for (offset, whole) in [(50, 0), (0, 10), (20, 10), (10, 30)] {
        let piece = Event::Piece { id: "m".into(), offset, bytes: content(10) };
        receiver.handle_input(ReceiverInput::Chat(piece));
        assert_eq!(receiver.whole_up_to(), whole);
    }
}

#[test]
fn either_end_gives_up_and_the_other_hears_of_it() {
    let source = content(100 * FILE_CHUNK_BYTES);
    let mut sending = Transfer::usual(&source, None);
    sending.run_until(FILE_CHUNK_BYTES);
    sending.sender.handle_input(SenderInput::Cancel);
    let sending = sending.run();
    assert_eq!(sending.sent, Some(Err(FileError::Cancelled)));
    assert_eq!(sending.got, Some(Err(FileError::Withdrawn)));

    for input in [ReceiverInput::Cancel, ReceiverInput::StorageFailed("disk full".into())] {
        let mut getting = Transfer::usual(&source, None);
        getting.run_until(FILE_CHUNK_BYTES);
        getting.receiver.handle_input(input);
        let getting = getting.run();
        assert!(getting.got.unwrap().is_err());
        let sent = getting.sent.unwrap().unwrap_err();
        assert!(matches!(sent, FileError::NotDelivered { code: 413, .. }), "{sent:?}");
    }
}

#[test]
fn a_file_that_shrinks_or_cannot_be_read_is_given_up() {
    let source = content(10 * FILE_CHUNK_BYTES);
    let mut shrunk = Transfer::usual(&source, None);
    shrunk.run_until(FILE_CHUNK_BYTES);
    shrunk.source.truncate(3 * FILE_CHUNK_BYTES);
    let shrunk = shrunk.run();
    let size = FileError::SizeMismatch {
        told: 10 * FILE_CHUNK_BYTES as u64,
        found: 3 * FILE_CHUNK_BYTES as u64,
    };
    assert_eq!((shrunk.sent, shrunk.got), (Some(Err(size)), Some(Err(FileError::Withdrawn))));

    let mut broken = Transfer::usual(&source, None);
    broken.run_until(FILE_CHUNK_BYTES);
    broken.sender.handle_input(SenderInput::StorageFailed("i/o".into()));
    let broken = broken.run();
    assert_eq!(broken.sent, Some(Err(FileError::Storage("i/o".into()))));
}

#[test]
fn a_file_without_a_size_is_not_sent() {
    let unknown = FileSelector::default();
    assert_eq!(Sender::new("m", &unknown, None).map(|_| ()), Err(FileError::SizeUnknown));
}

#[test]
fn messages_tell_their_progress_at_both_ends_when_asked() {
    let features = Features { progress: true, ..Features::default() };
    let (mut a, mut b) = pair(
        Local { features, ..Local::new(ALICE, true) },
        Local { features, limits: Limits::default(), ..Local::new(BOB, false) },
    );
    a.put(Input::Send(Outgoing::new("short", "text/plain", content(2048))));
    settle(&mut a, &mut b, 4096);
    assert_eq!(a.events, [Event::Sent { id: "short".into() }]);
    assert_eq!(b.events.len(), 1);
    (a.events, b.events) = (Vec::new(), Vec::new());
    a.put(Input::Send(Outgoing::new("long", "text/plain", content(1_000_000))));
    settle(&mut a, &mut b, 4096);
    let sent: Vec<_> = a.events.iter().filter(|e| matches!(e, Event::Progress { .. })).collect();
    let acknowledged = |event: &&&Event| match event {
        Event::Progress { sent, acknowledged, total: 1_000_000, .. } => acknowledged <= sent,
        _ => false,
    };
    assert!((50..=200).contains(&sent.len()) && sent.iter().all(|e| acknowledged(&e)));
    let got: Vec<_> = b
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Receiving { received, total: Some(1_000_000), .. } => Some(*received),
            _ => None,
        })
        .collect();
    assert!(got.is_sorted_by(|a, b| a < b) && (50..=100).contains(&got.len()), "{}", got.len());
}
