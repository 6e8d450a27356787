//! sip and sips URIs of one's own: what an application calls, and is called by.

use std::fmt;
use std::str::FromStr;

use super::name_addr::{NameAddr, name_as_read};
use super::scan::{Params, split_outside};
use super::uri::{Host, Uri, UriError, unescape};

/// A sip or sips URI (RFC 3261 §19.1), with a display name where there is one.
///
/// It is read from an `addr-spec` (`sip:bob@example.com`) or a `name-addr`
/// (`"Bob" <sip:bob@example.com>`) and printed as a `name-addr` when it has a display name. It is
/// kept as it was written. `==` and `Hash` compare the spelling and the display name;
/// [`is_equivalent`](Self::is_equivalent) tells whether two name the same resource. `Debug` shows
/// no password.
///
/// ```
/// use offhook::sip::SipUri;
///
/// let bob = SipUri::builder("example.com")
///     .user("bob smith")
///     .display("Bob \"the\" Smith")
///     .parameter("transport", "tcp")
///     .finish()?;
/// let text = r#""Bob \"the\" Smith" <sip:bob%20smith@example.com;transport=tcp>"#;
/// assert_eq!(bob.to_string(), text);
/// assert_eq!(text.parse::<SipUri>()?, bob);
/// assert_eq!(bob.user().as_deref(), Some("bob smith"));
/// # Ok::<(), offhook::sip::UriError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipUri {
    /// The `addr-spec`, which was understood as a sip or sips URI.
    text: String,
    display: Option<String>,
}

impl SipUri {
    /// Begins a `sip:` URI. `host` is a name or an address, IPv6 with or without brackets.
    #[must_use]
    pub fn builder(host: &str) -> SipUriBuilder {
        SipUriBuilder::new(host)
    }

    /// A URI that is known to be one.
    pub(crate) const fn known(text: String) -> Self {
        Self { text, display: None }
    }

    /// A builder with all that this URI has.
    #[must_use]
    pub fn to_builder(&self) -> SipUriBuilder {
        let uri = self.as_uri();
        let raw = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut builder = SipUriBuilder::new(&self.host().to_string()).secure(self.is_secure());
        builder.user = uri.user.map(raw);
        builder.password = uri.password.map(raw);
        builder.port = uri.port;
        builder.display.clone_from(&self.display);
        builder.parameters = uri.params.iter().map(|(n, v)| (raw(n), v.map(raw))).collect();
        builder.headers = headers_of(&uri).map(|(name, value)| (raw(name), raw(value))).collect();
        builder
    }

    /// The URI taken apart, with its escapes.
    #[must_use]
    pub fn as_uri(&self) -> Uri<'_> {
        let opaque = Uri {
            raw: self.text.as_bytes(),
            scheme: b"sip",
            user: None,
            password: None,
            host: None,
            port: None,
            params: Params::default(),
            headers: None,
        };
        // It was understood before.
        Uri::parse(self.text.as_bytes()).unwrap_or(opaque)
    }

    /// The URI as it was written, without display name: what stands in a request line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The display name.
    #[must_use]
    pub fn display(&self) -> Option<&str> {
        self.display.as_deref()
    }

    /// The same URI without display name.
    #[must_use]
    pub fn without_display(self) -> Self {
        Self::known(self.text)
    }

    /// The URI in angle brackets, with its display name in quotes if it has one: what stands in
    /// From, To and Contact, where parameters may follow.
    #[must_use]
    pub fn to_name_addr(&self) -> String {
        let name = self.display.as_deref().map(quoted).unwrap_or_default();
        format!("{name}<{}>", self.text)
    }

    /// Whether the scheme is sips.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.as_uri().is_secure()
    }

    /// The user without escapes. Bytes that are no UTF-8 are replaced; [`as_uri`](Self::as_uri)
    /// has them.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        self.as_uri().user.map(decoded)
    }

    /// The password without escapes, like [`user`](Self::user).
    #[must_use]
    pub fn password(&self) -> Option<String> {
        self.as_uri().password.map(decoded)
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> Host<'_> {
        self.as_uri().host.unwrap_or(Host::Name(b""))
    }

    /// The port, if it is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.as_uri().port
    }

    /// The parameters in order, without escapes.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Option<String>)> {
        let parameters = self.as_uri().params;
        parameters.iter().map(|(name, value)| (decoded(name), value.map(decoded))).collect()
    }

    /// The first parameter of that name, in any case; `Some(None)` when it has no value.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Option<String>> {
        let mut parameters = self.parameters().into_iter();
        parameters.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The headers (`?name=value&…`) in order, without escapes.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        headers_of(&self.as_uri()).map(|(name, value)| (decoded(name), decoded(value))).collect()
    }
}

impl FromStr for SipUri {
    type Err = UriError;

    /// Control characters, and those that turn the writing direction, are left out of a display
    /// name. Without angle brackets what follows `;` belongs to the URI.
    fn from_str(s: &str) -> Result<Self, UriError> {
        let (uri, display) = if s.contains('<') || s.starts_with('"') {
            let address = NameAddr::parse(s.as_bytes())?;
            if !address.params.as_bytes().is_empty() {
                return Err(UriError("parameters after > belong to a header, not to the URI"));
            }
            (address.uri, Some(address.display_text()).filter(|name| !name.is_empty()))
        } else {
            (Uri::parse(s.as_bytes())?, None)
        };
        if !uri.is_sip() {
            return Err(UriError("the scheme is not sip or sips"));
        }
        Ok(Self { text: String::from_utf8_lossy(uri.raw).into_owned(), display })
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.display {
            Some(_) => f.write_str(&self.to_name_addr()),
            None => f.write_str(&self.text),
        }
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.display {
            Some(display) => write!(f, "{}<{:?}>", quoted(display), self.as_uri()),
            None => self.as_uri().fmt(f),
        }
    }
}

/// The headers of a URI with their escapes.
pub(super) fn headers_of<'a>(uri: &Uri<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let parts = uri.headers.unwrap_or_default().split(|&byte| byte == b'&');
    parts.filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = split_outside(part, b'=');
        (name, value.unwrap_or_default())
    })
}

fn decoded(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&unescape(bytes)).into_owned()
}

/// As a quoted string, and a blank.
fn quoted(name: &str) -> String {
    format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `text` with an escape for each byte but letters, digits, marks (RFC 3261 §25.1) and `allowed`.
fn encoded(text: &str, allowed: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let mark = b"-_.!~*'()".contains(&byte);
        if byte.is_ascii_alphanumeric() || mark || allowed.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A [`SipUri`] on its way. Values are given without escapes; what needs one gets it. `Debug` shows
/// no password.
#[derive(Clone)]
pub struct SipUriBuilder {
    secure: bool,
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: Option<u16>,
    display: Option<String>,
    parameters: Vec<(String, Option<String>)>,
    headers: Vec<(String, String)>,
    fault: Option<UriError>,
}

impl SipUriBuilder {
    fn new(host: &str) -> Self {
        let bare = host.parse::<std::net::Ipv6Addr>().map(|address| format!("[{address}]"));
        Self {
            secure: false,
            user: None,
            password: None,
            host: bare.unwrap_or_else(|_| host.into()),
            port: None,
            display: None,
            parameters: Vec::new(),
            headers: Vec::new(),
            fault: None,
        }
    }

    fn check(mut self, good: bool, fault: &'static str) -> Self {
        if !good && self.fault.is_none() {
            self.fault = Some(UriError(fault));
        }
        self
    }

    /// Whether the scheme is sips.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// The user.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(encoded(user, b"&=+$,;?/"));
        self.check(!user.is_empty(), "a user is not empty")
    }

    /// The password. Deprecated by RFC 3261 §19.1.1: it travels in the clear.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(encoded(password, b"&=+$,"));
        self
    }

    /// The port.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The display name; an empty one is none.
    #[must_use]
    pub fn display(mut self, name: &str) -> Self {
        self.display = Some(name.to_owned()).filter(|name| !name.is_empty());
        // What is shown to people must be what is sent: what reading leaves out is refused here.
        let same = name_as_read(quoted(name).trim_end().as_bytes()) == name;
        self.check(
            same,
            "a display name has no control characters and none that turn the writing direction",
        )
    }

    /// A parameter, with or without a value; it takes the place of one of the same name.
    #[must_use]
    pub fn parameter<'a>(mut self, name: &str, value: impl Into<Option<&'a str>>) -> Self {
        const ALLOWED: &[u8] = b"[]/:&+$";
        let value = value.into();
        let good = !name.is_empty() && value != Some("");
        let (name, value) = (encoded(name, ALLOWED), value.map(|value| encoded(value, ALLOWED)));
        self.parameters.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.parameters.push((name, value));
        self.check(good, "a parameter's name and value are not empty")
    }

    /// Without the parameter of that name.
    #[must_use]
    pub fn without_parameter(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// A header for the request that is made from the URI (§19.1.5).
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        const ALLOWED: &[u8] = b"[]/?:+$";
        self.headers.push((encoded(name, ALLOWED), encoded(value, ALLOWED)));
        self.check(!name.is_empty(), "a header's name is not empty")
    }

    /// The URI.
    ///
    /// # Errors
    /// When the host is neither a name nor an address, a part is empty that may not be, the display
    /// name cannot be shown, or there is a password without user.
    pub fn finish(self) -> Result<SipUri, UriError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let (_, port) = Host::parse_with_port(self.host.as_bytes())?;
        if port.is_some() {
            return Err(UriError("the port is not part of the host"));
        }
        let mut text = String::from(if self.secure { "sips:" } else { "sip:" });
        match (&self.user, &self.password) {
            (None, None) => {}
            (None, Some(_)) => return Err(UriError("a password needs a user")),
            (Some(user), None) => text.push_str(&format!("{user}@")),
            (Some(user), Some(password)) => text.push_str(&format!("{user}:{password}@")),
        }
        text.push_str(&self.host);
        if let Some(port) = self.port {
            text.push_str(&format!(":{port}"));
        }
        for (name, value) in &self.parameters {
            let value = value.as_ref().map(|value| format!("={value}"));
            text.push_str(&format!(";{name}{}", value.unwrap_or_default()));
        }
        for (number, (name, value)) in self.headers.iter().enumerate() {
            let between = if number == 0 { '?' } else { '&' };
            text.push_str(&format!("{between}{name}={value}"));
        }
        Uri::parse(text.as_bytes())?;
        Ok(SipUri { text, display: self.display })
    }
}

impl fmt::Debug for SipUriBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SipUriBuilder").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> SipUri {
        text.parse().unwrap()
    }

    #[test]
    fn every_part_is_given_and_found_again() {
        let uri = SipUri::builder("2001:db8::1")
            .secure(true)
            .user("a;b")
            .password("p:w@")
            .port(5071)
            .display("Alice")
            .parameter("transport", "tcp")
            .parameter("lr", None)
            .header("Subject", "a & b")
            .header("To", "sip:x@y")
            .finish()
            .unwrap();
        let expected = "\"Alice\" <sips:a;b:p%3Aw%40@[2001:db8::1]:5071;transport=tcp;lr\
                        ?Subject=a%20%26%20b&To=sip:x%40y>";
        assert_eq!(uri.to_string(), expected);
        assert_eq!(parse(expected), uri);
        assert_eq!((uri.is_secure(), uri.port(), uri.display()), (true, Some(5071), Some("Alice")));
        assert_eq!(uri.host().to_string(), "[2001:db8::1]");
        assert_eq!((uri.user().unwrap(), uri.password().unwrap()), ("a;b".into(), "p:w@".into()));
        assert_eq!(uri.parameter("LR"), Some(None));
        assert_eq!(uri.parameter("Transport"), Some(Some("tcp".into())));
        let headers = [("Subject".into(), "a & b".into()), ("To".into(), "sip:x@y".into())];
        assert_eq!(uri.headers(), headers);
        assert_eq!(uri.to_builder().finish(), Ok(uri));
    }

    #[test]
    fn any_character_of_any_part_comes_back() {
        let hard: String =
            (1..=255_u8).map(char::from).chain("\u{20ac}\u{1f600}".chars()).collect();
        let uri = SipUri::builder("h")
            .user(&hard)
            .password(&hard)
            .parameter(&hard, hard.as_str())
            .header(&hard, &hard)
            .finish()
            .unwrap();
        let again = parse(&uri.to_string());
        assert_eq!(
            (again.user().unwrap(), again.password().unwrap()),
            (hard.clone(), hard.clone())
        );
        assert_eq!(again.parameters(), [(hard.clone(), Some(hard.clone()))]);
        assert_eq!(again.headers(), [(hard.clone(), hard)]);
    }

    #[test]
    fn names_are_read_quoted_plain_and_empty_and_printed_quoted() {
        for (text, display, printed) in [
            (r#""A \"b\" \\c" <sip:a@h>"#, Some(r#"A "b" \c"#), r#""A \"b\" \\c" <sip:a@h>"#),
            ("Mr. Watson <sip:a@h>", Some("Mr. Watson"), "\"Mr. Watson\" <sip:a@h>"),
            ("<sip:a@h;lr>", None, "sip:a@h;lr"),
            ("\"\" <sip:a@h>", None, "sip:a@h"),
            ("sip:a@h;lr", None, "sip:a@h;lr"),
            ("\"Zo\u{eb}\"<sip:a@h>", Some("Zo\u{eb}"), "\"Zo\u{eb}\" <sip:a@h>"),
        ] {
            let uri = parse(text);
            assert_eq!((uri.display(), uri.to_string().as_str()), (display, printed));
            assert_eq!(parse(printed), uri);
        }
        assert_eq!(parse("\"A\" <sip:a@h>").to_name_addr(), "\"A\" <sip:a@h>");
        assert_eq!(parse("sip:a@h").to_name_addr(), "<sip:a@h>");
    }

    #[test]
    fn what_is_no_sip_uri_is_refused_with_a_reason() {
        for text in
            ["", "bob", "tel:+1", "<sip:a@h", "\"A\" sip:a@h", "<sip:a@h>;tag=1", "sip:a b@h"]
        {
            let refused = text.parse::<SipUri>();
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
        let build = |host| SipUri::builder(host);
        for (builder, why) in [
            (build(""), "a host is letters, digits, - and ."),
            (build("h:5060"), "the port is not part of the host"),
            (build("h@x"), "a host is letters, digits, - and ."),
            (build("[::1"), "an IPv6 address ends with ]"),
            (build("h").user(""), "a user is not empty"),
            (build("h").password("x"), "a password needs a user"),
            (build("h").parameter("", None), "a parameter's name and value are not empty"),
            (build("h").parameter("a", ""), "a parameter's name and value are not empty"),
            (build("h").header("", "x"), "a header's name is not empty"),
            (
                build("h").display("a\r\nb"),
                "a display name has no control characters and none that turn the writing direction",
            ),
        ] {
            assert_eq!(builder.finish(), Err(UriError(why)));
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let builder = SipUri::builder("h").user("alice").password("secret").display("A");
        let uri = builder.clone().finish().unwrap();
        assert_eq!(format!("{uri:?}"), "\"A\" <sip:alice:***@h>");
        assert!(!format!("{builder:?}").contains("secret"));
        assert!(uri.to_string().contains("secret"));
    }

    #[test]
    fn equal_is_what_is_spelled_the_same() {
        assert_eq!(parse("sip:a@h"), SipUri::builder("h").user("a").finish().unwrap());
        assert_ne!(parse("sip:%61@h"), parse("sip:a@h"));
        assert_ne!(parse("\"A\" <sip:a@h>"), parse("sip:a@h"));
        assert_eq!(parse("\"A\" <sip:a@h>").without_display(), parse("sip:a@h"));
    }

    #[test]
    fn a_parameter_takes_the_place_of_its_namesake() {
        let uri = parse("sip:a@h;lr;Transport=tcp").to_builder().parameter("transport", "udp");
        assert_eq!(uri.clone().finish().unwrap().as_str(), "sip:a@h;lr;transport=udp");
        let without = uri.without_parameter("LR").finish().unwrap();
        assert_eq!(without.as_str(), "sip:a@h;transport=udp");
    }
}
