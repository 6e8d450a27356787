//! Passwords as values that do not show themselves.

use std::fmt;

use zeroize::Zeroizing;

/// A password. `Debug` and `Display` show `***`; its memory is overwritten when it is dropped.
/// Copies that others make of it (a file on disk, a request being built) are theirs.
///
/// ```
/// use offhook::settings::Secret;
/// let secret = Secret::new("open sesame");
/// assert_eq!(format!("{secret} {secret:?}"), "*** ***");
/// assert_eq!(secret.expose(), "open sesame");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a password.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    /// The password itself: for computing an answer or saving it, never for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_and_compares_by_what_it_is() {
        let secret = Secret::new("open sesame");
        assert!(!format!("{secret}{secret:?}{:?}", Some(&secret)).contains("sesame"));
        assert!(secret == Secret::new("open sesame") && secret != Secret::new("open"));
    }
}
