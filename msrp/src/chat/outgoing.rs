//! What we send: the queue, the chunks, and what becomes of each message.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use offhook_fsm::{Entropy, Instant};

use super::dispositions::Ask;
use super::{ChatError, Content, Event, Local, Outgoing, Peer, Reports, WAIT_MS, accepts};
use crate::byte_range::ByteRange;
use crate::chat::CHUNK_BYTES;
use crate::cpim::{self, Address};
use crate::date_time;
use crate::encode::Builder;
use crate::end_line::EndLine;
use crate::error::Unprintable;
use crate::imdn;
use crate::message::{ContinuationFlag, FailureReport, Head};
use crate::ranges::RangeSet;
use crate::scan::{is_media_type, is_message_id};
use crate::uri::Path;

/// Messages that wait for their first byte to go out at most; one more is `QueueFull`.
pub const QUEUE_MAX: usize = 4096;
/// Bytes of messages that wait at most; more is `QueueFull`.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Messages that are out and not done at most: the oldest that waits for nothing but its REPORT is
/// told as not delivered to make room.
pub const IN_FLIGHT_MAX: usize = 16 * 1024;
/// Chunks that wait for their answer at most; the next waits for one.
pub const TRANSACTIONS_MAX: usize = 256;
/// Chunks that overtake others in a row at most, so that nothing waits for ever.
const OVERTAKING_MAX: u32 = 16;
/// Bytes that are asked of a source at once, and that are held of it, at most.
pub const SOURCE_BYTES: usize = 512 * 1024;

/// Who overtakes whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Class {
    /// Fits in a chunk.
    Small,
    Large,
    Source,
}

/// One message until it is done.
#[derive(Clone, Debug)]
struct Entry {
    id: String,
    class: Class,
    content_type: String,
    to: Option<String>,
    written_us: Option<i64>,
    reports: Option<Reports>,
    ask: Ask,
    /// The content, of a source what has come of it.
    data: Vec<u8>,
    /// Where `data` begins in the content.
    data_at: u64,
    total: u64,
    /// Where the next chunk begins.
    offset: u64,
    /// Data is asked for.
    asked: bool,
    begun: bool,
    all_sent: bool,
    written: bool,
    /// Chunks that wait for their answer.
    waiting: usize,
    reported: RangeSet,
    acknowledged: u64,
    /// What was told of its progress: bytes sent, bytes acknowledged.
    told: (u64, u64),
    /// Bytes from one such telling to the next.
    step: u64,
}

impl Entry {
    fn wants(&self) -> Reports {
        self.reports.unwrap_or(Reports { success: false, failure: FailureReport::Yes })
    }

    fn is_done(&self) -> bool {
        self.all_sent && self.written && self.waiting == 0 && !self.wants().success
    }

    fn has_data(&self) -> bool {
        self.offset < self.data_at + self.data.len() as u64 || self.offset == self.total
    }
}

/// A chunk that waits for its answer.
#[derive(Clone, Debug)]
struct Transaction {
    id: String,
    serial: u64,
    bytes: u64,
    deadline: Instant,
}

/// What a chunk is made with.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) now: Instant,
    pub(super) local: &'a Local,
    pub(super) peer: &'a Peer,
    pub(super) entropy: &'a mut Entropy,
}

/// The sending half.
#[derive(Clone, Default, Debug)]
pub(super) struct Sender {
    /// Every message that is not done, by the order in which they were handed in.
    entries: BTreeMap<u64, Entry>,
    by_id: BTreeMap<String, u64>,
    next_serial: u64,
    queues: [VecDeque<u64>; 3],
    /// Bytes of content in memory.
    held: usize,
    overtaken: u32,
    transactions: VecDeque<Transaction>,
    /// Up to where all bytes that were handed out must be written for a message to be.
    unwritten: VecDeque<(u64, u64)>,
    begun: usize,
    pub(super) events: VecDeque<Event>,
}

impl Sender {
    pub(super) fn push(
        &mut self,
        message: Outgoing,
        ask: Ask,
        local: &Local,
    ) -> Result<(), ChatError> {
        let chunk_bytes = local.chunk_bytes.max(1);
        if !is_message_id(&message.id) {
            return Err(ChatError::Invalid("the Message-ID"));
        }
        if !is_media_type(&message.content_type) || !crate::scan::is_text(&message.content_type) {
            return Err(ChatError::Invalid("the media type"));
        }
        if self.by_id.contains_key(&message.id) {
            return Err(ChatError::DuplicateId);
        }
        let (class, data, total) = match message.content {
            Content::Source { total } => (Class::Source, Vec::new(), total),
            Content::Bytes(data) if data.len() <= chunk_bytes => {
                let total = data.len() as u64;
                (Class::Small, data, total)
            }
            Content::Bytes(data) => {
                let total = data.len() as u64;
                (Class::Large, data, total)
            }
        };
        let waiting = self.entries.len().saturating_sub(self.begun);
        let held = self.held.saturating_add(data.len());
        if waiting >= QUEUE_MAX || held > QUEUE_BYTES_MAX {
            return Err(ChatError::QueueFull);
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.held = held;
        self.by_id.insert(message.id.clone(), serial);
        self.queue(class).push_back(serial);
        self.entries.insert(
            serial,
            Entry {
                id: message.id,
                class,
                content_type: message.content_type,
                to: message.to,
                written_us: message.written_us,
                reports: message.reports,
                ask,
                data,
                data_at: 0,
                total,
                offset: 0,
                asked: false,
                begun: false,
                all_sent: false,
                written: false,
                waiting: 0,
                reported: RangeSet::default(),
                acknowledged: 0,
                told: (0, 0),
                step: step(total, chunk_bytes, local.features.progress),
            },
        );
        Ok(())
    }

    fn queue(&mut self, class: Class) -> &mut VecDeque<u64> {
        let [small, large, source] = &mut self.queues;
        match class {
            Class::Small => small,
            Class::Large => large,
            Class::Source => source,
        }
    }

    /// The next bytes of a source.
    pub(super) fn data(&mut self, id: &str, bytes: &[u8]) -> Result<(), ChatError> {
        let serial = *self.by_id.get(id).ok_or(ChatError::UnknownId)?;
        let entry = self.entries.get_mut(&serial).ok_or(ChatError::UnknownId)?;
        let end = entry.data_at + (entry.data.len() + bytes.len()) as u64;
        let room = SOURCE_BYTES.saturating_sub(entry.data.len());
        if entry.class != Class::Source || end > entry.total || bytes.len() > room {
            return Err(ChatError::ExcessData);
        }
        entry.asked = false;
        entry.data.extend_from_slice(bytes);
        self.held = self.held.saturating_add(bytes.len());
        Ok(())
    }

    /// The next chunk, if one can go out now; `handed_out` bytes went before it.
    pub(super) fn next_chunk(
        &mut self,
        context: &mut Context<'_>,
        handed_out: u64,
    ) -> Option<Vec<u8>> {
        loop {
            let serial = self.pick()?;
            self.make_room();
            let (chunk_bytes, first) = (
                context.local.chunk_bytes.max(1),
                self.entries.get(&serial).is_some_and(|entry| !entry.begun),
            );
            if first {
                let entry = self.entries.get_mut(&serial)?;
                let before = entry.data.len();
                let began = begin(entry, context);
                self.held = self.held.saturating_sub(before).saturating_add(entry.data.len());
                self.begun += 1;
                if let Err((code, reason)) = began {
                    self.fail(serial, code, reason);
                    continue;
                }
            }
            let entry = self.entries.get_mut(&serial)?;
            let before = entry.offset;
            match chunk(entry, serial, chunk_bytes, context) {
                Ok((id, bytes)) => {
                    let end = handed_out.saturating_add(bytes.len() as u64);
                    let bytes_of = entry.offset.saturating_sub(before);
                    let deadline = context.now + Duration::from_millis(WAIT_MS);
                    self.chunk_is_out(Transaction { id, serial, bytes: bytes_of, deadline }, end);
                    return Some(bytes);
                }
                Err(error) => self.fail(serial, 0, &error.to_string()),
            }
        }
    }

    /// Whose turn it is.
    fn pick(&mut self) -> Option<u64> {
        let full = self.transactions.len() >= TRANSACTIONS_MAX;
        let can = |serial: &u64| {
            self.entries.get(serial).is_some_and(|entry| {
                entry.has_data() && !(full && entry.wants().failure == FailureReport::Yes)
            })
        };
        let [small, large, source] = &self.queues;
        let mut fronts = [small, large, source].map(|queue| queue.front().copied().filter(can));
        if self.overtaken >= OVERTAKING_MAX {
            fronts.reverse();
        }
        let chosen = fronts.into_iter().flatten().next()?;
        let waits = fronts.iter().flatten().any(|serial| *serial < chosen);
        self.overtaken = if waits { self.overtaken.saturating_add(1) } else { 0 };
        Some(chosen)
    }

    fn chunk_is_out(&mut self, transaction: Transaction, end: u64) {
        let serial = transaction.serial;
        self.progress(serial);
        let Some(entry) = self.entries.get_mut(&serial) else { return };
        if entry.wants().failure == FailureReport::Yes {
            entry.waiting += 1;
            self.transactions.push_back(transaction);
        }
        if entry.all_sent {
            self.held = self.held.saturating_sub(entry.data.len());
            entry.data = Vec::new();
            let class = entry.class;
            self.queue(class).pop_front();
            self.unwritten.push_back((end, serial));
        }
    }

    /// Tells how far a message is, when that is a step further than what was told.
    fn progress(&mut self, serial: u64) {
        let Some(entry) = self.entries.get_mut(&serial) else { return };
        let acknowledged = entry.acknowledged.max(entry.reported.covered());
        let now = (entry.offset, acknowledged.min(entry.offset));
        let further = now.0.saturating_sub(entry.told.0).max(now.1.saturating_sub(entry.told.1));
        if further < entry.step {
            return;
        }
        entry.told = now;
        let (id, total) = (entry.id.clone(), entry.total);
        self.events.push_back(Event::Progress { id, sent: now.0, acknowledged: now.1, total });
    }

    /// So many of the bytes handed out are written.
    pub(super) fn written(&mut self, written: u64) {
        while let Some((position, serial)) = self.unwritten.front().copied()
            && position <= written
        {
            self.unwritten.pop_front();
            if let Some(entry) = self.entries.get_mut(&serial) {
                entry.written = true;
            }
            self.finish_if_done(serial);
        }
    }

    fn finish_if_done(&mut self, serial: u64) {
        if let Some(entry) = self.entries.get(&serial)
            && entry.is_done()
        {
            let id = entry.id.clone();
            self.remove(serial);
            self.events.push_back(Event::Sent { id });
        }
    }

    fn remove(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.entries.remove(&serial)?;
        self.by_id.remove(&entry.id);
        self.held = self.held.saturating_sub(entry.data.len());
        self.begun = self.begun.saturating_sub(usize::from(entry.begun));
        if !entry.all_sent {
            self.queue(entry.class).retain(|queued| *queued != serial);
        }
        Some(entry)
    }

    fn fail(&mut self, serial: u64, code: u16, reason: &str) {
        if let Some(entry) = self.remove(serial) {
            let reason = reason.into();
            self.events.push_back(Event::NotDelivered { id: entry.id, code, reason });
        }
    }

    /// Makes room for one more message in flight.
    fn make_room(&mut self) {
        if self.begun < IN_FLIGHT_MAX {
            return;
        }
        let waits = |entry: &Entry| entry.all_sent && entry.written && entry.waiting == 0;
        let oldest = self.entries.iter().find(|(_, entry)| waits(entry)).map(|(serial, _)| *serial);
        if let Some(serial) = oldest {
            self.fail(serial, 408, "no report came");
        }
    }

    /// A response came.
    pub(super) fn response(&mut self, id: &str, status: u16, comment: &str) {
        let place = self.transactions.iter().position(|transaction| transaction.id == id);
        let found = place.and_then(|place| self.transactions.remove(place));
        let (serial, bytes) = match found {
            Some(transaction) => (transaction.serial, transaction.bytes),
            // Failures of what asks for no answer are told all the same (Failure-Report: partial).
            None => {
                let number = id.split_once('.').map(|(serial, _)| u64::from_str_radix(serial, 16));
                let Some(Ok(serial)) = number else { return };
                let partial = |entry: &Entry| entry.wants().failure == FailureReport::Partial;
                if status == 200 || !self.entries.get(&serial).is_some_and(partial) {
                    return;
                }
                (serial, 0)
            }
        };
        if status != 200 {
            return self.fail(serial, status, comment);
        }
        if let Some(entry) = self.entries.get_mut(&serial) {
            entry.waiting = entry.waiting.saturating_sub(1);
            entry.acknowledged = entry.acknowledged.saturating_add(bytes);
        }
        self.progress(serial);
        self.finish_if_done(serial);
    }

    /// A REPORT came.
    pub(super) fn report(&mut self, head: &Head<'_>) {
        let serial = head.message_id.and_then(|id| self.by_id.get(id).copied());
        let (Some(serial), Some(status)) = (serial, head.status) else { return };
        let Some(entry) = self.entries.get_mut(&serial).filter(|entry| entry.begun) else { return };
        if status.code != 200 {
            return self.fail(serial, status.code, status.comment);
        }
        let range = head.byte_range.unwrap_or(ByteRange::whole(entry.total));
        let end = range.end.or(range.total).unwrap_or(entry.total).min(entry.total);
        // A peer that reports in more pieces than we remember is believed when it tells the end.
        let full = entry.reported.insert(range.offset(), end).is_err() && end == entry.total;
        let whole = full || entry.reported.is_whole(entry.total);
        if whole && entry.all_sent && entry.wants().success {
            let (code, reason) = (status.code, status.comment.into());
            if let Some(entry) = self.remove(serial) {
                self.events.push_back(Event::Delivered { id: entry.id, code, reason });
            }
        } else {
            self.progress(serial);
        }
    }

    /// Gives up a message; gives the chunk that tells the peer, when it has a part of it.
    pub(super) fn abort(
        &mut self,
        id: &str,
        context: &mut Context<'_>,
    ) -> Result<Option<Vec<u8>>, ChatError> {
        let serial = *self.by_id.get(id).ok_or(ChatError::UnknownId)?;
        let entry = self.entries.get(&serial).ok_or(ChatError::UnknownId)?;
        if entry.all_sent {
            return Err(ChatError::UnknownId);
        }
        let told = match entry.begun {
            true => print(entry, serial, &[], ContinuationFlag::Abort, context).ok(),
            false => None,
        };
        self.fail(serial, 0, "given up");
        Ok(told.map(|(_, bytes)| bytes))
    }

    /// Chunks whose answer did not come in time.
    pub(super) fn time_out(&mut self, now: Instant) {
        while self.transactions.front().is_some_and(|transaction| transaction.deadline <= now) {
            if let Some(transaction) = self.transactions.pop_front() {
                self.fail(transaction.serial, 408, "no response came in time");
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.transactions.front().map(|transaction| transaction.deadline)
    }

    /// Asks for the data of the source whose turn it is.
    pub(super) fn ask(&mut self) -> Option<Event> {
        let serial = self.queues.last()?.front()?;
        let entry = self.entries.get_mut(serial)?;
        let offset = entry.data_at + entry.data.len() as u64;
        let left = usize::try_from(entry.total.saturating_sub(offset)).unwrap_or(usize::MAX);
        if entry.asked || left == 0 || entry.data.len() > SOURCE_BYTES / 2 {
            return None;
        }
        entry.asked = true;
        let bytes = left.min(SOURCE_BYTES - entry.data.len());
        Some(Event::NeedData { id: entry.id.clone(), offset, bytes })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Everything that is not done, in order.
    pub(super) fn fail_all(&mut self, reason: &str) {
        for (_, entry) in std::mem::take(&mut self.entries) {
            // What was written and is owed no answer is done.
            let event = match entry.is_done() {
                true => Event::Sent { id: entry.id },
                false => Event::NotDelivered { id: entry.id, code: 0, reason: reason.into() },
            };
            self.events.push_back(event);
        }
        *self = Self { events: std::mem::take(&mut self.events), ..Self::default() };
    }
}

/// Bytes from one telling of a message's progress to the next: a hundred tellings at most.
fn step(total: u64, chunk_bytes: usize, told: bool) -> u64 {
    let chunk = chunk_bytes as u64;
    if told && total > chunk { (total / 100).max(chunk) } else { u64::MAX }
}

/// How the peer takes a media type: wrapped in CPIM (`true`) where both can, or plain; `None`: not.
pub(super) fn takes(content_type: &str, local: &Local, peer: &Peer) -> Option<bool> {
    let plain = accepts(&peer.accept_types, content_type);
    let wrapped = plain || accepts(&peer.accept_wrapped_types, content_type);
    let both = accepts(&local.accept_types, cpim::CONTENT_TYPE)
        && accepts(&peer.accept_types, cpim::CONTENT_TYPE);
    let wrap = both && wrapped && !peer.identity.1.is_empty();
    (wrap || plain).then_some(wrap)
}

/// Decides whether a message is wrapped, and wraps it (REFERENCE 0.26: when it is sent).
fn begin(entry: &mut Entry, context: &Context<'_>) -> Result<(), (u16, &'static str)> {
    let (local, peer) = (context.local, context.peer);
    entry.begun = true;
    let plain = accepts(&peer.accept_types, &entry.content_type);
    let taken = takes(&entry.content_type, local, peer);
    let wrap = taken == Some(true) && entry.class != Class::Source;
    if !wrap && entry.to.is_some() {
        return Err((415, "the peer takes no CPIM"));
    }
    if !wrap && !plain {
        return Err((415, "the peer does not take this media type"));
    }
    if !wrap {
        return Ok(());
    }
    entry.data = wrapper(entry, context).map_err(|_| (400, "an address cannot be printed"))?;
    entry.total = entry.data.len() as u64;
    entry.content_type = cpim::CONTENT_TYPE.into();
    let usual = Reports { success: true, failure: FailureReport::Partial };
    entry.reports = entry.reports.or(Some(usual));
    Ok(())
}

fn wrapper(entry: &Entry, context: &Context<'_>) -> Result<Vec<u8>, Unprintable> {
    let (local, peer) = (context.local, context.peer);
    let since = i64::try_from(context.now.as_micros()).unwrap_or(i64::MAX);
    let written_us = entry.written_us.unwrap_or_else(|| local.epoch_us.saturating_add(since));
    let to = match &entry.to {
        Some(uri) => Address::print("", uri),
        None => Address::print(&peer.identity.0, &peer.identity.1),
    };
    let mut builder = cpim::Builder::new()
        .header("From", &Address::print(&local.identity.0, &local.identity.1))?
        .header("To", &to)?
        .header("DateTime", &date_time::print(written_us))?;
    let tells = entry.content_type == imdn::CONTENT_TYPE;
    // Who could not tell is not asked.
    let asks = !entry.ask.is_none() && takes(imdn::CONTENT_TYPE, local, peer) == Some(true);
    if tells || asks {
        builder = builder
            .header("NS", &format!("imdn <{}>", imdn::CPIM_NAMESPACE))?
            .header("imdn.Message-ID", &entry.id)?;
    }
    if tells {
        // RFC 5438 §7.2.1.1.
        let headers =
            [("Content-Type", imdn::CONTENT_TYPE), ("Content-Disposition", "notification")];
        return builder.body_with(&headers, &entry.data);
    }
    if asks {
        builder = builder.header("imdn.Disposition-Notification", entry.ask.value())?;
    }
    builder.body(&entry.content_type, &entry.data)
}

/// The next chunk of a message, and its transaction id.
fn chunk(
    entry: &mut Entry,
    serial: u64,
    chunk_bytes: usize,
    context: &mut Context<'_>,
) -> Result<(String, Vec<u8>), Unprintable> {
    let from = usize::try_from(entry.offset - entry.data_at).unwrap_or(usize::MAX);
    let left = entry.data.get(from..).unwrap_or_default();
    let piece = left.get(..chunk_bytes).unwrap_or(left);
    let length = piece.len() as u64;
    let last = entry.offset + length == entry.total;
    let flag = if last { ContinuationFlag::Complete } else { ContinuationFlag::More };
    let printed = print(entry, serial, piece, flag, context)?;
    entry.offset += length;
    entry.all_sent = last;
    if entry.class == Class::Source && from + piece.len() >= SOURCE_BYTES / 2 {
        entry.data.drain(..from + usize::try_from(length).unwrap_or_default());
        entry.data_at = entry.offset;
    }
    Ok(printed)
}

fn print(
    entry: &Entry,
    serial: u64,
    piece: &[u8],
    flag: ContinuationFlag,
    context: &mut Context<'_>,
) -> Result<(String, Vec<u8>), Unprintable> {
    let id = chunk_id(serial, piece, context.entropy);
    let known = piece.len() <= CHUNK_BYTES && flag != ContinuationFlag::Abort;
    let end = known.then(|| entry.offset + piece.len() as u64);
    let range = ByteRange { start: entry.offset + 1, end, total: Some(entry.total) };
    // Both were read when the session began.
    let (to, from) = (Path::known(&context.peer.path), Path::known(&context.local.uri));
    let mut builder = Builder::request(&id, "SEND", to, from)?
        .header("Message-ID", &entry.id)?
        .header("Byte-Range", range)?;
    if let Some(reports) = entry.reports {
        let success = if reports.success { "yes" } else { "no" };
        builder = builder
            .header("Success-Report", success)?
            .header("Failure-Report", reports.failure.as_str())?;
    }
    Ok((id, builder.body(&entry.content_type, piece, flag)?))
}

/// The message's number, so that a failure finds it though no answer is waited for, and 60 random
/// bits; chosen anew when the piece holds it (RFC 4975 §7.1).
fn chunk_id(serial: u64, piece: &[u8], entropy: &mut Entropy) -> String {
    loop {
        let random: [u8; 15] = entropy.hex();
        let id = format!("{serial:x}.{}", String::from_utf8_lossy(&random));
        if !EndLine::new(&id).collides(piece) {
            return id;
        }
    }
}
