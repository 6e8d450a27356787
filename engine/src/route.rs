//! The way that an application chooses for its requests: one proxy or peer.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::sip::{Host, SipUri, Uri, UriError, text};
use crate::transport::{Transport, UnknownTransport};

/// The host of a [`Route`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RouteHost {
    /// An address.
    Ip(IpAddr),
    /// A name, in lower case.
    Name(String),
}

impl fmt::Display for RouteHost {
    /// An IPv6 address in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => Host::Ip(*address).fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// One way to send requests: host, port and transport, as a loose route (RFC 3261 §16.12).
///
/// It is read from `sip:HOST:PORT;transport=tcp;lr` with or without angle brackets, and from
/// `HOST`, `HOST:PORT` or `HOST:PORT;transport=tcp` alone. The transport is `udp` when not given
/// (`tls` for `sips:`), the port the transport's. A route is loose whether or not it says `lr`.
///
/// ```
/// use offhook::Route;
/// use offhook::transport::Transport;
///
/// let route: Route = "192.0.2.1".parse()?;
/// assert_eq!((route.port(), route.transport()), (5060, Transport::Udp));
/// assert_eq!(route.to_string(), "sip:192.0.2.1;transport=udp;lr");
/// let route = Route::new("proxy.example.com")?.with_transport(Transport::Tls);
/// assert_eq!(route.port(), 5061);
/// # Ok::<(), offhook::RouteError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Route {
    host: RouteHost,
    port: Option<u16>,
    transport: Transport,
}

/// Why a text is no [`Route`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RouteError {
    /// There is nothing.
    Empty,
    /// Host or port cannot be read.
    Uri(UriError),
    /// The URI is neither sip nor sips.
    Scheme(String),
    /// A route leads to a host, and this one names a user, too.
    User(String),
    /// Nothing can be sent to port 0.
    PortZero,
    /// The transport is none of ours.
    Transport(UnknownTransport),
    /// `sips:` is TLS; this transport was asked for.
    NotSecure(Transport),
    /// A parameter other than `transport` and `lr`, or headers: they have no meaning here.
    Parameter(String),
    /// `<` without `>`, or something around the brackets.
    Brackets,
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a route names a host, as 192.0.2.1:5060"),
            Self::Uri(error) => error.fmt(f),
            Self::Scheme(scheme) => write!(f, "a route is a sip or sips URI, not {scheme:?}"),
            Self::User(user) => write!(f, "a route leads to a host: leave {user:?} and @ out"),
            Self::PortZero => f.write_str("nothing can be sent to port 0"),
            Self::Transport(error) => error.fmt(f),
            Self::NotSecure(transport) => {
                write!(f, "sips is TLS, but transport={transport} is asked for: use sip or tls")
            }
            Self::Parameter(name) => {
                write!(f, "{name:?} has no meaning in a route: it has transport and lr only")
            }
            Self::Brackets => f.write_str("a route begins with < and ends with >, or has neither"),
        }
    }
}

impl std::error::Error for RouteError {}

impl From<UriError> for RouteError {
    fn from(error: UriError) -> Self {
        Self::Uri(error)
    }
}

impl Route {
    /// A route over UDP to that host's port 5060. `host` is a name or an address, IPv6 with or
    /// without brackets.
    ///
    /// # Errors
    /// When `host` is neither.
    pub fn new(host: &str) -> Result<Self, RouteError> {
        if host.is_empty() {
            return Err(RouteError::Empty);
        }
        let uri = SipUri::builder(host).finish()?;
        Ok(Self { host: RouteHost::of(uri.host()), port: None, transport: Transport::Udp })
    }

    /// A route to that address; `None` for port 0, or an address that is none.
    #[must_use]
    pub fn to_address(address: IpAddr, port: u16, transport: Transport) -> Option<Self> {
        let is_one = port != 0 && !address.is_unspecified();
        is_one.then_some(Self { host: RouteHost::Ip(address), port: Some(port), transport })
    }

    /// The same host at another port.
    ///
    /// # Errors
    /// When it is 0.
    pub fn with_port(mut self, port: u16) -> Result<Self, RouteError> {
        if port == 0 {
            return Err(RouteError::PortZero);
        }
        self.port = Some(port);
        Ok(self)
    }

    /// The same host over another transport. A port that was not given is the transport's.
    #[must_use]
    pub const fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &RouteHost {
        &self.host
    }

    /// The port: as given, else 5060, 5061 for TLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.transport.default_port())
    }

    /// The port if it was given: then a name is looked up as an address only (RFC 3263 §4.2).
    #[must_use]
    pub const fn explicit_port(&self) -> Option<u16> {
        self.port
    }

    /// The transport.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// The URI of a Route header: `sip:HOST:PORT;transport=…;lr`.
    #[must_use]
    pub fn to_uri(&self) -> SipUri {
        SipUri::known(self.to_string())
    }
}

impl RouteHost {
    fn of(host: Host<'_>) -> Self {
        match host {
            Host::Ip(address) => Self::Ip(address),
            Host::Name(name) => Self::Name(text(name).to_ascii_lowercase()),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sip:{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, ";transport={};lr", self.transport)
    }
}

impl FromStr for Route {
    type Err = RouteError;

    fn from_str(s: &str) -> Result<Self, RouteError> {
        let s = s.trim();
        let inside = match (s.strip_prefix('<'), s.strip_suffix('>')) {
            (Some(after), Some(_)) => after.strip_suffix('>').ok_or(RouteError::Brackets)?,
            (None, None) => s,
            _ => return Err(RouteError::Brackets),
        };
        if inside.is_empty() {
            return Err(RouteError::Empty);
        }
        let whole = with_scheme(inside);
        let uri = Uri::parse(whole.as_bytes())?;
        let Some(host) = uri.host else {
            return Err(RouteError::Scheme(text(uri.scheme).into_owned()));
        };
        if let Some(user) = uri.user {
            return Err(RouteError::User(text(user).into_owned()));
        }
        let route = Self { host: RouteHost::of(host), port: uri.port, transport: transport(&uri)? };
        if uri.port == Some(0) { Err(RouteError::PortZero) } else { Ok(route) }
    }
}

/// A host alone is one of `sip:`; what has another scheme keeps it.
fn with_scheme(given: &str) -> String {
    if given.parse::<Ipv6Addr>().is_ok() {
        return format!("sip:[{given}]");
    }
    let scheme = given.split_once(':');
    let has_one = scheme.is_some_and(|(scheme, rest)| {
        let known = ["sip", "sips", "tel", "urn"].iter().any(|k| scheme.eq_ignore_ascii_case(k));
        known && !rest.bytes().all(|byte| byte.is_ascii_digit()) || rest.starts_with("//")
    });
    if has_one { given.into() } else { format!("sip:{given}") }
}

fn transport(uri: &Uri<'_>) -> Result<Transport, RouteError> {
    if uri.headers.is_some() {
        return Err(RouteError::Parameter("?".into()));
    }
    let mut named = None;
    for (name, value) in uri.params.iter() {
        if name.eq_ignore_ascii_case(b"transport") {
            let value = text(value.unwrap_or_default());
            named = Some(value.parse::<Transport>().map_err(RouteError::Transport)?);
        } else if !name.eq_ignore_ascii_case(b"lr") {
            return Err(RouteError::Parameter(text(name).into_owned()));
        }
    }
    match (uri.is_secure(), named) {
        // RFC 3261 §26.2.2: transport=tcp in a sips URI is TLS over TCP.
        (true, None | Some(Transport::Tls | Transport::Tcp)) => Ok(Transport::Tls),
        (true, Some(other)) => Err(RouteError::NotSecure(other)),
        (false, named) => Ok(named.unwrap_or(Transport::Udp)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_printed_as_one() {
        for (text, printed, port, transport) in [
            ("192.0.2.1", "sip:192.0.2.1;transport=udp;lr", 5060, Transport::Udp),
            ("192.0.2.1:5070", "sip:192.0.2.1:5070;transport=udp;lr", 5070, Transport::Udp),
            ("[::1]:5070", "sip:[::1]:5070;transport=udp;lr", 5070, Transport::Udp),
            ("2001:db8::1", "sip:[2001:db8::1];transport=udp;lr", 5060, Transport::Udp),
            ("Proxy.Example.com", "sip:proxy.example.com;transport=udp;lr", 5060, Transport::Udp),
            ("localhost:5080", "sip:localhost:5080;transport=udp;lr", 5080, Transport::Udp),
            ("h:5080;transport=TCP", "sip:h:5080;transport=tcp;lr", 5080, Transport::Tcp),
            ("sip:h;transport=tls;lr", "sip:h;transport=tls;lr", 5061, Transport::Tls),
            ("<sip:h:1;transport=tcp;lr>", "sip:h:1;transport=tcp;lr", 1, Transport::Tcp),
            (" <sips:h;lr=on> ", "sip:h;transport=tls;lr", 5061, Transport::Tls),
            ("sips:h;transport=tcp", "sip:h;transport=tls;lr", 5061, Transport::Tls),
        ] {
            let route: Route = text.parse().unwrap();
            assert_eq!(route.to_string(), printed, "{text}");
            assert_eq!((route.port(), route.transport()), (port, transport), "{text}");
            assert_eq!(printed.parse(), Ok(route.clone()), "{text}");
            assert_eq!(route.to_uri(), printed.parse().unwrap());
        }
    }

    #[test]
    fn what_is_no_route_is_refused_with_its_reason() {
        for (text, why) in [
            ("", "a route names a host, as 192.0.2.1:5060"),
            ("<>", "a route names a host, as 192.0.2.1:5060"),
            ("<sip:h", "a route begins with < and ends with >, or has neither"),
            ("sip:h>", "a route begins with < and ends with >, or has neither"),
            ("sip:bob@h", "a route leads to a host: leave \"bob\" and @ out"),
            ("tel:+1", "a route is a sip or sips URI, not \"tel\""),
            ("http://h", "a route is a sip or sips URI, not \"http\""),
            ("h:0", "nothing can be sent to port 0"),
            ("h:65536", "a port is a number up to 65535"),
            ("h:x", "a port is a number up to 65535"),
            ("h_/x", "a host is letters, digits, - and ."),
            ("h;transport=sctp", "unknown transport \"sctp\": use udp, tcp or tls"),
            ("h;transport", "unknown transport \"\": use udp, tcp or tls"),
            ("sips:h;transport=udp", "sips is TLS, but transport=udp is asked for: use sip or tls"),
            (
                "h;maddr=192.0.2.1",
                "\"maddr\" has no meaning in a route: it has transport and lr only",
            ),
            ("sip:h?x=y", "\"?\" has no meaning in a route: it has transport and lr only"),
            ("a b", "a URI has no blanks, quotes, brackets or control characters"),
        ] {
            let refused = text.parse::<Route>().map_err(|error| error.to_string());
            assert_eq!(refused, Err(why.into()), "{text}");
        }
    }

    #[test]
    fn a_route_is_made_from_its_parts() {
        let route = Route::new("::1").unwrap().with_transport(Transport::Tcp);
        assert_eq!((route.host().to_string().as_str(), route.port()), ("[::1]", 5060));
        assert_eq!(route.explicit_port(), None);
        let route = route.with_port(5080).unwrap().with_transport(Transport::Tls);
        assert_eq!(route.to_string(), "sip:[::1]:5080;transport=tls;lr");
        assert_eq!(Route::new("h").unwrap().with_port(0), Err(RouteError::PortZero));
        assert!(Route::new("h:5060").is_err() && Route::new("a@h").is_err());
    }
}
