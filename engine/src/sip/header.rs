//! The names of headers: which ones are known, how they print, their compact forms.

use super::scan::{controls, word};

/// A header that offhook knows by name (RFC 3261 §20 and extensions); everything else is `Other`
/// and kept all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the header of that name")]
pub enum HeaderName {
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    AlertInfo,
    Allow,
    AllowEvents,
    AuthenticationInfo,
    Authorization,
    CallId,
    CallInfo,
    Contact,
    ContentDisposition,
    ContentEncoding,
    ContentLanguage,
    ContentLength,
    ContentType,
    CSeq,
    Date,
    ErrorInfo,
    Event,
    Expires,
    From,
    InReplyTo,
    MaxForwards,
    MinExpires,
    MimeVersion,
    Organization,
    Path,
    Priority,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyRequire,
    RAck,
    RSeq,
    Reason,
    RecordRoute,
    ReferTo,
    ReferredBy,
    Replaces,
    ReplyTo,
    Require,
    RetryAfter,
    Route,
    Server,
    ServiceRoute,
    SessionExpires,
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
    /// Any other header.
    Other,
}

/// Every known header, in the order of the enum.
const KNOWN: [HeaderName; HeaderName::Other as usize] = [
    HeaderName::Accept,
    HeaderName::AcceptEncoding,
    HeaderName::AcceptLanguage,
    HeaderName::AlertInfo,
    HeaderName::Allow,
    HeaderName::AllowEvents,
    HeaderName::AuthenticationInfo,
    HeaderName::Authorization,
    HeaderName::CallId,
    HeaderName::CallInfo,
    HeaderName::Contact,
    HeaderName::ContentDisposition,
    HeaderName::ContentEncoding,
    HeaderName::ContentLanguage,
    HeaderName::ContentLength,
    HeaderName::ContentType,
    HeaderName::CSeq,
    HeaderName::Date,
    HeaderName::ErrorInfo,
    HeaderName::Event,
    HeaderName::Expires,
    HeaderName::From,
    HeaderName::InReplyTo,
    HeaderName::MaxForwards,
    HeaderName::MinExpires,
    HeaderName::MimeVersion,
    HeaderName::Organization,
    HeaderName::Path,
    HeaderName::Priority,
    HeaderName::ProxyAuthenticate,
    HeaderName::ProxyAuthorization,
    HeaderName::ProxyRequire,
    HeaderName::RAck,
    HeaderName::RSeq,
    HeaderName::Reason,
    HeaderName::RecordRoute,
    HeaderName::ReferTo,
    HeaderName::ReferredBy,
    HeaderName::Replaces,
    HeaderName::ReplyTo,
    HeaderName::Require,
    HeaderName::RetryAfter,
    HeaderName::Route,
    HeaderName::Server,
    HeaderName::ServiceRoute,
    HeaderName::SessionExpires,
    HeaderName::Subject,
    HeaderName::SubscriptionState,
    HeaderName::Supported,
    HeaderName::Timestamp,
    HeaderName::To,
    HeaderName::Unsupported,
    HeaderName::UserAgent,
    HeaderName::Via,
    HeaderName::Warning,
    HeaderName::WwwAuthenticate,
];

/// The length of the longest known name.
const LENGTH_MAX: usize = 19;

/// Where a name may stand in [`TABLE`]: its length, its first letter and the one in its middle.
/// That tells nearly all known names apart.
const fn slot(length: usize, first: u8, middle: u8) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "a hash keeps the low bits")]
    let length = length as u8;
    let (first, middle) = ((first | FOLD).wrapping_mul(18), (middle | FOLD).wrapping_mul(31));
    length.wrapping_add(first).wrapping_add(middle)
}

/// The bit that makes a letter small. Of the bytes that are no control characters, no two differ
/// in it alone and are one of them part of a known name, unless they are the same letter.
const FOLD: u8 = 0x20;

/// The known names by [`slot`]; a name whose slot was taken stands in the next free one.
#[expect(clippy::indexing_slicing, reason = "at compile time a bad index is an error")]
const TABLE: [HeaderName; 256] = {
    assert!((HeaderName::Other as u32) < u64::BITS, "each has a bit of a word");
    let mut table = [HeaderName::Other; 256];
    let mut next = 0;
    while next < KNOWN.len() {
        assert!(KNOWN[next] as usize == next, "KNOWN has the order of the enum");
        let name = KNOWN[next].as_str().as_bytes();
        assert!(name.len() <= LENGTH_MAX, "LENGTH_MAX is the longest name's");
        let mut place = slot(name.len(), name[0], name[name.len() / 2]);
        while !matches!(table[place as usize], HeaderName::Other) {
            place = place.wrapping_add(1);
        }
        table[place as usize] = KNOWN[next];
        next += 1;
    }
    table
};

/// Whether `name` is `known` in any case, eight bytes at a time.
fn same(known: &[u8], name: &[u8]) -> bool {
    if known.len() != name.len() {
        return false;
    }
    let ends = |token: &[u8]| Some((word(token.first_chunk()?), word(token.last_chunk()?)));
    match (ends(known), ends(name)) {
        (Some(one), Some(other)) => {
            let fold = word(&[FOLD; 8]);
            let same = |a: u64, b: u64| a | fold == b | fold && controls(b) == 0;
            // Up to sixteen bytes the two words cover all.
            let covered = known.len() <= 16 || known.eq_ignore_ascii_case(name);
            same(one.0, other.0) && same(one.1, other.1) && covered
        }
        _ => known.iter().zip(name).all(|(a, b)| a | FOLD == b | FOLD && *b >= FOLD),
    }
}

impl HeaderName {
    /// The header of that name, long or compact, in any case.
    #[must_use]
    #[inline]
    pub fn from_bytes(name: &[u8]) -> Self {
        match name {
            [] => Self::Other,
            [letter] => Self::from_compact(*letter),
            _ if name.len() > LENGTH_MAX => Self::Other,
            [first, ..] => Self::from_long(*first, name),
        }
    }

    fn from_long(first: u8, name: &[u8]) -> Self {
        let middle = name.get(name.len() / 2).copied().unwrap_or_default();
        let mut place = slot(name.len(), first, middle);
        loop {
            #[expect(clippy::indexing_slicing, reason = "a byte is always inside of 256 cells")]
            let candidate = TABLE[usize::from(place)];
            if candidate == Self::Other || same(candidate.as_str().as_bytes(), name) {
                return candidate;
            }
            place = place.wrapping_add(1);
        }
    }

    /// The header of a compact form (RFC 3261 §7.3.3 and the registry).
    const fn from_compact(letter: u8) -> Self {
        match letter | FOLD {
            b'b' => Self::ReferredBy,
            b'c' => Self::ContentType,
            b'e' => Self::ContentEncoding,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'k' => Self::Supported,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            b't' => Self::To,
            b'u' => Self::AllowEvents,
            b'v' => Self::Via,
            b'x' => Self::SessionExpires,
            _ => Self::Other,
        }
    }

    /// A bit of its own.
    pub(super) const fn bit(self) -> u64 {
        1 << self as u32
    }

    /// The long form, as it is printed; empty for `Other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "Accept",
            Self::AcceptEncoding => "Accept-Encoding",
            Self::AcceptLanguage => "Accept-Language",
            Self::AlertInfo => "Alert-Info",
            Self::Allow => "Allow",
            Self::AllowEvents => "Allow-Events",
            Self::AuthenticationInfo => "Authentication-Info",
            Self::Authorization => "Authorization",
            Self::CallId => "Call-ID",
            Self::CallInfo => "Call-Info",
            Self::Contact => "Contact",
            Self::ContentDisposition => "Content-Disposition",
            Self::ContentEncoding => "Content-Encoding",
            Self::ContentLanguage => "Content-Language",
            Self::ContentLength => "Content-Length",
            Self::ContentType => "Content-Type",
            Self::CSeq => "CSeq",
            Self::Date => "Date",
            Self::ErrorInfo => "Error-Info",
            Self::Event => "Event",
            Self::Expires => "Expires",
            Self::From => "From",
            Self::InReplyTo => "In-Reply-To",
            Self::MaxForwards => "Max-Forwards",
            Self::MinExpires => "Min-Expires",
            Self::MimeVersion => "MIME-Version",
            Self::Organization => "Organization",
            Self::Path => "Path",
            Self::Priority => "Priority",
            Self::ProxyAuthenticate => "Proxy-Authenticate",
            Self::ProxyAuthorization => "Proxy-Authorization",
            Self::ProxyRequire => "Proxy-Require",
            Self::RAck => "RAck",
            Self::RSeq => "RSeq",
            Self::Reason => "Reason",
            Self::RecordRoute => "Record-Route",
            Self::ReferTo => "Refer-To",
            Self::ReferredBy => "Referred-By",
            Self::Replaces => "Replaces",
            Self::ReplyTo => "Reply-To",
            Self::Require => "Require",
            Self::RetryAfter => "Retry-After",
            Self::Route => "Route",
            Self::Server => "Server",
            Self::ServiceRoute => "Service-Route",
            Self::SessionExpires => "Session-Expires",
            Self::Subject => "Subject",
            Self::SubscriptionState => "Subscription-State",
            Self::Supported => "Supported",
            Self::Timestamp => "Timestamp",
            Self::To => "To",
            Self::Unsupported => "Unsupported",
            Self::UserAgent => "User-Agent",
            Self::Via => "Via",
            Self::Warning => "Warning",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::Other => "",
        }
    }

    /// Whether a message has at most one of it (RFC 3261 §7.3.1).
    #[must_use]
    pub const fn is_single(self) -> bool {
        matches!(
            self,
            Self::CallId
                | Self::CSeq
                | Self::ContentDisposition
                | Self::ContentLength
                | Self::ContentType
                | Self::Date
                | Self::Expires
                | Self::From
                | Self::MaxForwards
                | Self::MinExpires
                | Self::RAck
                | Self::RSeq
                | Self::ReferTo
                | Self::Replaces
                | Self::RetryAfter
                | Self::SessionExpires
                | Self::SubscriptionState
                | Self::To
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_long_forms_are_one_header_in_any_case() {
        for (compact, long) in
            [("v", "VIA"), ("I", "call-id"), ("m", "Contact"), ("k", "supported")]
        {
            let name = HeaderName::from_bytes(long.as_bytes());
            assert_ne!(name, HeaderName::Other);
            assert_eq!(HeaderName::from_bytes(compact.as_bytes()), name);
        }
        assert_eq!(
            HeaderName::from_bytes(b"X-Anything-That-Is-Longer-Than-All"),
            HeaderName::Other
        );
        assert_eq!(HeaderName::from_bytes(b""), HeaderName::Other);
    }

    #[test]
    fn every_known_name_is_found_in_any_case_and_no_byte_of_it_may_differ() {
        for known in KNOWN {
            let name = known.as_str().as_bytes();
            for spelled in [name.to_vec(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                assert_eq!(HeaderName::from_bytes(&spelled), known);
                for at in 0..spelled.len() {
                    for byte in 0..=255 {
                        let mut other = spelled.clone();
                        other[at] = byte;
                        let same = byte.eq_ignore_ascii_case(&spelled[at]);
                        let found = HeaderName::from_bytes(&other);
                        assert_eq!(found == known, same, "{known:?} {at} {byte}");
                    }
                }
            }
        }
    }

    #[test]
    fn compact_forms_are_those_of_the_registry() {
        let forms: Vec<_> = (0..=255_u8)
            .filter(|letter| !letter.is_ascii_uppercase())
            .filter_map(|letter| match HeaderName::from_bytes(&[letter]) {
                HeaderName::Other => None,
                known => Some(format!("{}={}", char::from(letter), known.as_str())),
            })
            .collect();
        let expected = "b=Referred-By c=Content-Type e=Content-Encoding f=From i=Call-ID \
            k=Supported l=Content-Length m=Contact o=Event r=Refer-To s=Subject t=To \
            u=Allow-Events v=Via x=Session-Expires";
        assert_eq!(forms.join(" "), expected);
    }
}
