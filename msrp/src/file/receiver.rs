//! The end that gets a file: pieces to its owner, its hash made as they come.

use std::collections::VecDeque;

use super::sender::span;
use super::{Algorithm, FileError, Hasher, Order};
use crate::chat::{Event, Local};
use crate::file_selector::{FileRange, FileSelector};
use crate::ranges::RangeSet;

/// Bytes that are asked for at once when they must be read again for the hash.
pub const READ_BYTES: usize = 64 * 1024;
/// Progress is told this many times in a transfer at most.
const PROGRESS_STEPS: u64 = 100;
/// And no more often than after so many bytes.
const PROGRESS_BYTES: u64 = 64 * 1024;
/// What the chunks of a message that is not wanted are answered with (RFC 4975 §10.5).
const STOP: u16 = 413;

/// Something that happens to a file that comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReceiverInput {
    /// The session's next event.
    Chat(Event),
    /// The bytes that [`ReceiverOutput::Read`] asked for, or some of them from the first on.
    Data(Vec<u8>),
    /// The file cannot be written or read.
    StorageFailed(String),
    /// Give up.
    Cancel,
}

/// What the transfer wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReceiverOutput {
    /// Of the session.
    Order(Order),
    /// Write these bytes. Each byte of the file is told once; a gap is filled later.
    Write {
        /// Where they belong in the file, counted from 0.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Read what was written: [`ReceiverInput::Data`]. Asked for only where pieces came out of
    /// order and there is a hash to check.
    Read {
        /// From which byte of the file on, counted from 0.
        offset: u64,
        /// How many bytes at most.
        len: usize,
    },
    /// Tell the application how far it is.
    Progress {
        /// Bytes that came.
        received: u64,
        /// Bytes that are to come in all, where that is known.
        total: Option<u64>,
    },
    /// All of it is written and is what was announced, or why not. Nothing follows.
    Finished(Result<u64, FileError>),
    /// Nothing more for now.
    Idle,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Receiving,
    /// All is written; what came out of order is read again.
    Checking,
    Finished,
}

/// A file on its way from the peer. Put [`ReceiverInput::Chat`] in for each event of a session that
/// [passes on](Local::pass_on), then poll until [`ReceiverOutput::Idle`].
#[derive(Clone, Debug)]
pub struct Receiver {
    state: State,
    /// The message that carries the file.
    id: Option<String>,
    /// The first byte of the file that comes, and the end where it is known.
    start: u64,
    end: Option<u64>,
    limit: u64,
    /// What came, in offsets of the file.
    written: RangeSet,
    received: u64,
    progress_told: u64,
    /// The hash so far, of the file's first bytes, and what it must become.
    hash: Option<(Hasher, Vec<u8>)>,
    outputs: VecDeque<ReceiverOutput>,
}

impl Receiver {
    /// Waits for the file of `selector`, of `bytes_max` bytes at most, or for the range of it that
    /// the two agreed on. Where a range begins further on and there is a hash, `prefix` is the
    /// [`Hasher`] that took the bytes before it.
    ///
    /// # Errors
    /// Refuse the transfer: `TooLarge`; `Range` when the range is not in the file; `Prefix` when
    /// that has not taken what stands before the range; `HashInvalid`.
    pub fn new(
        selector: &FileSelector,
        range: Option<FileRange>,
        bytes_max: u64,
        prefix: Option<Hasher>,
    ) -> Result<Self, FileError> {
        let (start, end) = span(range, selector.size)?;
        let too_large = FileError::TooLarge { limit: bytes_max };
        if end.is_some_and(|end| end > bytes_max) || start > bytes_max {
            return Err(too_large);
        }
        // The hash is of all of the file: one that ends earlier cannot be checked.
        let to_the_end =
            range.is_none_or(|range| range.stop.is_none() || range.stop == selector.size);
        let hash = match Algorithm::strongest(selector)?.filter(|_| to_the_end) {
            Some((algorithm, value)) => {
                let hasher = prefix.unwrap_or_else(|| Hasher::new(algorithm));
                if hasher.hashed() != start || hasher.algorithm() != algorithm {
                    return Err(FileError::Prefix);
                }
                Some((hasher, value.to_vec()))
            }
            None => None,
        };
        Ok(Self {
            state: State::Receiving,
            id: None,
            start,
            end,
            limit: end.unwrap_or(bytes_max),
            written: RangeSet::default(),
            received: 0,
            progress_told: 0,
            hash,
            outputs: VecDeque::new(),
        })
    }

    /// Makes a session refuse by itself what this file cannot be: more bytes than were told.
    pub fn set_limits(&self, local: &mut Local) {
        local.pass_on = true;
        local.limits.message_bytes = self.limit.saturating_sub(self.start);
    }

    /// Up to where the file is there without a gap, what was there before counted in. What lies
    /// behind that is to be cut off when the file is to go on later.
    #[must_use]
    pub fn whole_up_to(&self) -> u64 {
        let gap = self.written.gaps(self.start, u64::MAX).next();
        gap.map_or(self.start, |gap| gap.0)
    }

    /// Whether there is a hash to check.
    #[must_use]
    pub const fn has_hash(&self) -> bool {
        self.hash.is_some()
    }

    /// Takes one input. What comes after the end is passed over, but for more messages of the
    /// peer's, which are refused.
    pub fn handle_input(&mut self, input: ReceiverInput) {
        match input {
            ReceiverInput::Chat(Event::Piece { id, offset, bytes }) => {
                self.piece(id, offset, bytes)
            }
            _ if self.state == State::Finished => {}
            ReceiverInput::Chat(event) => self.event(event),
            ReceiverInput::Data(bytes) => self.data(&bytes),
            ReceiverInput::StorageFailed(reason) => self.give_up(FileError::Storage(reason)),
            ReceiverInput::Cancel => self.give_up(FileError::Cancelled),
        }
    }

    /// What is to be done now, one thing a call.
    pub fn poll_output(&mut self) -> ReceiverOutput {
        self.outputs.pop_front().unwrap_or(ReceiverOutput::Idle)
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Complete { id, total, .. } if self.id.as_ref().is_none_or(|own| *own == id) => {
                self.complete(total);
            }
            Event::Withdrawn { id } if self.id.as_ref().is_none_or(|own| *own == id) => {
                self.finish(Err(FileError::Withdrawn));
            }
            // What was being checked is all there.
            Event::Failed { reason } if self.state == State::Receiving => {
                self.finish(Err(FileError::Lost(reason)));
            }
            Event::Ended if self.state == State::Receiving => {
                self.finish(Err(FileError::Lost("the peer ended it".into())));
            }
            _ => {}
        }
    }

    fn piece(&mut self, id: String, offset: u64, bytes: Vec<u8>) {
        let own = self.id.get_or_insert_with(|| id.clone());
        if *own != id || self.state != State::Receiving {
            return self
                .outputs
                .push_back(ReceiverOutput::Order(Order::Refuse { id, status: STOP }));
        }
        let from = self.start.checked_add(offset);
        let to = from.and_then(|from| from.checked_add(bytes.len() as u64));
        let Some((from, to)) = from.zip(to).filter(|(_, to)| *to <= self.limit) else {
            let found = self.received.saturating_add(bytes.len() as u64);
            return self.give_up(match self.end {
                Some(end) => FileError::SizeMismatch { told: end - self.start, found },
                None => FileError::TooLarge { limit: self.limit },
            });
        };
        if self.written.insert(from, to).is_err() {
            return self.give_up(FileError::TooLarge { limit: self.limit });
        }
        if let Some((hasher, _)) = &mut self.hash
            && hasher.hashed() == from
        {
            hasher.update(&bytes);
        }
        self.received = self.received.saturating_add(bytes.len() as u64);
        self.outputs.push_back(ReceiverOutput::Write { offset: from, bytes });
        let total = self.end.map(|end| end - self.start);
        let step = (total.unwrap_or(0) / PROGRESS_STEPS).max(PROGRESS_BYTES);
        if self.received - self.progress_told >= step {
            self.progress_told = self.received;
            self.outputs.push_back(ReceiverOutput::Progress { received: self.received, total });
        }
    }

    fn complete(&mut self, total: u64) {
        let end = self.start.saturating_add(total);
        match self.end {
            Some(told) if told != end => {
                let told = told - self.start;
                self.finish(Err(FileError::SizeMismatch { told, found: total }));
            }
            _ => {
                self.end = Some(end);
                self.state = State::Checking;
                self.check();
            }
        }
    }

    /// Asks for what is not hashed yet, or ends.
    fn check(&mut self) {
        let end = self.end.unwrap_or(self.start);
        let Some((hasher, _)) = &self.hash else { return self.finish(Ok(end)) };
        let left = end.saturating_sub(hasher.hashed());
        if left > 0 {
            let len = usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES);
            let offset = hasher.hashed();
            return self.outputs.push_back(ReceiverOutput::Read { offset, len });
        }
        let good = self.hash.take().is_some_and(|(hasher, value)| hasher.finish() == value);
        self.finish(if good { Ok(end) } else { Err(FileError::HashMismatch) });
    }

    fn data(&mut self, bytes: &[u8]) {
        let end = self.end.unwrap_or_default();
        if self.state != State::Checking {
            return;
        }
        let Some((hasher, _)) = &mut self.hash else { return };
        let found = hasher.hashed().saturating_add(bytes.len() as u64);
        if bytes.is_empty() || found > end {
            return self.finish(Err(FileError::SizeMismatch { told: end, found }));
        }
        hasher.update(bytes);
        self.check();
    }

    fn give_up(&mut self, error: FileError) {
        if let Some(id) = self.id.clone() {
            self.outputs.push_back(ReceiverOutput::Order(Order::Refuse { id, status: STOP }));
        }
        self.finish(Err(error));
    }

    fn finish(&mut self, result: Result<u64, FileError>) {
        self.state = State::Finished;
        self.outputs.push_back(ReceiverOutput::Finished(result));
    }
}
