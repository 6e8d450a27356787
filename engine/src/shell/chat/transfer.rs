//! One file on its way: its end of the transfer, and the disk.

use std::collections::VecDeque;

use offhook_fsm::{Entropy, Instant};
use offhook_msrp::chat::{Chat, ChatError, Event, Local};
use offhook_msrp::file::{
    FILE_CHUNK_BYTES, FileError, Order, Receiver, ReceiverInput, ReceiverOutput, Sender,
    SenderInput, SenderOutput,
};

use super::disk::{Source, Target};
use super::inspection::Found;
use crate::chat::{ChatEvent, ChatId, FileTold, FileWork};
use crate::negotiate::FileRole;

/// Bytes of a file at most: 1 TiB.
const FILE_BYTES_MAX: u64 = 1 << 40;

enum End {
    Sends(Box<Sender>, Source),
    Receives(Box<Receiver>, Target),
}

/// A transfer.
pub(super) struct Transfer {
    id: ChatId,
    end: End,
    /// What the application was told last.
    told: u64,
    over: bool,
    given_up: bool,
}

impl Transfer {
    /// Opens the file, or makes the one that comes; goes on with what was found of that.
    pub(super) fn open(
        id: ChatId,
        work: &FileWork,
        found: Option<Found>,
        entropy: &mut Entropy,
    ) -> Result<Self, String> {
        let (selector, range) = (&work.file.selector, work.file.range);
        let disk = |error: std::io::Error| format!("{}: {error}", work.place.display());
        let end = match work.role {
            FileRole::Sends => {
                let message_id: [u8; 20] = entropy.hex();
                let message_id = String::from_utf8_lossy(&message_id).into_owned();
                let sender = Sender::new(message_id, selector, range);
                let sender = sender.map_err(|error| error.to_string())?;
                End::Sends(
                    Box::new(sender),
                    Source::open(&work.place, work.modified_us).map_err(disk)?,
                )
            }
            FileRole::Receives => {
                let (prefix, target) = found.map(|found| (found.hasher, found.target)).unzip();
                let receiver = Receiver::new(selector, range, FILE_BYTES_MAX, prefix);
                let receiver = receiver.map_err(|error| error.to_string())?;
                let target = match target {
                    Some(target) => target,
                    None => Target::create(&work.place, &work.file).map_err(disk)?,
                };
                End::Receives(Box::new(receiver), target)
            }
        };
        Ok(Self { id, end, told: 0, over: false, given_up: false })
    }

    /// Makes a session fit for the file.
    pub(super) fn set_up(&self, local: &mut Local) {
        local.accept_types = "*".into();
        local.chunk_bytes = FILE_CHUNK_BYTES;
        local.features.progress = true;
        match &self.end {
            End::Sends(..) => local.receives = false,
            End::Receives(receiver, _) => receiver.set_limits(local),
        }
    }

    /// Takes an event of the session.
    pub(super) fn hear(
        &mut self,
        event: Event,
        chat: &mut Chat,
        now: Instant,
        told: &mut VecDeque<ChatEvent>,
    ) {
        if event == Event::Started && !self.over {
            told.push_back(ChatEvent::Started { chat: self.id });
        }
        match &mut self.end {
            End::Sends(sender, _) => sender.handle_input(SenderInput::Chat(event)),
            End::Receives(receiver, _) => receiver.handle_input(ReceiverInput::Chat(event)),
        }
        self.run(chat, now, told);
    }

    /// The user gives it up.
    pub(super) const fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Whether it is one of ours that ends, not by the user's will, before it is through.
    pub(super) const fn is_interrupted(&self) -> bool {
        matches!(self.end, End::Sends(..)) && !self.over && !self.given_up
    }

    /// Gives up what is not through.
    pub(super) fn cancel(&mut self, chat: &mut Chat, now: Instant, told: &mut VecDeque<ChatEvent>) {
        match &mut self.end {
            End::Sends(sender, _) => sender.handle_input(SenderInput::Cancel),
            End::Receives(receiver, _) => receiver.handle_input(ReceiverInput::Cancel),
        }
        self.run(chat, now, told);
    }

    /// Does what the end of the transfer wants.
    pub(super) fn run(&mut self, chat: &mut Chat, now: Instant, told: &mut VecDeque<ChatEvent>) {
        while self.step(chat, now, told) {}
    }

    fn step(&mut self, chat: &mut Chat, now: Instant, told: &mut VecDeque<ChatEvent>) -> bool {
        match &mut self.end {
            End::Sends(sender, source) => match sender.poll_output() {
                SenderOutput::Order(order) => obey(order, chat, now),
                SenderOutput::Need { offset, len } => {
                    let read = source.read(offset, len);
                    sender.handle_input(match read {
                        Ok(bytes) => SenderInput::Data(bytes),
                        Err(error) => SenderInput::StorageFailed(error.to_string()),
                    });
                }
                SenderOutput::Progress { acknowledged, total, .. } => {
                    self.progress(acknowledged, total, told);
                }
                SenderOutput::Finished(result) => {
                    let unchanged =
                        |()| source.check().map_err(|error| FileError::Storage(error.to_string()));
                    let result = result.and_then(unchanged).map(|()| source.path());
                    self.finish(result, told);
                }
                SenderOutput::Idle => return false,
            },
            End::Receives(receiver, target) => match receiver.poll_output() {
                ReceiverOutput::Order(order) => obey(order, chat, now),
                ReceiverOutput::Write { offset, bytes } => {
                    if let Err(error) = target.write(offset, &bytes) {
                        receiver.handle_input(ReceiverInput::StorageFailed(error.to_string()));
                    }
                }
                ReceiverOutput::Read { offset, len } => {
                    receiver.handle_input(match target.read(offset, len) {
                        Ok(bytes) => ReceiverInput::Data(bytes),
                        Err(error) => ReceiverInput::StorageFailed(error.to_string()),
                    });
                }
                ReceiverOutput::Progress { received, total } => {
                    self.progress(received, total.unwrap_or(received), told);
                }
                ReceiverOutput::Finished(result) => {
                    let interrupted = match &result {
                        Err(FileError::Lost(_)) => true,
                        Err(FileError::Cancelled) => !self.given_up,
                        _ => false,
                    };
                    // Without a hash another file of that name would be taken for this one.
                    let known = receiver.has_hash() && interrupted;
                    target.leave(if known { receiver.whole_up_to() } else { 0 });
                    let kept = result.and_then(|_| {
                        target.keep().map_err(|error| FileError::Storage(error.to_string()))
                    });
                    // The connection may be open a while yet, and the end is told now.
                    target.let_go();
                    self.finish(kept, told);
                }
                ReceiverOutput::Idle => return false,
            },
        }
        true
    }

    fn progress(&mut self, transferred: u64, total: u64, told: &mut VecDeque<ChatEvent>) {
        if transferred > self.told && !self.over {
            self.told = transferred;
            let progress = FileTold::Progress { transferred, total };
            told.push_back(ChatEvent::File { chat: self.id, told: progress });
        }
    }

    fn finish(
        &mut self,
        result: Result<std::path::PathBuf, FileError>,
        told: &mut VecDeque<ChatEvent>,
    ) {
        if !std::mem::replace(&mut self.over, true) {
            let result = result.map_err(|error| error.to_string());
            told.push_back(ChatEvent::File { chat: self.id, told: FileTold::Finished(result) });
        }
    }
}

fn obey(order: Order, chat: &mut Chat, now: Instant) {
    match order.carry_out(chat, now) {
        Ok(()) | Err(ChatError::UnknownId) => {}
        Err(error) => log::debug!("MSRP: a file: {error}"),
    }
}

#[cfg(test)]
#[path = "transfer_tests.rs"]
mod tests;
