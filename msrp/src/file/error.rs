//! Why a file does not get across.

use std::fmt;

/// Why a transfer is refused or ends without its file.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FileError {
    /// We gave it up.
    Cancelled,
    /// The bytes are not those that the hash was made of.
    HashMismatch,
    /// The hash of the description has not the length of its algorithm.
    HashInvalid,
    /// The session ended or broke before the file was through.
    Lost(String),
    /// The peer refused it, or did not say that it has it.
    NotDelivered {
        /// The status of its report or response; 408 when none came; 0 when it is our own doing.
        code: u16,
        /// Its comment, or why.
        reason: String,
    },
    /// The part that is here already does not end where the rest begins.
    Prefix,
    /// The range lies outside of the file.
    Range,
    /// What was sent, or is to be sent, has another size than was told.
    SizeMismatch {
        /// Bytes that were told.
        told: u64,
        /// Bytes that were found.
        found: u64,
    },
    /// The size must be known to send a file.
    SizeUnknown,
    /// Reading or writing failed here.
    Storage(String),
    /// More bytes than are taken.
    TooLarge {
        /// Bytes that are taken at most.
        limit: u64,
    },
    /// The peer gave it up.
    Withdrawn,
}

impl FileError {
    /// Whether what came so far is worth keeping: the rest may be asked for with a range.
    #[must_use]
    pub const fn is_resumable(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Lost(_) | Self::Withdrawn)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the transfer was given up"),
            Self::HashMismatch => f.write_str("the file is not the one that was announced"),
            Self::HashInvalid => f.write_str("the announced hash has a wrong length"),
            Self::Lost(reason) => {
                write!(f, "the session ended before the file was through: {reason}")
            }
            Self::NotDelivered { code: 0, reason } => write!(f, "not delivered: {reason}"),
            Self::NotDelivered { code, reason } => write!(f, "not delivered: {code} {reason}"),
            Self::Prefix => f.write_str("the part that is here does not end where the rest begins"),
            Self::Range => f.write_str("the range lies outside of the file"),
            Self::SizeMismatch { told, found } => {
                write!(f, "{told} bytes were announced and {found} found")
            }
            Self::SizeUnknown => f.write_str("the size of the file is not known"),
            Self::Storage(reason) => write!(f, "the file cannot be stored or read: {reason}"),
            Self::TooLarge { limit } => write!(f, "the file has more than {limit} bytes"),
            Self::Withdrawn => f.write_str("the peer gave up the transfer"),
        }
    }
}

impl std::error::Error for FileError {}
