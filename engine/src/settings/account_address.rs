//! What names an account: `user@domain`.

use std::fmt;
use std::str::FromStr;

use crate::sip::{Host, SipUri};

/// The longest account name, in bytes.
pub const ACCOUNT_ADDRESS_MAX: usize = 255;

/// Names an account: `user@domain`. The domain is kept in lower case; the user is as it was
/// written, since its case counts (RFC 3261 §19.1.4).
///
/// ```
/// use offhook::settings::AccountAddress;
/// let id: AccountAddress = "Alice@Example.COM".parse()?;
/// assert_eq!(id.to_string(), "Alice@example.com");
/// assert_eq!(id.uri().to_string(), "sip:Alice@example.com");
/// # Ok::<(), offhook::settings::AccountAddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountAddress {
    text: String,
    at: usize,
}

/// A text is no account's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountAddressError(pub String);

impl fmt::Display for AccountAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no account: type it as user@domain, like alice@example.com", self.0)
    }
}

impl std::error::Error for AccountAddressError {}

impl AccountAddress {
    /// The account that needs no server.
    pub(crate) const BONJOUR: &'static str = "bonjour@local";

    /// `bonjour@local`: the account that needs no server and is always there.
    #[must_use]
    pub fn bonjour() -> Self {
        Self { text: Self::BONJOUR.into(), at: "bonjour".len() }
    }

    /// Whether this is `bonjour@local`.
    #[must_use]
    pub fn is_bonjour(&self) -> bool {
        self.text == Self::BONJOUR
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before `@`, as written: with escapes.
    #[must_use]
    pub fn user(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// What stands behind `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default().trim_start_matches('@')
    }

    /// The account's address of record.
    #[must_use]
    pub fn uri(&self) -> SipUri {
        SipUri::known(format!("sip:{}", self.text))
    }
}

impl FromStr for AccountAddress {
    type Err = AccountAddressError;

    fn from_str(text: &str) -> Result<Self, AccountAddressError> {
        let refuse = || AccountAddressError(text.chars().take(ACCOUNT_ADDRESS_MAX).collect());
        let (user, domain) = text.split_once('@').ok_or_else(refuse)?;
        let uri = format!("sip:{text}").parse::<SipUri>().map_err(|_| refuse())?;
        let is_plain = uri.as_uri().user == Some(user.as_bytes())
            && uri.password().is_none()
            && uri.port().is_none()
            && uri.parameters().is_empty()
            && uri.headers().is_empty()
            && !domain.contains(['?', ';', ':']);
        // An account belongs to a domain; an IPv6 address in brackets would be one with colons.
        let has_domain = !matches!(uri.host(), Host::Ip(address) if address.is_ipv6());
        if !is_plain || !has_domain || text.len() > ACCOUNT_ADDRESS_MAX {
            return Err(refuse());
        }
        Ok(Self { text: format!("{user}@{}", domain.to_ascii_lowercase()), at: user.len() })
    }
}

impl fmt::Display for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_user_and_a_domain() {
        for text in ["alice@example.com", "a.b+c@h", "alice@192.0.2.1", "b%20c@example.com"] {
            let id: AccountAddress = text.parse().unwrap();
            assert_eq!((id.as_str(), id.to_string()), (text, text.into()));
            assert_eq!(format!("{}@{}", id.user(), id.domain()), text);
            assert_eq!(id.uri().to_string(), format!("sip:{text}"));
        }
        let bonjour: AccountAddress = "Bonjour@local".parse().unwrap();
        assert!(!bonjour.is_bonjour() && AccountAddress::bonjour().is_bonjour());
        assert_eq!("bonjour@LOCAL".parse(), Ok(AccountAddress::bonjour()));
        assert_eq!(AccountAddress::bonjour().domain(), "local");
    }

    #[test]
    fn what_is_more_or_less_than_user_at_domain_is_no_account() {
        let long = format!("{}@h", "a".repeat(ACCOUNT_ADDRESS_MAX));
        for text in [
            "",
            "alice",
            "@h",
            "alice@",
            "a@b@c",
            "sip:alice@h",
            "alice:pw@h",
            "alice@h:5060",
            "alice@h;lr",
            "alice@h?a=b",
            "a b@h",
            "a\n@h",
            "alice@[::1]",
            &long,
        ] {
            assert!(text.parse::<AccountAddress>().is_err(), "{text:?}");
        }
        let error = "alice".parse::<AccountAddress>().unwrap_err().to_string();
        assert_eq!(
            error,
            r#""alice" is no account: type it as user@domain, like alice@example.com"#
        );
    }
}
