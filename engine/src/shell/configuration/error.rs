//! Why settings or accounts were not changed, read or saved.

use std::fmt;
use std::path::PathBuf;

use crate::settings::file::FileError;
use crate::settings::{ACCOUNTS_MAX, AccountAddress, SettingError};

/// Why settings or accounts were not changed, read or saved.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The file cannot be used as it stands, and is not written over: repair it and
    /// [`reload`](super::ConfigurationManager::reload), or
    /// [`reset_file`](super::ConfigurationManager::reset_file).
    Broken(PathBuf, FileError),
    /// Somebody else changed the file since it was read, and nothing was written:
    /// [`reload`](super::ConfigurationManager::reload) and try again.
    ChangedOnDisk(PathBuf),
    /// A file could not be read or written; the text says what was tried.
    Io(&'static str, PathBuf, std::io::Error),
    /// A setting was not changed.
    Setting(SettingError),
    /// There is no such account.
    UnknownAccount(AccountAddress),
    /// There is such an account already.
    AccountExists(AccountAddress),
    /// The account is not enabled, and the default account has to be.
    AccountNotEnabled(AccountAddress),
    /// `bonjour@local` is always there; it can be disabled.
    BonjourStays,
    /// There are as many accounts as may be.
    TooManyAccounts,
    /// The operating system gives no random numbers.
    NoRandom(String),
}

impl ConfigurationError {
    /// The error's name: `Broken`, `ChangedOnDisk`, ….
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Broken(..) => "Broken",
            Self::ChangedOnDisk(_) => "ChangedOnDisk",
            Self::Io(..) => "Io",
            Self::Setting(SettingError::Unknown(_)) => "UnknownName",
            Self::Setting(_) => "InvalidValue",
            Self::UnknownAccount(_) => "UnknownAccount",
            Self::AccountExists(_) => "AccountExists",
            Self::AccountNotEnabled(_) => "AccountNotEnabled",
            Self::BonjourStays => "BonjourStays",
            Self::TooManyAccounts => "TooManyAccounts",
            Self::NoRandom(_) => "NoRandom",
        }
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(file, error) => write!(f, "{}, {error}", file.display()),
            Self::ChangedOnDisk(file) => write!(
                f,
                "{} was changed by somebody else; read it again and then change it",
                file.display()
            ),
            Self::Io(what, file, error) => write!(f, "cannot {what} {}: {error}", file.display()),
            Self::Setting(error) => error.fmt(f),
            Self::UnknownAccount(address) => write!(f, "there is no account {address}"),
            Self::AccountExists(address) => write!(f, "there is an account {address} already"),
            Self::AccountNotEnabled(address) => {
                write!(f, "the account {address} is not enabled, so it cannot be the default one")
            }
            Self::BonjourStays => f.write_str("bonjour@local is always there; disable it instead"),
            Self::TooManyAccounts => write!(f, "there are {ACCOUNTS_MAX} accounts already"),
            Self::NoRandom(reason) => write!(f, "no random numbers: {reason}"),
        }
    }
}

impl std::error::Error for ConfigurationError {}

impl From<SettingError> for ConfigurationError {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}
