//! The accounts: who is there, who is the default, whom a request is for.

use super::account::{Account, AnyAccount, BonjourAccount, Identity};
use super::{ConfigurationError, ConfigurationManager};
use crate::id::AccountId;
use crate::notification::Sender;
use crate::settings::{ACCOUNTS_MAX, AccountAddress, AccountSettings};
use crate::shell::notification_center::lock;
use crate::sip::SipUri;

/// Letters in the user of a contact.
const CONTACT_USER_LETTERS: usize = 8;

/// The accounts of a [`ConfigurationManager`]. Adding and removing are saved at once and told
/// (`SIPAccountManagerDidAddAccount`, `…DidRemoveAccount`, `…DidChangeDefaultAccount`).
///
/// ```
/// use offhook::settings::AccountSettings;
/// use offhook::{ConfigurationManager, NotificationCenter};
///
/// # let directory = std::env::temp_dir().join(format!("offhook-am-{}", std::process::id()));
/// let configuration = ConfigurationManager::start(&directory, NotificationCenter::new()?)?;
/// let accounts = configuration.accounts();
/// let mut settings = AccountSettings::default();
/// settings.general.enabled = true;
/// let alice = accounts.add("alice@example.com".parse()?, settings)?;
/// accounts.set_default_account(alice.address())?;
/// let found = accounts.find_account(&"sip:alice@192.0.2.1".parse()?).expect("alice");
/// assert_eq!(found.address(), alice.address());
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AccountManager {
    configuration: ConfigurationManager,
}

impl From<&AccountManager> for Option<Sender> {
    fn from(_: &AccountManager) -> Self {
        Some(Sender::AccountManager)
    }
}

impl AccountManager {
    pub(super) const fn new(configuration: ConfigurationManager) -> Self {
        Self { configuration }
    }

    fn handle(&self, address: AccountAddress) -> AnyAccount {
        let identity = self.configuration.identity(&address);
        let configuration = self.configuration.clone();
        if address.is_bonjour() {
            AnyAccount::Bonjour(BonjourAccount::new(configuration, identity))
        } else {
            AnyAccount::Account(Account::new(configuration, address, identity))
        }
    }

    /// Whether there is such an account.
    #[must_use]
    pub fn has_account(&self, address: &AccountAddress) -> bool {
        address.is_bonjour() || self.configuration.configuration().account(address).is_some()
    }

    /// The account of that address.
    #[must_use]
    pub fn get_account(&self, address: &AccountAddress) -> Option<AnyAccount> {
        self.has_account(address).then(|| self.handle(address.clone()))
    }

    /// All accounts, `bonjour@local` first.
    #[must_use]
    pub fn get_accounts(&self) -> Vec<AnyAccount> {
        self.iter_accounts().collect()
    }

    /// All accounts there are now, `bonjour@local` first.
    pub fn iter_accounts(&self) -> impl Iterator<Item = AnyAccount> + '_ {
        let addresses = self.configuration.configuration().addresses();
        addresses.into_iter().map(|address| self.handle(address))
    }

    /// The account that needs no server. It is always there.
    #[must_use]
    pub fn bonjour_account(&self) -> BonjourAccount {
        let identity = self.configuration.identity(&AccountAddress::bonjour());
        BonjourAccount::new(self.configuration.clone(), identity)
    }

    /// Adds an account and saves it.
    ///
    /// # Errors
    /// When there is one of that address, there are too many, or it cannot be saved: then it is
    /// not added.
    pub fn add(
        &self,
        address: AccountAddress,
        settings: AccountSettings,
    ) -> Result<Account, ConfigurationError> {
        self.configuration.change(|configuration| {
            if address.is_bonjour() || configuration.account(&address).is_some() {
                return Err(ConfigurationError::AccountExists(address.clone()));
            }
            if configuration.accounts.len() >= ACCOUNTS_MAX {
                return Err(ConfigurationError::TooManyAccounts);
            }
            configuration.accounts.push((address.clone(), settings.clone()));
            Ok(())
        })?;
        self.configuration.save().inspect_err(|_| {
            self.always(|accounts| accounts.retain(|(known, _)| *known != address));
        })?;
        let identity = self.configuration.identity(&address);
        Ok(Account::new(self.configuration.clone(), address, identity))
    }

    /// Removes an account with its settings, and saves that.
    ///
    /// # Errors
    /// When there is none of that address, it is `bonjour@local`, or it cannot be saved: then it
    /// is not removed.
    pub fn remove(&self, address: &AccountAddress) -> Result<(), ConfigurationError> {
        if address.is_bonjour() {
            return Err(ConfigurationError::BonjourStays);
        }
        let (place, removed) = self.configuration.change(|configuration| {
            let accounts = &mut configuration.accounts;
            let place = accounts.iter().position(|(known, _)| known == address);
            let place = place.ok_or_else(|| ConfigurationError::UnknownAccount(address.clone()))?;
            Ok((place, accounts.remove(place)))
        })?;
        self.configuration.save().inspect_err(|_| {
            self.always(|accounts| accounts.insert(place.min(accounts.len()), removed.clone()));
        })
    }

    /// Changes the list of accounts without a way to fail.
    fn always(&self, mut change: impl FnMut(&mut Vec<(AccountAddress, AccountSettings)>)) {
        let done = self.configuration.change(|configuration| {
            change(&mut configuration.accounts);
            Ok(())
        });
        done.unwrap_or_default();
    }

    /// The account that calls are made with where nobody says otherwise: the one that the setting
    /// `default_account` names, if it is enabled; else the first enabled one.
    #[must_use]
    pub fn default_account(&self) -> Option<AnyAccount> {
        let address = self.configuration.configuration().default_account()?;
        Some(self.handle(address))
    }

    /// Makes an enabled account the default one, and saves that.
    ///
    /// # Errors
    /// When there is no such account, it is not enabled, or it cannot be saved: then the default
    /// stays.
    pub fn set_default_account(&self, address: &AccountAddress) -> Result<(), ConfigurationError> {
        let before = self.configuration.change(|configuration| {
            if configuration.object(Some(address)).is_none() {
                return Err(ConfigurationError::UnknownAccount(address.clone()));
            }
            if !configuration.is_enabled(address) {
                return Err(ConfigurationError::AccountNotEnabled(address.clone()));
            }
            let place = &mut configuration.settings.general.default_account;
            Ok(std::mem::replace(place, address.clone()))
        })?;
        self.configuration.save().inspect_err(|_| {
            self.configuration
                .update(|settings| settings.general.default_account.clone_from(&before));
        })
    }

    /// The enabled account that a request to `uri` is for: by the user of its contact, else by its
    /// own user and host, else by its user alone.
    #[must_use]
    pub fn find_account(&self, uri: &SipUri) -> Option<AnyAccount> {
        let configuration = self.configuration.configuration();
        let contact = |address: &AccountAddress| {
            Some(self.configuration.identity(address).contact_user.to_string())
        };
        configuration.find_account(uri, contact).map(|address| self.handle(address))
    }
}

impl ConfigurationManager {
    /// What an account is given for its life in this process: a number, a user for its contact.
    fn identity(&self, address: &AccountAddress) -> Identity {
        let mut known = lock(&self.shared.known);
        if let Some(identity) = known.accounts.get(address) {
            return identity.clone();
        }
        let letter = |_| {
            let drawn = u8::try_from(known.entropy.below(26)).unwrap_or_default();
            char::from(b'a'.saturating_add(drawn))
        };
        let contact_user: String = (0..CONTACT_USER_LETTERS).map(letter).collect();
        let identity = Identity { id: AccountId(known.next), contact_user: contact_user.into() };
        known.next += 1;
        known.accounts.insert(address.clone(), identity.clone());
        identity
    }

    /// An account is gone: one of the same address would be another.
    pub(super) fn forget(&self, address: &AccountAddress) {
        lock(&self.shared.known).accounts.remove(address);
    }
}
