//! What an engine is started with, from settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;

use offhook_media::shell::AudioDevice;

use super::ConfigurationManager;
use super::account::{credentials, password_of};
use crate::chat::MsrpRelay;
use crate::credentials::Credentials;
use crate::negotiate::{AcceptTypes, SrtpPolicy};
use crate::route::{Route, RouteHost};
use crate::session::Policy;
use crate::settings::{
    AccountAddress, AccountEncryption, AccountSettings, AccountSipSettings, AudioSettings,
    ChatSettings, Configuration, ContentTypes, DnsSettings, FilePath, KeyNegotiation,
    MsrpTransport, NatTraversalSettings, Settings, SipSettings, SoundDevice, Text, TlsSettings,
};
use crate::shell::{
    AccountConfig, Config, DnsConfig, EngineError, Listener, Registration, Sounds, TlsConfig,
};
use crate::transaction::Timers;
use crate::transport::Transport;

impl Config {
    /// What the global settings say. No account: any user is accepted. Built without sound devices
    /// the system's default device is the null device.
    ///
    /// # Errors
    /// When settings do not go together, as a microphone and a speaker of different devices.
    pub fn from_settings(settings: &Settings) -> Result<Self, EngineError> {
        let encryption = &settings.encryption;
        let (sip, general) = (&settings.sip, &settings.general);
        let recordings = settings.audio.recordings_directory.as_ref();
        Ok(Self {
            listeners: listeners(sip, &settings.tls)?,
            account: None,
            other_accounts: Vec::new(),
            user_agent: general.user_agent.as_str().into(),
            codecs: settings.rtp.audio_codec_list.as_slice().into(),
            rtp_ports: settings.rtp.port_range.ports(),
            audio_device: device(&settings.audio)?,
            playback_dtmf: settings.audio.playback_dtmf,
            muted: settings.audio.muted,
            recordings_directory: recordings.map_or_else(|| ".".into(), |d| d.as_path().into()),
            trace_sip: settings.logs.trace_sip,
            trace_msrp: settings.logs.trace_msrp,
            sessions_max: general.sessions_max.and_then(|max| usize::try_from(max.get()).ok()),
            srtp: srtp(encryption.enabled, encryption.key_negotiation),
            use_srtp_without_tls: encryption.use_srtp_without_tls,
            chat_over_tls: over_tls(settings, None),
            tls: tls(&settings.tls),
            dns: dns(&settings.dns)?,
            sounds: sounds(settings),
            policy: Policy {
                invite_timeout: sip.invite_timeout.map(|time| time.duration()),
                ring_timeout: sip.ring_timeout.map(|time| time.duration()),
                duration_max: sip.duration_max.map(|time| time.duration()),
                session_expires: sip.session_expires.map(|time| time.duration()),
                no_audio_timeout: settings.rtp.no_audio_timeout.duration(),
                rtp_timeout: settings.rtp.timeout.map(|time| time.duration()),
                hangup_on_timeout: false,
                msrp_relay: None,
                accept_types: accept_types(&settings.chat),
                auto_answer: sip.auto_answer,
            },
            credentials: Vec::new(),
            registration: Registration::default(),
            sip_timers: Timers {
                t1: sip.t1.duration(),
                t2: sip.t2.duration(),
                t4: sip.t4.duration(),
            },
            stop_timeout: sip.stop_timeout.duration(),
        })
    }

    /// What the global settings say, and the default account in its own matters: address, password,
    /// codecs, encryption. With `bonjour@local` any user is accepted. The other enabled accounts are
    /// its [`other_accounts`](Self::other_accounts).
    ///
    /// A password in a file of its own is not read:
    /// [`ConfigurationManager::engine_config`] does so.
    ///
    /// # Errors
    /// As [`from_settings`](Self::from_settings).
    pub fn from_configuration(configuration: &Configuration) -> Result<Self, EngineError> {
        let settings = &configuration.settings;
        let mut config = Self::from_settings(settings)?;
        config.other_accounts = configuration
            .others()
            .map(|(address, account)| other_account(settings, address, account))
            .collect::<Result<_, _>>()?;
        let Some(address) = configuration.default_account() else { return Ok(config) };
        let (rtp, encryption) = match configuration.account(&address) {
            Some(account) => {
                config.account = Some(named(&address, account.general.display_name.as_ref()));
                let password = account.auth.password.as_ref();
                config.credentials =
                    password.map(|own| credentials(&address, account, own)).into_iter().collect();
                config.chat_over_tls = over_tls(settings, account.msrp.transport);
                config.policy.msrp_relay = relay(&account.nat_traversal)?;
                config.registration = registration(&account.sip);
                (&account.rtp, &account.encryption)
            }
            None => {
                let bonjour = &configuration.bonjour;
                config.chat_over_tls = over_tls(settings, bonjour.msrp.transport);
                (&bonjour.rtp, &bonjour.encryption)
            }
        };
        if let Some(codecs) = &rtp.audio_codec_list {
            config.codecs = codecs.as_slice().into();
        }
        config.srtp = account_srtp(settings, encryption);
        config.policy.hangup_on_timeout = rtp.hangup_on_timeout;
        Ok(config)
    }
}

/// An account's address with the name that others see.
fn named(address: &AccountAddress, name: Option<&Text>) -> String {
    let uri = address.uri();
    let with_name = name.map(|name| uri.to_builder().display(name.as_str()).finish());
    // A display name is any text, so the URI stays one.
    with_name.and_then(Result::ok).unwrap_or(uri).to_string()
}

/// Whether chats are offered over TLS: as the account says, else as all do.
fn over_tls(settings: &Settings, own: Option<MsrpTransport>) -> bool {
    own.unwrap_or(settings.msrp.transport) == MsrpTransport::Tls
}

fn account_srtp(settings: &Settings, own: &AccountEncryption) -> SrtpPolicy {
    let global = &settings.encryption;
    srtp(
        own.enabled.unwrap_or(global.enabled),
        own.key_negotiation.unwrap_or(global.key_negotiation),
    )
}

/// How an account registers: through its proxy, where it has one.
fn registration(sip: &AccountSipSettings) -> Registration {
    Registration {
        at_start: sip.register,
        expires: sip.register_interval.duration(),
        routes: sip.outbound_proxy.iter().map(Route::to_uri).collect(),
    }
}

/// One more account, with the password that stands in its settings.
fn other_account(
    settings: &Settings,
    address: &AccountAddress,
    account: &AccountSettings,
) -> Result<AccountConfig, EngineError> {
    let codecs = account.rtp.audio_codec_list.as_ref().unwrap_or(&settings.rtp.audio_codec_list);
    let password = account.auth.password.as_ref();
    Ok(AccountConfig {
        uri: named(address, account.general.display_name.as_ref()),
        credentials: password.map(|own| credentials(address, account, own)).into_iter().collect(),
        codecs: codecs.as_slice().into(),
        srtp: account_srtp(settings, &account.encryption),
        chat_over_tls: over_tls(settings, account.msrp.transport),
        hangup_on_timeout: account.rtp.hangup_on_timeout,
        msrp_relay: relay(&account.nat_traversal)?,
        registration: registration(&account.sip),
    })
}

impl ConfigurationManager {
    /// What the settings that hold now say, with the default account's password, also where that
    /// stands in a file of its own.
    ///
    /// # Errors
    /// As [`Config::from_configuration`], and when the password file cannot be read.
    pub fn engine_config(&self) -> Result<Config, EngineError> {
        self.engine_config_of(&self.configuration())
    }

    /// What these settings say, as those of this manager changed for one run; a password file
    /// without an absolute name lies in its folder.
    ///
    /// # Errors
    /// As [`engine_config`](Self::engine_config).
    pub fn engine_config_of(&self, configuration: &Configuration) -> Result<Config, EngineError> {
        let mut config = Config::from_configuration(configuration)?;
        let address = configuration.default_account();
        let account = address.as_ref().and_then(|address| configuration.account(address));
        if let (Some(address), Some(account)) = (&address, account) {
            config.credentials = self.credentials_of(address, account)?;
        }
        // The same accounts in the same order.
        for (other, (address, account)) in
            config.other_accounts.iter_mut().zip(configuration.others())
        {
            other.credentials = self.credentials_of(address, account)?;
        }
        Ok(config)
    }

    fn credentials_of(
        &self,
        address: &AccountAddress,
        account: &AccountSettings,
    ) -> Result<Vec<Credentials>, EngineError> {
        let password = password_of(&account.auth, self.directory())
            .map_err(|error| EngineError::InvalidConfig(error.to_string()))?;
        let known = password.map(|password| credentials(address, account, &password));
        Ok(known.into_iter().collect())
    }
}

const fn srtp(is_enabled: bool, keys: KeyNegotiation) -> SrtpPolicy {
    match (is_enabled, keys) {
        (false, _) => SrtpPolicy::Disabled,
        (true, KeyNegotiation::SdesOptional) => SrtpPolicy::Optional,
        (true, KeyNegotiation::SdesMandatory) => SrtpPolicy::Mandatory,
    }
}

/// The MSRP relay; what it is shown is the account's.
fn relay(settings: &NatTraversalSettings) -> Result<Option<Arc<MsrpRelay>>, EngineError> {
    let Some(route) = &settings.msrp_relay else { return Ok(None) };
    let RouteHost::Ip(ip) = route.host() else {
        let text = format!(
            "nat_traversal.msrp_relay is {route}: host names are not looked up yet, tell its address"
        );
        return Err(EngineError::InvalidConfig(text));
    };
    let port = route.explicit_port().unwrap_or(offhook_msrp::DEFAULT_PORT);
    Ok(Some(Arc::new(MsrpRelay {
        // A route that names no transport says UDP, which is none of MSRP's.
        tls: route.transport() != Transport::Tcp,
        for_inbound: settings.use_msrp_relay_for_inbound,
        for_outbound: settings.use_msrp_relay_for_outbound,
        ..MsrpRelay::new(SocketAddr::new(*ip, port))
    })))
}

fn accept_types(chat: &ChatSettings) -> AcceptTypes {
    let words = |types: &ContentTypes| types.as_slice().join(" ").into();
    AcceptTypes { types: words(&chat.accept_types), wrapped: words(&chat.accept_wrapped_types) }
}

fn sounds(settings: &Settings) -> Sounds {
    let path = |file: &Option<FilePath>| file.as_ref().map(|file| file.as_path().into());
    Sounds {
        inbound: path(&settings.sounds.audio_inbound),
        outbound: path(&settings.sounds.audio_outbound),
        message_received: path(&settings.sounds.message_received),
        message_sent: path(&settings.sounds.message_sent),
        silent: settings.audio.silent,
        volume: u8::try_from(settings.sounds.volume.get()).unwrap_or(100),
    }
}

fn dns(settings: &DnsSettings) -> Result<DnsConfig, EngineError> {
    let server = |text: &String| {
        let alone = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let whole = alone.map(|ip| SocketAddr::new(ip, 53)).or_else(|_| text.parse());
        whole.map_err(|_| {
            let text = format!("dns.nameservers: {text} is no address: type one like 192.0.2.1");
            EngineError::InvalidConfig(text)
        })
    };
    Ok(DnsConfig {
        nameservers: settings
            .nameservers
            .as_slice()
            .iter()
            .map(server)
            .collect::<Result<_, _>>()?,
        query_timeout: settings.query_timeout.duration(),
        timeout: settings.timeout.duration(),
        service_query_timeout: settings.service_query_timeout.duration(),
        service_timeout: settings.service_timeout.duration(),
    })
}

fn tls(settings: &TlsSettings) -> TlsConfig {
    let path = |file: &Option<FilePath>| file.as_ref().map(|file| file.as_path().into());
    TlsConfig {
        certificate: path(&settings.certificate),
        authorities: path(&settings.ca_list),
        verify: settings.verify_server,
    }
}

fn listeners(sip: &SipSettings, tls: &TlsSettings) -> Result<Vec<Listener>, EngineError> {
    // Nobody can be let in over TLS without a certificate.
    let mut transports = sip.transport_list.as_slice().to_vec();
    transports.retain(|transport| *transport != Transport::Tls || tls.certificate.is_some());
    if transports.is_empty() {
        let text = "sip.transport_list names tls alone, and there is no tls.certificate";
        return Err(EngineError::InvalidConfig(text.into()));
    }
    let addresses = match sip.local_address {
        Some(address) => vec![address],
        None => wildcards(),
    };
    let port = |transport: Transport| match transport {
        Transport::Udp => sip.udp_port.port(),
        Transport::Tcp => sip.tcp_port.port(),
        Transport::Tls => sip.tls_port.port(),
    };
    let of = |transport: &Transport| {
        let (transport, port) = (*transport, port(*transport));
        let address = move |ip: &IpAddr| SocketAddr::new(*ip, port);
        addresses.iter().map(move |ip| Listener { transport, address: address(ip) })
    };
    // UDP first: the first listener's address is the engine's.
    transports.sort();
    Ok(transports.iter().flat_map(of).collect())
}

/// IPv4, and IPv6 where there is any.
fn wildcards() -> Vec<IpAddr> {
    let mut all = vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
    if UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok() {
        all.push(Ipv6Addr::UNSPECIFIED.into());
    }
    all
}

fn device(audio: &AudioSettings) -> Result<AudioDevice, EngineError> {
    use SoundDevice::{Named, SystemDefault, Wav};
    let path = |device: &Option<SoundDevice>| match device {
        Some(Wav(path)) => path.clone(),
        _ => PathBuf::new(),
    };
    match (&audio.input_device, &audio.output_device) {
        (None, None) => Ok(AudioDevice::Null),
        (Some(SystemDefault), Some(SystemDefault)) if cfg!(feature = "device") => {
            Ok(AudioDevice::Default)
        }
        (Some(SystemDefault), Some(SystemDefault)) => Ok(AudioDevice::Null),
        (Some(Named(input)), Some(Named(output))) if input == output => {
            Ok(AudioDevice::Named(input.clone()))
        }
        (input @ (None | Some(Wav(_))), output @ (None | Some(Wav(_)))) => {
            Ok(AudioDevice::Wav { input: path(input), output: path(output) })
        }
        _ => {
            let text = "audio.input_device and audio.output_device must be the same device, or \
                        both be files or none";
            Err(EngineError::InvalidConfig(text.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SettingsObject as _;

    fn with(settings: &[(&str, &str)]) -> Result<Config, String> {
        let mut all = Settings::default();
        for (name, value) in settings {
            all.set(name, value).unwrap();
        }
        Config::from_settings(&all).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_of_both_are_the_same() {
        let (config, default) = (with(&[]).unwrap(), Config::default());
        let shown = |config: &Config| {
            let mut config = config.clone();
            config.listeners.clear();
            config.audio_device = AudioDevice::Null;
            format!("{config:?}")
        };
        assert_eq!(shown(&config), shown(&default));
        let transports: Vec<_> = config.listeners.iter().map(|l| l.transport).collect();
        assert!(transports.contains(&Transport::Udp) && transports.contains(&Transport::Tcp));
        assert!(config.listeners.iter().all(|listener| listener.address.port() == 0));
        assert!(!transports.contains(&Transport::Tls), "there is no certificate");
    }

    #[test]
    fn listeners_have_the_address_the_ports_and_the_transports_that_are_set() {
        let config = with(&[
            ("sip.local_address", "127.0.0.1"),
            ("sip.udp_port", "5070"),
            ("sip.tls_port", "5071"),
            ("sip.transport_list", "tls,udp"),
            ("tls.certificate", "cert.pem"),
        ]);
        let told: Vec<_> = config
            .unwrap()
            .listeners
            .iter()
            .map(|l| format!("{} {}", l.transport, l.address))
            .collect();
        assert_eq!(told, ["udp 127.0.0.1:5070", "tls 127.0.0.1:5071"]);
        let error = with(&[("sip.transport_list", "tls")]).unwrap_err();
        assert!(error.contains("no tls.certificate"), "{error}");
    }

    #[test]
    fn encryption_and_its_keys_are_one_policy() {
        for (enabled, keys, policy) in [
            ("no", "sdes_mandatory", SrtpPolicy::Disabled),
            ("yes", "sdes_optional", SrtpPolicy::Optional),
            ("yes", "sdes_mandatory", SrtpPolicy::Mandatory),
        ] {
            let settings =
                [("rtp.encryption.enabled", enabled), ("rtp.encryption.key_negotiation", keys)];
            assert_eq!(with(&settings).unwrap().srtp, policy);
        }
    }

    #[test]
    fn times_and_ports_are_taken_over() {
        let config = with(&[
            ("sip.t1", "100"),
            ("sip.invite_timeout", "none"),
            ("sip.ring_timeout", "60"),
            ("sip.stop_timeout", "2"),
            ("rtp.no_audio_timeout", "7"),
            ("rtp.port_range", "20000-20100"),
            ("rtp.timeout", "11"),
            ("sessions_max", "7"),
            ("chat.accept_types", "text/plain,text/html"),
        ]);
        let config = config.unwrap();
        assert_eq!(config.sip_timers.t1.as_millis(), 100);
        assert_eq!((config.policy.invite_timeout, config.sessions_max), (None, Some(7)));
        assert_eq!(config.policy.ring_timeout.map(|time| time.as_secs()), Some(60));
        assert_eq!(config.policy.no_audio_timeout.as_secs(), 7);
        assert_eq!(config.policy.rtp_timeout.map(|time| time.as_secs()), Some(11));
        assert_eq!(&*config.policy.accept_types.types, "text/plain text/html");
        assert_eq!(config.stop_timeout.as_secs(), 2);
        assert_eq!(config.rtp_ports, 20_000..=20_100);
    }

    #[test]
    fn microphone_and_speaker_are_one_device_or_files() {
        let of = |input, output| {
            let both = [("audio.input_device", input), ("audio.output_device", output)];
            with(&both).map(|config| config.audio_device)
        };
        let wav = |input: &str, output: &str| AudioDevice::Wav {
            input: input.into(),
            output: output.into(),
        };
        assert_eq!(of("none", "none"), Ok(AudioDevice::Null));
        assert_eq!(of("wav:a", "wav:b"), Ok(wav("a", "b")));
        assert_eq!(of("none", "wav:b"), Ok(wav("", "b")));
        assert_eq!(of("USB", "USB"), Ok(AudioDevice::Named("USB".into())));
        assert!(of("USB", "system_default").unwrap_err().contains("the same device"));
    }

    #[test]
    fn the_default_account_rules_in_its_own_matters() {
        const NAMED: &str = "\"Alice \\\"A\\\"\" <sip:alice@example.com>";
        let mut configuration = Configuration::default();
        let mut alice = AccountSettings::default();
        alice.set("enabled", "yes").unwrap();
        alice.set("display_name", "Alice \"A\"").unwrap();
        alice.set("rtp.audio_codec_list", "PCMA").unwrap();
        alice.set("rtp.encryption.key_negotiation", "sdes_mandatory").unwrap();
        alice.set("msrp.transport", "tls").unwrap();
        configuration.accounts.push(("alice@example.com".parse().unwrap(), alice));
        let config = Config::from_configuration(&configuration).unwrap();
        assert_eq!((config.account, config.srtp), (None, SrtpPolicy::Optional));
        assert!(!config.chat_over_tls && config.other_accounts[0].chat_over_tls);
        let [other] = &config.other_accounts[..] else { panic!("alice can be called, too") };
        assert_eq!((other.uri.as_str(), other.srtp), (NAMED, SrtpPolicy::Mandatory));
        assert_eq!(other.codecs, [offhook_media::codec::Codec::Pcma]);
        configuration.settings.set("default_account", "alice@example.com").unwrap();
        let config = Config::from_configuration(&configuration).unwrap();
        assert_eq!(config.account.as_deref(), Some(NAMED));
        assert_eq!(config.codecs, [offhook_media::codec::Codec::Pcma]);
        assert_eq!(config.srtp, SrtpPolicy::Mandatory);
        assert!(config.chat_over_tls && config.other_accounts.is_empty());
    }
}
