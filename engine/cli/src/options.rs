//! The options that are common to the verbs that open sockets.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use offhook::credentials::Credentials;
use offhook::media::codec::Codec;
use offhook::media::shell::AudioDevice;
use offhook::negotiate::SrtpPolicy;
use offhook::settings::Configuration;
use offhook::shell::password_file;
use offhook::sip::{SipUri, Uri};
use offhook::transport::Transport;
use offhook::{Config, ConfigurationManager, Listener, NotificationCenter};

use crate::{Usage, note, settings, sound};

/// What every such verb's help ends with.
pub(crate) const HELP: &str = "\
Common options:
  --udp ADDR:PORT, --tcp ADDR:PORT   listen there, port 0 is any (default: both)
  --account URI, --password-file FILE, --route ROUTE   who we are; the next hop
  --codecs PCMA,PCMU, --rtp-ports A-B, --srtp disabled|optional|mandatory
  --msrp-transport tcp|tls, --tls-certificate PEM, --tls-ca PEM
  --audio-device default|null|wav:IN.wav,OUT.wav|NAME
  --trace sip,msrp,notifications     to stderr; --pcap FILE is for Wireshark
  --config DIR                       settings of that folder, not the platform's
  --json                             one JSON object a line
";

/// The longest duration that an option takes: a year.
const SECONDS_MAX: f64 = 366.0 * 86_400.0;

/// What is told on stderr while it happens.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Trace {
    /// SIP messages.
    pub(crate) sip: bool,
    /// The heads of MSRP messages.
    pub(crate) msrp: bool,
    /// Notifications.
    pub(crate) notifications: bool,
    /// SIP messages are drawn at the end.
    pub(crate) ladder: bool,
}

/// The common options.
#[derive(Clone, Default, Debug)]
pub(crate) struct Options {
    /// What was typed of it; [`Options::settle`] has the rest from the settings.
    config: Config,
    /// The names of the options that were typed.
    typed: BTreeSet<&'static str>,
    /// `--config`: the folder of the settings.
    folder: Option<PathBuf>,
    /// `--audio-device`; none: the default device if there is one.
    pub(crate) device: Option<AudioDevice>,
    /// `--password-file`.
    password_file: Option<PathBuf>,
    /// `--route`, in order.
    routes: Vec<String>,
    /// `--trace`.
    pub(crate) trace: Trace,
    /// `--pcap`.
    pub(crate) pcap: Option<PathBuf>,
    /// `--json`.
    pub(crate) json: bool,
}

/// What a verb runs with.
#[derive(Debug)]
pub(crate) struct Settled {
    /// What the engine is started with.
    pub(crate) config: Config,
    /// What is told on stderr.
    pub(crate) trace: Trace,
    /// Where requests go first.
    pub(crate) routes: Routes,
    /// The settings, if there is a folder for them.
    pub(crate) manager: Option<ConfigurationManager>,
}

/// Where requests go first.
#[derive(Clone, Default, Debug)]
pub(crate) struct Routes {
    typed: Vec<String>,
    configuration: Configuration,
}

impl Routes {
    /// The routes of a request to `uri`, tried in order; none: to its own host. What was typed
    /// goes before the account's proxy.
    pub(crate) fn to(&self, uri: &str) -> Vec<String> {
        if !self.typed.is_empty() {
            return self.typed.clone();
        }
        let uri = uri.parse::<SipUri>().ok();
        let proxy = uri.and_then(|uri| self.configuration.route_to(&uri).map(ToString::to_string));
        proxy.into_iter().collect()
    }
}

impl Options {
    /// Takes the option `name` with its value off the command line.
    pub(crate) fn take(&mut self, name: &str, args: &mut lexopt::Parser) -> Result<(), Usage> {
        match name {
            "json" => self.json = true,
            "udp" => self.listen(Transport::Udp, &word(args)?)?,
            "tcp" => self.listen(Transport::Tcp, &word(args)?)?,
            "account" => self.config.account = Some(account(&word(args)?)?),
            "route" => self.routes.push(route(&word(args)?)?),
            "config" => self.folder = Some(args.value()?.into()),
            "codecs" => {
                self.config.codecs = codecs(&word(args)?)?;
                self.typed.insert("codecs");
            }
            "rtp-ports" => {
                self.config.rtp_ports = ports(&word(args)?)?;
                self.typed.insert("rtp-ports");
            }
            "audio-device" => self.device = Some(sound::device(&word(args)?)?),
            "trace" => self.trace = trace(&word(args)?)?,
            "pcap" => self.pcap = Some(args.value()?.into()),
            "srtp" => {
                self.config.srtp = srtp(&word(args)?)?;
                self.typed.insert("srtp");
            }
            "msrp-transport" => {
                self.config.chat_over_tls = msrp_transport(&word(args)?)?;
                self.typed.insert("msrp-transport");
            }
            "tls-certificate" => self.config.tls.certificate = Some(args.value()?.into()),
            "tls-ca" => self.config.tls.authorities = Some(args.value()?.into()),
            "tls" => {
                let text = "--tls: SIP over TLS is not built yet; use --udp or --tcp";
                return Err(Usage(text.into()));
            }
            "password-file" => self.password_file = Some(args.value()?.into()),
            _ => return Err(Usage(format!("there is no option --{name}: see --help"))),
        }
        Ok(())
    }

    /// The options over the settings. Says on stderr when no sound device was found.
    pub(crate) fn settle(&self, center: NotificationCenter) -> Result<Settled, Usage> {
        let manager = settings::open(self.folder.as_deref(), center)?;
        let account = self.config.account.as_deref();
        let configured = manager.as_ref().map(|manager| settings::configured(manager, account));
        let configured = configured.transpose()?.flatten();
        let set_device = configured.as_ref().map(|set| set.config.audio_device.clone());
        let (config, configuration) =
            configured.map(|set| (set.config, set.configuration)).unwrap_or_default();
        let mut config = self.over(config);
        if let Some(file) = &self.password_file {
            config.credentials = vec![self.credentials(file, config.account.as_deref())?];
        }
        config.audio_device = match (self.device.clone(), set_device) {
            (Some(device), _) => device,
            (None, None | Some(AudioDevice::Default)) => sound::default_or_null(),
            (None, Some(set)) => set,
        };
        let mut trace = self.trace;
        trace.sip |= configuration.settings.logs.trace_sip;
        trace.msrp |= configuration.settings.logs.trace_msrp;
        trace.notifications |= configuration.settings.logs.trace_notifications;
        config.trace_sip = trace.sip || trace.ladder || self.pcap.is_some();
        config.trace_msrp = trace.msrp || self.pcap.is_some();
        let routes = Routes { typed: self.routes.clone(), configuration };
        Ok(Settled { config, trace, routes, manager })
    }

    /// The password in the file, for those who serve the account: its domain and the typed routes.
    fn credentials(&self, file: &Path, account: Option<&str>) -> Result<Credentials, Usage> {
        let fault = |why: String| Usage(format!("--password-file {}: {why}", file.display()));
        let uri = account.and_then(|account| account.parse::<SipUri>().ok());
        let uri = uri.ok_or_else(|| fault("whose it is, --account URI says".into()))?;
        let password = password_file(file).map_err(|error| fault(error.to_string()))?;
        let credentials = Credentials::new(uri.user().unwrap_or_default(), password.expose())
            .for_host(uri.host().to_string());
        let routes = self.routes.iter().filter_map(|route| route.parse::<SipUri>().ok());
        Ok(routes
            .fold(credentials, |credentials, route| credentials.for_host(route.host().to_string())))
    }

    /// What was typed goes before what is set.
    fn over(&self, mut config: Config) -> Config {
        let (typed, has) = (self.config.clone(), |name| self.typed.contains(name));
        if !typed.listeners.is_empty() {
            config.listeners = typed.listeners;
        }
        if typed.account.is_some() {
            config.account = typed.account;
        }
        let routes = self.routes.iter().filter_map(|route| route.parse().ok());
        if !self.routes.is_empty() {
            config.registration.routes = routes.collect();
        }
        // Nothing registers by itself.
        config.registration.at_start = false;
        // One agent is one account.
        config.other_accounts.clear();
        if has("codecs") {
            config.codecs = typed.codecs;
        }
        if has("rtp-ports") {
            config.rtp_ports = typed.rtp_ports;
        }
        if has("srtp") {
            config.srtp = typed.srtp;
            if config.srtp != SrtpPolicy::Disabled {
                // There is no TLS yet.
                note("warning: the keys of SRTP travel in the clear: SIP is not encrypted");
            }
        }
        if has("msrp-transport") {
            config.chat_over_tls = typed.chat_over_tls;
        }
        config.tls.certificate = typed.tls.certificate.or(config.tls.certificate);
        config.tls.authorities = typed.tls.authorities.or(config.tls.authorities);
        config.use_srtp_without_tls = true;
        config
    }

    fn listen(&mut self, transport: Transport, text: &str) -> Result<(), Usage> {
        let address: SocketAddr = text.parse().map_err(|_| {
            Usage(format!(
                "--{transport} {text}: this is no address with a port; type one like \
                 --{transport} 127.0.0.1:5060 or [::1]:5060, port 0 for any"
            ))
        })?;
        self.config.listeners.push(Listener { transport, address });
        Ok(())
    }
}

/// An option's value as text.
pub(crate) fn word(args: &mut lexopt::Parser) -> Result<String, Usage> {
    args.value()?
        .into_string()
        .map_err(|raw| Usage(format!("{}: this is not UTF-8", raw.to_string_lossy())))
}

/// A number of seconds, with or without a fraction.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<f64>().ok().filter(|s| (0.0..=SECONDS_MAX).contains(s));
    parsed
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("{text:?} is no number of seconds; type one like 10 or 0.5"))
}

/// A SIP URI; `user@host` is taken for one.
fn account(text: &str) -> Result<String, Usage> {
    let has_scheme = ["sip:", "sips:"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let full = if has_scheme { text.to_owned() } else { format!("sip:{text}") };
    let fits = Uri::parse(full.as_bytes()).is_ok_and(|uri| uri.is_sip() && uri.user.is_some());
    if fits {
        Ok(full)
    } else {
        Err(Usage(format!("--account {text}: type a URI like sip:alice@example.com")))
    }
}

/// A next hop.
pub(crate) fn route(text: &str) -> Result<String, Usage> {
    let uri = Uri::parse(text.as_bytes()).ok().filter(Uri::is_sip);
    let Some(uri) = uri else {
        let example = "type one like 'sip:192.0.2.1:5060;transport=udp;lr'";
        return Err(Usage(format!("route {text}: this is no SIP URI; {example}")));
    };
    let tls = uri.transport().is_some_and(|name| name.eq_ignore_ascii_case(b"tls"));
    if uri.is_secure() || tls {
        return Err(Usage(format!("route {text}: TLS is not built yet; use udp or tcp")));
    }
    Ok(text.to_owned())
}

fn codecs(text: &str) -> Result<Vec<Codec>, Usage> {
    let known = || Codec::ALL.map(Codec::name).join(",");
    let mut codecs = Vec::new();
    for name in text.split(',').map(str::trim) {
        let codec = Codec::from_name(name).ok_or_else(|| {
            Usage(format!("--codecs: there is no codec {name:?}; type --codecs {}", known()))
        })?;
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    Ok(codecs)
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, Usage> {
    let range = text
        .split_once('-')
        .and_then(|(low, high)| Some((low.parse::<u16>().ok()?, high.parse::<u16>().ok()?)))
        .filter(|(low, high)| *low > 0 && low.saturating_add(1) <= *high);
    range.map(|(low, high)| low..=high).ok_or_else(|| {
        Usage(format!(
            "--rtp-ports {text}: type two ports, the lower first, like --rtp-ports 20000-20100"
        ))
    })
}

fn trace(text: &str) -> Result<Trace, Usage> {
    let mut trace = Trace::default();
    for word in text.split(',').map(str::trim) {
        match word {
            "sip" => trace.sip = true,
            "notifications" => trace.notifications = true,
            "msrp" => trace.msrp = true,
            other => {
                return Err(Usage(format!(
                    "--trace: {other:?} cannot be traced; type --trace sip,msrp,notifications"
                )));
            }
        }
    }
    Ok(trace)
}

fn srtp(text: &str) -> Result<SrtpPolicy, Usage> {
    match text {
        "disabled" => Ok(SrtpPolicy::Disabled),
        "optional" => Ok(SrtpPolicy::Optional),
        "mandatory" => Ok(SrtpPolicy::Mandatory),
        other => Err(Usage(format!("--srtp {other}: type disabled, optional or mandatory"))),
    }
}

/// Whether chats that we offer are over TLS.
fn msrp_transport(text: &str) -> Result<bool, Usage> {
    match text {
        "tcp" => Ok(false),
        "tls" => Ok(true),
        other => Err(Usage(format!("--msrp-transport {other}: type tcp or tls"))),
    }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
