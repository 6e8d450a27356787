//! One chat: its core, and the socket that it has.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event as Ready;
use mio::net::TcpListener;
use mio::{Interest, Token};
use offhook_fsm::msrp_link::State;
use offhook_fsm::{Entropy, Instant};
use offhook_msrp::chat::{Chat, Content, Event, Features, Input, Local, Outgoing, Output, Peer};
use offhook_msrp::{Path, new_uri, relay};

use super::Context;
use super::candidate::{Candidate, Turn};
use super::connection::{Connection, Expected, Got};
use super::inspection::Found;
use super::place::{EARLY_MAX, News, Place, port_of};
use super::talk;
use super::transfer::Transfer;
use crate::chat::{ChatEvent, ChatId, ChatMessage, FileWork, Identities, MsrpRelay, Say};
use crate::negotiate::{AcceptTypes, LocalChat, SettledChat};
use crate::sdp::fingerprint::Fingerprint;

/// Connections that may come in before one of them is the peer's; one more and the oldest goes.
const CANDIDATES_MAX: usize = 4;
/// Connections that are taken in one go.
const ACCEPTS_MAX: usize = 8;
/// How long to wait for a descriptor.
const RETRY: Duration = Duration::from_millis(500);
/// Bytes that are written of one link in one go, so that no other one waits for long.
const WRITE_MAX: usize = 256 * 1024;
/// Pieces of a file that are read in one go.
const FILE_READS: usize = 4;
/// How long a peer may take to read the last words.
const LINGER: Duration = Duration::from_secs(2);

/// What is to be prepared.
pub(super) struct Wish {
    pub(super) chat: ChatId,
    /// Our address.
    pub(super) address: IpAddr,
    pub(super) tls: bool,
    /// The way is through it.
    pub(super) relay: Option<Arc<MsrpRelay>>,
}

/// One chat of the session.
pub(super) struct Link {
    id: ChatId,
    uri: String,
    secure: bool,
    /// We connect; known when the peer's description is.
    active: bool,
    /// The certificates that the peer may show.
    told: Vec<Fingerprint>,
    /// The relay that it goes through, and the connection to it is the chat's.
    place: Option<Place>,
    /// Until the peer is there; an active side has one so that its port is its own.
    listener: Option<(TcpListener, Token)>,
    /// Somebody may wait to be let in.
    knocked: bool,
    /// When to try again to let somebody in.
    retry: Option<Instant>,
    candidates: Vec<Candidate>,
    chat: Option<Chat>,
    /// It carries a file.
    transfer: Option<Transfer>,
    connection: Option<Connection>,
    /// What is to be written; so much of it is.
    out: Vec<u8>,
    out_at: usize,
    /// There may be room for more of it.
    may_write: bool,
    deadline: Option<Instant>,
    /// Closes once all is written, or then.
    closing: Option<Instant>,
    /// We said that nothing more comes.
    shut: bool,
    over: bool,
}

impl Link {
    /// Makes our path, and tells it: with a port of our own, or with a relay's, once that serves us.
    pub(super) fn prepare(
        wish: &Wish,
        entropy: &mut Entropy,
        context: &mut Context<'_>,
    ) -> io::Result<Self> {
        let mut link = Self::new(wish.chat, wish.tls);
        match &wish.relay {
            Some(relay) => link.prepare_relay(relay, wish.address, entropy, context)?,
            None => link.prepare_port(wish.address, entropy, context)?,
        }
        Ok(link)
    }

    const fn new(id: ChatId, secure: bool) -> Self {
        Self {
            id,
            uri: String::new(),
            secure,
            active: false,
            told: Vec::new(),
            place: None,
            listener: None,
            knocked: false,
            retry: None,
            candidates: Vec::new(),
            chat: None,
            transfer: None,
            connection: None,
            out: Vec::new(),
            out_at: 0,
            may_write: false,
            deadline: None,
            closing: None,
            shut: false,
            over: false,
        }
    }

    fn prepare_port(
        &mut self,
        address: IpAddr,
        entropy: &mut Entropy,
        context: &mut Context<'_>,
    ) -> io::Result<()> {
        let mut listener = TcpListener::bind(SocketAddr::new(address, 0))?;
        let token = context.token();
        context.poll.registry().register(&mut listener, token, Interest::READABLE)?;
        let port = listener.local_addr()?.port();
        self.uri = new_uri(self.secure, &address.to_string(), port, entropy)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let mut local = LocalChat::new(port, self.uri.clone());
        if self.secure {
            let own = context.tls.fingerprint();
            local.tls = true;
            local.fingerprint = Some(own.map_err(|error| io::Error::other(error.to_string()))?);
        }
        self.listener = Some((listener, token));
        context.told.push_back(ChatEvent::Prepared { chat: self.id, local });
        Ok(())
    }

    fn prepare_relay(
        &mut self,
        relay: &Arc<MsrpRelay>,
        address: IpAddr,
        entropy: &mut Entropy,
        context: &mut Context<'_>,
    ) -> io::Result<()> {
        let expected = Expected { told: &[], name: &relay.host };
        let expected = relay.tls.then_some(&expected);
        let told =
            |error: io::Error| io::Error::other(format!("the relay {}: {error}", relay.address));
        let connection = Connection::to(relay.address, expected, context).map_err(told)?;
        let port = connection.local()?.port();
        self.uri = new_uri(self.secure, &address.to_string(), port, entropy)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let place = Place::new(relay, &self.uri, entropy, context.now);
        self.place = Some(place.map_err(io::Error::other)?);
        self.connection = Some(connection);
        Ok(())
    }

    /// What the relay says of our place.
    fn hear_of_place(&mut self, news: Option<News>, context: &mut Context<'_>) {
        match news {
            None => {}
            Some(News::Ready(path)) => {
                let port = port_of(&path).unwrap_or(offhook_msrp::DEFAULT_PORT);
                let local = LocalChat { tls: self.secure, ..LocalChat::new(port, path) };
                context.told.push_back(ChatEvent::Prepared { chat: self.id, local });
            }
            Some(News::Failed(reason)) => {
                let was_ready = self.place.as_ref().is_some_and(|place| place.path().is_some());
                self.connection = None;
                if !was_ready {
                    self.over = true;
                    let told = ChatEvent::PrepareFailed { chat: self.id, reason };
                    return context.told.push_back(told);
                }
                self.feed(Input::Disconnected(Some(reason)), context);
            }
        }
    }

    pub(super) const fn id(&self) -> ChatId {
        self.id
    }

    /// When to come back.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let place = self.place.as_ref().and_then(Place::deadline);
        [self.deadline, self.closing, self.retry, place].into_iter().flatten().min()
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over || self.closing.is_some_and(|at| at <= now)
    }

    /// Whether there is something to do that the poll has told of before.
    pub(super) fn has_work(&self, may_read: bool) -> bool {
        let reads = may_read && self.wants_bytes();
        let connection = self.connection.as_ref().is_some_and(Connection::is_readable) && reads;
        let candidate = self.is_open_to_candidates()
            && self.candidates.iter().any(|candidate| candidate.connection.is_readable());
        let drains = self.shut && self.connection.as_ref().is_some_and(Connection::is_readable);
        self.knocked || connection || candidate || self.may_write || drains
    }

    /// Whether what comes over the connection has room here.
    fn wants_bytes(&self) -> bool {
        match (&self.chat, &self.place) {
            (Some(chat), _) => chat.wants_bytes(),
            (None, Some(place)) => place.early.len() < EARLY_MAX,
            (None, None) => false,
        }
    }

    /// They are read when it is known whose path is the right one, and until it has come.
    const fn is_open_to_candidates(&self) -> bool {
        self.chat.is_some() && self.connection.is_none() && !self.active && self.place.is_none()
    }

    /// Notes what the poll says.
    pub(super) fn ready(&mut self, event: &Ready) {
        self.knocked |= self.listener.as_ref().is_some_and(|(_, token)| *token == event.token());
        let connections = self.candidates.iter_mut().map(|candidate| &mut candidate.connection);
        for connection in connections.chain(self.connection.as_mut()) {
            connection.ready(event);
        }
    }

    /// The peer's path is known, and what is to be carried.
    pub(super) fn start_file(
        &mut self,
        settled: &SettledChat,
        (work, found): (&FileWork, Option<Found>),
        entropy: &mut Entropy,
        epoch_us: i64,
        context: &mut Context<'_>,
    ) {
        match Transfer::open(self.id, work, found, entropy) {
            Ok(transfer) => self.transfer = Some(transfer),
            Err(reason) => return self.fail(reason, context),
        }
        self.start(settled, Default::default(), entropy, epoch_us, context);
        if let (Some(transfer), Some(chat)) = (&mut self.transfer, &mut self.chat) {
            transfer.run(chat, context.now, context.told);
        }
        self.pump(context);
    }

    /// The peer's path is known.
    pub(super) fn start(
        &mut self,
        settled: &SettledChat,
        (identities, accept): (Identities, AcceptTypes),
        entropy: &mut Entropy,
        epoch_us: i64,
        context: &mut Context<'_>,
    ) {
        self.active = settled.connects;
        // What a description tells of is the peer's own certificate; its relay shows another one.
        let meets_peer = self.place.is_none() && !is_behind_relay(&settled.path);
        if self.secure && meets_peer && settled.fingerprints.is_none() {
            let reason = "the peer tells its certificate by a hash that is unknown or broken";
            return self.fail(reason.into(), context);
        }
        let told = settled.fingerprints.as_ref().filter(|_| meets_peer);
        self.told = told.cloned().unwrap_or_default();
        let mut local = Local {
            accept_types: accept.types.as_ref().into(),
            accept_wrapped_types: accept.wrapped.as_ref().into(),
            identity: identities.own,
            epoch_us,
            features: Features { composing: true, dispositions: true, ..Features::default() },
            ..Local::new(self.uri.clone(), self.active)
        };
        if let Some(transfer) = &self.transfer {
            local.features = Features::default();
            transfer.set_up(&mut local);
        }
        let through = self.place.as_ref().and_then(|place| place.path_to(&settled.path));
        let peer = Peer {
            path: through.unwrap_or_else(|| settled.path.clone()),
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
            Err(error) => return self.fail(format!("MSRP cannot start: {error}"), context),
        }
        if let Some(place) = &mut self.place {
            let early = std::mem::take(&mut place.early);
            if self.connection.is_some() {
                self.feed(Input::Connected, context);
                self.feed(Input::Received(&early), context);
            } else {
                let reason = "the connection to the relay is gone";
                self.feed(Input::Disconnected(Some(reason.into())), context);
            }
        } else if self.active {
            self.listener = None;
            self.candidates.clear();
            match next_hop(&settled.path, self.secure).and_then(|(remote, name)| {
                let expected = Expected { told: &self.told, name };
                Connection::to(remote, self.secure.then_some(&expected), context)
                    .map_err(|error| format!("{remote}: {error}"))
            }) {
                Ok(connection) => self.connection = Some(connection),
                Err(reason) => self.feed(Input::Disconnected(Some(reason)), context),
            }
        }
        self.pump(context);
    }

    /// The chat comes to nothing.
    fn fail(&mut self, reason: String, context: &mut Context<'_>) {
        self.over = true;
        context.told.push_back(ChatEvent::Failed { chat: self.id, reason });
    }

    /// A message, in its turn.
    pub(super) fn send(&mut self, message: ChatMessage, context: &mut Context<'_>) {
        let id = message.id.clone();
        let outgoing = Outgoing {
            id: message.id,
            content: Content::Bytes(message.content),
            content_type: message.content_type,
            to: message.to,
            written_us: message.date.and_then(|date| i64::try_from(date.unix_micros()).ok()),
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

    /// Something beside messages.
    pub(super) fn say(&mut self, say: Say, context: &mut Context<'_>) {
        let Some(chat) = &mut self.chat else { return };
        if let Err(error) = chat.handle_input(context.now, talk::input(&say)) {
            context.told.extend(talk::refused(self.id, say, &error));
        }
        self.pump(context);
    }

    /// Nothing of the file is to stay.
    pub(super) const fn give_up(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.give_up();
        }
    }

    /// Ends the chat once what is queued went out.
    pub(super) fn stop(&mut self, context: &mut Context<'_>) {
        self.listener = None;
        self.candidates.clear();
        // A file that we send and nobody gave up: what came of it may go on another time.
        if self.chat.is_none() || self.transfer.as_ref().is_some_and(Transfer::is_interrupted) {
            self.over = true;
            return;
        }
        if let (Some(transfer), Some(chat)) = (&mut self.transfer, &mut self.chat) {
            transfer.cancel(chat, context.now, context.told);
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
        let news = self.place.as_mut().and_then(|place| place.wake(context.now));
        self.hear_of_place(news, context);
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
            if let Ok(connection) = Connection::accepted(stream, self.secure, context) {
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
        if !connection.shows_one_of(&self.told) {
            let reason = "the peer's certificate is not the one that its description tells of";
            return self.feed(Input::Disconnected(Some(reason.into())), context);
        }
        trace(true, &self.uri, &connection, &said, context);
        self.connection = Some(connection);
        self.feed(Input::Connected, context);
        self.feed(Input::Received(&said), context);
    }

    fn connect(&mut self, context: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|c| c.is_connecting()) else {
            return;
        };
        match connection.connected() {
            Ok(true) => match &mut self.place {
                Some(place) => {
                    let news = place.connected(context.now);
                    self.hear_of_place(news, context);
                }
                None => self.feed(Input::Connected, context),
            },
            Ok(false) => {}
            Err(error) if self.place.is_some() => self.lost(Some(error.to_string()), context),
            Err(error) => self.lost(Some(format!("the peer's MSRP port: {error}")), context),
        }
    }

    fn read(&mut self, context: &mut Context<'_>) {
        // A file comes in larger pieces: what each costs beside its bytes counts there.
        let turns = if self.transfer.is_some() { FILE_READS } else { 1 };
        for _ in 0..turns {
            self.read_once(context);
        }
    }

    fn read_once(&mut self, context: &mut Context<'_>) {
        if !self.wants_bytes() {
            return;
        }
        let Some(connection) = self.connection.as_mut().filter(|c| c.is_readable()) else { return };
        // The core reads the buffer while answers are written elsewhere.
        let mut buffer = std::mem::take(context.buffer);
        match connection.read(&mut buffer) {
            Ok(Got::Nothing) => {}
            Ok(Got::Bytes(count)) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                trace(true, &self.uri, connection, bytes, context);
                if let Some(place) = &mut self.place {
                    if self.chat.is_none() {
                        place.early.extend_from_slice(bytes);
                    }
                    let news = place.feed(context.now, relay::Input::Received(bytes));
                    self.hear_of_place(news, context);
                }
                self.feed(Input::Received(bytes), context);
            }
            Ok(Got::End) => self.lost(None, context),
            Err(error) => self.lost(Some(error.to_string()), context),
        }
        *context.buffer = buffer;
    }

    /// The connection is gone.
    fn lost(&mut self, reason: Option<String>, context: &mut Context<'_>) {
        self.connection = None;
        self.out.clear();
        self.out_at = 0;
        if let Some(place) = &mut self.place {
            let reason = reason.unwrap_or_else(|| "it has closed it".into());
            let news = place.feed(context.now, relay::Input::Disconnected(reason));
            return self.hear_of_place(news, context);
        }
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
                Output::Event(event) => match &mut self.transfer {
                    Some(transfer) => transfer.hear(event, chat, context.now, context.told),
                    None => context.told.extend(told(self.id, event)),
                },
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

    /// Writes what the relay is to hear, between the chat's own outputs.
    fn write_to_relay(&mut self, context: &mut Context<'_>) {
        if self.out_at != 0 {
            return;
        }
        let Some(place) = self.place.as_mut().filter(|place| !place.to_write().is_empty()) else {
            return;
        };
        let stands = self.connection.as_mut().filter(|c| !c.is_connecting());
        let Some(connection) = stands else { return };
        match connection.write(place.to_write()) {
            Ok(count) => {
                let written = place.to_write().get(..count).unwrap_or_default();
                trace(false, &self.uri, connection, written, context);
                place.written(count);
            }
            Err(error) => self.lost(Some(error.to_string()), context),
        }
    }

    /// Writes, and takes what the core orders when it is written, until there is no room or
    /// nothing more.
    fn pump(&mut self, context: &mut Context<'_>) {
        self.drain(context);
        let flushed =
            self.connection.as_mut().filter(|c| !c.is_connecting()).map(Connection::flush);
        if let Some(Err(error)) = flushed {
            self.lost(Some(error.to_string()), context);
        }
        let mut left = WRITE_MAX;
        self.may_write = false;
        self.write_to_relay(context);
        while let Some(rest) = self.out.get(self.out_at..).filter(|rest| !rest.is_empty()) {
            let stands = self.connection.as_mut().filter(|c| !c.is_connecting());
            let Some(connection) = stands else { break };
            if self.place.as_ref().is_some_and(|place| !place.to_write().is_empty())
                && self.out_at == 0
            {
                break;
            }
            if left == 0 {
                self.may_write = true;
                break;
            }
            match connection.write(rest) {
                Ok(0) => break,
                Ok(count) => {
                    let written = rest.get(..count).unwrap_or_default();
                    trace(false, &self.uri, connection, written, context);
                    self.out_at += count;
                    left = left.saturating_sub(count);
                    if self.out_at == self.out.len() {
                        self.out.clear();
                        self.out_at = 0;
                        self.write_to_relay(context);
                    }
                    self.feed(Input::Written(count), context);
                }
                Err(error) => self.lost(Some(error.to_string()), context),
            }
        }
        if self.closing.is_some() && (self.out.is_empty() || self.connection.is_none()) {
            self.shut = self.shut || self.connection.as_mut().is_none_or(Connection::shut_down);
            self.over = self.shut && self.is_drained(context);
        }
    }

    /// Whether the peer has said its last, too. What comes of a file until then is read and dropped:
    /// to close before would take our last words from the peer (RFC 9293 §3.6.1).
    fn is_drained(&mut self, context: &mut Context<'_>) -> bool {
        let Some(connection) = self.connection.as_mut().filter(|_| self.transfer.is_some()) else {
            return true;
        };
        for _ in 0..FILE_READS {
            if !connection.is_readable() {
                return false;
            }
            match connection.read(context.buffer) {
                Ok(Got::Bytes(_)) => {}
                Ok(Got::Nothing) => return false,
                Ok(Got::End) | Err(_) => return true,
            }
        }
        false
    }
}

/// Tells what passed over the connection of the session with that URI, where it is wanted.
fn trace(received: bool, own: &str, over: &Connection, bytes: &[u8], context: &Context<'_>) {
    if let Some(tracer) = context.tracer
        && let Ok(ends) = over.ends()
    {
        tracer.tell(received, ends, own.starts_with("msrps:"), bytes);
    }
}

/// Whether a peer with that path has relays (RFC 4976 §5.2).
fn is_behind_relay(path: &str) -> bool {
    Path::parse(path).is_ok_and(|path| path.iter().nth(1).is_some())
}

/// Where the first URI of a path is.
fn next_hop(path: &str, secure: bool) -> Result<(SocketAddr, &str), String> {
    let first = Path::parse(path).ok().and_then(Path::first);
    let uri = first.ok_or_else(|| format!("{path:?} is no path"))?;
    if uri.secure != secure {
        let line = if secure { "TLS" } else { "no TLS" };
        return Err(format!("{}: the scheme does not go with a line that says {line}", uri.raw));
    }
    let host = uri.host.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr =
        host.parse().map_err(|_| format!("{}: host names are not looked up yet", uri.raw))?;
    Ok((SocketAddr::new(address, uri.port.unwrap_or(offhook_msrp::DEFAULT_PORT)), host))
}

/// What the session's core is told; content that comes in pieces is not asked for.
fn told(chat: ChatId, event: Event) -> Option<ChatEvent> {
    Some(match event {
        Event::Started => ChatEvent::Started { chat },
        Event::Failed { reason } => ChatEvent::Failed { chat, reason },
        Event::Ended => ChatEvent::Ended { chat },
        Event::Message(message) => ChatEvent::Message {
            chat,
            id: message.id,
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
        Event::Composing { .. } | Event::Disposition { .. } | Event::Nickname { .. } => {
            return talk::told(chat, event);
        }
        Event::Piece { .. }
        | Event::Complete { .. }
        | Event::Withdrawn { .. }
        | Event::NeedData { .. }
        | Event::Progress { .. }
        | Event::Receiving { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_hop_is_the_first_uri_of_the_path() {
        let of = |path: &str| next_hop(path, false).map(|(address, _)| address.to_string());
        assert_eq!(of("msrp://192.0.2.1:9000/a;tcp"), Ok("192.0.2.1:9000".into()));
        assert_eq!(
            of("msrp://[2001:db8::1]/a;tcp msrp://x/b;tcp"),
            Ok("[2001:db8::1]:2855".into())
        );
        for (path, told) in [
            ("msrp://host/a;tcp", "looked up"),
            ("msrps://192.0.2.1/a;tcp", "says no TLS"),
            ("", "no path"),
        ] {
            let reason = of(path).unwrap_err();
            assert!(reason.contains(told), "{reason}");
        }
    }
}
