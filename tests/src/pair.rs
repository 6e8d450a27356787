//! Two session cores, each behind its endpoint core, and two links between them. What arrives next
//! is chosen step by step, so every order of arrival can be tried. Time passes only when nothing is
//! under way.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use offhook::chat::{ChatCommand, ChatEvent, ChatId};
use offhook::endpoint;
use offhook::error::SessionError;
use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::media::control::{Flow, MediaCommand, MediaEvent};
use offhook::negotiate::{Capabilities, LocalChat, SrtpPolicy};
use offhook::session::{self, Input, Order, Output, Route};
use offhook::snapshot::Snapshot;
use offhook::streams::Streams;
use offhook::timestamp::{Epoch, Timestamp};
use offhook::transaction::Timers;
use offhook::transport::{Destination, Transmit, Transport};
use offhook_fsm::{Entropy, Instant};

/// The only session on each side.
const ID: SessionId = SessionId(1);
/// Steps after which a run has lost its way.
const STEPS_MAX: usize = 20_000;

/// What a session of ours says to the peer's proposal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Takes what is proposed.
    Accept,
    /// Refuses it.
    Reject,
    /// Says nothing.
    Ignore,
}

/// One user agent.
#[derive(Debug)]
pub struct Side {
    endpoint: endpoint::Core,
    core: Option<session::Core>,
    /// The session's last attributes.
    pub snapshot: Snapshot,
    /// Notifications since the last [`Pair::clear`], in short.
    pub told: Vec<String>,
    /// Every DidEnd ever.
    pub ends: usize,
    /// How audio runs.
    pub flow: Option<Flow>,
    chat: Option<ChatId>,
    deadline: Option<Instant>,
    endpoint_deadline: Option<Instant>,
    /// What our own media, chat and user still have to say.
    inner: VecDeque<Input>,
    /// Datagrams that arrive here.
    link: VecDeque<Arc<[u8]>>,
}

/// Two user agents.
#[derive(Debug)]
pub struct Pair {
    /// The caller, and who is called.
    pub sides: [Side; 2],
    /// Simulated time.
    pub now: Instant,
    /// What both say to proposals.
    pub answer: Answer,
    /// A datagram may overtake the one before it.
    pub overtaking: bool,
    /// Everything that was sent and told, for a failing test's message.
    pub trace: Vec<String>,
}

/// Where something waits to arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// On the link to that side.
    Link(usize),
    /// On that link, behind another.
    Behind(usize),
    /// Inside of that side.
    Inner(usize),
}

fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if side == 0 { 1 } else { 2 }], 5060))
}

fn capabilities() -> Capabilities {
    let (codecs, srtp) = (Codec::ALL.into(), SrtpPolicy::Disabled);
    Capabilities { codecs, telephone_event: true, chat: true, chat_over_tls: false, srtp }
}

fn way(from: usize) -> Destination {
    let (local, remote) = (address(from), address(1 - from));
    Destination { transport: Transport::Udp, remote, local, flow: None }
}

impl Side {
    fn new(side: usize) -> Self {
        let capabilities = capabilities();
        let settings = endpoint::Settings {
            timers: Timers::default(),
            capabilities,
            callees: Vec::new(),
            takes_anybody: true,
            user_agent: "offhook".into(),
            server_transactions_max: endpoint::SERVER_TRANSACTIONS_MAX,
        };
        Self {
            endpoint: endpoint::Core::new(settings, Entropy::from_u64(side as u64)),
            core: None,
            snapshot: Snapshot::default(),
            told: Vec::new(),
            ends: 0,
            flow: None,
            chat: None,
            deadline: None,
            endpoint_deadline: None,
            inner: VecDeque::new(),
            link: VecDeque::new(),
        }
    }

    fn new_session(side: usize) -> session::Core {
        let settings = session::Settings {
            user_agent: "offhook".into(),
            local_uri: format!("sip:user{side}@{}", address(side)).parse().unwrap(),
            timers: Timers::default(),
            capabilities: capabilities(),
            epoch: Epoch { instant: Instant::ZERO, timestamp: Timestamp::from_unix_micros(0) },
            // A call that refreshes itself is never quiet.
            policy: session::Policy { session_expires: None, ..session::Policy::default() },
            listens_on_tcp: true,
            credentials: Vec::new(),
        };
        session::Core::new(ID, Arc::new(settings), Entropy::from_u64(100 + side as u64))
    }

    /// Transactions that the endpoint still runs.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.endpoint.transactions()
    }

    /// Whether a timer of it still runs.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.deadline.is_some() || self.endpoint_deadline.is_some()
    }

    /// Whether the chat is prepared or runs.
    #[must_use]
    pub const fn has_chat(&self) -> bool {
        self.chat.is_some()
    }
}

impl Pair {
    /// The first side calls the second with those streams; nothing has arrived yet.
    #[must_use]
    pub fn calling(streams: Streams) -> Self {
        let sides = [Side::new(0), Side::new(1)];
        let (now, trace) = (Instant::ZERO, Vec::new());
        let (answer, overtaking) = (Answer::Accept, false);
        let mut pair = Self { sides, now, answer, overtaking, trace };
        pair.sides[0].core = Some(Side::new_session(0));
        let routes = vec![Route { destination: way(0), when_long: None }];
        let uri = format!("sip:user1@{}", address(1)).parse().unwrap();
        pair.order(0, Order::Connect { uri, routes, streams, headers: Vec::new() }).unwrap();
        pair
    }

    /// A call that rings on the second side.
    #[must_use]
    pub fn ringing(streams: Streams) -> Self {
        let mut pair = Self::calling(streams);
        pair.settle();
        pair.clear();
        pair
    }

    /// A call with those streams that stands, and nothing is under way.
    #[must_use]
    pub fn established(streams: Streams) -> Self {
        let mut pair = Self::ringing(streams);
        pair.order(1, Order::Accept { streams, headers: Vec::new() }).unwrap();
        pair.settle();
        pair.clear();
        pair
    }

    /// Forgets what was told and sent.
    pub fn clear(&mut self) {
        self.sides.iter_mut().for_each(|side| side.told.clear());
        self.trace.clear();
    }

    /// One side's user gives an order, and the call waits until it is carried out.
    pub fn then(mut self, side: usize, order: Order) -> Self {
        self.order(side, order).unwrap();
        self.settle();
        self.clear();
        self
    }

    /// One side's user gives an order.
    ///
    /// # Errors
    /// What the session says of it.
    pub fn order(&mut self, side: usize, order: Order) -> Result<(), SessionError> {
        self.trace.push(format!("{side}: {order:?}"));
        self.session(side, Input::Order(order))
    }

    /// Where something waits to arrive.
    #[must_use]
    pub fn under_way(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (number, side) in self.sides.iter().enumerate() {
            places.extend((!side.link.is_empty()).then_some(Place::Link(number)));
            places
                .extend((self.overtaking && side.link.len() > 1).then_some(Place::Behind(number)));
            places.extend((!side.inner.is_empty()).then_some(Place::Inner(number)));
        }
        places
    }

    /// Lets the first of what waits there arrive.
    pub fn arrive(&mut self, place: Place) {
        match place {
            Place::Link(side) => {
                let Some(bytes) = self.sides[side].link.pop_front() else { return };
                let source = way(side);
                self.endpoint(side, endpoint::Input::Message { source, bytes: &bytes });
            }
            Place::Behind(side) => {
                self.sides[side].link.swap(0, 1);
                self.arrive(Place::Link(side));
            }
            Place::Inner(side) => {
                let Some(input) = self.sides[side].inner.pop_front() else { return };
                // A user who decides too late is told so.
                let _too_late = self.session(side, input);
            }
        }
    }

    /// Lets everything arrive, in whatever order, without letting time pass.
    pub fn settle(&mut self) {
        let mut steps = 0;
        while let Some(place) = self.under_way().first().copied() {
            self.arrive(place);
            steps += 1;
            assert!(steps < STEPS_MAX, "it never settles: {:#?}", self.trace);
        }
    }

    /// Runs until nothing is left to happen. `choose` is asked which of so many places is next.
    pub fn run(&mut self, mut choose: impl FnMut(usize) -> usize) {
        let mut steps = 0;
        loop {
            let places = self.under_way();
            if !places.is_empty() {
                let at = if places.len() == 1 { 0 } else { choose(places.len()) };
                self.arrive(places[at]);
            } else if !self.pass_time() {
                return;
            }
            steps += 1;
            assert!(steps < STEPS_MAX, "it never ends: {:#?}", self.trace);
        }
    }

    /// Runs until nothing is left to happen over links that lose one datagram in ten, double one,
    /// let one overtake another, and are slow.
    pub fn run_badly(&mut self, entropy: &mut Entropy) {
        let mut steps = 0;
        loop {
            let places = self.under_way();
            let slow = entropy.below(20) == 0;
            match places.get(entropy.below(places.len().max(1) as u64) as usize) {
                Some(place) if !slow => {
                    self.disturb(*place, entropy);
                    self.arrive(*place);
                }
                _ if !self.pass_time() && places.is_empty() => return,
                _ => {}
            }
            steps += 1;
            assert!(steps < STEPS_MAX, "it never ends: {:#?}", self.trace);
        }
    }

    /// Something bad happens to what waits there, or nothing.
    fn disturb(&mut self, place: Place, entropy: &mut Entropy) {
        let Place::Link(side) = place else { return };
        let link = &mut self.sides[side].link;
        match entropy.below(10) {
            0 => drop(link.pop_front()),
            1 => link.extend(link.front().cloned()),
            2 if link.len() > 1 => link.swap(0, 1),
            _ => {}
        }
    }

    /// The next timer's turn; `false` when there is none.
    fn pass_time(&mut self) -> bool {
        // A chat whose other end nobody connects is given up first.
        if let [Some(_), None] | [None, Some(_)] = [self.sides[0].chat, self.sides[1].chat] {
            let side = usize::from(self.sides[1].chat.is_some());
            let reason = String::from("nobody connected within 30 s");
            if let Some(chat) = self.sides[side].chat.take() {
                let event = ChatEvent::Failed { chat, reason };
                self.sides[side].inner.push_back(Input::Chat(event));
                return true;
            }
        }
        let of = |side: &Side| side.deadline.into_iter().chain(side.endpoint_deadline).min();
        let Some(at) = self.sides.iter().filter_map(of).min() else { return false };
        self.now = self.now.max(at);
        for side in 0..2 {
            if self.sides[side].deadline.is_some_and(|deadline| deadline <= self.now) {
                self.session(side, Input::Timeout).unwrap();
            }
            if self.sides[side].endpoint_deadline.is_some_and(|deadline| deadline <= self.now) {
                self.endpoint(side, endpoint::Input::Timeout);
            }
        }
        true
    }

    fn transmit(&mut self, from: usize, transmit: &Transmit) {
        let line = String::from_utf8_lossy(&transmit.bytes).lines().next().unwrap().to_owned();
        self.trace.push(format!("{:?} {from} sends {line}", self.now));
        self.sides[1 - from].link.push_back(Arc::clone(&transmit.bytes));
    }

    fn endpoint(&mut self, side: usize, input: endpoint::Input<'_>) {
        self.sides[side].endpoint.handle_input(self.now, input);
        loop {
            match self.sides[side].endpoint.poll_output() {
                endpoint::Output::Transmit(transmit) => self.transmit(side, &transmit),
                endpoint::Output::Request(_, key, received) => {
                    if self.sides[side].core.is_some() {
                        self.session(side, Input::Request(key, received)).unwrap();
                    } else {
                        let gone = endpoint::Input::Gone(key, Box::new(received));
                        self.sides[side].endpoint.handle_input(self.now, gone);
                    }
                }
                endpoint::Output::Response(_, received) => {
                    if self.sides[side].core.is_some() {
                        self.session(side, Input::Response(received)).unwrap();
                    }
                }
                endpoint::Output::AccountResponse(id, _) => panic!("{id} asked nothing"),
                endpoint::Output::LateAnswer(late) => {
                    let (timers, mut entropy) = (Timers::default(), Entropy::from_u64(7));
                    let (invite, answer) = (&late.0, &late.1.message);
                    let (now, entropy) = (self.now, &mut entropy);
                    let ending =
                        session::end_late_answer(now, timers, "late", entropy, invite, answer);
                    let (ack, bye) = ending.unwrap();
                    self.transmit(side, &ack);
                    let input = endpoint::Input::HandOver(Box::new(bye));
                    self.sides[side].endpoint.handle_input(self.now, input);
                }
                endpoint::Output::NewCall(key, received, _) => {
                    assert!(self.sides[side].core.is_none(), "one call is enough");
                    self.sides[side].core = Some(Side::new_session(side));
                    let opened = endpoint::Input::Opened(key.clone(), ID);
                    self.sides[side].endpoint.handle_input(self.now, opened);
                    self.session(side, Input::Invite(key, received)).unwrap();
                }
                endpoint::Output::Timeout(at) => {
                    self.sides[side].endpoint_deadline = at;
                    return;
                }
            }
        }
    }

    fn session(&mut self, side: usize, input: Input) -> Result<(), SessionError> {
        let Some(mut core) = self.sides[side].core.take() else { return Ok(()) };
        let result = core.handle_input(self.now, input);
        loop {
            match core.poll_output() {
                Output::Transmit(transmit) => self.transmit(side, &transmit),
                Output::Respond { key, status, transmit } => {
                    self.transmit(side, &transmit);
                    self.tell_endpoint(side, endpoint::Input::Responded { key, status, transmit });
                }
                Output::HandOver(transaction) => {
                    self.tell_endpoint(side, endpoint::Input::HandOver(transaction));
                }
                Output::Media(command) => self.media(side, command),
                Output::Chat(command) => self.chat(side, command),
                Output::Notification(notification) => {
                    self.told(side, crate::words::short(&notification.data));
                }
                // Who calls by name is told where that is.
                Output::Locate(_) | Output::Unreachable(_) => {}
                Output::Timeout(at) => {
                    self.sides[side].deadline = at;
                    break;
                }
            }
        }
        self.sides[side].snapshot.clone_from(core.snapshot());
        if core.is_terminated() {
            self.sides[side].deadline = None;
            self.sides[side].inner.clear();
        } else {
            self.sides[side].core = Some(core);
        }
        result
    }

    /// The endpoint hears it before its next datagram.
    fn tell_endpoint(&mut self, side: usize, input: endpoint::Input<'_>) {
        self.endpoint(side, input);
    }

    fn told(&mut self, side: usize, text: String) {
        self.trace.push(format!("{:?} {side} tells {text}", self.now));
        if let Some(rest) = text.strip_prefix("GotStreamProposal{remote, ") {
            let streams = Streams { audio: rest.contains("audio"), chat: rest.contains("chat") };
            let order = match self.answer {
                Answer::Accept => Some(Order::AcceptProposal(streams)),
                Answer::Reject => Some(Order::RejectProposal),
                Answer::Ignore => None,
            };
            self.sides[side].inner.extend(order.map(Input::Order));
        }
        self.sides[side].ends += usize::from(text.starts_with("DidEnd"));
        self.sides[side].told.push(text);
    }

    fn media(&mut self, side: usize, command: MediaCommand) {
        let of = &mut self.sides[side];
        match command {
            MediaCommand::Prepare { stream, address } => {
                let local = SocketAddr::new(address, 4000);
                let event = MediaEvent::Prepared { stream, local, counters: Arc::default() };
                of.inner.push_back(Input::Media(event));
            }
            MediaCommand::Start { settings, .. } | MediaCommand::Update { settings, .. } => {
                of.flow = Some(settings.flow);
            }
            MediaCommand::Stop { .. } => of.flow = None,
            _ => {}
        }
    }

    /// A chat stands when both sides have started it, and ends for both when one stops it.
    fn chat(&mut self, side: usize, command: ChatCommand) {
        match command {
            ChatCommand::Prepare { chat, address, .. } => {
                let path = format!("msrp://{address}:2855/{};tcp", chat.index);
                let local = LocalChat::new(2855, path);
                let event = ChatEvent::Prepared { chat, local };
                self.sides[side].inner.push_back(Input::Chat(event));
            }
            ChatCommand::Start { chat, .. } => {
                self.sides[side].chat = Some(chat);
                if let [Some(ours), Some(theirs)] = [self.sides[0].chat, self.sides[1].chat] {
                    for (side, chat) in [ours, theirs].into_iter().enumerate() {
                        let event = Input::Chat(ChatEvent::Started { chat });
                        self.sides[side].inner.push_back(event);
                    }
                }
            }
            ChatCommand::Stop { chat } => {
                if self.sides[side].chat.take_if(|own| *own == chat).is_some()
                    && let Some(chat) = self.sides[1 - side].chat.take()
                {
                    let event = Input::Chat(ChatEvent::Ended { chat });
                    self.sides[1 - side].inner.push_back(event);
                }
            }
            ChatCommand::Inspect { .. }
            | ChatCommand::Overlook { .. }
            | ChatCommand::GiveUp { .. }
            | ChatCommand::StartFile { .. }
            | ChatCommand::Send { .. }
            | ChatCommand::Say { .. } => {}
        }
    }
}
