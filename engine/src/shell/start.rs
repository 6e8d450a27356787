//! Puts an engine together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use offhook_fsm::Entropy;
use offhook_media::control::MediaEvent;
use offhook_media::shell::{Media, MediaConfig};

use super::clock::Clock;
use super::endpoint_thread::EndpointThread;
use super::engine::{AccountConfig, Config, EngineError, EngineShared, Listener, Parts};
use super::pool::Pool;
use super::registry::Registry;
use super::tls::EngineTls;
use super::{Any, NotificationCenter, Observer, Registration, limits, sounds};
use crate::chat::MsrpRelay;
use crate::credentials::Credentials;
use crate::endpoint::{self, Callee};
use crate::id::SessionId;
use crate::negotiate::{Capabilities, SrtpPolicy};
use crate::notification::{Notification, NotificationData, Sender};
use crate::session::{self, Input, Policy};
use crate::sip::SipUri;
use crate::transport::Transport;

/// UDP on any free port.
pub(crate) const ANY_UDP: Listener = Listener {
    transport: Transport::Udp,
    address: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
};
/// TCP on any free port.
const ANY_TCP: Listener = Listener { transport: Transport::Tcp, ..ANY_UDP };
/// The same for IPv6, where there is any.
const ANY6_UDP: Listener = Listener {
    transport: Transport::Udp,
    address: SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
};
const ANY6_TCP: Listener = Listener { transport: Transport::Tcp, ..ANY6_UDP };

/// Listeners of one engine at most.
const LISTENERS_MAX: usize = 64;
/// Accounts of one engine at most, beside its first one.
const OTHER_ACCOUNTS_MAX: usize = 65_536;

pub(crate) fn start(
    config: &Config,
    center: NotificationCenter,
) -> Result<Arc<EngineShared>, EngineError> {
    let account = check(config)?;
    let tls = EngineTls::new(&config.tls);
    let tls = tls.map_err(|error| EngineError::InvalidConfig(error.to_string()))?;
    let clock = Clock::start();
    let mut entropy = seed()?;
    let settings = session_settings(config, account.as_ref(), clock)?;
    let other_settings = config
        .other_accounts
        .iter()
        .map(|other| other_settings(config, other, &settings))
        .collect::<Result<Vec<_>, _>>()?;
    let named = account.iter().map(|_| &settings).chain(&other_settings);
    let endpoint_settings = endpoint::Settings {
        timers: settings.timers,
        capabilities: settings.capabilities.clone(),
        callees: named
            .map(|of| Callee { uri: of.local_uri.clone(), capabilities: of.capabilities.clone() })
            .collect(),
        takes_anybody: account.as_ref().is_none_or(|uri| uri.user().is_none()),
        user_agent: config.user_agent.clone(),
        server_transactions_max: endpoint::SERVER_TRANSACTIONS_MAX,
    };
    let core = endpoint::Core::new(endpoint_settings, entropy.fork());
    let mut any = vec![ANY_UDP, ANY_TCP];
    if UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok() {
        any.extend([ANY6_UDP, ANY6_TCP]);
    }
    let listeners = if config.listeners.is_empty() { &any } else { &config.listeners };
    let (thread, handle) = EndpointThread::open(listeners, core)
        .map_err(|(listener, error)| EngineError::Listen(listener, error))?;
    let registry =
        Arc::new(Registry::new(config.sessions_max.unwrap_or_else(limits::sessions_max)));
    let pool = Pool::new().map_err(|_| no_thread())?;
    let owner = Arc::new(OnceLock::new());
    let media = media(config, &mut entropy, &registry, &owner).inspect_err(|_| {
        pool.close(Duration::from_secs(1));
    })?;
    let endpoint = handle;
    let parts = Parts {
        clock,
        center,
        media,
        registry,
        pool,
        endpoint,
        settings,
        other_settings,
        tls,
        entropy,
    };
    let shared = Arc::new(EngineShared::new(parts, config));
    // Set once, here.
    let _first = owner.set(Arc::downgrade(&shared));
    shared.tell(NotificationData::EngineWillStart);
    let for_thread = Arc::clone(&shared);
    let spawned = std::thread::Builder::new().name("offhook-endpoint".into()).spawn(move || {
        let engine = Arc::clone(&for_thread);
        let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            thread.run(&for_thread);
        }));
        if served.is_err() {
            engine.fail("the endpoint's thread panicked".into());
        }
    });
    if spawned.is_err() {
        shared.stop();
        return Err(no_thread());
    }
    forget_ended(&shared);
    if let Some(observer) = sounds::listen(&shared) {
        // Set once, here.
        let _first = shared.sounds.set(observer);
    }
    shared.tell(NotificationData::EngineDidStart);
    shared.activate_accounts();
    Ok(shared)
}

fn check(config: &Config) -> Result<Option<SipUri>, EngineError> {
    let invalid = |text: String| Err(EngineError::InvalidConfig(text));
    if config.codecs.is_empty() {
        return invalid("there is no codec: name PCMU or PCMA".into());
    }
    if config.sessions_max == Some(0) {
        return invalid("sessions_max is 0: allow at least one session".into());
    }
    if config.sip_timers.t1.is_zero() || config.sip_timers.t2 < config.sip_timers.t1 {
        return invalid("sip_timers: t1 is above 0 and t2 is no shorter than t1".into());
    }
    if config.stop_timeout < Duration::from_secs(1) {
        return invalid("stop_timeout is below a second".into());
    }
    if config.listeners.len() > LISTENERS_MAX {
        return invalid(format!("more than {LISTENERS_MAX} listeners"));
    }
    if config.listeners.iter().any(|listener| listener.transport == Transport::Tls) {
        return invalid("SIP over TLS is not built yet".into());
    }
    if config.user_agent.bytes().any(|byte| byte.is_ascii_control()) {
        return invalid("the user agent's name holds control characters".into());
    }
    if config.other_accounts.len() > OTHER_ACCOUNTS_MAX {
        return invalid(format!("more than {OTHER_ACCOUNTS_MAX} other accounts"));
    }
    let others = config.other_accounts.iter().map(|other| &other.registration);
    if let Some(fault) = others.chain([&config.registration]).find_map(Registration::fault) {
        return invalid(fault);
    }
    if let Some(other) = config.other_accounts.iter().find(|other| other.codecs.is_empty()) {
        return invalid(format!("{} has no codec: name PCMU or PCMA", other.uri));
    }
    config.account.as_deref().map(account_uri).transpose()
}

/// An account's address, with the name that others see if any.
fn account_uri(given: &str) -> Result<SipUri, EngineError> {
    given.parse::<SipUri>().map_err(|error| {
        EngineError::InvalidConfig(format!("the account {given:?} is no SIP URI: {error}"))
    })
}

/// The settings of one more account: those of the first one, but for its own matters.
fn other_settings(
    config: &Config,
    other: &AccountConfig,
    first: &session::Settings,
) -> Result<session::Settings, EngineError> {
    let mut settings = first.clone();
    settings.local_uri = account_uri(&other.uri)?;
    if settings.local_uri.user().is_none() {
        let text = format!("the account {:?} has no user", other.uri);
        return Err(EngineError::InvalidConfig(text));
    }
    settings.capabilities.codecs.clone_from(&other.codecs);
    settings.capabilities.srtp = srtp_here(other.srtp, config);
    settings.capabilities.chat_over_tls = other.chat_over_tls;
    settings.policy.hangup_on_timeout = other.hangup_on_timeout;
    settings.policy.msrp_relay = proven(other.msrp_relay.as_ref(), &other.credentials);
    settings.credentials.clone_from(&other.credentials);
    Ok(settings)
}

/// The relay with the credentials that it is shown.
fn proven(relay: Option<&Arc<MsrpRelay>>, account: &[Credentials]) -> Option<Arc<MsrpRelay>> {
    let relay = relay?;
    if relay.credentials.is_empty() {
        return Some(Arc::new(MsrpRelay {
            credentials: account.into(),
            ..MsrpRelay::clone(relay)
        }));
    }
    Some(Arc::clone(relay))
}

const fn srtp_here(policy: SrtpPolicy, config: &Config) -> SrtpPolicy {
    match policy {
        // There is no TLS yet: every key would travel in the clear.
        SrtpPolicy::Optional if !config.use_srtp_without_tls => SrtpPolicy::Disabled,
        policy => policy,
    }
}

fn no_thread() -> EngineError {
    EngineError::Local("the operating system gives no threads".into())
}

fn seed() -> Result<Entropy, EngineError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| EngineError::Local(format!("no random numbers: {error}")))?;
    Ok(Entropy::from_seed(seed))
}

fn session_settings(
    config: &Config,
    account: Option<&SipUri>,
    clock: Clock,
) -> Result<session::Settings, EngineError> {
    // Without an account each session puts its own address here.
    let local_uri = account.cloned().map_or_else(|| "sip:offhook@127.0.0.1".parse(), Ok);
    let relay = proven(config.policy.msrp_relay.as_ref(), &config.credentials);
    Ok(session::Settings {
        user_agent: config.user_agent.clone(),
        local_uri: local_uri.map_err(|error| EngineError::Local(error.to_string()))?,
        timers: config.sip_timers,
        capabilities: Capabilities {
            codecs: config.codecs.clone(),
            telephone_event: true,
            chat: true,
            chat_over_tls: config.chat_over_tls,
            srtp: srtp_here(config.srtp, config),
        },
        epoch: clock.epoch(),
        policy: Policy { msrp_relay: relay, ..config.policy.clone() },
        listens_on_tcp: config.listeners.is_empty()
            || config.listeners.iter().any(|listener| listener.transport == Transport::Tcp),
        credentials: config.credentials.clone(),
    })
}

fn media(
    config: &Config,
    entropy: &mut Entropy,
    registry: &Arc<Registry>,
    owner: &Arc<OnceLock<Weak<EngineShared>>>,
) -> Result<Media, EngineError> {
    let (registry, owner) = (Arc::clone(registry), Arc::clone(owner));
    let tell = move |event: MediaEvent| {
        let Some(stream) = event.stream() else {
            match (event, owner.get().and_then(Weak::upgrade)) {
                (MediaEvent::DeviceFailed { device, reason }, Some(engine)) => {
                    engine.tell(NotificationData::AudioDeviceDidFail { device, reason });
                }
                (MediaEvent::Broken { reason }, Some(engine)) => engine.fail(reason),
                _ => {}
            }
            return;
        };
        registry.deliver_once(SessionId(stream.session), Input::Media(event));
    };
    let settings = MediaConfig {
        rtp_ports: config.rtp_ports.clone(),
        device: config.audio_device.clone(),
        playback_dtmf: config.playback_dtmf,
        muted: config.muted,
        sounds_volume: config.sounds.volume,
    };
    Media::start(settings, entropy.fork(), tell)
        .map_err(|error| EngineError::Local(error.to_string()))
}

/// Takes sessions off the list once their end was delivered.
fn forget_ended(shared: &Arc<EngineShared>) {
    let engine: Weak<EngineShared> = Arc::downgrade(shared);
    let observer = move |notification: &Notification| {
        // The application may post what it likes under that name.
        let ended = matches!(notification.data, NotificationData::SessionDidEnd { .. });
        if let (true, Sender::Session(id), Some(engine)) =
            (ended, notification.sender, engine.upgrade())
        {
            engine.registry.forget(id);
        }
    };
    let observer: Arc<dyn Observer> = Arc::new(observer);
    shared.center.add_observer(Arc::clone(&observer), "SIPSessionDidEnd", Any);
    // Set once, here.
    let _first = shared.observer.set(observer);
}
