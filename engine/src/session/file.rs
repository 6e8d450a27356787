//! The session's file: one at a time, each on a line and a connection of its own (RFC 5547).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use offhook_fsm::Instant;
use offhook_fsm::session::{Event, State};
use offhook_msrp::file::Algorithm;

use super::queue::Job;
use super::{Core, Output};
use crate::chat::{ChatCommand, ChatEvent, ChatId, FileTold, FileWork};
use crate::error::SessionError;
use crate::negotiate::{FileRole, LocalChat, LocalFile, Setup};
use crate::notification::{NotificationData, Originator, StreamKind};

/// Files that wait for the one before them at most; more are refused as busy.
pub(super) const FILES_MAX: usize = 16;
/// Sets the numbers of files apart from those of chats.
const FILE: u32 = 1 << 31;

/// What the session knows of its file.
#[derive(Clone, Default, Debug)]
pub(super) struct File {
    /// It is prepared, or is being prepared.
    pub(super) exists: bool,
    index: u32,
    work: Option<FileWork>,
    pub(super) preparing: bool,
    /// It was looked at, or is being looked at, to be prepared.
    looked_at: bool,
    pub(super) local: Option<LocalFile>,
    /// What our offer says of who connects.
    setup: Option<Setup>,
    /// Its beginning was told, and its end was not.
    open: bool,
    /// The connection was ordered.
    started: bool,
    /// Files of ours that wait for this one.
    waiting: VecDeque<Waiting>,
    /// The transfer whose file is being looked at.
    inspected: Option<String>,
}

/// A file of ours before its turn.
#[derive(Clone, Debug)]
struct Waiting {
    work: FileWork,
    /// It was looked at: its hashes are known.
    ready: bool,
}

impl Core {
    const fn file_id(&self) -> ChatId {
        ChatId { session: self.id.0, index: self.file.index | FILE }
    }

    pub(super) fn is_of_file(&self, event: &ChatEvent) -> bool {
        let inspected = matches!(event, ChatEvent::File { told: FileTold::Inspected { .. }, .. });
        inspected || (self.file.exists && event.chat() == self.file_id())
    }

    pub(super) fn send_file(&mut self, work: FileWork) -> Result<(), SessionError> {
        self.permit("send_file()", Event::Propose)?;
        if !self.settings.capabilities.chat {
            return Err(SessionError::NotBuilt("chat"));
        }
        if self.file.waiting.len() >= FILES_MAX {
            return Err(SessionError::Busy);
        }
        if let Err(error) = work.file.print() {
            return Err(SessionError::InvalidArgument(format!("send_file(): {error}")));
        }
        self.file.waiting.push_back(Waiting { work, ready: false });
        self.inspect_next();
        Ok(())
    }

    /// Has the next file looked at, one at a time.
    fn inspect_next(&mut self) {
        if self.file.inspected.is_some() {
            return;
        }
        let Some(next) = self.file.waiting.iter().find(|waiting| !waiting.ready) else { return };
        self.file.inspected = Some(next.work.file.transfer_id.clone());
        let (chat, work) = (self.file_id(), Box::new(next.work.clone()));
        self.push(Output::Chat(ChatCommand::Inspect { chat, work }));
    }

    /// A file was looked at.
    fn inspected(
        &mut self,
        now: Instant,
        transfer_id: &str,
        result: Result<Box<FileWork>, String>,
    ) {
        if self.file.preparing && self.file.looked_at && self.transfer_id() == transfer_id {
            return self.looked_at(now, result);
        }
        self.file.inspected.take_if(|id| id == transfer_id);
        let of = |waiting: &Waiting| waiting.work.file.transfer_id == transfer_id;
        let at = self.file.waiting.iter().position(of);
        match result {
            Ok(work) => {
                if let Some(waiting) = at.and_then(|at| self.file.waiting.get_mut(at)) {
                    *waiting = Waiting { work: *work, ready: true };
                    self.send_next_file();
                }
            }
            Err(reason) => {
                if at.and_then(|at| self.file.waiting.remove(at)).is_some() {
                    self.tell_no_file(now, transfer_id.into(), &reason);
                }
            }
        }
        self.inspect_next();
    }

    /// Whether a file of ours waits and may have its turn.
    pub(super) fn may_begin_file(&self) -> bool {
        !self.file.exists && self.file.waiting.front().is_some_and(|waiting| waiting.ready)
    }

    /// The file of ours whose turn it is.
    pub(super) fn begin_file(&mut self) {
        if let Some(waiting) = self.file.waiting.pop_front() {
            self.file.work = Some(waiting.work);
            self.file.exists = true;
        }
    }

    /// Takes the file of the proposal at hand into a directory.
    pub(super) fn accept_file(
        &mut self,
        now: Instant,
        directory: PathBuf,
    ) -> Result<(), SessionError> {
        self.permit("accept_file()", Event::AcceptProposal)?;
        let Some(proposal) = &mut self.proposal else { return Err(SessionError::EngineEnded) };
        if proposal.accepting {
            let method = "accept_file() while the proposal is accepted";
            return self.permit(method, Event::AcceptProposalAgain);
        }
        let Some(file) = proposal.file.clone() else {
            let text = "accept_file(): the peer proposes no file".into();
            return Err(SessionError::InvalidArgument(text));
        };
        proposal.accepting = true;
        let (role, place) = (FileRole::Receives, directory);
        let work = FileWork { role, file, place, modified_us: None };
        self.file.work = Some(work);
        (self.file.exists, self.file.open) = (true, true);
        self.wanted = crate::streams::Streams::default();
        self.apply(now, Event::AcceptProposal);
        Ok(())
    }

    /// What is offered is taken as it comes, as with a chat.
    pub(super) fn prepare_file(&mut self, address: IpAddr) {
        if !self.file.exists || self.file.preparing || self.file.local.is_some() {
            return;
        }
        let proposal = self.proposal.as_ref().filter(|_| self.state == State::Proposed);
        let request = proposal.map(|proposal| Arc::clone(&proposal.request));
        let offered = request.and_then(|r| crate::negotiate::offered_file(r.1.message.body()));
        self.file.preparing = true;
        if let Some(work) = self.file.work.clone().filter(|_| self.must_look()) {
            self.file.looked_at = true;
            let (chat, work) = (self.file_id(), Box::new(work));
            return self.push(Output::Chat(ChatCommand::Inspect { chat, work }));
        }
        let (tls, passive) = match &offered {
            Some(theirs) => (theirs.link.tls, !theirs.link.connect),
            None => (self.settings.capabilities.chat_over_tls, false),
        };
        let (relay, tls) = self.relay(offered.as_ref().map(|theirs| theirs.link.tls), tls);
        let says_who = offered.is_none() && relay.is_none();
        self.file.setup = says_who.then_some(Setup::ActPass);
        let chat = self.file_id();
        self.push(Output::Chat(ChatCommand::Prepare { chat, address, passive, tls, relay }));
    }

    /// Whether the directory is to be looked into for what is there already of the file that comes.
    fn must_look(&self) -> bool {
        let work = self.file.work.as_ref().filter(|work| work.role == FileRole::Receives);
        let known =
            |work: &FileWork| matches!(Algorithm::strongest(&work.file.selector), Ok(Some(_)));
        !self.file.looked_at && work.is_some_and(known)
    }

    /// The file of the proposal that is being accepted was looked at.
    fn looked_at(&mut self, now: Instant, result: Result<Box<FileWork>, String>) {
        self.file.preparing = false;
        match result {
            Ok(work) => {
                self.file.work = Some(*work);
                if let Some(address) = self.description.address {
                    self.prepare_file(address);
                }
            }
            Err(reason) => self.prepare_failed(now, StreamKind::File, &reason),
        }
    }

    pub(super) fn start_file(&mut self) {
        let settled = self.settled.as_ref().and_then(|settled| settled.file.clone());
        let Some(settled) = settled.filter(|_| self.file.exists && !self.file.started) else {
            return;
        };
        let Some(mut work) = self.file.work.clone() else { return };
        self.file.started = true;
        if work.role == FileRole::Sends {
            work.file.range = settled.file.range;
        }
        let (chat, peer) = (self.file_id(), settled.link);
        let work = Box::new(work);
        self.push(Output::Chat(ChatCommand::StartFile { chat, peer, work }));
    }

    /// What the file's connection tells.
    pub(super) fn file_event(&mut self, now: Instant, event: ChatEvent) {
        match event {
            ChatEvent::Prepared { local, .. } => self.file_prepared(now, local),
            ChatEvent::PrepareFailed { reason, .. } => {
                self.file.preparing = false;
                self.prepare_failed(now, StreamKind::File, &reason);
            }
            ChatEvent::Started { .. } => {
                let transfer_id = self.transfer_id();
                self.tell(now, NotificationData::FileTransferDidStart { transfer_id });
            }
            ChatEvent::File { told: FileTold::Inspected { transfer_id, result }, .. } => {
                self.inspected(now, &transfer_id, result);
            }
            ChatEvent::File { told: FileTold::Progress { transferred, total }, .. } => {
                let transfer_id = self.transfer_id();
                let (transferred_bytes, total_bytes) = (transferred, total);
                let data = NotificationData::FileTransferProgress {
                    transfer_id,
                    transferred_bytes,
                    total_bytes,
                };
                self.tell(now, data);
            }
            ChatEvent::File { told: FileTold::Finished(result), .. } => {
                self.file_ended(now, result)
            }
            ChatEvent::Failed { reason, .. } => self.file_ended(now, Err(reason)),
            ChatEvent::Ended { .. } => {
                self.file_ended(now, Err("the peer closed the connection".into()));
            }
            _ => {}
        }
    }

    fn file_prepared(&mut self, now: Instant, link: LocalChat) {
        let Some(work) = self.file.work.clone() else { return };
        self.file.preparing = false;
        let link = LocalChat { setup: self.file.setup, ..link };
        if work.role == FileRole::Sends {
            self.file.open = true;
            self.tell_file(now, Originator::Local, &work.file);
        }
        match LocalFile::new(link, work.role, work.file) {
            Ok(local) => {
                self.file.local = Some(local);
                self.prepared(now);
            }
            Err(error) => self.prepare_failed(now, StreamKind::File, &error.to_string()),
        }
    }

    /// `FileTransferHandlerDidInitialize`.
    pub(super) fn tell_file(
        &mut self,
        now: Instant,
        sender: Originator,
        file: &offhook_msrp::file::FileAttributes,
    ) {
        let data = NotificationData::FileTransferDidInitialize {
            transfer_id: file.transfer_id.clone(),
            sender,
            name: file.selector.base_name().unwrap_or_default(),
            content_type: file.selector.media_type.clone(),
            size: file.selector.size,
        };
        self.tell(now, data);
    }

    fn transfer_id(&self) -> String {
        self.file.work.as_ref().map(|work| work.file.transfer_id.clone()).unwrap_or_default()
    }

    /// The file is there, or will not be. The one that sends closes the line; where it failed both
    /// may.
    fn file_ended(&mut self, now: Instant, result: Result<PathBuf, String>) {
        let sends = self.file.work.as_ref().is_some_and(|work| work.role == FileRole::Sends);
        let good = result.is_ok();
        self.tell_file_end(now, result);
        if sends || !good {
            self.stop_file(now, "");
            self.close_later(StreamKind::File);
            self.send_next_file();
        }
    }

    fn tell_file_end(&mut self, now: Instant, result: Result<PathBuf, String>) {
        if !std::mem::take(&mut self.file.open) {
            return;
        }
        let transfer_id = self.transfer_id();
        let (file_name, reason) = match result {
            Ok(file_name) => (Some(file_name), None),
            Err(reason) => (None, Some(reason)),
        };
        let error = reason.is_some();
        let data = NotificationData::FileTransferDidEnd { transfer_id, error, reason, file_name };
        self.tell(now, data);
    }

    /// A file of the peer's that was proposed and is not taken.
    pub(super) fn tell_file_refused(
        &mut self,
        now: Instant,
        file: Option<offhook_msrp::file::FileAttributes>,
    ) {
        let Some(file) = file else { return };
        self.tell_no_file(now, file.transfer_id, "the file was not taken");
    }

    /// A transfer comes to nothing before it began.
    fn tell_no_file(&mut self, now: Instant, transfer_id: String, reason: &str) {
        let data = NotificationData::FileTransferDidEnd {
            transfer_id,
            error: true,
            reason: Some(reason.into()),
            file_name: None,
        };
        self.tell(now, data);
    }

    /// The files that wait are not sent any more.
    pub(super) fn drop_files(&mut self, now: Instant, reason: &str) {
        for waiting in std::mem::take(&mut self.file.waiting) {
            self.tell_no_file(now, waiting.work.file.transfer_id, reason);
        }
    }

    /// Gives up the file: the one that is on its way, or the next one when none is.
    pub(super) fn cancel_file(&mut self, now: Instant) -> Result<(), SessionError> {
        if !self.file.started {
            let next = if self.file.exists { None } else { self.file.waiting.pop_front() };
            if let Some(waiting) = next {
                let transfer_id = waiting.work.file.transfer_id;
                if self.file.inspected.take_if(|id| *id == transfer_id).is_some() {
                    let (chat, transfer_id) = (self.file_id(), transfer_id.clone());
                    self.push(Output::Chat(ChatCommand::Overlook { chat, transfer_id }));
                }
                self.tell_no_file(now, transfer_id, "the transfer was given up");
                self.inspect_next();
                return Ok(());
            }
            let text = "cancel_file(): no file is on its way".into();
            return Err(SessionError::InvalidArgument(text));
        }
        let chat = self.file_id();
        self.push(Output::Chat(ChatCommand::GiveUp { chat }));
        self.file_ended(now, Err("the transfer was given up".into()));
        Ok(())
    }

    /// The file leaves a call that goes on, whatever its stage: nobody wants the rest of it.
    pub(super) fn remove_file(&mut self, now: Instant) {
        if self.file.started {
            let chat = self.file_id();
            self.push(Output::Chat(ChatCommand::GiveUp { chat }));
        }
        self.stop_file(now, "the transfer was ended before the file was through");
        self.send_next_file();
    }

    pub(super) fn stop_file(&mut self, now: Instant, reason: &str) {
        if !self.file.exists {
            return;
        }
        let chat = self.file_id();
        self.push(Output::Chat(ChatCommand::Stop { chat }));
        self.tell_file_end(now, Err(reason.into()));
        let gone = std::mem::take(&mut self.file);
        self.file.index = gone.index.saturating_add(1) & !FILE;
        (self.file.waiting, self.file.inspected) = (gone.waiting, gone.inspected);
    }

    fn send_next_file(&mut self) {
        let add = Job::Add(StreamKind::File);
        let ready = self.file.waiting.front().is_some_and(|waiting| waiting.ready);
        if ready && !self.queue.contains(&add) {
            self.queue.push_back(add);
        }
    }
}
