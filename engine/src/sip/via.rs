//! Via: the way a response goes back (RFC 3261 §20.42, RFC 3581).

use std::net::IpAddr;

use super::scan::{Class, Param, Params, is_lws, number, trim};
use super::uri::{Host, UriError};

/// One hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Via<'a> {
    /// The transport as written.
    pub transport: &'a [u8],
    /// Who sent it.
    pub host: Host<'a>,
    /// The port it named.
    pub port: Option<u16>,
    /// branch, received, rport, maddr, ttl and others.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads one value, with any blanks around its slashes and colon.
    ///
    /// # Errors
    /// When it breaks the grammar.
    pub fn parse(value: &'a [u8]) -> Result<Self, UriError> {
        Self::parse_telling(value, |_| {})
    }

    /// Reads one value and tells its parameters on the way; what was told of one that turns out to
    /// break the grammar is to be forgotten.
    #[inline]
    pub(super) fn parse_telling(
        value: &'a [u8],
        mut tell: impl FnMut(Param<'a>),
    ) -> Result<Self, UriError> {
        let via = Self::with_any_params(value)?;
        let mut ttl = None;
        let whole = via.params.each_well_formed(|param| {
            if ttl.is_none() && param.name.eq_ignore_ascii_case(b"ttl") {
                ttl = Some(param.value.is_none_or(|ttl| number(ttl).is_some_and(|ttl| ttl < 256)));
            }
            tell(param);
        });
        if !whole {
            return Err(UriError("what follows the sent-by is no list of ;name=value"));
        }
        if ttl == Some(false) {
            return Err(UriError("ttl is a number up to 255"));
        }
        Ok(via)
    }

    fn with_any_params(value: &'a [u8]) -> Result<Self, UriError> {
        let rest = after_protocol(value).ok_or(UriError("a Via begins with SIP/2.0/TRANSPORT"))?;
        let (transport, rest) = rest.split_at(Class::TOKEN.run(rest));
        if transport.is_empty() || !rest.first().is_some_and(|byte| is_lws(*byte)) {
            let blank = rest.iter().any(|byte| is_lws(*byte));
            let what = if blank { "a Via's transport is a token" } else { "a Via needs a sent-by" };
            return Err(UriError(what));
        }
        let rest = trim(rest);
        let semicolon = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let (sent_by, params) = rest.split_at(semicolon);
        let (host, port) = sent_by_of(trim(sent_by))?;
        let params = Params(params);
        Ok(Self { transport, host, port, params })
    }

    /// The branch, never empty.
    #[must_use]
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.params.value("branch").filter(|branch| !branch.is_empty())
    }

    /// The address that the next hop saw (RFC 3261 §18.2.1).
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let text = std::str::from_utf8(self.params.value("received")?).ok()?;
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// `Some(None)` asks for the source port, `Some(Some(port))` tells it (RFC 3581).
    #[must_use]
    pub fn rport(&self) -> Option<Option<u16>> {
        let value = self.params.get("rport")?;
        Some(value.and_then(number).and_then(|port| u16::try_from(port).ok()))
    }
}

/// What stands behind `SIP/2.0/`, with any blanks around the slashes.
fn after_protocol(value: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = value.strip_prefix(b"SIP/2.0/") {
        return Some(trim(rest));
    }
    let mut parts = value.splitn(3, |&byte| byte == b'/');
    let (name, version, rest) = (parts.next()?, parts.next()?, parts.next()?);
    (trim(name).eq_ignore_ascii_case(b"SIP") && trim(version) == b"2.0").then(|| trim(rest))
}

fn sent_by_of(sent_by: &[u8]) -> Result<(Host<'_>, Option<u16>), UriError> {
    if !sent_by.iter().any(|byte| is_lws(*byte)) {
        return Host::parse_with_port(sent_by);
    }
    // `host : port` with blanks: the colon is the last, since a blank never stands in [].
    let colon =
        sent_by.iter().rposition(|&byte| byte == b':').ok_or(UriError("a host has no blanks"))?;
    let (host, port) = sent_by.split_at(colon);
    let (host, none) = Host::parse_with_port(trim(host))?;
    let port = number(trim(port.get(1..).unwrap_or_default()));
    match (none, port.and_then(|port| u16::try_from(port).ok())) {
        (None, Some(port)) => Ok((host, Some(port))),
        _ => Err(UriError("a port is a number up to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_slashes_and_colon_are_fine() {
        let via =
            Via::parse(b"SIP  / 2.0\r\n / UDP\r\n  192.0.2.2 : 5062 ;branch=390skdjuw").unwrap();
        assert_eq!((via.transport, via.port), (&b"UDP"[..], Some(5062)));
        assert_eq!(via.branch(), Some(&b"390skdjuw"[..]));
    }

    #[test]
    fn ipv6_and_rport_are_read() {
        let via = Via::parse(b"SIP/2.0/TCP [::1]:5060;rport;received=2001:db8::1;branch=z9hG4bK1")
            .unwrap();
        assert_eq!(via.host, Host::Ip("::1".parse().unwrap()));
        assert_eq!((via.rport(), via.received()), (Some(None), "2001:db8::1".parse().ok()));
        let answered = Via::parse(b"SIP/2.0/UDP h;rport=5060").unwrap();
        assert_eq!(answered.rport(), Some(Some(5060)));
    }

    #[test]
    fn r02_r09_broken_vias_are_refused() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ;branch=1",
            "SIP/3.0/UDP h",
            "SIP/2.0 h",
            "SIP/2.0/U(P h",
            "SIP/2.0/UDP h:4294967296",
            "SIP/2.0/UDP h;;branch=1",
            "SIP/2.0/UDP h;ttl=256",
            "SIP/2.0/UDP h,",
        ] {
            assert!(Via::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
