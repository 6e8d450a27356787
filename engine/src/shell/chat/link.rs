//! One chat: its core, and the socket that it has.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mio::event::Event as Ready;
use mio::net::TcpListener;
use mio::{Interest, Token};
use offhook_fsm::msrp_link::State;
use offhook_fsm::{Entropy, Instant};
use offhook_msrp::chat::{Chat, Content, Event, Input, Local, Outgoing, Output, Peer};
use offhook_msrp::{Path, new_uri};

use super::Context;
use super::candidate::{Candidate, Turn};
use super::connection::{Connection, Got};
use crate::chat::{ChatEvent, ChatId, ChatMessage, Identities};
use crate::negotiate::{ACCEPT_TYPES, ACCEPT_WRAPPED_TYPES, LocalChat, SettledChat};

/// Connections that may come in before one of them is the peer's; one more and the oldest goes.
const CANDIDATES_MAX: usize = 4;
/// Connections that are taken in one go.
const ACCEPTS_MAX: usize = 8;
/// How long to wait for a descriptor.
const RETRY: Duration = Duration::from_millis(500);
/// How long a peer may take to read the last words.
const LINGER: Duration = Duration::from_secs(2);

/// One chat of the session.
pub(super) struct Link {
    id: ChatId,
    uri: String,
    active: bool,
    /// Until the peer is there; an active side has one so that its port is its own.
    listener: Option<(TcpListener, Token)>,
    /// Somebody may wait to be let in.
    knocked: bool,
    /// When to try again to let somebody in.
    retry: Option<Instant>,
    candidates: Vec<Candidate>,
    chat: Option<Chat>,
    connection: Option<Connection>,
    /// What is to be written; so much of it is.
    out: Vec<u8>,
    out_at: usize,
    deadline: Option<Instant>,
    /// Closes once all is written, or then.
    closing: Option<Instant>,
    over: bool,
}

impl Link {
    /// Takes a port and makes our path.
    pub(super) fn prepare(
        id: ChatId,
        address: IpAddr,
        passive: bool,
        entropy: &mut Entropy,
        context: &mut Context<'_>,
    ) -> io::Result<(Self, LocalChat)> {
        let mut listener = TcpListener::bind(SocketAddr::new(address, 0))?;
        let token = context.token();
        context.poll.registry().register(&mut listener, token, Interest::READABLE)?;
        let port = listener.local_addr()?.port();
        let uri = new_uri(false, &address.to_string(), port, entropy)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let local = LocalChat { port, path: uri.clone(), tls: false };
        let link = Self {
            id,
            uri,
            active: !passive,
            listener: Some((listener, token)),
            knocked: false,
            retry: None,
            candidates: Vec::new(),
            chat: None,
            connection: None,
            out: Vec::new(),
            out_at: 0,
            deadline: None,
            closing: None,
            over: false,
        };
        Ok((link, local))
    }

    pub(super) const fn id(&self) -> ChatId {
        self.id
    }

    /// When to come back.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.into_iter().chain(self.closing).chain(self.retry).min()
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over || self.closing.is_some_and(|at| self.out.is_empty() || at <= now)
    }

    /// Whether there is something to do that the poll has told of before.
    pub(super) fn has_work(&self, may_read: bool) -> bool {
        let reads = may_read && self.chat.as_ref().is_some_and(Chat::wants_bytes);
        let connection = self.connection.as_ref().is_some_and(Connection::is_readable) && reads;
        let candidate = self.is_open_to_candidates()
            && self.candidates.iter().any(|candidate| candidate.connection.is_readable());
        self.knocked || connection || candidate
    }

    /// They are read when it is known whose path is the right one, and until it has come.
    const fn is_open_to_candidates(&self) -> bool {
        self.chat.is_some() && self.connection.is_none() && !self.active
    }

    /// Notes what the poll says.
    pub(super) fn ready(&mut self, event: &Ready) {
        self.knocked |= self.listener.as_ref().is_some_and(|(_, token)| *token == event.token());
        let connections = self.candidates.iter_mut().map(|candidate| &mut candidate.connection);
        for connection in connections.chain(self.connection.as_mut()) {
            connection.ready(event);
        }
    }

    /// The peer's path is known.
    pub(super) fn start(
        &mut self,
        settled: &SettledChat,
        identities: Identities,
        entropy: &mut Entropy,
        epoch_us: i64,
        context: &mut Context<'_>,
    ) {
        let local = Local {
            accept_types: ACCEPT_TYPES.into(),
            accept_wrapped_types: ACCEPT_WRAPPED_TYPES.into(),
            identity: identities.own,
            epoch_us,
            ..Local::new(self.uri.clone(), self.active)
        };
        let peer = Peer {
            path: settled.path.clone(),
            accept_types: settled.accept_types.clone(),
            accept_wrapped_types: settled.accept_wrapped_types.clone(),
            identity: identities.peer,
        };
        let started = Chat::new(local, entropy.fork()).and_then(|mut chat| {
            chat.handle_input(context.now, Input::Start(peer))?;
            Ok(chat)
        });
        match started {
            Ok(chat) => self.chat = Some(chat),
            Err(error) => {
                self.over = true;
                let reason = format!("MSRP cannot start: {error}");
                return context.told.push_back(ChatEvent::Failed { chat: self.id, reason });
            }
        }
        if self.active {
            self.listener = None;
            match next_hop(&settled.path).and_then(|remote| {
                Connection::to(remote, context).map_err(|error| format!("{remote}: {error}"))
            }) {
                Ok(connection) => self.connection = Some(connection),
                Err(reason) => self.feed(Input::Disconnected(Some(reason)), context),
            }
        }
        self.pump(context);
    }

    /// A message, in its turn.
    pub(super) fn send(&mut self, message: ChatMessage, context: &mut Context<'_>) {
        let id = message.id.clone();
        let outgoing = Outgoing {
            id: message.id,
            content: Content::Bytes(message.content),
            content_type: message.content_type,
            to: message.to,
            reports: None,
        };
        let Some(chat) = &mut self.chat else { return };
        if let Err(error) = chat.handle_input(context.now, Input::Send(outgoing)) {
            let (chat, reason) = (self.id, error.to_string());
            context.told.push_back(ChatEvent::NotDelivered { chat, id, code: 0, reason });
            return;
        }
        self.pump(context);
    }

    /// Ends the chat once what is queued went out.
    pub(super) fn stop(&mut self, context: &mut Context<'_>) {
        self.listener = None;
        self.candidates.clear();
        if self.chat.is_none() {
            self.over = true;
            return;
        }
        self.feed(Input::Stop, context);
        self.pump(context);
    }

    /// Does all that can be done now.
    pub(super) fn serve(&mut self, may_read: bool, context: &mut Context<'_>) {
        if self.deadline.is_some_and(|at| at <= context.now) {
            self.deadline = None;
            self.feed(Input::Timeout, context);
        }
        if self.retry.is_some_and(|at| at <= context.now) {
            self.retry = None;
            self.knocked = true;
        }
        self.let_in(context);
        self.hear_candidates(context);
        self.connect(context);
        if may_read {
            self.read(context);
        }
        self.pump(context);
    }

    fn let_in(&mut self, context: &mut Context<'_>) {
        if !std::mem::take(&mut self.knocked) {
            return;
        }
        let Some((listener, _)) = &self.listener else { return };
        for _ in 0..ACCEPTS_MAX {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Who gave up before: the others may still get in.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    log::warn!("MSRP: a connection is not taken: {error}");
                    self.retry = Some(context.now + RETRY);
                    return;
                }
            };
            if let Ok(connection) = Connection::accepted(stream, context) {
                if self.candidates.len() >= CANDIDATES_MAX {
                    self.candidates.remove(0);
                }
                self.candidates.push(Candidate::new(connection));
            }
        }
        self.knocked = true;
    }

    /// Listens to each that came in until one of them is the peer.
    fn hear_candidates(&mut self, context: &mut Context<'_>) {
        if !self.is_open_to_candidates() {
            return;
        }
        let Some(chat) = &self.chat else { return };
        let mut peer = None;
        let mut waiting = Vec::with_capacity(self.candidates.len());
        for mut candidate in std::mem::take(&mut self.candidates) {
            if peer.is_some() || !candidate.connection.is_readable() {
                waiting.push(candidate);
                continue;
            }
            match candidate.turn(chat, context) {
                Turn::Waits => waiting.push(candidate),
                Turn::Peer(said) => peer = Some((candidate.connection, said)),
                Turn::Over => {}
            }
        }
        let Some((connection, said)) = peer else {
            self.candidates = waiting;
            return;
        };
        self.listener = None;
        self.connection = Some(connection);
        self.feed(Input::Connected, context);
        self.feed(Input::Received(&said), context);
    }

    fn connect(&mut self, context: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|c| c.is_connecting()) else {
            return;
        };
        match connection.connected() {
            Ok(true) => self.feed(Input::Connected, context),
            Ok(false) => {}
            Err(error) => self.lost(Some(format!("the peer's MSRP port: {error}")), context),
        }
    }

    fn read(&mut self, context: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|c| c.is_readable()) else { return };
        if !self.chat.as_ref().is_some_and(Chat::wants_bytes) {
            return;
        }
        match connection.read(context.buffer) {
            Ok(Got::Nothing) => {}
            Ok(Got::Bytes(count)) => {
                // The buffer is lent to the core while it writes answers elsewhere.
                let bytes = context.buffer.get(..count).unwrap_or_default().to_vec();
                self.feed(Input::Received(&bytes), context);
            }
            Ok(Got::End) => self.lost(None, context),
            Err(error) => self.lost(Some(error.to_string()), context),
        }
    }

    /// The connection is gone.
    fn lost(&mut self, reason: Option<String>, context: &mut Context<'_>) {
        self.connection = None;
        self.out.clear();
        self.out_at = 0;
        self.feed(Input::Disconnected(reason), context);
    }

    fn feed(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let Some(chat) = &mut self.chat else { return };
        if let Err(error) = chat.handle_input(context.now, input) {
            log::debug!("MSRP: {error}");
        }
        self.drain(context);
    }

    /// Takes what the core orders.
    fn drain(&mut self, context: &mut Context<'_>) {
        let Some(chat) = &mut self.chat else { return };
        loop {
            match chat.poll_output() {
                Output::Transmit(bytes) => self.out.extend_from_slice(&bytes),
                Output::Event(event) => context.told.extend(told(self.id, event)),
                Output::Close => self.closing = Some(context.now + LINGER),
                Output::Timeout(at) => {
                    self.deadline = at;
                    if chat.state() == State::Terminated && self.closing.is_none() {
                        // There was no connection to close.
                        self.closing = Some(context.now + LINGER);
                    }
                    return;
                }
            }
        }
    }

    /// Writes, and takes what the core orders when it is written, until there is no room or
    /// nothing more.
    fn pump(&mut self, context: &mut Context<'_>) {
        self.drain(context);
        while let Some(rest) = self.out.get(self.out_at..).filter(|rest| !rest.is_empty()) {
            let stands = self.connection.as_mut().filter(|c| !c.is_connecting());
            let Some(connection) = stands else { break };
            match connection.write(rest) {
                Ok(0) => break,
                Ok(count) => {
                    self.out_at += count;
                    if self.out_at == self.out.len() {
                        self.out.clear();
                        self.out_at = 0;
                    }
                    self.feed(Input::Written(count), context);
                }
                Err(error) => self.lost(Some(error.to_string()), context),
            }
        }
        if self.closing.is_some() && (self.out.is_empty() || self.connection.is_none()) {
            if let Some(connection) = &self.connection {
                connection.shut_down();
            }
            self.over = true;
        }
    }
}

/// Where the first URI of a path is.
fn next_hop(path: &str) -> Result<SocketAddr, String> {
    let first = Path::parse(path).ok().and_then(Path::first);
    let uri = first.ok_or_else(|| format!("{path:?} is no path"))?;
    if uri.secure {
        return Err(format!("{}: MSRP over TLS is not built yet", uri.raw));
    }
    let host = uri.host.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr =
        host.parse().map_err(|_| format!("{}: host names are not looked up yet", uri.raw))?;
    Ok(SocketAddr::new(address, uri.port.unwrap_or(offhook_msrp::DEFAULT_PORT)))
}

/// What the session's core is told; content that comes in pieces is not asked for.
fn told(chat: ChatId, event: Event) -> Option<ChatEvent> {
    Some(match event {
        Event::Started => ChatEvent::Started { chat },
        Event::Failed { reason } => ChatEvent::Failed { chat, reason },
        Event::Ended => ChatEvent::Ended { chat },
        Event::Message(message) => ChatEvent::Message {
            chat,
            content: message.content,
            content_type: message.content_type,
            cpim_headers: message.cpim_headers,
        },
        // Every chunk was answered with 200: there is no better word without reports.
        Event::Sent { id } => ChatEvent::Delivered { chat, id, code: 200, reason: "OK".into() },
        Event::Delivered { id, code, reason } => ChatEvent::Delivered { chat, id, code, reason },
        Event::NotDelivered { id, code, reason } => {
            ChatEvent::NotDelivered { chat, id, code, reason }
        }
        Event::Piece { .. }
        | Event::Complete { .. }
        | Event::Withdrawn { .. }
        | Event::NeedData { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_hop_is_the_first_uri_of_the_path() {
        let of = |path: &str| next_hop(path).map(|address| address.to_string());
        assert_eq!(of("msrp://192.0.2.1:9000/a;tcp"), Ok("192.0.2.1:9000".into()));
        assert_eq!(
            of("msrp://[2001:db8::1]/a;tcp msrp://x/b;tcp"),
            Ok("[2001:db8::1]:2855".into())
        );
        for (path, told) in [
            ("msrp://host/a;tcp", "looked up"),
            ("msrps://192.0.2.1/a;tcp", "TLS"),
            ("", "no path"),
        ] {
            let reason = of(path).unwrap_err();
            assert!(reason.contains(told), "{reason}");
        }
    }
}
