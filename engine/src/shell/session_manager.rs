//! The sessions of an engine, and which calls may ring.

use std::fmt;
use std::sync::{Arc, Weak};

use super::Session;
use super::engine::EngineShared;
use crate::id::SessionId;
use crate::notification::SessionState;
use crate::sip::{Message, NameAddr, text, unfold};
use crate::transport::{Destination, Received};

/// Busy Here (RFC 3261 §21.4.24).
const BUSY_HERE: u16 = 486;

/// What becomes of a call that comes while there is another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum BusyPolicy {
    /// It rings like any call: the application decides.
    #[default]
    Ring,
    /// It is refused with 486 and not told.
    Refuse,
}

/// What an incoming filter says of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It rings.
    Ring,
    /// It is refused with that final code, 400 to 699 (486 stands for any other), and not told.
    Refuse(u16),
}

/// A call that has not rung yet, for an incoming filter.
#[derive(Debug)]
pub struct IncomingCall<'a> {
    received: &'a Received,
    sessions: usize,
}

impl IncomingCall<'_> {
    /// The INVITE.
    #[must_use]
    pub const fn invite(&self) -> &Message {
        &self.received.message
    }

    /// The way that it came.
    #[must_use]
    pub const fn source(&self) -> Destination {
        self.received.source
    }

    /// The caller's URI, of the From header. Anybody may write anything there.
    #[must_use]
    pub fn from(&self) -> Option<String> {
        let from = self.invite().header(crate::sip::HeaderName::From)?;
        NameAddr::parse(from).ok().map(|from| text(from.uri.raw).into_owned())
    }

    /// The URI that was called.
    #[must_use]
    pub fn request_uri(&self) -> String {
        text(self.invite().request_uri().unwrap_or_default()).into_owned()
    }

    /// The first header of that name, of any length of name and in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.invite().header_by_name(name).map(|value| text(&unfold(value)).into_owned())
    }

    /// Other sessions that there are.
    #[must_use]
    pub const fn sessions(&self) -> usize {
        self.sessions
    }
}

type Filter = dyn Fn(&IncomingCall<'_>) -> Verdict + Send + Sync;

/// Which calls may ring.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    busy: BusyPolicy,
    filter: Option<Arc<Filter>>,
}

impl EngineShared {
    /// The code to refuse a new call with. Called on the session's thread, with no lock held.
    pub(crate) fn refuses(&self, id: SessionId, received: &Received) -> Option<u16> {
        let rules = self.rules.load_full();
        if rules.busy == BusyPolicy::Ring && rules.filter.is_none() {
            return None;
        }
        let all = self.registry.all();
        let others = all.iter().filter(|shared| match shared.latest().state {
            SessionState::Terminated => false,
            // It has not begun either: of two calls at once the first one is the other's other.
            SessionState::Null => shared.id < id,
            _ => shared.id != id,
        });
        let sessions = others.count();
        if rules.busy == BusyPolicy::Refuse && sessions > 0 {
            return Some(BUSY_HERE);
        }
        match (rules.filter.as_ref()?)(&IncomingCall { received, sessions }) {
            Verdict::Ring => None,
            Verdict::Refuse(code @ 400..=699) => Some(code),
            Verdict::Refuse(_) => Some(BUSY_HERE),
        }
    }
}

/// The sessions of an engine that are neither NULL nor TERMINATED. It keeps incoming sessions
/// alive until they are answered.
#[derive(Clone)]
pub struct SessionManager {
    engine: Weak<EngineShared>,
}

impl fmt::Debug for SessionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let active = self.engine.upgrade().map(|engine| engine.registry.active());
        f.debug_struct("SessionManager").field("active", &active).finish()
    }
}

impl SessionManager {
    pub(crate) fn of(engine: &Arc<EngineShared>) -> Self {
        Self { engine: Arc::downgrade(engine) }
    }

    /// A list of them, oldest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        let Some(engine) = self.engine.upgrade() else { return Vec::new() };
        let all = engine.registry.all();
        let living = all.iter().filter(|shared| {
            !matches!(shared.latest().state, SessionState::Null | SessionState::Terminated)
        });
        living.map(|shared| Session::of(shared, &engine)).collect()
    }

    /// The session of that id. An ended one is found until its `SIPSessionDidEnd` was delivered.
    #[must_use]
    pub fn get(&self, id: SessionId) -> Option<Session> {
        let engine = self.engine.upgrade()?;
        let shared = engine.registry.get(id)?;
        Some(Session::of(&shared, &engine))
    }

    /// Says what becomes of calls that come while there is another session.
    pub fn set_busy_policy(&self, busy: BusyPolicy) {
        self.change(|rules| rules.busy = busy);
    }

    /// Has every new call looked at before it rings; the one set before is forgotten. The filter
    /// runs on the new call's own thread, for several calls at once, after 100 was sent and the busy
    /// policy was asked: a slow one delays its call alone. One that panics refuses its call.
    ///
    /// ```
    /// # use offhook::{Config, Engine, NotificationCenter};
    /// use offhook::shell::{IncomingCall, Verdict};
    ///
    /// # let engine = Engine::start(Config::default(), NotificationCenter::new()?)?;
    /// let of_the_house = |call: &IncomingCall<'_>| match call.from() {
    ///     Some(from) if from.ends_with("@example.com") => Verdict::Ring,
    ///     _ => Verdict::Refuse(603),
    /// };
    /// engine.session_manager().set_incoming_filter(of_the_house);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_incoming_filter(
        &self,
        filter: impl Fn(&IncomingCall<'_>) -> Verdict + Send + Sync + 'static,
    ) {
        let filter: Arc<Filter> = Arc::new(filter);
        self.change(|rules| rules.filter = Some(Arc::clone(&filter)));
    }

    /// Lets every call ring again that the busy policy lets.
    pub fn clear_incoming_filter(&self) {
        self.change(|rules| rules.filter = None);
    }

    fn change(&self, change: impl Fn(&mut Rules)) {
        let Some(engine) = self.engine.upgrade() else { return };
        engine.rules.rcu(|rules| {
            let mut rules = Rules::clone(rules);
            change(&mut rules);
            rules
        });
    }
}
