//! Who we are to a server that asks for a password, and which servers may ask.

use std::fmt;
use std::net::IpAddr;

use zeroize::Zeroizing;

/// A user name and a password for digest authentication (RFC 3261 §22). `Debug` shows no password,
/// and its memory is overwritten when it is dropped.
///
/// Name the realm and the hosts wherever they are known: whoever may ask gets a digest from which
/// a weak password can be guessed.
///
/// ```
/// use offhook::Credentials;
/// let credentials = Credentials::new("alice", "secret").for_realm("example.com");
/// assert!(credentials.answers("example.com") && !credentials.answers("example.net"));
/// assert!(!format!("{credentials:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: Zeroizing<String>,
    realm: Option<String>,
    hosts: Vec<String>,
}

/// Who asks for a password: the neighbour that the request went to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hop<'a> {
    /// Its address.
    pub address: IpAddr,
    /// The host of the URI that is called, where the application named it; `None` inside a dialog,
    /// where the peer names it.
    pub host: Option<&'a str>,
    /// The application chose this way, and no peer.
    pub is_chosen: bool,
}

impl Hop<'_> {
    /// A neighbour that the application chose.
    #[must_use]
    pub const fn chosen(address: IpAddr) -> Self {
        Self { address, host: None, is_chosen: true }
    }
}

impl Credentials {
    /// Credentials for whatever realm asks first, on ways that the application chose.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        let password = Zeroizing::new(password.into());
        Self { username: username.into(), password, realm: None, hosts: Vec::new() }
    }

    /// The same for one realm alone: no other one is sent anything made from the password.
    #[must_use]
    pub fn for_realm(self, realm: impl Into<String>) -> Self {
        Self { realm: Some(realm.into()), ..self }
    }

    /// The same for that host, too, and for none that is not named so: a domain, whose own users
    /// and servers are called, or the IP address of a server. No other one is sent anything made
    /// from the password.
    #[must_use]
    pub fn for_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// The user name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password: for computing an answer, never for showing.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The realm; `None`: any.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// Whether a challenge of that realm is answered with these. Realms compare byte by byte
    /// (RFC 3261 §22.1).
    #[must_use]
    pub fn answers(&self, realm: &str) -> bool {
        self.realm.as_deref().is_none_or(|own| own == realm)
    }

    /// Whether that neighbour may ask: it is one of the hosts, or none was named and the
    /// application chose the way.
    #[must_use]
    pub fn trusts(&self, hop: &Hop<'_>) -> bool {
        let named = |host: &String| {
            host.parse::<IpAddr>().is_ok_and(|own| own == hop.address)
                || hop.host.is_some_and(|called| called.eq_ignore_ascii_case(host))
        };
        self.hosts.iter().any(named) || self.hosts.is_empty() && hop.is_chosen
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &format_args!("***"))
            .field("realm", &self.realm)
            .field("hosts", &self.hosts)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_realm_every_realm_is_answered() {
        let any = Credentials::new("alice", "secret");
        assert!(any.answers("") && any.answers("example.com"));
        let one = any.for_realm("example.com");
        assert!(one.answers("example.com") && !one.answers("Example.com"));
    }

    #[test]
    fn the_password_is_not_shown() {
        let shown = format!("{:?}", Credentials::new("alice", "secret"));
        assert_eq!(
            shown,
            "Credentials { username: \"alice\", password: ***, realm: None, hosts: [] }"
        );
    }

    #[test]
    fn a_neighbour_that_was_not_named_may_not_ask() {
        let address = "192.0.2.4".parse().unwrap();
        let chosen = Hop::chosen(address);
        let peers = Hop { is_chosen: false, ..chosen };
        let any = Credentials::new("alice", "secret");
        assert!(any.trusts(&chosen) && !any.trusts(&peers));
        let server = any.clone().for_host("192.0.2.4");
        assert!(server.trusts(&chosen) && server.trusts(&peers));
        let domain = any.for_host("example.com");
        assert!(!domain.trusts(&chosen));
        assert!(domain.trusts(&Hop { host: Some("Example.COM"), ..chosen }));
        assert!(!domain.trusts(&Hop { host: Some("evil.example.com"), ..chosen }));
    }
}
