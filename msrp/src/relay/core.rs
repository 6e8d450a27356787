//! The relay client's state and its two verbs.

use std::collections::VecDeque;
use std::time::Duration;

use offhook_fsm::msrp_relay::{self, Action, Event as Step, State};
use offhook_fsm::{Entropy, Instant, Step as Taken};

use super::{
    ANSWER_MS, CHALLENGES_MAX, Event, Input, MARGIN_MS, Output, RELAYS_MAX, RelayError,
    RelayFailure, Settings,
};
use crate::encode::{Builder, transaction_id};
use crate::frame::{Frame, Framer};
use crate::message::{ContinuationFlag, Head, Start};
use crate::uri::{MsrpUri, Path};

/// Challenges of one response that are passed on.
const HEADERS_PASSED_ON: usize = 16;

/// One relay.
#[derive(Clone, Debug)]
struct Hop {
    uri: String,
    /// How long it is asked for, in seconds.
    wish: Option<u32>,
    /// The way to it and through it, in To-Path's order; empty before it serves us.
    way: Vec<String>,
    /// When it is to be asked again.
    due: Option<Instant>,
    /// It wanted credentials.
    asks: bool,
    challenges: u32,
    /// It named another time than was asked for, and is asked for that.
    was_corrected: bool,
}

/// A client's place at relays. See the [module](super).
#[derive(Clone, Debug)]
pub struct Relay {
    state: State,
    now: Instant,
    local: String,
    hops: Vec<Hop>,
    /// Whose turn it is.
    at: usize,
    entropy: Entropy,
    framer: Framer,
    /// The AUTH that is out.
    transaction: Option<String>,
    /// What the owner is asked about.
    challenges: Vec<String>,
    /// Credentials for the next AUTH.
    proof: Option<String>,
    wait: Option<Instant>,
    /// The path that was told.
    told: String,
    failure: Option<RelayFailure>,
    outputs: VecDeque<Output>,
}

impl Relay {
    /// A client without a connection.
    ///
    /// # Errors
    /// When a URI is none, our own has no session id, or there is no relay or more than
    /// [`RELAYS_MAX`].
    pub fn new(settings: Settings, entropy: Entropy) -> Result<Self, RelayError> {
        let local = MsrpUri::parse(&settings.local);
        local.filter(|uri| uri.session_id.is_some()).ok_or(RelayError::Invalid("our URI"))?;
        if !(1..=RELAYS_MAX).contains(&settings.relays.len()) {
            return Err(RelayError::Invalid("the number of relays"));
        }
        if settings.relays.iter().any(|relay| MsrpUri::parse(relay).is_none()) {
            return Err(RelayError::Invalid("a relay's URI"));
        }
        let wish = settings.expires;
        let hops = settings.relays.into_iter().map(|uri| Hop {
            uri,
            wish,
            way: Vec::new(),
            due: None,
            asks: false,
            challenges: 0,
            was_corrected: false,
        });
        Ok(Self {
            state: State::START,
            now: Instant::ZERO,
            local: settings.local,
            hops: hops.collect(),
            at: 0,
            entropy,
            framer: Framer::new(),
            transaction: None,
            challenges: Vec::new(),
            proof: None,
            wait: None,
            told: String::new(),
            failure: None,
            outputs: VecDeque::new(),
        })
    }

    /// Where in its life it is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The whole path of requests to a peer with that `a=path`, through our relays: what
    /// [`chat::Peer`](crate::chat::Peer) is made with. `None` before every relay serves us.
    #[must_use]
    pub fn path_to(&self, peer: &str) -> Option<String> {
        let way = self.way()?;
        Some(format!("{} {peer}", way.join(" ")))
    }

    /// The way through all relays, the nearest first.
    fn way(&self) -> Option<&[String]> {
        self.hops.last().map(|hop| &*hop.way).filter(|way| !way.is_empty())
    }

    /// Takes one input.
    ///
    /// # Errors
    /// A mistake of the caller; nothing has changed. What a relay does is never an error.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), RelayError> {
        self.now = self.now.max(now);
        match input {
            Input::Connected => self.called(Step::Connected)?,
            Input::Received(bytes) => self.received(bytes),
            Input::Authorization(proof) => self.proven(proof)?,
            Input::Disconnected(reason) => {
                self.fail(Step::Disconnected, RelayFailure::Disconnected(reason));
            }
            Input::Stop => self.step(Step::Stop),
            Input::Timeout => self.timed_out(),
        }
        Ok(())
    }

    /// What is to be done now, one thing a call, until it is [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| {
            let refresh = (self.state == State::Ready).then(|| self.next_due()).flatten();
            Output::Timeout(self.wait.or(refresh.map(|(due, _)| due)))
        })
    }

    fn next_due(&self) -> Option<(Instant, usize)> {
        let dues = self.hops.iter().enumerate();
        dues.filter_map(|(at, hop)| Some((hop.due?, at))).min()
    }

    fn called(&mut self, event: Step) -> Result<(), RelayError> {
        if msrp_relay::step(self.state, event) == Taken::Refused {
            return Err(RelayError::State(self.state));
        }
        self.step(event);
        Ok(())
    }

    fn proven(&mut self, proof: Option<String>) -> Result<(), RelayError> {
        // Without credentials a relay that is asked again says what it wants.
        let event = match &proof {
            None if !self.challenges.is_empty() => Step::NoProof,
            _ => Step::Proof,
        };
        if proof.as_deref().is_some_and(|proof| !crate::scan::is_text(proof)) {
            return Err(RelayError::Unprintable);
        }
        if msrp_relay::step(self.state, event) == Taken::Refused {
            return Err(RelayError::State(self.state));
        }
        self.proof = proof;
        self.failure = Some(RelayFailure::NoCredentials(self.relay()));
        self.step(event);
        Ok(())
    }

    fn timed_out(&mut self) {
        if self.wait.is_some_and(|wait| wait <= self.now) {
            return self.fail(Step::TimeOut, RelayFailure::TimedOut(self.relay()));
        }
        let due = self.next_due().filter(|(due, _)| *due <= self.now);
        if let (State::Ready, Some((_, at))) = (self.state, due) {
            self.at = at;
            self.challenges.clear();
            let asks = self.hops.get(at).is_some_and(|hop| hop.asks);
            self.step(if asks { Step::ProvenRefreshDue } else { Step::RefreshDue });
        }
    }

    fn received(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Idle | State::Terminated) {
            return;
        }
        let mut framer = std::mem::take(&mut self.framer);
        framer.push(bytes);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Head { head, .. })) => self.head(&head),
                Ok(Some(Frame::Body(_) | Frame::End(_))) => {}
                Ok(None) => break,
                Err(error) => {
                    let failure = RelayFailure::Unreadable(error.to_string());
                    self.fail(Step::Disconnected, failure);
                    break;
                }
            }
        }
        self.framer = framer;
    }

    /// The answer to the AUTH that is out; everything else belongs to others.
    fn head(&mut self, head: &Head<'_>) {
        let Start::Response { status, comment } = head.start else { return };
        if self.transaction.as_deref() != Some(head.transaction_id) {
            return;
        }
        self.transaction = None;
        self.wait = None;
        let relay = self.relay();
        let refused =
            RelayFailure::Refused { relay: relay.clone(), status, comment: comment.into() };
        match status {
            200..300 => match self.served(head) {
                Some(()) => self.go_on(),
                None => self.fail(Step::RxRefusal, RelayFailure::NoPath(relay)),
            },
            401 if self.is_challenged(head) => self.step(Step::RxChallenge),
            423 if self.is_corrected(head) => self.step(Step::RxInterval),
            _ => self.fail(Step::RxRefusal, refused),
        }
    }

    /// Notes what a relay that serves us says.
    fn served(&mut self, head: &Head<'_>) -> Option<()> {
        let before = self.at.checked_sub(1).and_then(|at| self.hops.get(at));
        let before = before.map(|hop| hop.way.clone()).unwrap_or_default();
        let given = Path::parse(head.header("Use-Path")?).ok()?;
        let way = through(before, given);
        // With our own URI and the peer's it must still be a path.
        if way.len() > crate::uri::PATH_URIS_MAX.saturating_sub(2) {
            return None;
        }
        let granted = match head.header("Expires") {
            None => None,
            Some(text) => Some(text.parse::<u32>().ok().filter(|seconds| *seconds > 0)?),
        };
        let due = granted.map(|seconds| self.now + refresh_after(seconds));
        let hop = self.hops.get_mut(self.at)?;
        (hop.way, hop.due, hop.challenges, hop.was_corrected) = (way, due, 0, false);
        Some(())
    }

    /// To the next relay that does not serve us yet. Behind one that moved us all are asked anew.
    fn go_on(&mut self) {
        let way = self.hops.get(self.at).map(|hop| hop.way.clone()).unwrap_or_default();
        let behind = self.hops.iter_mut().skip(self.at.saturating_add(1));
        for hop in behind {
            if !hop.way.starts_with(&way) {
                (hop.way, hop.due) = (Vec::new(), None);
            }
        }
        match self.hops.iter().position(|hop| hop.way.is_empty()) {
            Some(next) => {
                self.at = next;
                self.step(Step::RxOkNext);
            }
            None => self.step(Step::RxOk),
        }
    }

    fn is_challenged(&mut self, head: &Head<'_>) -> bool {
        let wanted = head.headers();
        let wanted = wanted.filter(|header| header.name.eq_ignore_ascii_case("WWW-Authenticate"));
        let wanted = wanted.take(HEADERS_PASSED_ON).map(|header| header.value.to_owned());
        self.challenges = wanted.collect();
        let Some(hop) = self.hops.get_mut(self.at) else { return false };
        hop.challenges = hop.challenges.saturating_add(1);
        hop.asks = true;
        !self.challenges.is_empty() && hop.challenges <= CHALLENGES_MAX
    }

    /// RFC 4976 §5.1: the relay says which times it grants, and is asked for the nearest one, once.
    fn is_corrected(&mut self, head: &Head<'_>) -> bool {
        let bound = |name| head.header(name).and_then(|text| text.parse::<u32>().ok());
        let (least, most) = (bound("Min-Expires"), bound("Max-Expires"));
        let Some(hop) = self.hops.get_mut(self.at).filter(|hop| !hop.was_corrected) else {
            return false;
        };
        let wish = hop.wish.or(least).or(most);
        let nearest = wish.map(|wish| wish.max(least.unwrap_or(0)).min(most.unwrap_or(u32::MAX)));
        let is_news = nearest.is_some() && nearest != hop.wish;
        if is_news {
            (hop.wish, hop.was_corrected) = (nearest, true);
        }
        is_news
    }

    fn relay(&self) -> String {
        self.hops.get(self.at).map(|hop| hop.uri.clone()).unwrap_or_default()
    }

    fn fail(&mut self, event: Step, failure: RelayFailure) {
        self.failure = Some(failure);
        self.step(event);
    }

    fn step(&mut self, event: Step) {
        let Taken::Go { next, actions } = msrp_relay::step(self.state, event) else { return };
        self.state = next;
        for action in actions {
            match action {
                Action::SendAuth => self.send_auth(),
                Action::AskOwner => {
                    let (uri, challenges) = (self.relay(), self.challenges.clone());
                    self.outputs.push_back(Output::Authorize { uri, challenges });
                    self.wait = Some(self.now + Duration::from_millis(ANSWER_MS));
                }
                Action::ArmAnswer => {
                    self.wait = Some(self.now + Duration::from_millis(ANSWER_MS));
                }
                Action::ArmRefresh | Action::Disarm => self.wait = None,
                Action::TellReady => self.tell_ready(),
                Action::TellFailed => {
                    let failure = self.failure.take().map(Event::Failed);
                    self.outputs.extend(failure.map(Output::Event));
                }
            }
        }
    }

    fn send_auth(&mut self) {
        let Some(hop) = self.hops.get(self.at) else { return };
        let before = self.at.checked_sub(1).and_then(|at| self.hops.get(at));
        let mut to = before.map(|hop| hop.way.clone()).unwrap_or_default();
        to.push(hop.uri.clone());
        let to = to.join(" ");
        let id = transaction_id(&mut self.entropy, b"");
        // Each URI was read before, and the proof is one line.
        let build = || {
            let (to, from) = (Path::parse(&to).ok()?, Path::parse(&self.local).ok()?);
            let mut auth = Builder::request(&id, "AUTH", to, from).ok()?;
            if let Some(seconds) = hop.wish {
                auth = auth.header("Expires", seconds).ok()?;
            }
            if let Some(proof) = &self.proof {
                auth = auth.header("Authorization", proof).ok()?;
            }
            Some(auth.finish(ContinuationFlag::Complete))
        };
        self.outputs.extend(build().map(Output::Transmit));
        self.transaction = Some(id);
        self.proof = None;
    }

    fn tell_ready(&mut self) {
        let Some(way) = self.way() else { return };
        let far_first = way.iter().rev().map(String::as_str).chain([&*self.local]);
        let path = far_first.collect::<Vec<_>>().join(" ");
        if path != self.told {
            self.told.clone_from(&path);
            self.outputs.push_back(Output::Event(Event::Ready { path }));
        }
    }
}

/// The way through a relay behind those of `before`. Its Use-Path is in the order of To-Path
/// (RFC 4976 §6.3) and has the relays on the way to it in front; one that names itself alone, or
/// counts from the far end, is understood, too.
fn through(before: Vec<String>, given: Path<'_>) -> Vec<String> {
    let given: Vec<MsrpUri<'_>> = given.iter().collect();
    let owned = |uris: &mut dyn Iterator<Item = &MsrpUri<'_>>| -> Vec<String> {
        uris.map(|uri| uri.raw.to_owned()).collect()
    };
    let begins = |uris: &mut dyn Iterator<Item = &MsrpUri<'_>>| {
        before.iter().all(|known| {
            let known = MsrpUri::parse(known);
            known.zip(uris.next()).is_some_and(|(known, uri)| known.is_equivalent(uri))
        })
    };
    if given.len() > before.len() && begins(&mut given.iter()) {
        owned(&mut given.iter())
    } else if given.len() > before.len() && begins(&mut given.iter().rev()) {
        owned(&mut given.iter().rev())
    } else {
        before.iter().cloned().chain(owned(&mut given.iter())).collect()
    }
}

/// At three quarters of the time, and no later than [`MARGIN_MS`] before its end; a time that is
/// shorter than that is used to its half.
fn refresh_after(seconds: u32) -> Duration {
    let granted = Duration::from_secs(seconds.into());
    let margin = Duration::from_millis(MARGIN_MS);
    let latest = granted.checked_sub(margin).filter(|latest| !latest.is_zero());
    let share = granted.saturating_mul(3) / 4;
    latest.map_or(granted / 2, |latest| share.min(latest.max(granted / 2)))
}
