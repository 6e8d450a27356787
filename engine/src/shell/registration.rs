//! What an application says of its accounts' registrations.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::engine::EngineShared;
use crate::error::AccountError;
use crate::id::AccountId;
use crate::notification::NotificationData;
use crate::registration;
use crate::sip::SipUri;

/// How long a registration is asked for, unless the account says otherwise.
const EXPIRES: Duration = Duration::from_secs(600);
/// The shortest and the longest registration that is asked for.
const EXPIRES_MIN: Duration = Duration::from_secs(10);
const EXPIRES_MAX: Duration = Duration::from_secs(604_800);

/// How an account registers (RFC 3261 §10).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// It registers when the engine starts; otherwise with [`Engine::register`].
    pub at_start: bool,
    /// How long it asks to be kept: 10 s to a week, in whole seconds; 600 s by default. The
    /// registrar decides, and the registration is refreshed in time.
    pub expires: Duration,
    /// Where its REGISTER requests go, tried in this order; none: the servers of the account's
    /// domain (RFC 3263). Their hosts are trusted with the account's password.
    pub routes: Vec<SipUri>,
}

impl Default for Registration {
    fn default() -> Self {
        Self { at_start: false, expires: EXPIRES, routes: Vec::new() }
    }
}

impl Registration {
    /// What is wrong with it, if anything.
    pub(crate) fn fault(&self) -> Option<String> {
        if (EXPIRES_MIN..=EXPIRES_MAX).contains(&self.expires) {
            return None;
        }
        let (least, most) = (EXPIRES_MIN.as_secs(), EXPIRES_MAX.as_secs());
        Some(format!("registration.expires is not between {least} and {most} s"))
    }
}

impl EngineShared {
    /// How that account registers.
    pub(crate) fn registration(&self, account: usize) -> &Registration {
        let other = account.checked_sub(1).and_then(|index| self.config.other_accounts.get(index));
        other.map_or(&self.config.registration, |other| &other.registration)
    }

    /// What its registration is made with.
    pub(crate) fn registration_settings(
        &self,
        id: AccountId,
        account: usize,
    ) -> registration::Settings {
        let other = account.checked_sub(1).and_then(|index| self.other_settings.get(index));
        let settings = other.unwrap_or(&self.settings);
        let uri = settings.local_uri.clone();
        let registration = self.registration(account);
        registration::Settings {
            account: id,
            name: name_of(&uri),
            contact_user: uri.user().unwrap_or_default(),
            uri,
            expires: u32::try_from(registration.expires.as_secs()).unwrap_or(u32::MAX),
            credentials: settings.credentials.clone(),
            is_chosen_way: !registration.routes.is_empty(),
            timers: settings.timers,
            user_agent: settings.user_agent.clone(),
        }
    }

    /// The named accounts, as [`Shared::account`](super::registry::Shared::account) counts them.
    pub(crate) fn named_accounts(&self) -> impl Iterator<Item = (usize, &SipUri)> + Clone {
        (0..=self.other_settings.len()).filter_map(|index| Some((index, self.account(index)?)))
    }

    /// Tells that the accounts are there, and registers those that want it.
    pub(crate) fn activate_accounts(self: &Arc<Self>) {
        for (index, uri) in self.named_accounts() {
            self.tell(NotificationData::AccountDidActivate { account: name_of(uri) });
            if self.registration(index).at_start
                && let Err(error) = self.accounts.order(self, index, true)
            {
                log::error!("{uri} does not register: {error}");
            }
        }
    }

    /// Tells that the accounts are there no longer.
    pub(crate) fn deactivate_accounts(&self) {
        for (_, uri) in self.named_accounts() {
            self.tell(NotificationData::AccountDidDeactivate { account: name_of(uri) });
        }
    }
}

/// `user@host`, as notifications name an account.
fn name_of(uri: &SipUri) -> String {
    format!("{}@{}", uri.user().unwrap_or_default(), uri.host())
}

impl Engine {
    /// Registers the engine's account ([`Config::account`](super::Config::account)) and keeps it
    /// registered: refreshed in time, by another server where one fails, again after a failure.
    /// Returns at once; `SIPAccountRegistrationDidSucceed` and `SIPAccountRegistrationDidFail` tell
    /// of each try. One that is registered is refreshed now, and told of again.
    ///
    /// ```
    /// use offhook::{Config, Engine, NotificationCenter};
    ///
    /// let center = NotificationCenter::new()?;
    /// let account = Some("sip:alice@127.0.0.1:9".into());
    /// let engine = Engine::start(Config { account, ..Config::default() }, center)?;
    /// engine.register()?;
    /// engine.stop();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the engine has no account or has ended, or has too much to do.
    pub fn register(&self) -> Result<(), AccountError> {
        self.order(None, true)
    }

    /// The same for another of the engine's accounts.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_of(&self, account: &SipUri) -> Result<(), AccountError> {
        self.order(Some(account), true)
    }

    /// Takes the account's registration back; `SIPAccountRegistrationDidEnd` tells that it is gone.
    /// Without one nothing happens. [`stop`](Self::stop) does so for all accounts.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn unregister(&self) -> Result<(), AccountError> {
        self.order(None, false)
    }

    /// The same for another of the engine's accounts.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn unregister_of(&self, account: &SipUri) -> Result<(), AccountError> {
        self.order(Some(account), false)
    }

    fn order(&self, account: Option<&SipUri>, wanted: bool) -> Result<(), AccountError> {
        let shared = self.shared();
        let is_it = |(index, uri): &(usize, &SipUri)| match account {
            Some(account) => uri.is_equivalent(account),
            None => *index == 0,
        };
        let found = shared.named_accounts().find(is_it).map(|(index, _)| index);
        let index =
            found.ok_or_else(|| AccountError::NoAccount(account.map(ToString::to_string)))?;
        if !shared.is_running() {
            return Err(AccountError::EngineEnded);
        }
        shared.accounts.order(shared, index, wanted)
    }
}
