//! Handles on accounts.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{ConfigurationError, ConfigurationManager};
use crate::credentials::Credentials;
use crate::id::AccountId;
use crate::notification::Sender;
use crate::route::RouteHost;
use crate::settings::{
    AccountAddress, AccountSettings, AuthSettings, BonjourSettings, Secret, SettingType as _, Text,
};
use crate::sip::SipUri;

/// The longest password file, in bytes.
pub const PASSWORD_FILE_MAX: usize = 4096;

/// What an account has besides its settings.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) id: AccountId,
    pub(super) contact_user: Arc<str>,
}

/// An account at a server. Clones are one account; its settings are read and changed through the
/// [`ConfigurationManager`], and are gone when it was removed.
#[derive(Clone, Debug)]
pub struct Account {
    configuration: ConfigurationManager,
    address: AccountAddress,
    identity: Identity,
}

/// `bonjour@local`: the account that needs no server, has no password and registers nowhere.
#[derive(Clone, Debug)]
pub struct BonjourAccount {
    configuration: ConfigurationManager,
    address: AccountAddress,
    identity: Identity,
}

/// An account of either kind.
#[derive(Clone, Debug)]
pub enum AnyAccount {
    /// At a server.
    Account(Account),
    /// `bonjour@local`.
    Bonjour(BonjourAccount),
}

macro_rules! common {
    ($name:ident) => {
        impl From<&$name> for Option<Sender> {
            fn from(account: &$name) -> Self {
                Some(Sender::Account(account.id()))
            }
        }

        impl $name {
            /// Its number, as the sender of notifications.
            #[must_use]
            pub const fn id(&self) -> AccountId {
                self.identity.id
            }

            /// Its address, `user@domain`.
            #[must_use]
            pub const fn address(&self) -> &AccountAddress {
                &self.address
            }

            /// The user of its contacts: eight random letters, others in each process.
            #[must_use]
            pub fn contact_user(&self) -> &str {
                &self.identity.contact_user
            }

            /// Whether it exists and is enabled.
            #[must_use]
            pub fn is_enabled(&self) -> bool {
                self.configuration.configuration().is_enabled(&self.address)
            }

            /// Its address as a URI, with its display name.
            #[must_use]
            pub fn uri(&self) -> SipUri {
                let uri = self.address.uri();
                let named = self
                    .display_name()
                    .map(|name| uri.to_builder().display(name.as_str()).finish());
                // A display name is any text, so the URI stays one.
                named.and_then(Result::ok).unwrap_or(uri)
            }
        }
    };
}

common!(Account);
common!(BonjourAccount);

impl Account {
    pub(super) const fn new(
        configuration: ConfigurationManager,
        address: AccountAddress,
        identity: Identity,
    ) -> Self {
        Self { configuration, address, identity }
    }

    /// Its settings that hold now, saved or not; `None` after it was removed.
    #[must_use]
    pub fn settings(&self) -> Option<AccountSettings> {
        self.configuration.configuration().account(&self.address).cloned()
    }

    /// Changes its settings; [`save`](Self::save) writes them. `change` is called again when
    /// another thread was faster.
    ///
    /// # Errors
    /// When the account was removed.
    pub fn update(
        &self,
        mut change: impl FnMut(&mut AccountSettings),
    ) -> Result<(), ConfigurationError> {
        self.configuration.change(|configuration| {
            let account = configuration.account_mut(&self.address);
            change(account.ok_or_else(|| self.gone())?);
            Ok(())
        })
    }

    fn display_name(&self) -> Option<Text> {
        self.settings()?.general.display_name
    }

    fn gone(&self) -> ConfigurationError {
        ConfigurationError::UnknownAccount(self.address.clone())
    }

    /// Saves all that was changed: [`ConfigurationManager::save`].
    ///
    /// # Errors
    /// As that.
    pub fn save(&self) -> Result<(), ConfigurationError> {
        self.configuration.save()
    }

    /// How it proves who it is: `auth.username` or its user, and `auth.password` or the first line
    /// of `auth.password_file`; `None` without a password. For the hosts of the account's domain
    /// and its proxy alone.
    ///
    /// # Errors
    /// When the account was removed, or the password file cannot be read or holds no password.
    pub fn credentials(&self) -> Result<Option<Credentials>, ConfigurationError> {
        let settings = self.settings().ok_or_else(|| self.gone())?;
        let password = password_of(&settings.auth, self.configuration.directory())?;
        Ok(password.map(|password| credentials(&self.address, &settings, &password)))
    }
}

/// `auth.password`, or the first line of `auth.password_file`, which is meant from that folder.
pub(super) fn password_of(
    auth: &AuthSettings,
    directory: &Path,
) -> Result<Option<Secret>, ConfigurationError> {
    match (&auth.password, &auth.password_file) {
        (Some(password), _) => Ok(Some(password.clone())),
        (None, Some(file)) => {
            let path = directory.join(file.as_path());
            let read = password_file(&path).map(Some);
            read.map_err(|error| ConfigurationError::Io("read the password in", path, error))
        }
        (None, None) => Ok(None),
    }
}

/// For whoever serves the account: its domain and its proxy.
pub(super) fn credentials(
    address: &AccountAddress,
    account: &AccountSettings,
    password: &Secret,
) -> Credentials {
    let own = || address.uri().user().unwrap_or_default();
    let username = account.auth.username.as_ref();
    let username = username.map_or_else(own, |name| name.as_str().to_owned());
    let credentials = Credentials::new(username, password.expose()).for_host(address.domain());
    let others = [&account.sip.outbound_proxy, &account.nat_traversal.msrp_relay];
    let hosts = others.into_iter().flatten().map(|route| match route.host() {
        RouteHost::Ip(ip) => ip.to_string(),
        RouteHost::Name(name) => name.to_string(),
    });
    hosts.fold(credentials, Credentials::for_host)
}

/// The password in the first line of a file.
///
/// # Errors
/// When the file cannot be read, is longer than [`PASSWORD_FILE_MAX`], or begins with no password.
pub fn password_file(path: &Path) -> std::io::Result<Secret> {
    let refuse = |reason: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, reason);
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSWORD_FILE_MAX + 1));
    let limit = u64::try_from(PASSWORD_FILE_MAX + 1).unwrap_or(u64::MAX);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > PASSWORD_FILE_MAX {
        return Err(refuse("it is too long for a password"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("it is no UTF-8 text"))?;
    let line = text.lines().next().unwrap_or_default();
    Secret::from_text(line).ok_or_else(|| refuse("its first line is no password"))
}

impl BonjourAccount {
    pub(super) fn new(configuration: ConfigurationManager, identity: Identity) -> Self {
        Self { configuration, address: AccountAddress::bonjour(), identity }
    }

    /// Its settings that hold now, saved or not.
    #[must_use]
    pub fn settings(&self) -> BonjourSettings {
        self.configuration.configuration().bonjour
    }

    fn display_name(&self) -> Option<Text> {
        self.settings().general.display_name
    }

    /// Changes its settings; [`save`](Self::save) writes them. `change` is called again when
    /// another thread was faster.
    pub fn update(&self, mut change: impl FnMut(&mut BonjourSettings)) {
        let done = self.configuration.change(|configuration| {
            change(&mut configuration.bonjour);
            Ok(())
        });
        done.unwrap_or_default();
    }

    /// Saves all that was changed: [`ConfigurationManager::save`].
    ///
    /// # Errors
    /// As that.
    pub fn save(&self) -> Result<(), ConfigurationError> {
        self.configuration.save()
    }
}

impl AnyAccount {
    /// Its number, as the sender of notifications.
    #[must_use]
    pub const fn id(&self) -> AccountId {
        match self {
            Self::Account(account) => account.id(),
            Self::Bonjour(account) => account.id(),
        }
    }

    /// Its address, `user@domain`.
    #[must_use]
    pub const fn address(&self) -> &AccountAddress {
        match self {
            Self::Account(account) => account.address(),
            Self::Bonjour(account) => account.address(),
        }
    }

    /// The user of its contacts.
    #[must_use]
    pub fn contact_user(&self) -> &str {
        match self {
            Self::Account(account) => account.contact_user(),
            Self::Bonjour(account) => account.contact_user(),
        }
    }

    /// Whether it exists and is enabled.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        match self {
            Self::Account(account) => account.is_enabled(),
            Self::Bonjour(account) => account.is_enabled(),
        }
    }

    /// Its address as a URI, with its display name.
    #[must_use]
    pub fn uri(&self) -> SipUri {
        match self {
            Self::Account(account) => account.uri(),
            Self::Bonjour(account) => account.uri(),
        }
    }

    /// The account, if it is one at a server.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Bonjour(_) => None,
        }
    }
}
