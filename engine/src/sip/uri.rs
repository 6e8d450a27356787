//! URIs: sip and sips taken apart (RFC 3261 §19.1), every other scheme kept as it is.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use memchr::memchr;

use super::scan::{Class, Params, number, split_outside};

/// A URI in someone else's bytes. `Debug` shows it without the password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The whole URI.
    pub raw: &'a [u8],
    /// The scheme as written, without the colon.
    pub scheme: &'a [u8],
    /// The user part with its escapes (sip and sips only, like all that follows).
    pub user: Option<&'a [u8]>,
    /// The password (deprecated, kept).
    pub password: Option<&'a [u8]>,
    /// The host.
    pub host: Option<Host<'a>>,
    /// The port, if it is written.
    pub port: Option<u16>,
    /// `;name=value` parameters.
    pub params: Params<'a>,
    /// What follows `?`.
    pub headers: Option<&'a [u8]>,
}

/// A host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host<'a> {
    /// An address.
    Ip(IpAddr),
    /// A name.
    Name(&'a [u8]),
}

impl fmt::Display for Host<'_> {
    /// An IPv6 address in brackets, a name as written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Name(name) => f.write_str(&String::from_utf8_lossy(name)),
        }
    }
}

/// What is wrong with a URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UriError(pub &'static str);

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UriError {}

impl<'a> Uri<'a> {
    /// Takes a URI apart. A scheme other than sip and sips is fine; its rest is not looked into.
    ///
    /// # Errors
    /// When there is no scheme, or a sip or sips URI breaks the grammar.
    pub fn parse(raw: &'a [u8]) -> Result<Self, UriError> {
        let colon = memchr(b':', raw).ok_or(UriError("a URI needs a scheme and a colon"))?;
        let (scheme, rest) = raw.split_at(colon);
        let rest = rest.get(1..).unwrap_or_default();
        let letter_first = scheme.first().is_some_and(u8::is_ascii_alphabetic);
        if !letter_first || !Class::SCHEME.has_all(scheme) {
            return Err(UriError("a URI's scheme is letters, digits, +, - and ."));
        }
        let escapes = !Class::URI.has_all(rest);
        if rest.is_empty() || escapes && !rest.iter().all(|&b| b == b'%' || Class::URI.has(b)) {
            return Err(UriError("a URI has no blanks, quotes, brackets or control characters"));
        }
        let mut uri = Self {
            raw,
            scheme,
            user: None,
            password: None,
            host: None,
            port: None,
            params: Params::default(),
            headers: None,
        };
        if uri.is_sip() {
            uri.fill(rest, escapes)?;
        }
        Ok(uri)
    }

    fn fill(&mut self, rest: &'a [u8], escapes: bool) -> Result<(), UriError> {
        if escapes && !escapes_are_whole(rest) {
            return Err(UriError("% is followed by two hexadecimal digits"));
        }
        let mut rest = rest;
        if let Some(at) = memchr(b'@', rest) {
            let (userinfo, after) = rest.split_at(at);
            rest = after.get(1..).unwrap_or_default();
            let (user, password) = split_outside(userinfo, b':');
            if user.is_empty() {
                return Err(UriError("nothing stands before @"));
            }
            (self.user, self.password) = (Some(user), password);
        }
        if let Some(question) = memchr(b'?', rest) {
            let (before, headers) = rest.split_at(question);
            rest = before;
            self.headers = headers.get(1..);
        }
        let semicolon = memchr(b';', rest).unwrap_or(rest.len());
        let (hostport, params) = rest.split_at(semicolon);
        self.params = Params(params);
        if params.windows(2).any(|pair| pair == b";;") || params.ends_with(b";") {
            return Err(UriError("a parameter is empty"));
        }
        let (host, port) = Host::parse_with_port(hostport)?;
        (self.host, self.port) = (Some(host), port);
        Ok(())
    }

    /// All of it with `***` in place of the password.
    pub(super) fn without_password(&self) -> Cow<'a, str> {
        let whole = String::from_utf8_lossy(self.raw);
        let (Some(user), Some(password)) = (self.user, self.password) else { return whole };
        let at = self.scheme.len() + user.len() + 2;
        let text = |bytes: Option<&'a [u8]>| String::from_utf8_lossy(bytes.unwrap_or_default());
        let (before, after) = (text(self.raw.get(..at)), self.raw.get(at + password.len()..));
        Cow::Owned(format!("{before}***{}", text(after)))
    }

    /// Whether the scheme is sip or sips.
    #[must_use]
    pub fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case(b"sip") || self.is_secure()
    }

    /// Whether the scheme is sips.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme.eq_ignore_ascii_case(b"sips")
    }

    /// The `transport` parameter.
    #[must_use]
    pub fn transport(&self) -> Option<&'a [u8]> {
        self.params.value("transport")
    }

    /// Whether it names a loose router (`lr`, with or without a value).
    #[must_use]
    pub fn is_loose_route(&self) -> bool {
        self.params.get("lr").is_some()
    }
}

impl fmt::Debug for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_password())
    }
}

impl<'a> Host<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`.
    pub(super) fn parse_with_port(bytes: &'a [u8]) -> Result<(Self, Option<u16>), UriError> {
        let (host, port) = if let Some(inside) = bytes.strip_prefix(b"[") {
            let close = memchr(b']', inside).ok_or(UriError("an IPv6 address ends with ]"))?;
            let (address, after) = inside.split_at(close);
            let address = std::str::from_utf8(address).ok();
            let address = address.and_then(|text| Ipv6Addr::from_str(text).ok());
            let address = address.ok_or(UriError("what stands in [] is no IPv6 address"))?;
            (Self::Ip(address.into()), after.get(1..).unwrap_or_default())
        } else {
            let colon = memchr(b':', bytes).unwrap_or(bytes.len());
            let (name, after) = bytes.split_at(colon);
            (Self::name(name)?, after)
        };
        if port.is_empty() {
            return Ok((host, None));
        }
        let digits = port.strip_prefix(b":").ok_or(UriError("a port follows a colon"))?;
        let port = number(digits).and_then(|port| u16::try_from(port).ok());
        Ok((host, Some(port.ok_or(UriError("a port is a number up to 65535"))?)))
    }

    fn name(name: &'a [u8]) -> Result<Self, UriError> {
        if let Some(address) = ipv4(name) {
            return Ok(Self::Ip(address.into()));
        }
        if name.is_empty() || !Class::HOST.has_all(name) {
            return Err(UriError("a host is letters, digits, - and ."));
        }
        Ok(Self::Name(name))
    }
}

/// The address that `bytes` are: four numbers up to 255 without zeros in front.
fn ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    // Seven to fifteen bytes, and most names begin otherwise.
    if bytes.len() > 15 || !bytes.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (mut octets, mut rest) = ([0_u8; 4], bytes);
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
        let [first, after @ ..] = rest else { return None };
        let mut value = digit(*first)?;
        rest = after;
        // A zero stands alone, and a fourth digit is no dot.
        for _ in 0..2 {
            let [next, after @ ..] = rest else { break };
            let Some(next) = digit(*next) else { break };
            if value == 0 {
                return None;
            }
            value = value * 10 + next;
            rest = after;
        }
        *octet = u8::try_from(value).ok()?;
    }
    rest.is_empty().then(|| octets.into())
}

fn escapes_are_whole(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Without escapes.
pub(super) fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let hex =
            |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if let (b'%', [high, low, tail @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            out.push(high << 4 | low);
            rest = tail;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Result<Uri<'_>, UriError> {
        Uri::parse(text.as_bytes())
    }

    #[test]
    fn a_sip_uri_is_taken_apart() {
        let uri = uri("sips:a;b:pw@[2001:db8::1]:5071;transport=tcp;lr?Subject=x").unwrap();
        assert!(uri.is_secure() && uri.is_loose_route());
        assert_eq!((uri.user, uri.password), (Some(&b"a;b"[..]), Some(&b"pw"[..])));
        assert_eq!(uri.host, Some(Host::Ip("2001:db8::1".parse().unwrap())));
        assert_eq!((uri.port, uri.transport()), (Some(5071), Some(&b"tcp"[..])));
        assert_eq!(uri.headers, Some(&b"Subject=x"[..]));
    }

    #[test]
    fn an_ipv4_address_is_what_the_standard_library_takes_for_one() {
        let parts =
            ["0", "00", "01", "9", "10", "099", "199", "255", "256", "1000", "", "a", "1.", ".1"];
        for a in parts {
            for b in parts {
                for c in parts {
                    for text in
                        [format!("{a}.{b}.{c}.4"), format!("1.{a}.{b}.{c}"), format!("{a}.{b}.{c}")]
                    {
                        assert_eq!(ipv4(text.as_bytes()), text.parse().ok(), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_schemes_are_kept_whole() {
        for text in
            ["tel:+358-555-1234567;postd=pp22", "urn:service:sos", "nobodyKnows:totally(opaque)"]
        {
            let uri = uri(text).unwrap();
            assert_eq!((uri.raw, uri.is_sip(), uri.host), (text.as_bytes(), false, None));
        }
    }

    #[test]
    fn r15_r17_broken_uris_are_refused() {
        for text in [
            "",
            "/",
            "sip",
            "sip:",
            ":",
            "sip:a%4@h",
            "sip:h%",
            "sip:@h",
            "sip:a@",
            "sip:h:65536",
            "sip:h:",
            "sip:h:-1",
            "sip:[::1",
            "sip:[x]",
            "sip:a b@h",
            "sip:<a@h>",
            "1:x",
            "sip:h;;lr",
        ] {
            assert!(uri(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{:?}", uri("sip:alice:secret@h;x=secret").unwrap());
        assert_eq!(shown, "sip:alice:***@h;x=secret");
        let escape = format!("{:?}", Uri::parse(b"sip:a@h;x=\xff").unwrap());
        assert_eq!(escape, "sip:a@h;x=\u{fffd}");
    }
}
