//! The MSRP connections of one session, on the session's own thread. Without a chat there is no
//! descriptor here and the thread sleeps in its mailbox; with one it sleeps in a poll, which a waker
//! beside the mailbox ends.

mod candidate;
mod connection;
mod disk;
mod inspection;
mod link;
mod place;
mod talk;
mod tracer;
mod transfer;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};
use offhook_fsm::{Entropy, Instant};

use self::inspection::{Found, Inspection};
use self::link::{Link, Wish};
pub(super) use self::tracer::Tracer;
use super::tls::EngineTls;
use crate::chat::{ChatCommand, ChatEvent, ChatId, FileTold, FileWork};

/// Wakes the thread for its mailbox.
const WAKER: Token = Token(0);
/// Socket events that are taken in one go.
const EVENTS_MAX: usize = 32;
/// Octets that are read of one connection in one go, so that neither another one nor the session's
/// timers wait for long.
const READ_MAX: usize = 64 * 1024;

/// How long the last words of an ended session's chats may take.
const FINISH_MAX: Duration = Duration::from_secs(3);

/// What a link needs of its thread.
struct Context<'a> {
    poll: &'a Poll,
    tokens: &'a mut usize,
    buffer: &'a mut Vec<u8>,
    told: &'a mut VecDeque<ChatEvent>,
    tracer: Option<&'a Tracer>,
    tls: &'a EngineTls,
    now: Instant,
}

impl Context<'_> {
    /// A token that no socket of this poll has had.
    fn token(&mut self) -> Token {
        *self.tokens += 1;
        Token(*self.tokens)
    }
}

/// The sockets, while there are any.
struct Sockets {
    poll: Poll,
    waker: Arc<Waker>,
    events: Events,
    buffer: Vec<u8>,
    tokens: usize,
}

impl Sockets {
    fn open() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (events, buffer) = (Events::with_capacity(EVENTS_MAX), vec![0; READ_MAX]);
        Ok(Self { poll, waker, events, buffer, tokens: WAKER.0 })
    }
}

/// The chats of a session: the one that runs, and those that still say their last words.
pub(super) struct Chats {
    sockets: Option<Sockets>,
    links: Vec<Link>,
    /// Files that are looked at, a little at a time; the session's core bounds their number.
    inspections: VecDeque<Inspection>,
    /// What was found of the file that comes next.
    found: Option<Found>,
    told: VecDeque<ChatEvent>,
    tracer: Option<Tracer>,
    tls: Arc<EngineTls>,
}

impl Chats {
    pub(super) fn new(tracer: Option<Tracer>, tls: Arc<EngineTls>) -> Self {
        Self {
            sockets: None,
            links: Vec::new(),
            inspections: VecDeque::new(),
            found: None,
            told: VecDeque::new(),
            tracer,
            tls,
        }
    }

    /// Whether there are sockets to wait for.
    pub(super) const fn has_sockets(&self) -> bool {
        self.sockets.is_some()
    }

    /// What ends a wait for sockets, for those who put mail into the session's mailbox.
    pub(super) fn waker(&self) -> Option<Arc<Waker>> {
        self.sockets.as_ref().map(|sockets| Arc::clone(&sockets.waker))
    }

    /// Whether there is something to tell.
    pub(super) fn has_events(&self) -> bool {
        !self.told.is_empty()
    }

    /// What is to be told to the core, oldest first.
    pub(super) fn next_event(&mut self) -> Option<ChatEvent> {
        self.told.pop_front()
    }

    /// When to come back though no socket moves.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.links.iter().filter_map(Link::deadline).min()
    }

    /// Does what the core orders. `epoch_us` is what the calendar showed at `Instant::ZERO`.
    pub(super) fn carry_out(
        &mut self,
        command: ChatCommand,
        now: Instant,
        entropy: &mut Entropy,
        epoch_us: i64,
    ) {
        let chat = match &command {
            ChatCommand::Prepare { chat, .. }
            | ChatCommand::Start { chat, .. }
            | ChatCommand::StartFile { chat, .. }
            | ChatCommand::Inspect { chat, .. }
            | ChatCommand::Overlook { chat, .. }
            | ChatCommand::Send { chat, .. }
            | ChatCommand::Say { chat, .. }
            | ChatCommand::GiveUp { chat }
            | ChatCommand::Stop { chat } => *chat,
        };
        if let ChatCommand::Prepare { address, tls, relay, .. } = command {
            let wish = Wish { chat, address, tls, relay };
            if let Err(error) = self.prepare(&wish, now, entropy) {
                let reason = format!("no socket for MSRP: {error}");
                self.told.push_back(ChatEvent::PrepareFailed { chat, reason });
            }
            return;
        }
        if let ChatCommand::Inspect { work, .. } = command {
            return self.inspect(chat, work);
        }
        if let ChatCommand::Overlook { transfer_id, .. } = command {
            self.inspections.retain(|inspection| !inspection.is_of(&transfer_id));
            return self.tidy(now);
        }
        let Some(at) = self.links.iter().position(|link| link.id() == chat) else { return };
        let Some(sockets) = &mut self.sockets else { return };
        let mut context = Context {
            poll: &sockets.poll,
            tokens: &mut sockets.tokens,
            buffer: &mut sockets.buffer,
            told: &mut self.told,
            tracer: self.tracer.as_ref(),
            tls: &self.tls,
            now,
        };
        let Some(link) = self.links.get_mut(at) else { return };
        match command {
            ChatCommand::Prepare { .. }
            | ChatCommand::Inspect { .. }
            | ChatCommand::Overlook { .. } => {}
            ChatCommand::Start { peer, identities, accept, .. } => {
                link.start(&peer, (identities, accept), entropy, epoch_us, &mut context);
            }
            ChatCommand::StartFile { peer, work, .. } => {
                let transfer_id = &work.file.transfer_id;
                let found = self.found.take_if(|found| found.transfer_id == *transfer_id);
                link.start_file(&peer, (&work, found), entropy, epoch_us, &mut context);
            }
            ChatCommand::Send { message, .. } => link.send(message, &mut context),
            ChatCommand::Say { say, .. } => link.say(say, &mut context),
            ChatCommand::GiveUp { .. } => link.give_up(),
            ChatCommand::Stop { .. } => link.stop(&mut context),
        }
        self.tidy(now);
    }

    fn prepare(&mut self, wish: &Wish, now: Instant, entropy: &mut Entropy) -> io::Result<()> {
        let sockets = match &mut self.sockets {
            Some(sockets) => sockets,
            none => none.insert(Sockets::open()?),
        };
        let mut context = Context {
            poll: &sockets.poll,
            tokens: &mut sockets.tokens,
            buffer: &mut sockets.buffer,
            told: &mut self.told,
            tracer: self.tracer.as_ref(),
            tls: &self.tls,
            now,
        };
        match Link::prepare(wish, entropy, &mut context) {
            Ok(link) => {
                self.links.push(link);
                Ok(())
            }
            Err(error) => {
                self.tidy(now);
                Err(error)
            }
        }
    }

    /// Begins to look at a file. Its pieces are read between those of the sockets.
    fn inspect(&mut self, chat: ChatId, work: Box<FileWork>) {
        if self.sockets.is_none() {
            match Sockets::open() {
                Ok(sockets) => self.sockets = Some(sockets),
                Err(error) => {
                    let (transfer_id, result) =
                        (work.file.transfer_id, Err(format!("no descriptor: {error}")));
                    let told = FileTold::Inspected { transfer_id, result };
                    return self.told.push_back(ChatEvent::File { chat, told });
                }
            }
        }
        self.inspections.push_back(Inspection::new(chat, work));
    }

    /// Waits for sockets or the waker, no longer than to `timeout`; then reads and writes what there
    /// is. Nothing is read of peers while `may_read` is false: what they say would find no room.
    pub(super) fn wait(
        &mut self,
        timeout: Option<Duration>,
        may_read: bool,
        now: impl Fn() -> Instant,
    ) {
        let Some(sockets) = &mut self.sockets else { return };
        let busy =
            !self.inspections.is_empty() || self.links.iter().any(|link| link.has_work(may_read));
        let timeout = if busy { Some(Duration::ZERO) } else { timeout };
        if let Err(error) = sockets.poll.poll(&mut sockets.events, timeout)
            && error.kind() != io::ErrorKind::Interrupted
        {
            log::error!("a session cannot wait for its chat: {error}");
        }
        for event in &sockets.events {
            for link in &mut self.links {
                link.ready(event);
            }
        }
        let mut context = Context {
            poll: &sockets.poll,
            tokens: &mut sockets.tokens,
            buffer: &mut sockets.buffer,
            told: &mut self.told,
            tracer: self.tracer.as_ref(),
            tls: &self.tls,
            now: now(),
        };
        for link in &mut self.links {
            link.serve(may_read, &mut context);
        }
        let now = context.now;
        if let Some(inspection) = self.inspections.front_mut()
            && let Some(told) = inspection.step()
        {
            let found = self.inspections.pop_front().and_then(Inspection::into_found);
            self.found = found.or_else(|| self.found.take());
            self.told.push_back(told);
        }
        self.tidy(now);
    }

    /// Forgets what is closed; with the last of them goes the poll.
    fn tidy(&mut self, now: Instant) {
        self.links.retain(|link| !link.is_over(now));
        if self.links.is_empty() && self.inspections.is_empty() {
            self.sockets = None;
        }
    }

    /// Gets the last words of ended chats out, within bounds, and closes everything.
    pub(super) fn finish(&mut self, now: impl Fn() -> Instant) {
        self.inspections.clear();
        self.tidy(now());
        let end = now() + FINISH_MAX;
        while self.has_sockets() && now() < end {
            let next = self.deadline().into_iter().chain([end]).min();
            self.wait(next.map(|at| at - now()), true, &now);
            self.told.clear();
        }
        self.links.clear();
        self.sockets = None;
    }
}
