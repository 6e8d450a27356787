//! What the tests with real engines share: an engine on loopback, and a recorder of notifications.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

pub(crate) mod name_server;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod registrar;
pub(crate) mod relay;
pub(crate) mod zone;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use offhook::id::SessionId;
use offhook::notification::{NotificationData, Sender, SessionState};
use offhook::streams::Streams;
use offhook::transport::Transport;
use offhook::{Any, Config, Engine, Listener, Notification, NotificationCenter, Session};

/// No wait in these tests takes longer unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The end of a wait.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

#[allow(clippy::disallowed_methods, reason = "a real engine runs by the real clock")]
impl Deadline {
    pub(crate) fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(crate) fn is_over(self) -> bool {
        self.left().is_zero()
    }
}

/// Everything that was told, in order.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<(Mutex<Vec<Notification>>, Condvar, AtomicBool)>);

impl Record {
    pub(crate) fn all(&self) -> Vec<Notification> {
        self.0.0.lock().unwrap().clone()
    }

    /// Records no more: what a test of millions counts for itself.
    pub(crate) fn stop(&self) {
        self.0.2.store(true, Ordering::Relaxed);
    }

    pub(crate) fn listen(&self, center: &NotificationCenter) {
        let told = self.clone();
        let observer = move |n: &Notification| {
            if told.0.2.load(Ordering::Relaxed) {
                return;
            }
            told.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(n.clone());
            told.0.1.notify_all();
        };
        center.add_observer(Arc::new(observer), Any, Any);
    }

    /// Waits for the first notification that fits, from the start of the record on.
    pub(crate) fn wait(&self, fits: impl Fn(&Notification) -> bool) -> Notification {
        let told = self.0.0.lock().unwrap();
        let (told, waited) =
            self.0.1.wait_timeout_while(told, PATIENCE, |told| !told.iter().any(&fits)).unwrap();
        assert!(!waited.timed_out(), "never told; what was told: {:#?}", names(&told));
        told.iter().find(|n| fits(n)).unwrap().clone()
    }

    /// Waits until so many fit, and gives these.
    pub(crate) fn wait_count(
        &self,
        count: usize,
        fits: impl Fn(&Notification) -> bool,
    ) -> Vec<Notification> {
        let told = self.0.0.lock().unwrap();
        let short = |told: &mut Vec<Notification>| told.iter().filter(|n| fits(n)).count() < count;
        let (told, waited) = self.0.1.wait_timeout_while(told, PATIENCE, short).unwrap();
        let found: Vec<_> = told.iter().filter(|n| fits(n)).cloned().collect();
        assert!(!waited.timed_out(), "told {} of {count}: {:#?}", found.len(), names(&told));
        found
    }

    pub(crate) fn wait_for(&self, name: &str) -> Notification {
        self.wait(|n| n.name() == name)
    }

    /// What was told about a session: names, with the state in place of SIPSessionChangedState.
    pub(crate) fn of(&self, session: &Session) -> Vec<&'static str> {
        self.states(session.id())
    }

    /// The same by the session's number.
    pub(crate) fn states(&self, id: SessionId) -> Vec<&'static str> {
        let about = Sender::Session(id);
        self.all().iter().filter(|n| n.sender == about).map(word).collect()
    }
}

fn word(n: &Notification) -> &'static str {
    match &n.data {
        NotificationData::SessionChangedState { state, .. } => state.name(),
        other => other.name(),
    }
}

fn names(told: &[Notification]) -> Vec<&'static str> {
    told.iter().map(word).collect()
}

/// An engine on 127.0.0.1 with a record of what it tells.
pub(crate) struct Party {
    pub(crate) engine: Engine,
    pub(crate) record: Record,
}

impl Party {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let listen = |transport| Listener { transport, address: ([127, 0, 0, 1], 0).into() };
        let listeners = match config.listeners.is_empty() {
            true => vec![listen(Transport::Udp), listen(Transport::Tcp)],
            false => config.listeners.clone(),
        };
        let record = Record::default();
        let center = NotificationCenter::new().unwrap();
        record.listen(&center);
        let engine = Engine::start(Config { listeners, ..config }, center).unwrap();
        Self { engine, record }
    }

    /// An engine whose UDP and TCP listeners have the same port.
    pub(crate) fn on_one_port() -> (Self, SocketAddr) {
        loop {
            let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = held.local_addr().unwrap();
            let Ok(udp) = std::net::UdpSocket::bind(address) else { continue };
            drop((held, udp));
            let listen = |transport| Listener { transport, address };
            let listeners = vec![listen(Transport::Udp), listen(Transport::Tcp)];
            let center = NotificationCenter::new().unwrap();
            let probe = Config { listeners: listeners.clone(), ..Config::default() };
            // Somebody else may have taken the port in between.
            if let Ok(engine) = Engine::start(probe, center) {
                let record = Record::default();
                record.listen(&engine.notification_center());
                return (Self { engine, record }, address);
            }
        }
    }

    pub(crate) fn uri(&self, transport: Transport) -> String {
        let listener =
            self.engine.listeners().into_iter().find(|l| l.transport == transport).unwrap();
        format!("sip:test@{};transport={transport}", listener.address)
    }

    /// Where its listener of that transport is.
    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        let listeners = self.engine.listeners();
        listeners.into_iter().find(|l| l.transport == transport).unwrap().address
    }

    /// A call from another engine stands and ends: this engine serves as ever.
    pub(crate) fn still_serves(&self) {
        for transport in [Transport::Udp, Transport::Tcp] {
            let caller = Self::new();
            let before = self.calls();
            let call = caller.engine.session();
            call.connect(&self.uri(transport), &[], Streams::AUDIO, &[]).unwrap();
            let answer = self.incoming(before);
            answer.accept(Streams::AUDIO, &[]).unwrap();
            assert_eq!(call.wait_established(PATIENCE), Some(true));
            call.end().unwrap();
            assert!(call.wait_ended(PATIENCE) && answer.wait_ended(PATIENCE));
        }
    }

    /// How many calls have come in.
    pub(crate) fn calls(&self) -> usize {
        let told = self.record.0.0.lock().unwrap();
        told.iter().filter(|n| n.name() == "SIPSessionNewIncoming").count()
    }

    /// How many calls have ended.
    pub(crate) fn ended(&self) -> usize {
        let told = self.record.0.0.lock().unwrap();
        told.iter().filter(|n| n.name() == "SIPSessionDidEnd").count()
    }

    /// Waits for the incoming call of that number, counted from 0.
    pub(crate) fn incoming(&self, number: usize) -> Session {
        let incoming = |told: &[Notification]| {
            let is = |n: &&Notification| n.name() == "SIPSessionNewIncoming";
            told.iter().filter(is).nth(number).map(|n| n.sender)
        };
        let (told, moved, _) = &*self.record.0;
        let told = told.lock().unwrap();
        let (told, waited) =
            moved.wait_timeout_while(told, PATIENCE, |told| incoming(told).is_none()).unwrap();
        assert!(!waited.timed_out(), "no such call; what was told: {:#?}", names(&told));
        let Some(Sender::Session(id)) = incoming(&told) else { panic!("no session") };
        drop(told);
        self.engine.session_manager().get(id).unwrap()
    }
}

/// Waits for a session's state.
pub(crate) fn wait_state(record: &Record, session: &Session, wanted: SessionState) {
    let about = Sender::Session(session.id());
    record.wait(|n| {
        n.sender == about
            && matches!(n.data, NotificationData::SessionChangedState { state, .. } if state == wanted)
    });
}
