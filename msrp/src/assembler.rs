//! Puts chunks together again (RFC 4975 §5.1, §7.3.1), in bounded memory whatever comes.

use std::collections::VecDeque;

use crate::byte_range::ByteRange;
use crate::message::{ContinuationFlag, Head};
use crate::ranges::RangeSet;

/// Chunks of one message that bring nothing new at most; one more refuses the message.
pub const IDLE_CHUNKS_MAX: u32 = 256;
/// Messages whose end is remembered, so that a chunk that comes late or twice begins no new one.
const ENDED_MAX: usize = 64;

/// What is received at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of one message; more is 413.
    pub message_bytes: u64,
    /// Messages of which a part is there; one more is 413.
    pub messages: usize,
    /// Bytes of all those together; more is 413. Does not count where contents are passed on.
    pub bytes: u64,
}

impl Default for Limits {
    /// 10 MiB a message, 16 messages at once, 32 MiB together.
    fn default() -> Self {
        Self { message_bytes: 10 << 20, messages: 16, bytes: 32 << 20 }
    }
}

/// A message that is complete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assembled {
    /// Its Message-ID.
    pub id: String,
    /// Its media type.
    pub content_type: String,
    /// Its bytes; empty when they were passed on piece by piece.
    pub content: Vec<u8>,
    /// How many bytes it has.
    pub total: u64,
    /// Whether its sender wants a REPORT.
    pub success_report: bool,
}

/// What the end of a chunk means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// More is to come.
    Incomplete,
    /// All of it is there.
    Complete(Assembled),
    /// Its sender gave it up; what was there is dropped.
    Aborted {
        /// Its Message-ID.
        id: String,
    },
    /// It ended before: the chunk comes a second time.
    Again,
}

#[derive(Clone, Debug)]
struct Partial {
    id: String,
    content_type: String,
    total: Option<u64>,
    ranges: RangeSet,
    data: Vec<u8>,
    idle_chunks: u32,
    success_report: bool,
    /// What was told of its progress.
    told: u64,
}

/// The chunk that is being read.
#[derive(Clone, Debug)]
struct Chunk {
    id: String,
    /// Where its next byte belongs.
    at: u64,
    /// Where it must end.
    end: Option<u64>,
    /// Bytes that were there before it.
    covered: u64,
    /// It belongs to a message that has ended.
    again: bool,
}

/// The messages of one session of which a part is there.
#[derive(Clone, Debug)]
pub struct Assembler {
    limits: Limits,
    /// Whether contents are kept, or passed on as they come.
    keep: bool,
    partials: Vec<Partial>,
    chunk: Option<Chunk>,
    /// How messages ended: 200, or the status they were refused with.
    ended: VecDeque<(String, u16)>,
}

impl Assembler {
    /// Keeps contents until a message is complete.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, keep: true, partials: Vec::new(), chunk: None, ended: VecDeque::new() }
    }

    /// Passes contents on as they come: for messages of any size.
    #[must_use]
    pub fn passing_on(limits: Limits) -> Self {
        Self { keep: false, ..Self::new(limits) }
    }

    /// A chunk begins.
    ///
    /// # Errors
    /// The status it is refused with: 400 without a Message-ID, Content-Type, or with a total that
    /// differs from before; 413 past a limit; what the message was refused with before.
    pub fn begin(&mut self, head: &Head<'_>) -> Result<(), u16> {
        self.chunk = None;
        let id = head.message_id.ok_or(400_u16)?;
        let range = head.byte_range.unwrap_or(ByteRange::UNKNOWN);
        let mut chunk = Chunk {
            id: id.into(),
            at: range.offset(),
            end: range.end.or(range.total),
            covered: 0,
            again: false,
        };
        match self.ended.iter().find(|(ended, _)| ended == id) {
            Some((_, 200)) => chunk.again = true,
            Some((_, status)) => return Err(*status),
            None => {
                let at_least = range.total.or(range.end).unwrap_or(range.offset());
                if at_least.max(range.offset()) > self.limits.message_bytes {
                    return Err(self.refuse(id, 413));
                }
                chunk.covered = self.partial(head, id, range)?;
            }
        }
        self.chunk = Some(chunk);
        Ok(())
    }

    /// Finds or makes the message; gives how many bytes of it are there.
    fn partial(&mut self, head: &Head<'_>, id: &str, range: ByteRange) -> Result<u64, u16> {
        let success_report = head.success_report.unwrap_or(false);
        if let Some(partial) = self.partials.iter_mut().find(|partial| partial.id == id) {
            let differs = partial.total.zip(range.total).is_some_and(|(old, new)| old != new);
            let too_short = range.total.is_some_and(|total| total < partial.ranges.end());
            if differs || too_short {
                return Err(self.refuse(id, 400));
            }
            partial.total = partial.total.or(range.total);
            partial.success_report |= success_report;
            return Ok(partial.ranges.covered());
        }
        let content_type = head.content_type.ok_or(400_u16)?;
        if self.partials.len() >= self.limits.messages {
            return Err(413);
        }
        self.partials.push(Partial {
            id: id.into(),
            content_type: content_type.into(),
            total: range.total,
            ranges: RangeSet::default(),
            data: Vec::new(),
            idle_chunks: 0,
            success_report,
            told: 0,
        });
        Ok(0)
    }

    /// The next bytes of the chunk. What is new in them is told with its offset, and kept if it is
    /// to be kept; what was there already stays as it was.
    ///
    /// # Errors
    /// The status the message is refused with: 400 past the end that was told, 413 past a limit.
    pub fn body(&mut self, bytes: &[u8], mut tell: impl FnMut(u64, &[u8])) -> Result<(), u16> {
        let held: u64 = self.partials.iter().map(|partial| partial.data.len() as u64).sum();
        let Some(chunk) = &mut self.chunk else { return Ok(()) };
        if chunk.again {
            return Ok(());
        }
        let start = chunk.at;
        let end = start.checked_add(bytes.len() as u64);
        let id = chunk.id.clone();
        let Some(end) = end.filter(|end| chunk.end.is_none_or(|last| *end <= last)) else {
            return Err(self.refuse(&id, 400));
        };
        chunk.at = end;
        let Some(partial) = self.partials.iter_mut().find(|partial| partial.id == id) else {
            return Ok(());
        };
        if partial.total.is_some_and(|total| end > total) {
            return Err(self.refuse(&id, 400));
        }
        let longer = end.saturating_sub(partial.data.len() as u64);
        let memory = !self.keep || held.saturating_add(longer) <= self.limits.bytes;
        let fits = end <= self.limits.message_bytes && memory;
        let new: Vec<_> = partial.ranges.gaps(start, end).collect();
        if !fits || partial.ranges.insert(start, end).is_err() {
            return Err(self.refuse(&id, 413));
        }
        for (from, to) in new {
            let piece = bytes.get(offset(from - start)..offset(to - start)).unwrap_or_default();
            if self.keep {
                put(&mut partial.data, offset(from), piece);
            }
            tell(from, piece);
        }
        Ok(())
    }

    /// The chunk ends.
    ///
    /// # Errors
    /// 400 when the chunk brings nothing new for the [`IDLE_CHUNKS_MAX`]th time, or ends a message
    /// before its end.
    pub fn end(&mut self, flag: ContinuationFlag) -> Result<Ended, u16> {
        let Some(chunk) = self.chunk.take() else { return Ok(Ended::Incomplete) };
        let place = self.partials.iter().position(|partial| partial.id == chunk.id);
        let Some(place) = place.filter(|_| !chunk.again) else { return Ok(Ended::Again) };
        if flag == ContinuationFlag::Abort {
            self.partials.swap_remove(place);
            self.remember(&chunk.id, 200);
            return Ok(Ended::Aborted { id: chunk.id });
        }
        let Some(partial) = self.partials.get_mut(place) else { return Ok(Ended::Again) };
        if flag == ContinuationFlag::Complete && partial.total.is_none() {
            if chunk.at < partial.ranges.end() {
                return Err(self.refuse(&chunk.id, 400));
            }
            partial.total = Some(chunk.at);
        }
        if partial.ranges.covered() == chunk.covered {
            partial.idle_chunks += 1;
        }
        let total = match partial.total {
            Some(total) if partial.ranges.is_whole(total) => total,
            _ if partial.idle_chunks > IDLE_CHUNKS_MAX => {
                return Err(self.refuse(&chunk.id, 400));
            }
            _ => return Ok(Ended::Incomplete),
        };
        let partial = self.partials.swap_remove(place);
        self.remember(&chunk.id, 200);
        Ok(Ended::Complete(Assembled {
            id: partial.id,
            content_type: partial.content_type,
            content: partial.data,
            total,
            success_report: partial.success_report,
        }))
    }

    /// Refuses a message: what is there of it is dropped, and later chunks get the same status.
    pub fn refuse(&mut self, id: &str, status: u16) -> u16 {
        self.partials.retain(|partial| partial.id != id);
        self.chunk.take_if(|chunk| chunk.id == id);
        self.remember(id, status);
        status
    }

    fn remember(&mut self, id: &str, status: u16) {
        if self.ended.len() >= ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back((id.into(), status));
    }

    /// How much of a message is there, and of how much, when that is a hundredth of it and
    /// `at_least` so many bytes more than what this told before.
    pub(crate) fn progress(&mut self, id: &str, at_least: u64) -> Option<(u64, Option<u64>)> {
        let partial = self.partials.iter_mut().find(|partial| partial.id == id)?;
        let received = partial.ranges.covered();
        let step = (partial.total.unwrap_or_default() / 100).max(at_least);
        if received.saturating_sub(partial.told) < step {
            return None;
        }
        partial.told = received;
        Some((received, partial.total))
    }

    /// The message whose chunk is being read.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        self.chunk.as_ref().map(|chunk| chunk.id.as_str())
    }

    /// Bytes that are held.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.partials.iter().map(|partial| partial.data.len()).sum()
    }

    /// Messages of which a part is there.
    #[must_use]
    pub const fn messages(&self) -> usize {
        self.partials.len()
    }
}

fn put(data: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if at == data.len() {
        data.extend_from_slice(piece);
        return;
    }
    let end = at.saturating_add(piece.len());
    if data.len() < end {
        data.resize(end, 0);
    }
    if let Some(place) = data.get_mut(at..end) {
        place.copy_from_slice(piece);
    }
}

/// Offsets of what is kept are below the limit; those of a piece are below its length.
fn offset(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
