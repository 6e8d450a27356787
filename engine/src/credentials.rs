//! Who we are to a server that asks for a password.

use std::fmt;

/// A user name and a password for digest authentication (RFC 3261 §22). `Debug` shows no password.
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
    password: String,
    realm: Option<String>,
}

impl Credentials {
    /// Credentials for whatever realm asks.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into(), realm: None }
    }

    /// The same for one realm alone: no other one is sent anything made from the password.
    #[must_use]
    pub fn for_realm(self, realm: impl Into<String>) -> Self {
        Self { realm: Some(realm.into()), ..self }
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
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &format_args!("***"))
            .field("realm", &self.realm)
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
        assert_eq!(shown, "Credentials { username: \"alice\", password: ***, realm: None }");
    }
}
