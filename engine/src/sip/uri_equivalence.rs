//! When two URIs name the same resource (RFC 3261 §19.1.4).

use std::collections::BTreeMap;

use super::header::HeaderName;
use super::scan::Params;
use super::sip_uri::{SipUri, headers_of};
use super::uri::{Host, Uri, unescape};

impl SipUri {
    /// Whether both name the same resource by RFC 3261 §19.1.4. Display names do not count. Nothing
    /// is looked up: a name never equals its address.
    ///
    /// This is no equality to sort or to hash by, since it is not transitive: parameters that only
    /// one of two URIs has are mostly ignored, so `sip:carol@chicago.com` is equivalent to
    /// `sip:carol@chicago.com;security=on` and to `sip:carol@chicago.com;security=off`, which are
    /// not equivalent to each other.
    ///
    /// Values of headers are compared byte by byte; §19.1.4 leaves the rule to each header's own
    /// definition.
    ///
    /// ```
    /// use offhook::sip::SipUri;
    /// let a: SipUri = "sip:%61lice@atlanta.com;transport=TCP".parse()?;
    /// let b: SipUri = "sip:alice@AtLanTa.CoM;Transport=tcp".parse()?;
    /// assert!(a.is_equivalent(&b) && a != b);
    /// # Ok::<(), offhook::sip::UriError>(())
    /// ```
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let (a, b) = (self.as_uri(), other.as_uri());
        a.is_secure() == b.is_secure()
            && a.user.map(normal) == b.user.map(normal)
            && a.password.map(normal) == b.password.map(normal)
            && host(&a) == host(&b)
            && a.port == b.port
            && parameters_match(a.params, b.params)
            && headers(&a) == headers(&b)
    }
}

/// Escapes that stand for no reserved character (RFC 2396 §2.2) taken out; those that stay, in
/// capitals. `%` itself stays, or `%2541` would become `%41`.
fn normal(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        let escape = rest.get(..2).filter(|_| *first == b'%');
        let Some(hex) = escape else {
            out.push(*first);
            continue;
        };
        let decoded = unescape(&[b"%", hex].concat());
        if let [byte] = decoded[..]
            && !b";/?:@&=+$,%".contains(&byte)
        {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend(hex.iter().map(u8::to_ascii_uppercase));
        }
        rest = rest.get(2..).unwrap_or_default();
    }
    out
}

fn host<'a>(uri: &Uri<'a>) -> (Option<Host<'a>>, Vec<u8>) {
    match uri.host {
        Some(Host::Name(name)) => (None, name.to_ascii_lowercase()),
        address => (address, Vec::new()),
    }
}

/// By name; what stands twice counts once. Methods alone are case-sensitive (§7.1).
fn parameters(params: Params<'_>) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for (name, value) in params.iter() {
        let name = normal(name).to_ascii_lowercase();
        let case_counts = name == b"method";
        let fold = |v: Vec<u8>| if case_counts { v } else { v.to_ascii_lowercase() };
        found.entry(name).or_insert_with(|| value.map(normal).map(fold));
    }
    found
}

/// What both have must match. user, ttl, method, maddr and transport must be in both or in none:
/// their absence does not mean their default.
fn parameters_match(ours: Params<'_>, theirs: Params<'_>) -> bool {
    const NEVER_IGNORED: [&[u8]; 5] = [b"user", b"ttl", b"method", b"maddr", b"transport"];
    let (ours, theirs) = (parameters(ours), parameters(theirs));
    let needed = |of: &BTreeMap<Vec<u8>, _>, name: &[u8]| of.contains_key(name);
    NEVER_IGNORED.iter().all(|name| needed(&ours, name) == needed(&theirs, name))
        && ours.iter().all(|(name, value)| theirs.get(name).is_none_or(|other| other == value))
}

/// None is ever ignored, their order is. A compact name is its long one.
fn headers(uri: &Uri<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut headers: Vec<_> = headers_of(uri)
        .map(|(name, value)| {
            let name = unescape(name);
            let long = match HeaderName::from_bytes(&name) {
                HeaderName::Other => name,
                known => known.as_str().into(),
            };
            (long.to_ascii_lowercase(), normal(value))
        })
        .collect();
    headers.sort();
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equivalent(a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|text| text.parse::<SipUri>().unwrap());
        assert!(a.is_equivalent(&a) && b.is_equivalent(&b));
        assert_eq!(a.is_equivalent(&b), b.is_equivalent(&a), "{a} {b}");
        a.is_equivalent(&b)
    }

    #[test]
    fn the_equivalent_uris_of_section_19_1_4() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(equivalent(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_uris_of_section_19_1_4_that_are_not_equivalent() {
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ] {
            assert!(!equivalent(a, b), "{a} {b}");
        }
    }

    #[test]
    fn equivalence_is_not_transitive_as_section_19_1_4_notes() {
        let (on, off) = ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off");
        assert!(equivalent("sip:carol@chicago.com", on));
        assert!(equivalent("sip:carol@chicago.com", off));
        assert!(!equivalent(on, off));
    }

    #[test]
    fn the_rules_that_have_no_example() {
        assert!(!equivalent("sip:a@h", "sips:a@h"));
        assert!(equivalent("sip:a@h", "SIP:a@H"));
        assert!(!equivalent("sip:a:pw@h", "sip:a@h") && !equivalent("sip:a:pw@h", "sip:a:PW@h"));
        assert!(!equivalent("sip:h", "sip:a@h"));
        for needed in ["user=ip", "ttl=1", "method=INVITE", "maddr=192.0.2.1"] {
            assert!(!equivalent("sip:a@h", &format!("sip:a@h;{needed}")), "{needed}");
        }
        assert!(!equivalent("sip:a@h;method=INVITE", "sip:a@h;method=invite"));
        assert!(equivalent("sip:a@[2001:db8::1]", "sip:a@[2001:0DB8:0::1]"));
        assert!(equivalent("\"A\" <sip:a@h>", "sip:a@h"));
        assert!(equivalent("sip:a@h?t=x", "sip:a@h?To=x"));
    }

    #[test]
    fn an_escaped_reserved_character_is_not_the_character() {
        assert!(!equivalent("sip:a%3bb@h", "sip:a;b@h"));
        assert!(equivalent("sip:a%3bb@h", "sip:a%3Bb@h"));
        assert!(!equivalent("sip:%2541@h", "sip:%41@h"));
    }

    #[test]
    fn a_parameter_that_stands_twice_counts_once_so_a_uri_equals_itself() {
        assert!(equivalent("sip:a@h;x=1;x=2", "sip:a@h;x=1;x=2"));
    }
}
