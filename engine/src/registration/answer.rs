//! What a registrar's answer says.

use std::time::Duration;

use crate::sip::{HeaderName, Message, SipUri, text};

/// The longest time that is believed, in seconds: a year.
const EXPIRES_MAX: u64 = 366 * 24 * 3600;
/// Contacts of one answer that are read; the others are passed over.
const CONTACTS_MAX: usize = 64;

/// A 2xx.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Grant {
    /// Seconds until our address is forgotten.
    pub(super) expires: u32,
    /// All addresses that the registrar has.
    pub(super) contacts: Vec<SipUri>,
}

fn seconds(value: u64) -> u32 {
    u32::try_from(value.min(EXPIRES_MAX)).unwrap_or(u32::MAX)
}

fn sip_uri(raw: &[u8]) -> Option<SipUri> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}

/// Reads a 2xx (RFC 3261 §10.3 step 8): the time is that of our own Contact, else that of Expires,
/// else what was asked for.
pub(super) fn grant(answer: &Message, own: &SipUri, asked: u32) -> Grant {
    let mut expires = None;
    let mut contacts = Vec::new();
    for address in answer.addresses(HeaderName::Contact).take(CONTACTS_MAX).flatten() {
        let Some(uri) = sip_uri(address.uri.raw) else { continue };
        if uri.is_equivalent(own) {
            let value = address.params.value("expires").map(text);
            let value = value.and_then(|value| value.parse::<u64>().ok());
            expires = expires.or(value);
        }
        contacts.push(uri);
    }
    let header = || answer.number(HeaderName::Expires, u64::MAX).ok().flatten();
    let expires = expires.or_else(header).map_or(asked, seconds);
    Grant { expires, contacts }
}

/// The shortest time that the registrar grants (423, §10.2.8).
pub(super) fn min_expires(answer: &Message) -> Option<u32> {
    answer.number(HeaderName::MinExpires, EXPIRES_MAX).ok().flatten().map(seconds)
}

/// How long the registrar wants to be left alone (§20.33).
pub(super) fn retry_after(answer: &Message) -> Option<Duration> {
    let value = answer.header(HeaderName::RetryAfter)?;
    let digits: Vec<u8> = value.iter().copied().take_while(u8::is_ascii_digit).collect();
    let value: u64 = text(&digits).parse().ok()?;
    Some(Duration::from_secs(value.min(24 * 3600)))
}

/// Where a 3xx sends us (§8.1.3.4).
pub(super) fn elsewhere(answer: &Message) -> Option<SipUri> {
    sip_uri(answer.contact()?.uri.raw)
}
