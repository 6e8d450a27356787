//! MSRP URIs and paths of them (RFC 4975 §6).

use std::fmt;
use std::net::IpAddr;

use memchr::{memchr, memchr2, memrchr};
use offhook_fsm::Entropy;

use crate::error::{ParseErrorKind, Unprintable};
use crate::scan::{is_token, number};

/// The port of an MSRP URI of a relay without one (RFC 4975 §6).
pub const DEFAULT_PORT: u16 = 2855;
/// URIs in a path at most; one more is 413.
pub const PATH_URIS_MAX: usize = 16;
/// Bytes of one URI at most.
pub const URI_BYTES_MAX: usize = 2048;

/// `msrp://host:port/session;tcp`, read where it stands.
///
/// ```
/// use offhook_msrp::MsrpUri;
/// let uri = MsrpUri::parse("msrp://[2001:db8::1]:9000/s1;tcp").ok_or("no URI")?;
/// assert_eq!((uri.host, uri.port, uri.session_id), ("[2001:db8::1]", Some(9000), Some("s1")));
/// assert!(uri.is_equivalent(&MsrpUri::parse("MSRP://x@[2001:DB8:0::1]:9000/s1;TCP").ok_or("")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MsrpUri<'a> {
    /// All of it, as written.
    pub raw: &'a str,
    /// `msrps`: TLS to the next hop.
    pub secure: bool,
    /// What stands before the `@`.
    pub user: Option<&'a str>,
    /// The host as written, an IPv6 address with its brackets.
    pub host: &'a str,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// Names the session; a relay's URI may have none.
    pub session_id: Option<&'a str>,
    /// `tcp`, as written.
    pub transport: &'a str,
    /// Parameters after the transport, from their `;` on; empty when there are none.
    pub params: &'a str,
}

impl<'a> MsrpUri<'a> {
    /// Reads a URI; `None` when `text` is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > URI_BYTES_MAX || !all(text, |byte| (0x21..0x7f).contains(&byte)) {
            return None;
        }
        let (scheme, rest) = split(text, b':')?;
        let rest = rest.strip_prefix("//")?;
        let secure = scheme.eq_ignore_ascii_case("msrps");
        if !secure && !scheme.eq_ignore_ascii_case("msrp") {
            return None;
        }
        // A session id and an authority have no semicolon in them, a user may (RFC 3986 §3.2.1).
        let authority = memchr(b'/', rest.as_bytes()).unwrap_or(rest.len());
        let at = memrchr(b'@', rest.as_bytes().get(..authority)?);
        let (user, rest) = match at {
            Some(at) => (rest.get(..at), rest.get(at + 1..)?),
            None => (None, rest),
        };
        let (place, after) = split(rest, b';')?;
        let (authority, session_id) = match split(place, b'/') {
            Some((authority, session)) => (authority, Some(session)),
            None => (place, None),
        };
        let (host, port) = split_port(authority)?;
        let params = memchr(b';', after.as_bytes()).unwrap_or(after.len());
        let (transport, params) = after.split_at(params);
        let known = !transport.is_empty() && all(transport, |byte| byte.is_ascii_alphanumeric());
        let fits = known
            && session_id.is_none_or(is_session_id)
            && user.is_none_or(|user| all(user, is_user_byte))
            && are_params(params);
        let uri = Self { raw: text, secure, user, host, port, session_id, transport, params };
        fits.then_some(uri)
    }

    /// The port to connect to.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }

    /// The address, where the host is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        address(self.host)
    }

    /// Whether both name the same (RFC 4975 §6.1): scheme, host and transport in any case, the
    /// port exactly or in neither, the session id byte for byte. User and parameters do not count.
    #[must_use]
    pub fn is_equivalent(&self, other: &MsrpUri<'_>) -> bool {
        self.secure == other.secure
            && self.port == other.port
            && self.session_id == other.session_id
            && self.transport.eq_ignore_ascii_case(other.transport)
            && same_host(self.host, other.host)
    }

    /// Whether both have the same session id, wherever they point (RFC 6714 §4).
    #[must_use]
    pub fn has_session_of(&self, other: &MsrpUri<'_>) -> bool {
        self.session_id.is_some() && self.session_id == other.session_id
    }
}

impl fmt::Display for MsrpUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw)
    }
}

/// A new URI of ours, over TCP, with 100 random bits as its session id (RFC 4975 §14.1 asks for 80).
///
/// # Errors
/// When `host` is neither a name nor an address.
pub fn new_uri(
    secure: bool,
    host: &str,
    port: u16,
    entropy: &mut Entropy,
) -> Result<String, Unprintable> {
    let bare_ipv6 = matches!(host.parse(), Ok(IpAddr::V6(_)));
    let host = if bare_ipv6 { format!("[{host}]") } else { host.into() };
    let scheme = if secure { "msrps" } else { "msrp" };
    let session: [u8; 25] = entropy.hex();
    let session = String::from_utf8_lossy(&session);
    let uri = format!("{scheme}://{host}:{port}/{session};tcp");
    match MsrpUri::parse(&uri) {
        Some(read) if read.host == host => Ok(uri),
        _ => Err(Unprintable::new("the host")),
    }
}

/// Before and after the first of a byte below 0x80.
fn split(text: &str, at: u8) -> Option<(&str, &str)> {
    let at = memchr(at, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether every byte is one of those; it looks at all, which is faster than to stop.
fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & is(byte))
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(inside) => {
            let close = inside.find(']')?;
            let (_, after) = inside.split_at(close);
            let host = authority.get(..close + 2)?;
            address(host)?;
            let after = after.strip_prefix(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match split(authority, b':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let named = host.starts_with('[') || (!host.is_empty() && all(host, is_host_byte));
    let port = match port {
        Some(text) => Some(u16::try_from(number(text)?).ok()?),
        None => None,
    };
    named.then_some((host, port))
}

fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
        Some(inside) => inside.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// `reg-name` of RFC 3986 without what would be mistaken for another part.
const fn is_host_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'%' | b'!' | b'$' | b'&' | b'\'' | b'*' | b'+' | b'=')
}

const fn is_user_byte(byte: u8) -> bool {
    is_host_byte(byte) || matches!(byte, b':' | b';' | b',' | b'(' | b')')
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_session_id(text: &str) -> bool {
    let fits = |byte| is_unreserved(byte) || matches!(byte, b'+' | b'=' | b'/');
    !text.is_empty() && all(text, fits)
}

/// `*( ";" token [ "=" token ] )`.
fn are_params(params: &str) -> bool {
    params.is_empty()
        || params.split(';').skip(1).all(|param| match param.split_once('=') {
            Some((name, value)) => is_token(name) && is_token(value),
            None => is_token(param),
        })
}

fn same_host(a: &str, b: &str) -> bool {
    match (address(a), address(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => decoded(a).eq(decoded(b)),
        _ => false,
    }
}

/// Lower-case bytes with their percent-escapes resolved (RFC 3986 §6.2.2).
fn decoded(host: &str) -> impl Iterator<Item = u8> {
    let mut rest = host.as_bytes();
    std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', rest.get(1..)?),
            },
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte.to_ascii_lowercase())
    })
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// URIs with single blanks between them, as To-Path, From-Path and `a=path` have them. Read before
/// it is one: every URI in it is one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Path<'a>(&'a str);

impl<'a> Path<'a> {
    /// Reads a path.
    ///
    /// # Errors
    /// `Path` without a URI, `Uri` with something else in it, `TooManyUris` past
    /// [`PATH_URIS_MAX`].
    pub fn parse(text: &'a str) -> Result<Self, ParseErrorKind> {
        // Mostly there is no relay.
        if memchr2(b' ', b'\t', text.as_bytes()).is_none() && !text.is_empty() {
            return MsrpUri::parse(text).map(|_| Self(text)).ok_or(ParseErrorKind::Uri);
        }
        let mut count = 0_usize;
        for uri in pieces(text) {
            count += 1;
            if count > PATH_URIS_MAX {
                return Err(ParseErrorKind::TooManyUris);
            }
            MsrpUri::parse(uri).ok_or(ParseErrorKind::Uri)?;
        }
        if count == 0 { Err(ParseErrorKind::Path) } else { Ok(Self(text)) }
    }

    /// As written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// What was a path when it was read before.
    pub(crate) const fn known(text: &'a str) -> Self {
        Self(text)
    }

    /// The first of its URIs as written; empty when it has none.
    pub(crate) fn first_text(self) -> &'a str {
        pieces(self.0).next().unwrap_or_default()
    }

    /// Its URIs, the next hop first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = MsrpUri<'a>> {
        pieces(self.0).filter_map(MsrpUri::parse)
    }

    /// The next hop of a To-Path, the last hop of a From-Path.
    #[must_use]
    pub fn first(self) -> Option<MsrpUri<'a>> {
        self.iter().next()
    }

    /// The endpoint itself.
    #[must_use]
    pub fn last(self) -> Option<MsrpUri<'a>> {
        self.iter().next_back()
    }

    /// Whether both have equivalent URIs in the same order (RFC 4975 §6.1).
    #[must_use]
    pub fn is_equivalent(self, other: Path<'_>) -> bool {
        if self.0 == other.0 {
            return true;
        }
        let (mut own, mut others) = (self.iter(), other.iter());
        loop {
            match (own.next(), others.next()) {
                (Some(a), Some(b)) if a.is_equivalent(&b) => {}
                (None, None) => return true,
                _ => return false,
            }
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn pieces(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split([' ', '\t']).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> MsrpUri<'_> {
        MsrpUri::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn every_part_is_found() {
        let uri = uri("msrps://alice:pw;x@Host.example:7777/iau39/so=e+;tcp;a=b;c");
        assert!(uri.secure);
        assert_eq!(uri.user, Some("alice:pw;x"));
        assert_eq!((uri.host, uri.port), ("Host.example", Some(7777)));
        assert_eq!((uri.session_id, uri.transport), (Some("iau39/so=e+"), "tcp"));
        assert_eq!(uri.params, ";a=b;c");
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for bad in [
            "",
            "msrp://",
            "msrp:/h/s;tcp",
            "sip://h/s;tcp",
            "msrp://h/s",
            "msrp://h/;tcp",
            "msrp://h/s;",
            "msrp://h:/s;tcp",
            "msrp://h:65536/s;tcp",
            "msrp://h:-1/s;tcp",
            "msrp://[::1/s;tcp",
            "msrp://[::g]/s;tcp",
            "msrp://[::1]x/s;tcp",
            "msrp://::1/s;tcp",
            "msrp://h/s;t-c",
            "msrp://h/s;tcp;",
            "msrp://h/s;tcp;=1",
            "msrp://h/s\";tcp",
            "msrp://h/s ;tcp",
            "msrp://h/\u{e9};tcp",
            "msrp:///s;tcp",
            "msrp://a b@h/s;tcp",
        ] {
            assert_eq!(MsrpUri::parse(bad), None, "{bad}");
        }
        let long = |extra| format!("msrp://h/{};tcp", "s".repeat(URI_BYTES_MAX - 13 + extra));
        assert!(MsrpUri::parse(&long(0)).is_some());
        assert!(MsrpUri::parse(&long(1)).is_none());
    }

    #[test]
    fn rfc4975_6_1_equivalence() {
        let base = "msrp://host:2855/Session;tcp";
        for same in [
            "MSRP://HOST:2855/Session;TCP",
            "msrp://user@host:2855/Session;tcp",
            "msrp://host:2855/Session;tcp;x=y",
            "msrp://h%6Fst:2855/Session;tcp",
        ] {
            assert!(uri(base).is_equivalent(&uri(same)), "{same}");
        }
        for other in [
            "msrps://host:2855/Session;tcp",
            "msrp://host/Session;tcp",
            "msrp://host:2856/Session;tcp",
            "msrp://host:2855/session;tcp",
            "msrp://host:2855;tcp",
            "msrp://host:2855/Session;sctp",
            "msrp://host.:2855/Session;tcp",
            "msrp://hos:2855/Session;tcp",
        ] {
            assert!(!uri(base).is_equivalent(&uri(other)), "{other}");
        }
        let short = "msrp://[2001:db8::7]:1/s;tcp";
        assert!(uri(short).is_equivalent(&uri("msrp://[2001:0db8:0:0::0007]:1/s;tcp")));
        assert!(!uri(short).is_equivalent(&uri("msrp://[2001:db8::8]:1/s;tcp")));
    }

    #[test]
    fn rfc6714_matches_the_session_id_alone() {
        let own = uri("msrp://10.0.0.1:2855/abc;tcp");
        assert!(own.has_session_of(&uri("msrp://203.0.113.9:7000/abc;tcp")));
        assert!(!own.has_session_of(&uri("msrp://10.0.0.1:2855/abd;tcp")));
        assert!(!uri("msrp://h;tcp").has_session_of(&uri("msrp://h;tcp")));
    }

    #[test]
    fn a_path_has_one_to_sixteen_uris() {
        let path = Path::parse("msrp://r1/a;tcp msrp://r2/b;tcp  msrp://h/c;tcp").unwrap();
        assert_eq!(path.iter().count(), 3);
        assert_eq!(path.first().unwrap().host, "r1");
        assert_eq!(path.last().unwrap().host, "h");
        assert_eq!(Path::parse(" "), Err(ParseErrorKind::Path));
        assert_eq!(Path::parse("msrp://h/c;tcp x"), Err(ParseErrorKind::Uri));
        let many = |count| vec!["msrp://h/c;tcp"; count].join(" ");
        assert!(Path::parse(&many(PATH_URIS_MAX)).is_ok());
        assert_eq!(Path::parse(&many(PATH_URIS_MAX + 1)), Err(ParseErrorKind::TooManyUris));
    }

    #[test]
    fn a_new_uri_of_ours_can_be_read_and_is_new() {
        let mut entropy = Entropy::from_u64(1);
        let first = new_uri(true, "2001:db8::1", 2855, &mut entropy).unwrap();
        assert!(first.starts_with("msrps://[2001:db8::1]:2855/"));
        assert_eq!(uri(&first).session_id.unwrap().len(), 25);
        assert_ne!(first, new_uri(true, "2001:db8::1", 2855, &mut entropy).unwrap());
        for bad in ["", "a b", "a/b", "a;b", "a@b", "a\r\nb"] {
            assert!(new_uri(false, bad, 1, &mut entropy).is_err(), "{bad}");
        }
    }
}
