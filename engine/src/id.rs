//! What routes a message to its session without a look-up by text: a session's number travels in
//! every branch and tag that the session makes.

use std::fmt;

use offhook_fsm::Entropy;

/// Names one session of an engine. Never used twice in an engine's life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Names one account of an engine. Never used twice in an engine's life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a{}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The magic cookie of RFC 3261 §8.1.1.7.
pub const BRANCH_COOKIE: &str = "z9hG4bK";

/// What sets an account's branches apart from those of sessions, whose numbers are hexadecimal.
const ACCOUNT_MARK: char = 'r';

impl AccountId {
    /// A branch of a request outside dialogs: cookie, mark, number, 96 random bits.
    #[must_use]
    pub fn branch(self, entropy: &mut Entropy) -> String {
        format!("{BRANCH_COOKIE}{ACCOUNT_MARK}{:x}-{}", self.0, text(&entropy.hex::<24>()))
    }

    /// The account that made `branch`, if it has the form of ours.
    #[must_use]
    pub fn from_branch(branch: &[u8]) -> Option<Self> {
        let marked = branch.strip_prefix(BRANCH_COOKIE.as_bytes())?;
        let (mark, numbered) = marked.split_first()?;
        let is_ours = char::from(*mark) == ACCOUNT_MARK;
        SessionId::from_tag(numbered).filter(|_| is_ours).map(|number| Self(number.0))
    }
}

impl SessionId {
    /// A local tag of this session: its number, then 128 random bits (RFC 3261 §19.3).
    #[must_use]
    pub fn tag(self, entropy: &mut Entropy) -> String {
        format!("{:x}-{}", self.0, text(&entropy.hex::<32>()))
    }

    /// A branch of this session: cookie, number, 96 random bits.
    #[must_use]
    pub fn branch(self, entropy: &mut Entropy) -> String {
        format!("{BRANCH_COOKIE}{:x}-{}", self.0, text(&entropy.hex::<24>()))
    }

    /// The session that made `tag`, if it has the form of ours. Says nothing of whether that
    /// session still lives or ever made this very tag: the session checks.
    #[must_use]
    pub fn from_tag(tag: &[u8]) -> Option<Self> {
        let dash = tag.iter().position(|&b| b == b'-')?;
        let number = std::str::from_utf8(tag.get(..dash)?).ok()?;
        let plain = number.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
        if number.is_empty() || !plain {
            return None;
        }
        u64::from_str_radix(number, 16).ok().map(Self)
    }

    /// The session that made `branch`, if it has the form of ours.
    #[must_use]
    pub fn from_branch(branch: &[u8]) -> Option<Self> {
        Self::from_tag(branch.strip_prefix(BRANCH_COOKIE.as_bytes())?)
    }
}

fn text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).unwrap_or_default()
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_branches_lead_back_to_their_session() {
        let mut entropy = Entropy::from_u64(1);
        for id in [SessionId(0), SessionId(1), SessionId(u64::MAX)] {
            assert_eq!(SessionId::from_tag(id.tag(&mut entropy).as_bytes()), Some(id));
            assert_eq!(SessionId::from_branch(id.branch(&mut entropy).as_bytes()), Some(id));
        }
    }

    #[test]
    fn branches_of_accounts_lead_to_them_and_to_no_session() {
        let mut entropy = Entropy::from_u64(1);
        for id in [AccountId(0), AccountId(u64::MAX)] {
            let branch = id.branch(&mut entropy);
            assert_eq!(AccountId::from_branch(branch.as_bytes()), Some(id));
            assert_eq!(SessionId::from_branch(branch.as_bytes()), None);
        }
        let of_session = SessionId(10).branch(&mut entropy);
        assert_eq!(AccountId::from_branch(of_session.as_bytes()), None);
        assert_eq!(AccountId::from_branch(b"z9hG4bK"), None);
    }

    #[test]
    fn strange_tags_lead_nowhere() {
        for tag in ["", "-", "x-1", "1", "+1-a", "FF-1", "11111111111111111-a"] {
            assert_eq!(SessionId::from_tag(tag.as_bytes()), None, "{tag}");
        }
        assert_eq!(SessionId::from_branch(b"1-a"), None);
    }
}
