//! What became of messages, told by those who got them (RFC 5438).

use std::collections::VecDeque;

use super::{Event, Incoming};
use crate::cpim::{Address, Cpim};
use crate::date_time;
use crate::imdn::{Disposition, Imdn, Kind, Wanted};

/// Messages of ours about which something may still be told at most: the oldest is forgotten, and
/// what is told about it is not told on.
pub const ASKED_MAX: usize = 1024;
/// Messages of the peer's of which it wants to know when they are displayed at most: the oldest is
/// forgotten.
pub const DISPLAYS_MAX: usize = 1024;

/// Bytes of id and addresses of such a message at most: who asks with longer ones is told nothing.
pub const WANTS_BYTES_MAX: usize = 1024;

/// What the peer is asked to tell about our messages, beside the reports of MSRP itself.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Ask {
    /// That they were, or were not, delivered.
    pub delivery: bool,
    /// That they were displayed.
    pub display: bool,
}

impl Ask {
    pub(super) const fn is_none(self) -> bool {
        !self.delivery && !self.display
    }

    /// The value of Disposition-Notification (RFC 5438 §6.2).
    pub(super) const fn value(self) -> &'static str {
        match (self.delivery, self.display) {
            (true, true) => "positive-delivery, negative-delivery, display",
            (true, false) => "positive-delivery, negative-delivery",
            (false, _) => "display",
        }
    }
}

/// What the sender of a message that came wants to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wants {
    /// The `imdn.Message-ID`.
    id: String,
    pub(super) delivery: bool,
    pub(super) display: bool,
    /// Whom to tell.
    to: String,
    /// To whom the message was.
    original: String,
    /// When it was sent, if that is said.
    sent_at_us: Option<i64>,
}

impl Wants {
    /// What a message asks; `None` when nothing, or nobody could be told.
    pub(super) fn of(message: &Cpim<'_>) -> Option<Self> {
        let wanted = Wanted::of(message);
        let uri = |name| {
            let header = message.header(name)?;
            Some(Address::parse(header.value)?.uri.to_owned())
        };
        let asks = wanted.positive_delivery || wanted.display;
        let wants = Self {
            id: wanted.message_id.filter(|_| asks)?.into(),
            delivery: wanted.positive_delivery,
            display: wanted.display,
            to: uri("From")?,
            original: uri("To").unwrap_or_default(),
            sent_at_us: message.header("DateTime").and_then(|at| date_time::parse(at.value)),
        };
        let bytes = wants.id.len() + wants.to.len() + wants.original.len();
        Some(wants).filter(|_| bytes <= WANTS_BYTES_MAX)
    }

    /// The notification, and whom it is for.
    pub(super) fn tell(&self, kind: Kind, own: &str, now_us: i64) -> (Imdn, String) {
        let disposition = match kind {
            Kind::Display => Disposition::Displayed,
            _ => Disposition::Delivered,
        };
        let some = |uri: &str| Some(uri.to_owned()).filter(|uri| !uri.is_empty());
        let told = Imdn {
            recipient_uri: some(own),
            original_recipient_uri: some(&self.original),
            ..Imdn::new(&*self.id, self.sent_at_us.unwrap_or(now_us), kind, disposition)
        };
        (told, self.to.clone())
    }
}

/// What is remembered about messages of both sides.
#[derive(Clone, Default, Debug)]
pub(super) struct Dispositions {
    /// What new messages of ours ask.
    pub(super) ask: Ask,
    /// Messages of ours that asked, oldest first.
    asked: VecDeque<String>,
    /// Messages that are not displayed yet, with their Message-IDs, oldest first.
    displays: VecDeque<(String, Wants)>,
}

impl Dispositions {
    /// A message of ours goes out that asks.
    pub(super) fn asks(&mut self, id: &str) {
        if self.asked.len() >= ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(id.into());
    }

    /// A notification came: what the application is told. Nothing, when it is about no message of
    /// ours.
    pub(super) fn told(&self, told: Imdn, from: String) -> Option<Event> {
        self.asked.contains(&told.message_id).then_some(Event::Disposition { from, told })
    }

    /// The message of that Message-ID came, and waits to be displayed.
    pub(super) fn waits(&mut self, message: &Incoming, wants: Wants) {
        if self.displays.len() >= DISPLAYS_MAX {
            self.displays.pop_front();
        }
        self.displays.push_back((message.id.clone(), wants));
    }

    /// It is displayed, for the first time.
    pub(super) fn displayed(&mut self, id: &str) -> Option<Wants> {
        let at = self.displays.iter().position(|(waiting, _)| waiting == id)?;
        self.displays.remove(at).map(|(_, wants)| wants)
    }
}
