//! Domain names (RFC 1035 §2.3).

use std::fmt;
use std::sync::Arc;

/// Octets of a name at most, without the last dot (RFC 1035 §2.3.4).
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// A domain name of letters, digits, `-` and `_`, in lower case and without the last dot.
///
/// ```
/// use offhook::dns::Name;
///
/// let name = Name::new("Example.COM.").expect("a name");
/// assert_eq!(name.as_str(), "example.com");
/// assert_eq!(name.under("_sip._udp").expect("a name").as_str(), "_sip._udp.example.com");
/// assert!(Name::new("a..b").is_none());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name(Arc<str>);

impl Name {
    /// The name, if it is one. The root is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let label =
            |label: &str| !label.is_empty() && label.len() <= LABEL_MAX && label.bytes().all(fits);
        let is_one = text.len() <= NAME_MAX && text.split('.').all(label);
        is_one.then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// `labels` before this name; `None` when that is too long.
    #[must_use]
    pub fn under(&self, labels: &str) -> Option<Self> {
        Self::new(&format!("{labels}.{}", self.0))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `localhost` or under it: never asked of a server (RFC 6761 §6.3).
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        self.0.rsplit('.').next() == Some("localhost")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_up_to_its_limits_and_not_one_past_them() {
        let label = "a".repeat(63);
        assert!(Name::new(&label).is_some());
        assert!(Name::new(&format!("{label}a")).is_none());
        let long = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(long.len(), 253);
        assert!(Name::new(&long).is_some() && Name::new(&format!("{long}.")).is_some());
        assert!(Name::new(&format!("{long}a")).is_none());
        assert!(Name::new(&long).unwrap().under("_sip").is_none());
    }

    #[test]
    fn what_is_no_name_is_none() {
        for text in ["", ".", "..", "a..b", ".a", "a b", "a\0", "ä", "a/b", "a*"] {
            assert!(Name::new(text).is_none(), "{text:?}");
        }
        assert!(Name::new("x.localhost").unwrap().is_localhost());
        assert!(!Name::new("localhost.example").unwrap().is_localhost());
    }
}
