//! Why a challenge is not answered.

use std::fmt;

use crate::sip::text;

/// Why a challenge is not answered, or cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AuthError {
    /// A 401 or 407 without any challenge.
    NoChallenge,
    /// A header is no challenge or no credentials; what is wrong with it.
    Malformed(&'static str),
    /// No challenge has a scheme, an algorithm and a quality of protection that are known.
    Unsupported(&'static str),
    /// There is no password for this realm.
    NoCredentials {
        /// Who asked.
        realm: Box<[u8]>,
    },
    /// There is a password for this realm, and the peer that asked is none of those it is for.
    Stranger {
        /// Who asked.
        realm: Box<[u8]>,
    },
    /// The answer was refused: user name or password is wrong.
    Refused {
        /// Who refused it.
        realm: Box<[u8]>,
    },
    /// One request was challenged more than [`ANSWERS_MAX`](super::ANSWERS_MAX) times.
    TooMany,
    /// A user name that no header can carry: it has a control character in it.
    Unprintable,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a peer calls itself is shown without its control characters.
        let shown = |realm: &[u8]| text(realm).escape_debug().to_string();
        match self {
            Self::NoChallenge => f.write_str("nobody says who asks for a password"),
            Self::Malformed(what) => write!(f, "the challenge cannot be read: {what}"),
            Self::Unsupported(what) => write!(f, "no challenge can be answered: {what}"),
            Self::NoCredentials { realm } => {
                write!(f, "there is no password for \"{}\"", shown(realm))
            }
            Self::Stranger { realm } => {
                write!(f, "the password is not for the one who asks as \"{}\"", shown(realm))
            }
            Self::Refused { realm } => {
                write!(f, "\"{}\" refuses the user name or the password", shown(realm))
            }
            Self::TooMany => f.write_str("one request was challenged too often"),
            Self::Unprintable => f.write_str("the user name has a control character in it"),
        }
    }
}

impl std::error::Error for AuthError {}
