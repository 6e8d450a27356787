//! The engine: what an application starts, and what its threads share.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use offhook_fsm::Entropy;
use offhook_media::codec::Codec;
use offhook_media::shell::{AudioDevice, Media};

use super::accounts_thread::Accounts;
use super::clock::Clock;
use super::endpoint_thread::{EndpointHandle, EndpointMail};
use super::notification_center::lock;
use super::pool::Pool;
use super::registry::{Mail, Progress, Registry, Shared, Wish};
use super::resolver::Resolver;
use super::session_manager::{Rules, SessionManager};
use super::session_thread::SessionThread;
use super::tls::EngineTls;
use super::{
    Any, DnsConfig, NotificationCenter, Observer, Registration, Session, Sounds, TlsConfig, start,
};
use crate::chat::MsrpRelay;
use crate::credentials::Credentials;
use crate::endpoint;
use crate::negotiate::SrtpPolicy;
use crate::notification::{Notification, NotificationData, Sender, SessionState};
use crate::session::{self, Input, Policy};
use crate::sip::{Message, SipUri};
use crate::transaction::Timers;
use crate::transport::{Destination, Transmit, Transport};

/// How long `stop` takes at most, by default.
pub const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// One SIP socket to open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The address; port 0 for any.
    pub address: SocketAddr,
}

/// One more account of an engine: what it does not share with the others.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// Its address, as `sip:alice@example.com` or `"Alice" <sip:alice@example.com>`.
    pub uri: String,
    /// How it proves who it is, to whom.
    pub credentials: Vec<Credentials>,
    /// Codecs to offer and accept, best first.
    pub codecs: Vec<Codec>,
    /// Whether its audio is encrypted.
    pub srtp: SrtpPolicy,
    /// Chats that it offers are over TLS.
    pub chat_over_tls: bool,
    /// A call whose peer's audio stops is ended; see [`Policy::hangup_on_timeout`].
    pub hangup_on_timeout: bool,
    /// The MSRP relay that its chats go through (RFC 4976).
    pub msrp_relay: Option<Arc<MsrpRelay>>,
    /// How it registers.
    pub registration: Registration,
}

impl AccountConfig {
    /// An account with all codecs, without a password, and with encryption as is the default.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            credentials: Vec::new(),
            codecs: Codec::ALL.into(),
            srtp: SrtpPolicy::default(),
            chat_over_tls: false,
            hangup_on_timeout: false,
            msrp_relay: None,
            registration: Registration::default(),
        }
    }
}

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// SIP sockets; empty: UDP and TCP on any free port, IPv4 and (where there is any) IPv6.
    pub listeners: Vec<Listener>,
    /// The account as a URI (`sip:alice@example.com`, or `"Alice" <sip:alice@example.com>` with the
    /// name that others see); `None`: any user is accepted and calls come
    /// from `sip:offhook@ADDRESS`.
    pub account: Option<String>,
    /// More accounts that call and can be called; see [`Engine::session_of`]. A call is for the
    /// account with its user and host, else for the first one with its user, else for `account` if
    /// that is `None`.
    pub other_accounts: Vec<AccountConfig>,
    /// User-Agent and Server header.
    pub user_agent: String,
    /// Codecs to offer and accept, best first.
    pub codecs: Vec<Codec>,
    /// RTP ports.
    pub rtp_ports: RangeInclusive<u16>,
    /// Microphone and speaker.
    pub audio_device: AudioDevice,
    /// Let the user hear digits, those sent and those that come, on a sound device.
    pub playback_dtmf: bool,
    /// Calls begin with the microphone off, until [`Session::mute`](super::Session::mute).
    pub muted: bool,
    /// Where recordings without an absolute name go.
    pub recordings_directory: PathBuf,
    /// Tell every SIP message as `SIPEngineSIPTrace`.
    pub trace_sip: bool,
    /// Tell every octet of MSRP as `MSRPTransportTrace`.
    pub trace_msrp: bool,
    /// Sessions at once; `None`: what the machine's limits allow. One more call is answered 503.
    pub sessions_max: Option<usize>,
    /// Whether audio is encrypted. `Optional` offers it over TLS, and over other transports with
    /// `use_srtp_without_tls`; `Mandatory` insists on it over every transport.
    pub srtp: SrtpPolicy,
    /// Optional SRTP over transports that show its keys to whoever is on the way.
    pub use_srtp_without_tls: bool,
    /// Chats that we offer are over TLS. What others offer is taken as it comes.
    pub chat_over_tls: bool,
    /// Certificates.
    pub tls: TlsConfig,
    /// How names are looked up.
    pub dns: DnsConfig,
    /// Ring tones and tones for messages.
    pub sounds: Sounds,
    /// How long calls ring and last, session timers, auto-answer.
    pub policy: Policy,
    /// How the account proves who it is, to whom. See [`Credentials`] for who may ask.
    pub credentials: Vec<Credentials>,
    /// How the account registers.
    pub registration: Registration,
    /// When messages are repeated and given up (RFC 3261 §17.1.1.1). Shorter ones than the
    /// standard's are for networks without loss or delay.
    pub sip_timers: Timers,
    /// How long `stop` takes at most, at least a second; [`STOP_PATIENCE`] by default. Peers that
    /// have not answered after four fifths of it are left.
    pub stop_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            account: None,
            other_accounts: Vec::new(),
            user_agent: concat!("offhook/", env!("CARGO_PKG_VERSION")).into(),
            codecs: Codec::ALL.into(),
            rtp_ports: 16384..=65534,
            playback_dtmf: true,
            muted: false,
            audio_device: AudioDevice::Null,
            recordings_directory: PathBuf::from("."),
            trace_sip: false,
            trace_msrp: false,
            sessions_max: None,
            srtp: SrtpPolicy::default(),
            use_srtp_without_tls: false,
            chat_over_tls: false,
            tls: TlsConfig::default(),
            dns: DnsConfig::default(),
            sounds: Sounds::default(),
            policy: Policy::default(),
            credentials: Vec::new(),
            registration: Registration::default(),
            sip_timers: Timers::default(),
            stop_timeout: STOP_PATIENCE,
        }
    }
}

impl Config {
    /// The transports that can be used, the preferred one first.
    fn transports(&self) -> Vec<Transport> {
        let has_udp = self.listeners.is_empty()
            || self.listeners.iter().any(|listener| listener.transport == Transport::Udp);
        has_udp.then_some(Transport::Udp).into_iter().chain([Transport::Tcp]).collect()
    }
}

/// Why an engine did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// A setting cannot be used; the text says which and why.
    InvalidConfig(String),
    /// A listener could not be opened.
    Listen(Listener, std::io::Error),
    /// The operating system refused something; the text says what.
    Local(String),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(text) | Self::Local(text) => f.write_str(text),
            Self::Listen(listener, error) => {
                write!(f, "cannot listen on {} {}: {error}", listener.transport, listener.address)
            }
        }
    }
}

impl std::error::Error for EngineError {}

const RUNNING: u8 = 0;
const STOPPING: u8 = 1;
const STOPPED: u8 = 2;

/// What the threads of an engine share.
pub(crate) struct EngineShared {
    pub(crate) clock: Clock,
    pub(crate) center: NotificationCenter,
    pub(crate) media: Media,
    pub(crate) registry: Arc<Registry>,
    pub(crate) pool: Pool,
    pub(crate) endpoint: EndpointHandle,
    /// Of each account, as [`Shared::account`] counts them.
    pub(crate) settings: session::Settings,
    pub(crate) other_settings: Vec<session::Settings>,
    pub(crate) tls: Arc<EngineTls>,
    pub(crate) resolver: Resolver,
    pub(crate) accounts: Accounts,
    /// What the engine was started with.
    pub(crate) config: Config,
    /// Which calls may ring.
    pub(crate) rules: ArcSwap<Rules>,
    pub(crate) entropy: Mutex<Entropy>,
    pub(crate) observer: OnceLock<Arc<dyn Observer>>,
    /// Plays the sounds.
    pub(crate) sounds: OnceLock<Arc<dyn Observer>>,
    /// The next session's core panics at its first input.
    breaks: AtomicBool,
    state: AtomicU8,
}

/// What [`start`](super::start) puts together.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) center: NotificationCenter,
    pub(crate) media: Media,
    pub(crate) registry: Arc<Registry>,
    pub(crate) pool: Pool,
    pub(crate) endpoint: EndpointHandle,
    pub(crate) settings: session::Settings,
    pub(crate) tls: EngineTls,
    pub(crate) other_settings: Vec<session::Settings>,
    pub(crate) entropy: Entropy,
}

impl EngineShared {
    pub(crate) fn new(mut parts: Parts, config: &Config) -> Self {
        let entropy = parts.entropy.fork();
        let resolver = Resolver::new(config.dns.clone(), config.transports(), parts.clock, entropy);
        Self {
            resolver,
            accounts: Accounts::new(),
            clock: parts.clock,
            center: parts.center,
            media: parts.media,
            registry: parts.registry,
            pool: parts.pool,
            endpoint: parts.endpoint,
            settings: parts.settings,
            tls: Arc::new(parts.tls),
            other_settings: parts.other_settings,
            config: config.clone(),
            rules: ArcSwap::default(),
            entropy: Mutex::new(parts.entropy),
            observer: OnceLock::new(),
            sounds: OnceLock::new(),
            breaks: AtomicBool::new(false),
            state: AtomicU8::new(RUNNING),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state.load(Ordering::Acquire) == RUNNING
    }

    /// Tells something about the engine. What finds no room is logged instead.
    pub(crate) fn tell(&self, data: NotificationData) {
        self.tell_of(Sender::Engine, data);
    }

    /// Tells something about `sender` likewise.
    pub(crate) fn tell_of(&self, sender: Sender, data: NotificationData) {
        let notification = Notification { timestamp: self.clock.timestamp(), sender, data };
        if let Err(full) = self.center.post(notification) {
            log::warn!("the notification queue is full: {} is lost", full.0.name());
        }
    }

    /// Tells a message that passed, when tracing.
    pub(crate) fn trace(&self, received: bool, way: &Destination, bytes: &Arc<[u8]>) {
        if self.config.trace_sip {
            let (source, destination) =
                if received { (way.remote, way.local) } else { (way.local, way.remote) };
            let (transport, data) = (way.transport, Arc::clone(bytes));
            self.tell(NotificationData::EngineSipTrace {
                received,
                source,
                destination,
                transport,
                data,
            });
        }
    }

    /// Sends a request of a session, over UDP at once, else through the endpoint.
    pub(crate) fn send_request(&self, transmit: Transmit) -> Result<(), Box<Input>> {
        let failed = |bytes: &[u8], reason: String| {
            let branch = super::endpoint_thread::branch(bytes);
            Box::new(Input::TransportError { branch, reason })
        };
        if transmit.destination.transport == Transport::Udp {
            self.trace(false, &transmit.destination, &transmit.bytes);
            let sent = self.endpoint.send_datagram(&transmit);
            return sent.map_err(|error| failed(&transmit.bytes, error.to_string()));
        }
        let bytes = Arc::clone(&transmit.bytes);
        let posted = self.endpoint.post(EndpointMail::Send(transmit));
        posted.map_err(|_| failed(&bytes, "the endpoint has too much to do".into()))
    }

    /// Sends a response over UDP.
    pub(crate) fn send_datagram(&self, transmit: &Transmit) {
        self.trace(false, &transmit.destination, &transmit.bytes);
        // A response that is lost here is asked for again by a repeated request.
        if let Err(error) = self.endpoint.send_datagram(transmit) {
            log::debug!("a response to {} is lost: {error}", transmit.destination.remote);
        }
    }

    /// Hands the endpoint something; it comes back when its mailbox is full.
    pub(crate) fn post(&self, mail: EndpointMail) -> Result<(), Box<EndpointMail>> {
        self.endpoint.post(mail)
    }

    /// Settings of an account's session whose own address is `local`.
    fn session_settings(&self, account: usize, local: SocketAddr) -> Arc<session::Settings> {
        let other = account.checked_sub(1).and_then(|index| self.other_settings.get(index));
        let mut settings = other.unwrap_or(&self.settings).clone();
        if other.is_none()
            && self.config.account.is_none()
            && let Ok(uri) = format!("sip:offhook@{local}").parse()
        {
            settings.local_uri = uri;
        }
        Arc::new(settings)
    }

    /// The address of an account; none where any user is accepted.
    pub(crate) fn account(&self, account: usize) -> Option<&SipUri> {
        match account.checked_sub(1) {
            Some(index) => self.other_settings.get(index).map(|other| &other.local_uri),
            None => self.config.account.as_ref().map(|_| &self.settings.local_uri),
        }
    }

    /// Which account an INVITE is for.
    pub(crate) fn called(&self, invite: &Message) -> usize {
        let uris = self.named_accounts().map(|(_, uri)| uri);
        let index = endpoint::called(invite.request_uri().unwrap_or_default(), uris);
        index.and_then(|index| self.named_accounts().nth(index)).map_or(0, |(account, _)| account)
    }

    /// A Message-ID that nobody can guess.
    pub(crate) fn message_id(&self) -> String {
        let random = lock(&self.entropy).hex::<16>();
        crate::sip::text(&random).into_owned()
    }

    /// Lists a session and gives it a thread, which reads `first` before anything else. On failure
    /// it is off the list again.
    pub(crate) fn launch(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        local: SocketAddr,
        first: Mail,
    ) -> Result<(), LaunchError> {
        let Some(mailbox) = shared.open(first) else { return Err(LaunchError::Twice) };
        if !self.registry.list(shared) {
            shared.close();
            return Err(LaunchError::Limit);
        }
        // Looked at when it is listed: a stop that comes later finds it on the list.
        if !self.is_running() {
            self.retract(shared);
            return Err(LaunchError::Ended);
        }
        let (entropy, for_core) = {
            let mut entropy = lock(&self.entropy);
            (entropy.fork(), entropy.fork())
        };
        let core =
            session::Core::new(shared.id, self.session_settings(shared.account, local), for_core);
        let (engine, of_thread) = (Arc::clone(self), Arc::clone(shared));
        let breaks = self.breaks.swap(false, Ordering::Relaxed);
        let job =
            move || SessionThread::new(core, of_thread, mailbox, engine, entropy, breaks).run();
        self.pool.run(Box::new(job)).map_err(|_| {
            self.retract(shared);
            LaunchError::Limit
        })
    }

    /// Takes a session off the list that came to nothing: it is as fresh as before.
    pub(crate) fn retract(&self, shared: &Shared) {
        self.registry.ended(shared);
        self.registry.forget(shared.id);
        // Last: from here on it may be launched again.
        shared.close();
    }

    /// Ends everything, once: sessions first, then media, endpoint and threads.
    pub(crate) fn stop(self: &Arc<Self>) {
        let changed =
            self.state.compare_exchange(RUNNING, STOPPING, Ordering::AcqRel, Ordering::Acquire);
        if changed.is_err() {
            return;
        }
        if self.center.is_notifier_thread() {
            let engine = Arc::clone(self);
            let behind = std::thread::Builder::new()
                .name("offhook-stop".into())
                .spawn(move || engine.wind_down());
            if behind.is_err() {
                log::error!("no thread to stop on: the engine's threads are left to the process");
            }
            return;
        }
        self.wind_down();
    }

    fn wind_down(&self) {
        self.tell(NotificationData::EngineWillEnd);
        let patience = self.config.stop_timeout / 5 * 4;
        self.accounts.leave(self.clock.now() + patience);
        let sessions = self.registry.all();
        sessions.iter().for_each(|session| session.wish(Wish::End));
        if self.wait_all(&sessions, patience) > 0 {
            // Nobody answers there: an INVITE without a response cannot even be cancelled.
            sessions.iter().for_each(|session| session.wish(Wish::Cut));
            let left = self.wait_all(&sessions, Duration::from_millis(300));
            if left > 0 {
                log::error!("{left} sessions did not end in time");
            }
        }
        self.pool.close(Duration::from_millis(500));
        self.accounts.stop();
        self.deactivate_accounts();
        self.resolver.stop();
        self.media.stop();
        self.endpoint.stop();
        if let Some(observer) = self.observer.get() {
            let ends = "SIPSessionDidEnd";
            // Somebody may have stopped it before.
            let _removed = self.center.remove_observer(observer, ends, Any);
        }
        if let Some(observer) = self.sounds.get() {
            let _removed = self.center.remove_observer(observer, Any, Any);
        }
        self.state.store(STOPPED, Ordering::Release);
        self.tell(NotificationData::EngineDidEnd);
    }

    /// Waits until the sessions have ended; how many have not.
    fn wait_all(&self, sessions: &[Arc<Shared>], patience: Duration) -> usize {
        let deadline = self.clock.now() + patience;
        let ended = |session: &&Arc<Shared>| {
            let left = deadline - self.clock.now();
            // A call that is refused before it begins leaves its session NULL.
            let over = |now: &Progress| {
                now.ended || (now.state == SessionState::Null && !session.is_open())
            };
            over(&session.wait(left, over))
        };
        sessions.iter().filter(|session| !ended(session)).count()
    }

    /// A thread that all sessions need broke.
    pub(crate) fn fail(self: &Arc<Self>, reason: String) {
        log::error!("the engine fails: {reason}");
        self.tell(NotificationData::EngineDidFail { reason });
        let engine = Arc::clone(self);
        let behind =
            std::thread::Builder::new().name("offhook-stop".into()).spawn(move || engine.stop());
        if behind.is_err() {
            log::error!("no thread to stop on");
        }
    }
}

/// Why a session got no thread.
pub(crate) enum LaunchError {
    /// The engine has ended.
    Ended,
    /// It has one already.
    Twice,
    /// There are as many sessions as may be.
    Limit,
}

/// A running user agent. Clones are handles on one engine; dropping the last one is `stop()`.
///
/// ```
/// use offhook::{Config, Engine, NotificationCenter};
///
/// let engine = Engine::start(Config::default(), NotificationCenter::new()?)?;
/// println!("call me at {}", engine.uri());
/// engine.stop();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    guard: Arc<Guard>,
}

struct Guard(Arc<EngineShared>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("uri", &self.uri()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the listeners and starts the threads. Observers that must hear of the start are
    /// registered at `center` before; a center serves one engine.
    ///
    /// # Errors
    /// When a setting cannot be used, a listener cannot be opened, or the operating system gives
    /// no threads. Nothing is left running then.
    pub fn start(config: Config, center: NotificationCenter) -> Result<Self, EngineError> {
        let shared = start::start(&config, center)?;
        Ok(Self { guard: Arc::new(Guard(shared)) })
    }

    pub(super) fn shared(&self) -> &Arc<EngineShared> {
        &self.guard.0
    }

    /// The bound listeners, with the ports that they got.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        self.shared().endpoint.listeners()
    }

    /// A URI under which this engine can be called: the account, else `sip:offhook@ADDRESS:PORT`
    /// of the first listener.
    #[must_use]
    pub fn uri(&self) -> String {
        if self.shared().config.account.is_some() {
            return self.shared().settings.local_uri.as_str().into();
        }
        let Some(first) = self.listeners().first().copied() else { return String::new() };
        let parameter = match first.transport {
            Transport::Udp => String::new(),
            other => format!(";transport={other}"),
        };
        format!("sip:offhook@{}{parameter}", super::way::reachable(first.address))
    }

    /// The notification center that the engine was started with.
    #[must_use]
    pub fn notification_center(&self) -> NotificationCenter {
        self.shared().center.clone()
    }

    /// A new session in state NULL, of [`Config::account`].
    #[must_use]
    pub fn session(&self) -> Session {
        let shared = self.shared().registry.create(0);
        Session::of(&shared, self.shared())
    }

    /// A new session in state NULL of that account, which is [`Config::account`] or one of
    /// [`Config::other_accounts`]; `None` when it is neither. URIs are compared as RFC 3261 §19.1.4
    /// says.
    ///
    /// ```
    /// use offhook::shell::AccountConfig;
    /// use offhook::{Config, Engine, NotificationCenter};
    ///
    /// let bob = AccountConfig::new("sip:bob@example.com");
    /// let account = Some("sip:alice@example.com".into());
    /// let config = Config { account, other_accounts: vec![bob], ..Config::default() };
    /// let engine = Engine::start(config, NotificationCenter::new()?)?;
    /// let session = engine.session_of(&"sip:bob@example.com".parse()?).expect("bob is an account");
    /// assert_eq!(session.account(), Some("sip:bob@example.com".parse()?));
    /// assert_eq!(engine.session().account(), Some("sip:alice@example.com".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn session_of(&self, account: &SipUri) -> Option<Session> {
        let shared = self.shared();
        let is_it = |(_, known): &(usize, &SipUri)| known.is_equivalent(account);
        let (account, _) = shared.named_accounts().find(is_it)?;
        Some(Session::of(&shared.registry.create(account), shared))
    }

    /// The sessions.
    #[must_use]
    pub fn session_manager(&self) -> SessionManager {
        SessionManager::of(self.shared())
    }

    /// Whether it has not been stopped, and has not failed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.shared().is_running()
    }

    /// What it was started with. [`listeners`](Self::listeners) has the ports that were got.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared().config
    }

    /// Sessions at once that this engine takes; one more incoming call is answered 503.
    #[must_use]
    pub fn sessions_max(&self) -> usize {
        self.shared().registry.max()
    }

    /// Makes the next session's core panic at its first input. For tests of what then happens; of
    /// no other use.
    #[doc(hidden)]
    pub fn inject_panic(&self) {
        self.shared().breaks.store(true, Ordering::Relaxed);
    }

    /// Ends all sessions (BYE, CANCEL), waits for them up to [`Config::stop_timeout`], then
    /// closes everything. `SIPEngineDidEnd` is the last notification. Called on the notifier thread
    /// (inside an observer) it returns at once and the stop goes on behind it. Twice is once.
    pub fn stop(&self) {
        self.shared().stop();
    }
}
