//! Global settings and all accounts together: what one file keeps.

use super::account::{AccountSettings, BonjourSettings};
use super::account_id::AccountId;
use super::global::Settings;
use super::table::SettingsObject;

/// Accounts at most, `bonjour@local` beside them.
pub const ACCOUNTS_MAX: usize = 1000;

/// Global settings and accounts.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Configuration {
    /// The settings of the whole user agent.
    pub settings: Settings,
    /// The settings of `bonjour@local`.
    pub bonjour: BonjourSettings,
    /// The other accounts, in the order of the file.
    pub accounts: Vec<(AccountId, AccountSettings)>,
}

impl Configuration {
    /// The account of that name, other than `bonjour@local`.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&AccountSettings> {
        self.accounts.iter().find(|(known, _)| known == id).map(|(_, account)| account)
    }

    /// The account of that name, other than `bonjour@local`, to be changed.
    #[must_use]
    pub fn account_mut(&mut self, id: &AccountId) -> Option<&mut AccountSettings> {
        self.accounts.iter_mut().find(|(known, _)| known == id).map(|(_, account)| account)
    }

    /// The names of all accounts, `bonjour@local` first.
    #[must_use]
    pub fn account_ids(&self) -> Vec<AccountId> {
        let others = self.accounts.iter().map(|(id, _)| id.clone());
        std::iter::once(AccountId::bonjour()).chain(others).collect()
    }

    /// Whether that account exists and is enabled.
    #[must_use]
    pub fn is_enabled(&self, id: &AccountId) -> bool {
        if id.is_bonjour() {
            return self.bonjour.general.enabled;
        }
        self.account(id).is_some_and(|account| account.general.enabled)
    }

    /// The account that is used where nobody names one: the one that `default_account` names if
    /// it is enabled, else the first enabled one; `None` when none is.
    #[must_use]
    pub fn default_account(&self) -> Option<AccountId> {
        let named = self.settings.general.default_account.clone();
        if self.is_enabled(&named) {
            return Some(named);
        }
        self.account_ids().into_iter().find(|id| self.is_enabled(id))
    }

    /// The account's settings by name; for `None` the global ones. `None` if there is no such
    /// account.
    #[must_use]
    pub fn object(&self, account: Option<&AccountId>) -> Option<&dyn SettingsObject> {
        match account {
            None => Some(&self.settings),
            Some(id) if id.is_bonjour() => Some(&self.bonjour),
            Some(id) => self.account(id).map(|account| account as &dyn SettingsObject),
        }
    }

    /// Like [`object`](Self::object), to be changed.
    #[must_use]
    pub fn object_mut(&mut self, account: Option<&AccountId>) -> Option<&mut dyn SettingsObject> {
        match account {
            None => Some(&mut self.settings),
            Some(id) if id.is_bonjour() => Some(&mut self.bonjour),
            Some(id) => self.account_mut(id).map(|account| account as &mut dyn SettingsObject),
        }
    }

    /// Whether both say the same, in whatever order accounts stand.
    #[must_use]
    pub(super) fn says_what(&self, other: &Self) -> bool {
        self.settings == other.settings
            && self.bonjour == other.bonjour
            && self.accounts.len() == other.accounts.len()
            && self.accounts.iter().all(|(id, account)| other.account(id) == Some(account))
    }
}
