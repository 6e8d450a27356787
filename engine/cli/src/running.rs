//! An engine with what the command wants to hear of it: its notifications and Ctrl-C.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender as Channel, bounded};
use offhook::notification::{NotificationData as Data, Sender};
use offhook::shell::sys;
use offhook::{
    Any, ConfigurationManager, Engine, EngineError, Notification, NotificationCenter, Session,
    SessionManager,
};

use crate::heads::Heads;
use crate::options::{Options, Routes, Settled, Trace};
use crate::pcap::Capture;
use crate::{Usage, clock, interrupt, note, sound, trace};

/// Notifications that wait for the command. When it is full the notifier thread waits, and behind
/// it the library's own limits hold.
const EVENTS_MAX: usize = 65_536;
/// The library stops within 5 s; this is when we no longer believe that it will.
const STOP_MAX: Duration = Duration::from_secs(8);
/// How long the last notification may follow the end of `stop`.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A notification, and the session's handle when it tells of a new incoming one.
#[derive(Debug)]
pub(crate) struct Event {
    /// What happened.
    pub(crate) notification: Notification,
    /// The handle, taken as early as can be: a caller may give up before we look.
    pub(crate) session: Option<Session>,
}

/// A running engine.
pub(crate) struct Running {
    /// The engine.
    pub(crate) engine: Engine,
    /// Who we are, where an account was named or set.
    pub(crate) account: Option<String>,
    /// Where requests go first.
    pub(crate) routes: Routes,
    /// What is told on stderr.
    pub(crate) trace: Trace,
    /// The settings, if there is a folder for them.
    pub(crate) settings: Option<ConfigurationManager>,
    /// What happens, in order.
    pub(crate) events: Receiver<Event>,
    /// The first Ctrl-C.
    pub(crate) interrupts: Receiver<()>,
}

/// Starts an engine as the options say.
pub(crate) fn start(options: &Options) -> Result<Running, Usage> {
    // The process is ours: thousands of calls need wide limits. What is not granted is done
    // without; the library counts what there is.
    let _granted = (sys::raise_descriptor_limit(), sys::widen_futex_table());
    let interrupts = interrupt::listen()?;
    options.device.as_ref().map_or(Ok(()), sound::check)?;
    let capture = match &options.pcap {
        None => None,
        Some(path) => Some(
            Capture::create(path)
                .map_err(|error| Usage(format!("--pcap {}: {error}", path.display())))?,
        ),
    };
    let center = NotificationCenter::new()
        .map_err(|error| Usage(format!("cannot start a thread: {error}")))?;
    let Settled { config, trace, routes, manager } = options.settle(center.clone())?;
    let (tell, events) = bounded(EVENTS_MAX);
    let sessions = Arc::new(OnceLock::new());
    let observer = Observer {
        trace,
        capture: Mutex::new(capture),
        heads: Mutex::default(),
        sessions: Arc::clone(&sessions),
        tell,
    };
    center.add_observer(Arc::new(move |n: &Notification| observer.hear(n)), Any, Any);
    let account = config.account.clone();
    let engine = Engine::start(config, center).map_err(cannot_start)?;
    // An incoming call may have been faster: then `Event::session` is empty, and `session_of`
    // looks again.
    let _first = sessions.set(engine.session_manager());
    Ok(Running { engine, account, routes, trace, settings: manager, events, interrupts })
}

/// Why, and what to do about it.
fn cannot_start(error: EngineError) -> Usage {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let hint = match &error {
        EngineError::Listen(_, error) => match error.kind() {
            AddrInUse => "; another program listens there: type another port, or 0 for any",
            AddrNotAvailable => "; this machine has no such address: type one of its own",
            PermissionDenied => "; type a port above 1023",
            _ => "",
        },
        _ => "",
    };
    Usage(format!("cannot start: {error}{hint}"))
}

struct Observer {
    trace: Trace,
    capture: Mutex<Option<Capture>>,
    heads: Mutex<Heads>,
    sessions: Arc<OnceLock<SessionManager>>,
    tell: Channel<Event>,
}

impl Observer {
    fn hear(&self, notification: &Notification) {
        if let Data::EngineSipTrace { .. } = notification.data {
            self.capture(notification);
            if self.trace.sip {
                trace::sip(notification);
            } else if !self.trace.ladder {
                return;
            }
        } else if let Data::MsrpTransportTrace { .. } = notification.data {
            return self.hear_msrp(notification);
        } else {
            if notification.data == Data::EngineDidEnd {
                self.capture(notification);
            }
            if self.trace.notifications {
                trace::notification(notification);
            }
        }
        let session = match (&notification.data, notification.sender) {
            (Data::SessionNewIncoming { .. }, Sender::Session(id)) => {
                self.sessions.get().and_then(|sessions| sessions.get(id))
            }
            _ => None,
        };
        // Nobody listens any more: then nobody misses it.
        let _told = self.tell.send(Event { notification: notification.clone(), session });
    }

    /// What passes over a chat is captured whole and shown without contents.
    fn hear_msrp(&self, notification: &Notification) {
        self.capture(notification);
        if !self.trace.msrp {
            return;
        }
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = heads.of(notification.sender, &notification.data);
        drop(heads);
        trace::msrp(notification, &shown);
        let mut notification = notification.clone();
        if let Data::MsrpTransportTrace { data, .. } = &mut notification.data {
            *data = shown.as_bytes().into();
        }
        let _told = self.tell.send(Event { notification, session: None });
    }

    fn capture(&self, notification: &Notification) {
        let mut capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = capture.as_mut().map(|capture| capture.write(notification)) {
            note(&format!("--pcap: {error}; the capture ends here"));
            *capture = None;
        }
    }
}

impl Running {
    /// The handle of the incoming session that an event tells of.
    pub(crate) fn session_of(&self, event: &Event) -> Option<Session> {
        event.session.clone().or_else(|| match event.notification.sender {
            Sender::Session(id) => self.engine.session_manager().get(id),
            _ => None,
        })
    }

    /// Ends all sessions and stops the engine; yields what happens until the last notification.
    pub(crate) fn stop(&self) -> Stopping {
        let (tell, stopped) = bounded(1);
        let engine = self.engine.clone();
        let stop = move || {
            engine.stop();
            let _told = tell.send(());
        };
        if std::thread::Builder::new().name("offhook-stop".into()).spawn(stop).is_err() {
            self.engine.stop();
        }
        let deadline = clock::now() + STOP_MAX;
        Stopping { events: self.events.clone(), stopped, deadline, over: false }
    }
}

/// The notifications of an engine that ends.
pub(crate) struct Stopping {
    events: Receiver<Event>,
    stopped: Receiver<()>,
    deadline: Instant,
    over: bool,
}

impl Iterator for Stopping {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while !self.over {
            crossbeam_channel::select_biased! {
                recv(self.events) -> event => {
                    let event = event.ok()?;
                    self.over = event.notification.data == Data::EngineDidEnd;
                    return Some(event);
                }
                recv(self.stopped) -> _ => {
                    self.deadline = self.deadline.min(clock::now() + LAST_WORD);
                    self.stopped = crossbeam_channel::never();
                }
                default(self.deadline.saturating_duration_since(clock::now())) => self.over = true,
            }
        }
        None
    }
}
