//! What a recording is called when nobody names it.

use std::path::PathBuf;

use crate::sip::SipUri;
use crate::snapshot::{CallDirection, Snapshot};
use crate::timestamp::Timestamp;

/// Bytes of the peer's name that go into a file name.
const NAME_MAX: usize = 100;

/// `YYYYMMDD-HHMMSS-user@host-direction.wav`, the time in UTC.
pub(crate) fn default_name(now: Timestamp, snapshot: &Snapshot) -> PathBuf {
    let (year, month, day, hour, minute, second) = now.civil();
    let direction = match snapshot.direction {
        Some(CallDirection::Outgoing) => "outgoing",
        _ => "incoming",
    };
    let peer = peer(snapshot.remote_uri.as_deref().unwrap_or_default());
    PathBuf::from(format!(
        "{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{peer}-{direction}.wav"
    ))
}

/// `user@host` of an address, with nothing in it that a file name does not like.
fn peer(address: &str) -> String {
    let bare = match address.parse::<SipUri>() {
        Ok(uri) => {
            let host = uri.host().to_string();
            uri.user().map_or_else(|| host.clone(), |user| format!("{user}@{host}"))
        }
        Err(_) => String::new(),
    };
    let safe = |c: char| if c.is_ascii_alphanumeric() || "@.-_+".contains(c) { c } else { '_' };
    let name: String = bare.chars().take(NAME_MAX).map(safe).collect();
    if name.is_empty() { "unknown".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REFERENCE 2 row 32
    #[test]
    fn the_name_tells_time_peer_and_direction_and_stays_in_its_folder() {
        let now = Timestamp::from_unix_micros(1_795_356_000_123_456);
        for (remote, expected) in [
            ("sip:bob@example.com", "20261122-140000-bob@example.com-outgoing.wav"),
            ("\"Bob <x>\" <sip:bob@[::1]:5060;lr>", "20261122-140000-bob@___1_-outgoing.wav"),
            ("<sip:192.0.2.1:5060>", "20261122-140000-192.0.2.1-outgoing.wav"),
            ("sip:../../etc/passwd@h", "20261122-140000-.._.._etc_passwd@h-outgoing.wav"),
            ("", "20261122-140000-unknown-outgoing.wav"),
        ] {
            let direction = Some(CallDirection::Outgoing);
            let remote_uri = Some(remote.to_owned());
            let snapshot = Snapshot { direction, remote_uri, ..Snapshot::default() };
            assert_eq!(default_name(now, &snapshot), PathBuf::from(expected));
        }
    }
}
