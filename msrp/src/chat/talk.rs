//! What goes along with messages: who writes (RFC 3994), and what became of them (RFC 5438).

use std::collections::{BTreeMap, VecDeque};

use offhook_fsm::{Entropy, Instant};

use super::dispositions::{Ask, Dispositions, Wants};
use super::{Event, Incoming, Local, Outgoing, Reports};
use crate::composing::{self, Composer, Composing, PeerComposing};
use crate::cpim::Address;
use crate::imdn::{self, Imdn, Kind};
use crate::message::FailureReport;
use crate::scan::media_type;

/// Participants that are shown as writing at once at most; of more nothing is told.
pub const WRITERS_MAX: usize = 64;
/// Bytes of a participant's URI at most; all with longer ones are one.
pub const WRITER_BYTES_MAX: usize = 1024;
/// Indications of our own that wait to go out at most; what is said beyond that is not sent: the
/// peer reads nothing then, and the next indication says what matters.
const INDICATIONS_MAX: usize = 16;
/// Notifications of our own that wait to go out at most; to who does not read them no more are sent.
const NOTIFICATIONS_MAX: usize = 1024;

/// What goes along with the messages of one session. What it wants is in its two queues.
#[derive(Clone, Default, Debug)]
pub(super) struct Talk {
    composer: Composer,
    /// Who writes, by the URI in CPIM; `""` without.
    writers: BTreeMap<String, PeerComposing>,
    /// Message-IDs of documents of our own with their types: nothing is told of them.
    own: BTreeMap<String, &'static str>,
    pub(super) dispositions: Dispositions,
    pub(super) documents: VecDeque<Outgoing>,
    pub(super) events: VecDeque<Event>,
}

impl Talk {
    /// The user writes, or gave up what was being written.
    pub(super) fn compose(&mut self, now: Instant, active: bool, entropy: &mut Entropy) {
        let told = if active { self.composer.compose(now) } else { self.composer.stop(now) };
        self.indicate(told, entropy);
    }

    /// A message of the user's goes out.
    pub(super) fn sends(&mut self, now: Instant, id: &str, ask: Ask) {
        self.composer.send(now);
        if !ask.is_none() {
            self.dispositions.asks(id);
        }
    }

    /// A message of the peer's was shown; `own` is our URI.
    pub(super) fn displayed(&mut self, id: &str, own: &str, now_us: i64, entropy: &mut Entropy) {
        if let Some(wants) = self.dispositions.displayed(id) {
            self.notify(&wants, Kind::Display, own, now_us, entropy);
        }
    }

    fn notify(&mut self, wants: &Wants, kind: Kind, own: &str, now_us: i64, entropy: &mut Entropy) {
        let (told, to) = wants.tell(kind, own, now_us);
        self.say(imdn::CONTENT_TYPE, told.print().into_bytes(), Some(to), entropy);
    }

    fn indicate(&mut self, told: Option<Composing>, entropy: &mut Entropy) {
        if let Some(told) = told {
            let content = told.print().into_bytes();
            self.say(composing::CONTENT_TYPE, content, None, entropy);
        }
    }

    fn say(
        &mut self,
        kind: &'static str,
        content: Vec<u8>,
        to: Option<String>,
        entropy: &mut Entropy,
    ) {
        let indicates = kind == composing::CONTENT_TYPE;
        let most = if indicates { INDICATIONS_MAX } else { NOTIFICATIONS_MAX };
        if self.own.values().filter(|own| **own == kind).count() >= most {
            return;
        }
        let id: [u8; 16] = entropy.hex();
        let id = String::from_utf8_lossy(&id).into_owned();
        self.own.insert(id.clone(), kind);
        // A report on what nobody waits for would be noise.
        let reports = Some(Reports { success: false, failure: FailureReport::Partial });
        self.documents.push_back(Outgoing { to, reports, ..Outgoing::new(id, kind, content) });
    }

    /// A document could not be queued.
    pub(super) fn forget(&mut self, id: &str) {
        self.own.remove(id);
    }

    /// Whether an event is about a document of our own, which nobody is told of.
    pub(super) fn hides(&mut self, event: &Event) -> bool {
        match event {
            Event::Sent { id } | Event::Delivered { id, .. } | Event::NotDelivered { id, .. } => {
                self.own.remove(id).is_some()
            }
            _ => false,
        }
    }

    /// A message came, with what its sender wants to be told: what is to be told of it is queued.
    pub(super) fn arrived(
        &mut self,
        now: Instant,
        message: Incoming,
        wants: Option<Wants>,
        local: &Local,
        now_us: i64,
        entropy: &mut Entropy,
    ) {
        let kind = media_type(&message.content_type);
        let is = |known: &str| kind.eq_ignore_ascii_case(known);
        if is(composing::CONTENT_TYPE) && local.features.composing {
            return self.indicated(now, message);
        }
        if is(imdn::CONTENT_TYPE) && local.features.dispositions {
            return self.notified(message);
        }
        if !self.writers.is_empty() {
            let from = sender(&message);
            let shown = self.writers.get_mut(&from).and_then(|writer| writer.message(now));
            self.show(from, shown, Composing::new(false));
        }
        if let Some(wants) = wants {
            if wants.delivery {
                self.notify(&wants, Kind::Delivery, &local.identity.1, now_us, entropy);
            }
            if wants.display {
                self.dispositions.waits(&message, wants);
            }
        }
        self.events.push_back(Event::Message(message));
    }

    /// What cannot be read is a message like others: somebody may make sense of it.
    fn indicated(&mut self, now: Instant, message: Incoming) {
        let from = sender(&message);
        let Ok(told) = Composing::parse(&message.content) else {
            return self.events.push_back(Event::Message(message));
        };
        let known = self.writers.contains_key(&from);
        if !known && (!told.active || self.writers.len() >= WRITERS_MAX) {
            return;
        }
        let shown = self.writers.entry(from.clone()).or_default().told(now, &told);
        self.show(from, shown, told);
    }

    fn notified(&mut self, message: Incoming) {
        let told = match Imdn::parse(&message.content) {
            Ok(told) => self.dispositions.told(told, sender(&message)),
            Err(_) => Some(Event::Message(message)),
        };
        self.events.extend(told);
    }

    fn show(&mut self, from: String, shown: Option<bool>, told: Composing) {
        if shown == Some(false) {
            self.writers.remove(&from);
        }
        if shown.is_some() {
            self.events.push_back(Event::Composing { from, told });
        }
    }

    /// When to come back.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let writers = self.writers.values().filter_map(PeerComposing::next_deadline);
        writers.chain(self.composer.next_deadline()).min()
    }

    /// Time has passed.
    pub(super) fn time_out(&mut self, now: Instant, entropy: &mut Entropy) {
        while self.composer.next_deadline().is_some_and(|deadline| deadline <= now) {
            let told = self.composer.time_out(now);
            self.indicate(told, entropy);
        }
        let silent = |(from, writer): (&String, &mut PeerComposing)| {
            writer.time_out(now).map(|shown| (from.clone(), shown))
        };
        let silent: Vec<_> = self.writers.iter_mut().filter_map(silent).collect();
        for (from, shown) in silent {
            self.show(from, Some(shown), Composing::new(false));
        }
    }

    /// The session is over: nobody writes any more.
    pub(super) fn end(&mut self) {
        for (from, _) in std::mem::take(&mut self.writers) {
            self.events.push_back(Event::Composing { from, told: Composing::new(false) });
        }
        self.composer = Composer::new();
        self.documents.clear();
    }
}

/// The URI of a message's sender as CPIM tells it; empty when it does not.
fn sender(message: &Incoming) -> String {
    let from = message.cpim_headers.iter().find(|(name, _)| name == "From");
    let address = from.and_then(|(_, value)| Address::parse(value));
    let uri = address.map(|address| address.uri).filter(|uri| uri.len() <= WRITER_BYTES_MAX);
    uri.unwrap_or_default().to_owned()
}
