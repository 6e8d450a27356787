//! `rsip` 0.4: URIs, requests and responses, by `TryFrom` both ways.
//!
//! Headers keep their order and their values, without folds; known names are spelled as `rsip`
//! spells them. What `rsip` cannot hold: methods beyond its own, schemes other than sip and sips,
//! headers in a URI, display names, texts that are no UTF-8. An IPv6 address becomes the domain
//! `[…]`, which is how `rsip` prints it right. A body of any octets is kept, but `rsip` itself
//! prints only text.
//!
//! A status whose reason is not the usual one becomes `StatusCode::Other`, which keeps the reason:
//! compare [`code`](::rsip::StatusCode::code)s.
//!
//! ```
//! use offhook::SipUri;
//!
//! let ours: SipUri = "sip:bob@example.com:5070;transport=tcp".parse()?;
//! let theirs = rsip::Uri::try_from(&ours)?;
//! assert_eq!(theirs.transport(), Some(&rsip::Transport::Tcp));
//! assert!(SipUri::try_from(&theirs)?.is_equivalent(&ours));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::net::IpAddr;

use ::rsip::headers::UntypedHeader as _;
use ::rsip::{
    Auth, Header, Host as TheirHost, Method, Param, Scheme, StatusCode, Version, headers,
};

use crate::sip::{
    Header as OurHeader, HeaderName, Host, Message, ParseError, SipUri, Uri, UriError,
    reason_phrase, text, unfold,
};

/// What the other side cannot hold.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConversionError {
    /// A scheme other than sip and sips, or none.
    Scheme(String),
    /// A display name: it is no part of an `rsip` URI.
    DisplayName,
    /// Headers in a URI: `rsip` has no place for their text.
    UriHeaders,
    /// A method that `rsip` does not know.
    Method(String),
    /// Something that is no UTF-8: here, which header or part it is.
    Text(String),
    /// A message without a start line.
    StartLine,
    /// SIP of another version than 2.0.
    Version,
    /// A value that would break out of its place, as a line end in a header.
    BreaksOut(String),
    /// What was put together is no URI.
    Uri(UriError),
    /// What was put together is no message.
    Message(ParseError),
}

impl fmt::Display for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme(scheme) => write!(f, "the scheme {scheme:?} is neither sip nor sips"),
            Self::DisplayName => f.write_str("a URI of rsip has no display name"),
            Self::UriHeaders => f.write_str("the headers of a URI cannot be converted"),
            Self::Method(method) => write!(f, "rsip has no method {method:?}"),
            Self::Text(what) => write!(f, "{what} is no UTF-8"),
            Self::StartLine => f.write_str("the message has no start line"),
            Self::Version => f.write_str("only SIP/2.0 can be converted"),
            Self::BreaksOut(what) => {
                write!(f, "the text of {what} would be read as something else")
            }
            Self::Uri(error) => error.fmt(f),
            Self::Message(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConversionError {}

impl From<UriError> for ConversionError {
    fn from(error: UriError) -> Self {
        Self::Uri(error)
    }
}

fn utf8<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str, ConversionError> {
    std::str::from_utf8(bytes).map_err(|_| ConversionError::Text(what.into()))
}

/// Ours reads a lone CR or a NUL in a line; printed again it would be something else.
fn line<'a>(what: &str, text: &'a str) -> Result<&'a str, ConversionError> {
    let breaks = text.contains(['\r', '\n', '\0']);
    if breaks { Err(ConversionError::BreaksOut(what.into())) } else { Ok(text) }
}

fn opt_utf8(what: &str, bytes: Option<&[u8]>) -> Result<Option<String>, ConversionError> {
    bytes.map(|bytes| utf8(what, bytes).map(Into::into)).transpose()
}

impl TryFrom<&Uri<'_>> for ::rsip::Uri {
    type Error = ConversionError;

    fn try_from(uri: &Uri<'_>) -> Result<Self, ConversionError> {
        let Some(host) = uri.host else {
            return Err(ConversionError::Scheme(text(uri.scheme).into_owned()));
        };
        if uri.headers.is_some() {
            return Err(ConversionError::UriHeaders);
        }
        let host = match host {
            Host::Ip(IpAddr::V6(_)) => TheirHost::Domain(host.to_string().into()),
            Host::Ip(address) => TheirHost::IpAddr(address),
            Host::Name(name) => TheirHost::Domain(utf8("the host", name)?.into()),
        };
        let auth = match opt_utf8("the user", uri.user)? {
            None => None,
            Some(user) => Some(Auth { user, password: opt_utf8("the password", uri.password)? }),
        };
        let params = uri.params.iter().map(|(name, value)| {
            let value = opt_utf8("a parameter", value)?;
            Ok(parameter(utf8("a parameter", name)?, value.as_deref()))
        });
        Ok(Self {
            scheme: Some(if uri.is_secure() { Scheme::Sips } else { Scheme::Sip }),
            auth,
            host_with_port: (host, uri.port).into(),
            params: params.collect::<Result<_, ConversionError>>()?,
            headers: Vec::new(),
        })
    }
}

/// Name and value as they are printed.
fn written(param: &Param) -> (String, Option<String>) {
    if let Param::Other(name, value) = param {
        return (name.to_string(), value.as_ref().map(ToString::to_string));
    }
    let printed = param.to_string();
    let printed = printed.strip_prefix(';').unwrap_or_default();
    let parts = printed.split_once('=').map(|(name, value)| (name.into(), Some(value.into())));
    parts.unwrap_or_else(|| (printed.into(), None))
}

/// Their variant where it means the same: names, and values but for methods, in any case.
fn parameter(name: &str, value: Option<&str>) -> Param {
    let written = value.map_or_else(|| format!(";{name}"), |value| format!(";{name}={value}"));
    let means_the_same = |typed: &Param| {
        let printed = typed.to_string();
        match typed {
            Param::Method(method) => Some(method.to_string().as_str()) == value,
            _ => printed.eq_ignore_ascii_case(&written),
        }
    };
    let typed = Param::try_from((name, value)).ok().filter(means_the_same);
    typed.unwrap_or_else(|| Param::Other(name.into(), value.map(Into::into)))
}

impl TryFrom<&SipUri> for ::rsip::Uri {
    type Error = ConversionError;

    fn try_from(uri: &SipUri) -> Result<Self, ConversionError> {
        match uri.display() {
            Some(_) => Err(ConversionError::DisplayName),
            None => (&uri.as_uri()).try_into(),
        }
    }
}

impl TryFrom<&::rsip::Uri> for SipUri {
    type Error = ConversionError;

    fn try_from(theirs: &::rsip::Uri) -> Result<Self, ConversionError> {
        let scheme = match &theirs.scheme {
            Some(scheme @ (Scheme::Sip | Scheme::Sips)) => scheme,
            Some(Scheme::Other(other)) => return Err(ConversionError::Scheme(other.clone())),
            None => return Err(ConversionError::Scheme(String::new())),
        };
        if !theirs.headers.is_empty() {
            return Err(ConversionError::UriHeaders);
        }
        let auth = theirs.auth.as_ref().map(|auth| format!("{auth}@")).unwrap_or_default();
        let host = match theirs.host() {
            TheirHost::IpAddr(address) => Host::Ip(*address).to_string(),
            TheirHost::Domain(domain) => domain.to_string(),
        };
        let port = theirs.port().map(|port| format!(":{port}")).unwrap_or_default();
        let params: String = theirs.params.iter().map(ToString::to_string).collect();
        let uri: Self = format!("{scheme}:{auth}{host}{port}{params}").parse()?;
        // Each part must be read as what it was: a user with an @ in it would be a host.
        let read = uri.as_uri();
        let breaks_out = |what: &str| Err(ConversionError::BreaksOut(what.into()));
        let user = theirs.auth.as_ref().map(|auth| auth.user.as_bytes());
        let password = theirs.auth.as_ref().and_then(|auth| auth.password.as_deref());
        if read.user != user || read.password != password.map(str::as_bytes) {
            return breaks_out("the user");
        }
        let port = theirs.port().map(|port| port.to_string());
        let same_host = read.host.is_some_and(|read| read.to_string().eq_ignore_ascii_case(&host))
            || host.starts_with('[') && matches!(read.host, Some(Host::Ip(IpAddr::V6(_))));
        if !same_host || read.port.map(|port| port.to_string()) != port {
            return breaks_out("the host");
        }
        let each = read.params.iter().map(|(name, value)| {
            (text(name).into_owned(), value.map(|value| text(value).into_owned()))
        });
        if read.headers.is_some() || !each.eq(theirs.params.iter().map(written)) {
            return breaks_out("the parameters");
        }
        Ok(uri)
    }
}

/// Their header types by our names.
macro_rules! known_headers {
    ($($name:ident),* $(,)?) => {
        fn known_header(name: HeaderName, value: &str) -> Option<Header> {
            Some(match name {
                $(HeaderName::$name => Header::$name(headers::$name::new(value)),)*
                _ => return None,
            })
        }

        /// Name and value of one of their headers.
        fn name_and_value(header: &Header) -> (&str, &str) {
            match header {
                $(Header::$name(header) => (HeaderName::$name.as_str(), header.value()),)*
                Header::Other(name, value) => (name, value),
            }
        }
    };
}

known_headers!(
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    AlertInfo,
    Allow,
    AuthenticationInfo,
    Authorization,
    CSeq,
    CallId,
    CallInfo,
    Contact,
    ContentDisposition,
    ContentEncoding,
    ContentLanguage,
    ContentLength,
    ContentType,
    Date,
    ErrorInfo,
    Event,
    Expires,
    From,
    InReplyTo,
    MaxForwards,
    MimeVersion,
    MinExpires,
    Organization,
    Priority,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyRequire,
    RecordRoute,
    ReplyTo,
    Require,
    RetryAfter,
    Route,
    Server,
    Subject,
    SubscriptionState,
    Supported,
    Timestamp,
    To,
    Unsupported,
    UserAgent,
    Via,
    Warning,
    WwwAuthenticate,
);

fn header(ours: OurHeader<'_>) -> Result<Header, ConversionError> {
    let name = match ours.id {
        HeaderName::Other => utf8("a header's name", ours.name)?,
        known => known.as_str(),
    };
    let value = unfold(ours.value);
    let value = line(name, utf8(name, &value)?)?;
    Ok(known_header(ours.id, value).unwrap_or_else(|| Header::Other(name.into(), value.into())))
}

impl<B: AsRef<[u8]>> TryFrom<&Message<B>> for ::rsip::SipMessage {
    type Error = ConversionError;

    fn try_from(message: &Message<B>) -> Result<Self, ConversionError> {
        let headers = || message.headers().map(header).collect::<Result<Vec<_>, _>>();
        let (version, body) = (Version::V2, message.body().to_vec());
        if let (Some(method), Some(uri)) = (message.method(), message.request_uri()) {
            let known = Method::all().into_iter().find(|m| m.to_string().as_bytes() == method);
            let unknown = || ConversionError::Method(text(method).into_owned());
            let method = known.ok_or_else(unknown)?;
            let uri = (&Uri::parse(uri)?).try_into()?;
            let headers = headers()?.into();
            return Ok(::rsip::Request { method, uri, version, headers, body }.into());
        }
        let status = message.status().ok_or(ConversionError::StartLine)?;
        let reason = utf8("the reason", message.reason().unwrap_or_default())?;
        let reason = line("the reason", reason)?;
        let known = StatusCode::from(status);
        let usual = reason == reason_phrase(status) && !matches!(known, StatusCode::Other(..));
        let status_code = if usual { known } else { StatusCode::Other(status, reason.into()) };
        Ok(::rsip::Response { status_code, version, headers: headers()?.into(), body }.into())
    }
}

impl<B: AsRef<[u8]>> TryFrom<&Message<B>> for ::rsip::Request {
    type Error = ConversionError;

    fn try_from(message: &Message<B>) -> Result<Self, ConversionError> {
        let converted = ::rsip::SipMessage::try_from(message)?;
        converted.try_into().map_err(|_| ConversionError::StartLine)
    }
}

impl<B: AsRef<[u8]>> TryFrom<&Message<B>> for ::rsip::Response {
    type Error = ConversionError;

    fn try_from(message: &Message<B>) -> Result<Self, ConversionError> {
        let converted = ::rsip::SipMessage::try_from(message)?;
        converted.try_into().map_err(|_| ConversionError::StartLine)
    }
}

impl TryFrom<&::rsip::Request> for Message {
    type Error = ConversionError;

    fn try_from(request: &::rsip::Request) -> Result<Self, ConversionError> {
        let uri = SipUri::try_from(&request.uri)?;
        let start = format!("{} {} SIP/2.0", request.method, uri.as_str());
        message(&start, &request.version, &request.headers, &request.body)
    }
}

impl TryFrom<&::rsip::Response> for Message {
    type Error = ConversionError;

    fn try_from(response: &::rsip::Response) -> Result<Self, ConversionError> {
        let code = response.status_code.code();
        let reason = match &response.status_code {
            StatusCode::Other(_, reason) => reason,
            _ => reason_phrase(code),
        };
        let start = format!("SIP/2.0 {code:03} {reason}");
        message(&start, &response.version, &response.headers, &response.body)
    }
}

impl TryFrom<&::rsip::SipMessage> for Message {
    type Error = ConversionError;

    fn try_from(message: &::rsip::SipMessage) -> Result<Self, ConversionError> {
        match message {
            ::rsip::SipMessage::Request(request) => request.try_into(),
            ::rsip::SipMessage::Response(response) => response.try_into(),
        }
    }
}

/// Their own printing is not used: it breaks bodies that are no text.
fn message(
    start: &str,
    version: &Version,
    headers: &::rsip::Headers,
    body: &[u8],
) -> Result<Message, ConversionError> {
    if *version != Version::V2 {
        return Err(ConversionError::Version);
    }
    let breaks_out = |what: &str| ConversionError::BreaksOut(what.into());
    let mut bytes = format!("{}\r\n", line("the start line", start)?).into_bytes();
    for header in headers.iter() {
        let (name, value) = name_and_value(header);
        let (name, value) = (line("a header's name", name)?, line(name, value)?);
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    let message = Message::parse(bytes.into_boxed_slice()).map_err(ConversionError::Message)?;
    let kept = message.headers().map(|header| (header.name, header.value));
    let given = headers
        .iter()
        .map(name_and_value)
        .map(|(n, v)| (n.as_bytes(), v.trim_matches([' ', '\t']).as_bytes()));
    if !kept.eq(given) {
        return Err(breaks_out("a header"));
    }
    // A Content-Length that is too small would cut the body.
    if message.body() == body { Ok(message) } else { Err(breaks_out("the body")) }
}
