//! Global settings and all accounts together: what one file keeps.

use super::account::{AccountSettings, BonjourSettings};
use super::account_address::AccountAddress;
use super::global::Settings;
use super::table::SettingsObject;
use crate::route::Route;
use crate::sip::SipUri;

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
    pub accounts: Vec<(AccountAddress, AccountSettings)>,
}

impl Configuration {
    /// The account of that name, other than `bonjour@local`.
    #[must_use]
    pub fn account(&self, id: &AccountAddress) -> Option<&AccountSettings> {
        self.accounts.iter().find(|(known, _)| known == id).map(|(_, account)| account)
    }

    /// The account of that name, other than `bonjour@local`, to be changed.
    #[must_use]
    pub fn account_mut(&mut self, id: &AccountAddress) -> Option<&mut AccountSettings> {
        self.accounts.iter_mut().find(|(known, _)| known == id).map(|(_, account)| account)
    }

    /// The names of all accounts, `bonjour@local` first.
    #[must_use]
    pub fn addresses(&self) -> Vec<AccountAddress> {
        let others = self.accounts.iter().map(|(id, _)| id.clone());
        std::iter::once(AccountAddress::bonjour()).chain(others).collect()
    }

    /// Whether that account exists and is enabled.
    #[must_use]
    pub fn is_enabled(&self, id: &AccountAddress) -> bool {
        if id.is_bonjour() {
            return self.bonjour.general.enabled;
        }
        self.account(id).is_some_and(|account| account.general.enabled)
    }

    /// The account that is used where nobody names one: the one that `default_account` names if
    /// it is enabled, else the first enabled one; `None` when none is.
    #[must_use]
    pub fn default_account(&self) -> Option<AccountAddress> {
        let named = self.settings.general.default_account.clone();
        if self.is_enabled(&named) {
            return Some(named);
        }
        self.addresses().into_iter().find(|id| self.is_enabled(id))
    }

    /// The enabled accounts beside the default one and `bonjour@local`, in order.
    pub fn others(&self) -> impl Iterator<Item = (&AccountAddress, &AccountSettings)> {
        let default = self.default_account();
        self.accounts
            .iter()
            .map(|(address, account)| (address, account))
            .filter(move |(id, account)| account.general.enabled && Some(*id) != default.as_ref())
    }

    /// Where a request of the default account to `uri` goes first: over the account's outbound
    /// proxy to its own domain, and to others with `always_use_my_proxy`. `None`: to the URI's own
    /// host.
    #[must_use]
    pub fn route_to(&self, uri: &SipUri) -> Option<&Route> {
        let address = self.default_account()?;
        let sip = &self.account(&address)?.sip;
        let is_own = || uri.host().to_string().eq_ignore_ascii_case(address.domain());
        let proxy = sip.outbound_proxy.as_ref()?;
        (sip.always_use_my_proxy || is_own()).then_some(proxy)
    }

    /// The enabled account that a request to `uri` is for: one whose contact has that user
    /// (`contact` tells the users of contacts), else the one with that very user and host, else
    /// the first one with that user.
    #[must_use]
    pub fn find_account(
        &self,
        uri: &SipUri,
        contact: impl Fn(&AccountAddress) -> Option<String>,
    ) -> Option<AccountAddress> {
        let user = uri.user()?;
        let host = uri.host().to_string().to_ascii_lowercase();
        let mut enabled = self.addresses();
        enabled.retain(|address| self.is_enabled(address));
        let has_user = |address: &AccountAddress| address.uri().user().as_ref() == Some(&user);
        let by_contact = enabled.iter().find(|address| contact(address).as_ref() == Some(&user));
        let exact = || enabled.iter().find(|own| own.domain() == host && has_user(own));
        let loose = || enabled.iter().find(|own| has_user(own));
        by_contact.or_else(exact).or_else(loose).cloned()
    }

    /// The account's settings by name; for `None` the global ones. `None` if there is no such
    /// account.
    #[must_use]
    pub fn object(&self, account: Option<&AccountAddress>) -> Option<&dyn SettingsObject> {
        match account {
            None => Some(&self.settings),
            Some(id) if id.is_bonjour() => Some(&self.bonjour),
            Some(id) => self.account(id).map(|account| account as &dyn SettingsObject),
        }
    }

    /// Like [`object`](Self::object), to be changed.
    #[must_use]
    pub fn object_mut(
        &mut self,
        account: Option<&AccountAddress>,
    ) -> Option<&mut dyn SettingsObject> {
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
