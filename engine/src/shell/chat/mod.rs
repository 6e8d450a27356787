//! The MSRP connections of one session, on the session's own thread. Without a chat there is no
//! descriptor here and the thread sleeps in its mailbox; with one it sleeps in a poll, which a waker
//! beside the mailbox ends.

mod candidate;
mod connection;
mod link;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};
use offhook_fsm::{Entropy, Instant};

use self::link::Link;
use crate::chat::{ChatCommand, ChatEvent, ChatId};

/// Wakes the thread for its mailbox.
const WAKER: Token = Token(0);
/// Socket events that are taken in one go.
const EVENTS_MAX: usize = 32;
/// Octets that are read of one connection in one go, so that neither another one nor the session's
/// timers wait for long.
const READ_MAX: usize = 16 * 1024;

/// How long the last words of an ended session's chats may take.
const FINISH_MAX: Duration = Duration::from_secs(3);

/// What a link needs of its thread.
struct Context<'a> {
    poll: &'a Poll,
    tokens: &'a mut usize,
    buffer: &'a mut [u8],
    told: &'a mut VecDeque<ChatEvent>,
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
#[derive(Default)]
pub(super) struct Chats {
    sockets: Option<Sockets>,
    links: Vec<Link>,
    told: VecDeque<ChatEvent>,
}

impl Chats {
    /// Whether there are sockets to wait for.
    pub(super) const fn has_sockets(&self) -> bool {
        self.sockets.is_some()
    }

    /// What ends a wait for sockets, for those who put mail into the session's mailbox.
    pub(super) fn waker(&self) -> Option<Arc<Waker>> {
        self.sockets.as_ref().map(|sockets| Arc::clone(&sockets.waker))
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
            | ChatCommand::Send { chat, .. }
            | ChatCommand::Stop { chat } => *chat,
        };
        if let ChatCommand::Prepare { address, passive, .. } = command {
            if let Err(error) = self.prepare(chat, address, passive, now, entropy) {
                let reason = format!("no socket for MSRP: {error}");
                self.told.push_back(ChatEvent::PrepareFailed { chat, reason });
            }
            return;
        }
        let Some(at) = self.links.iter().position(|link| link.id() == chat) else { return };
        let Some(sockets) = &mut self.sockets else { return };
        let mut context = Context {
            poll: &sockets.poll,
            tokens: &mut sockets.tokens,
            buffer: &mut sockets.buffer,
            told: &mut self.told,
            now,
        };
        let Some(link) = self.links.get_mut(at) else { return };
        match command {
            ChatCommand::Prepare { .. } => {}
            ChatCommand::Start { peer, identities, .. } => {
                link.start(&peer, identities, entropy, epoch_us, &mut context);
            }
            ChatCommand::Send { message, .. } => link.send(message, &mut context),
            ChatCommand::Stop { .. } => link.stop(&mut context),
        }
        self.tidy(now);
    }

    fn prepare(
        &mut self,
        chat: ChatId,
        address: std::net::IpAddr,
        passive: bool,
        now: Instant,
        entropy: &mut Entropy,
    ) -> io::Result<()> {
        let sockets = match &mut self.sockets {
            Some(sockets) => sockets,
            none => none.insert(Sockets::open()?),
        };
        let mut context = Context {
            poll: &sockets.poll,
            tokens: &mut sockets.tokens,
            buffer: &mut sockets.buffer,
            told: &mut self.told,
            now,
        };
        match Link::prepare(chat, address, passive, entropy, &mut context) {
            Ok((link, local)) => {
                self.links.push(link);
                self.told.push_back(ChatEvent::Prepared { chat, local });
                Ok(())
            }
            Err(error) => {
                self.tidy(now);
                Err(error)
            }
        }
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
        let busy = self.links.iter().any(|link| link.has_work(may_read));
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
            now: now(),
        };
        for link in &mut self.links {
            link.serve(may_read, &mut context);
        }
        let now = context.now;
        self.tidy(now);
    }

    /// Forgets what is closed; with the last of them goes the poll.
    fn tidy(&mut self, now: Instant) {
        self.links.retain(|link| !link.is_over(now));
        if self.links.is_empty() {
            self.sockets = None;
        }
    }

    /// Gets the last words of ended chats out, within bounds, and closes everything.
    pub(super) fn finish(&mut self, now: impl Fn() -> Instant) {
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
