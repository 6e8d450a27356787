//! The end that sends a file: bytes from its owner, in the session's rhythm.

use std::collections::VecDeque;

use super::{FileError, Order};
use crate::chat::{Content, Event, Outgoing, Reports};
use crate::file_selector::{FileRange, FileSelector};
use crate::message::FailureReport;

/// Something that happens to a file that is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SenderInput {
    /// The session's next event.
    Chat(Event),
    /// The bytes that [`SenderOutput::Need`] asked for, or some of them from the first on. None
    /// means that the file ends there.
    Data(Vec<u8>),
    /// The file cannot be read.
    StorageFailed(String),
    /// Give up.
    Cancel,
}

/// What the transfer wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SenderOutput {
    /// Of the session.
    Order(Order),
    /// Of the file: [`SenderInput::Data`].
    Need {
        /// From which byte of the file on, counted from 0.
        offset: u64,
        /// How many bytes at most.
        len: usize,
    },
    /// Tell the application how far it is
    /// ([`Features::progress`](crate::chat::Features::progress)).
    Progress {
        /// Bytes that went out.
        sent: u64,
        /// Bytes that the peer said it has.
        acknowledged: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The peer has the file, or why not. Nothing follows; the session may be ended.
    Finished(Result<(), FileError>),
    /// Nothing more for now.
    Idle,
}

/// A file on its way to the peer. Put [`SenderInput::Chat`] in for each event of the session, then
/// poll until [`SenderOutput::Idle`].
#[derive(Clone, Debug)]
pub struct Sender {
    id: String,
    /// The first byte of the file that goes out.
    start: u64,
    total: u64,
    /// Where the data that was asked for begins in the message, and how much of it.
    need: Option<(u64, usize)>,
    finished: bool,
    outputs: VecDeque<SenderOutput>,
}

impl Sender {
    /// Begins to send the file of `selector`, or the range of it that the two agreed on. `id` is
    /// the Message-ID to use. A report is asked for, and the answer to each chunk, so that a peer
    /// that is gone or slow holds it up and not our memory.
    ///
    /// # Errors
    /// `SizeUnknown` without a size, `Range` when the range is not in the file.
    pub fn new(
        id: impl Into<String>,
        selector: &FileSelector,
        range: Option<FileRange>,
    ) -> Result<Self, FileError> {
        let size = selector.size.ok_or(FileError::SizeUnknown)?;
        let (start, end) = span(range, Some(size))?;
        let (id, total) = (id.into(), end.unwrap_or(size).saturating_sub(start));
        let content_type = selector.media_type.as_deref().unwrap_or("application/octet-stream");
        let message = Outgoing {
            content: Content::Source { total },
            reports: Some(Reports { success: true, failure: FailureReport::Yes }),
            ..Outgoing::new(id.clone(), content_type, Vec::new())
        };
        let outputs = VecDeque::from([SenderOutput::Order(Order::Send(message))]);
        Ok(Self { id, start, total, need: None, finished: false, outputs })
    }

    /// The Message-ID.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Bytes that go out.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Takes one input. What comes after the end is passed over.
    pub fn handle_input(&mut self, input: SenderInput) {
        if self.finished {
            return;
        }
        match input {
            SenderInput::Chat(event) => self.event(event),
            SenderInput::Data(bytes) => self.data(bytes),
            SenderInput::StorageFailed(reason) => self.give_up(FileError::Storage(reason)),
            SenderInput::Cancel => self.give_up(FileError::Cancelled),
        }
    }

    /// What is to be done now, one thing a call.
    pub fn poll_output(&mut self) -> SenderOutput {
        self.outputs.pop_front().unwrap_or(SenderOutput::Idle)
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::NeedData { id, offset, bytes } if id == self.id => {
                self.need = Some((offset, bytes));
                let offset = self.start.saturating_add(offset);
                self.outputs.push_back(SenderOutput::Need { offset, len: bytes });
            }
            Event::Progress { id, sent, acknowledged, total } if id == self.id => {
                self.outputs.push_back(SenderOutput::Progress { sent, acknowledged, total });
            }
            Event::Sent { id } | Event::Delivered { id, .. } if id == self.id => {
                self.finish(Ok(()));
            }
            Event::NotDelivered { id, code, reason } if id == self.id => {
                self.finish(Err(FileError::NotDelivered { code, reason }));
            }
            Event::Failed { reason } => self.finish(Err(FileError::Lost(reason))),
            Event::Ended => self.finish(Err(FileError::Lost("the peer ended it".into()))),
            _ => {}
        }
    }

    fn data(&mut self, bytes: Vec<u8>) {
        let Some((offset, len)) = self.need.take() else { return };
        if bytes.is_empty() || bytes.len() > len {
            let found = self.start.saturating_add(offset).saturating_add(bytes.len() as u64);
            let told = self.start.saturating_add(self.total);
            return self.give_up(FileError::SizeMismatch { told, found });
        }
        let id = self.id.clone();
        self.outputs.push_back(SenderOutput::Order(Order::Data { id, bytes }));
    }

    fn give_up(&mut self, error: FileError) {
        let id = self.id.clone();
        self.outputs.push_back(SenderOutput::Order(Order::Abort { id }));
        self.finish(Err(error));
    }

    fn finish(&mut self, result: Result<(), FileError>) {
        self.finished = true;
        self.outputs.push_back(SenderOutput::Finished(result));
    }
}

/// The half-open bytes that a range means; no end when that is not known.
pub(super) fn span(
    range: Option<FileRange>,
    size: Option<u64>,
) -> Result<(u64, Option<u64>), FileError> {
    let Some(range) = range else { return Ok((0, size)) };
    let start = range.start.checked_sub(1).ok_or(FileError::Range)?;
    let end = range.stop.or(size);
    let inside = size.is_none_or(|size| start <= size && end.is_none_or(|end| end <= size));
    let forward = end.is_none_or(|end| start <= end);
    if inside && forward { Ok((start, end)) } else { Err(FileError::Range) }
}
