//! Telling of changed settings and accounts.

use super::ConfigurationManager;
use crate::notification::{Notification, NotificationData as Data, Sender, SettingChange};
use crate::settings::{AccountAddress, Configuration, Modified, Value, modified};

/// What stands for the global settings in notifications.
const GLOBAL: &str = "settings";

impl ConfigurationManager {
    fn post(&self, sender: Sender, data: Data) {
        let timestamp = self.shared.clock.timestamp();
        if let Err(full) = self.shared.center.post(Notification { timestamp, sender, data }) {
            log::warn!("{full}");
        }
    }

    /// Tells what differs: accounts that are gone, accounts that are new, settings, the default
    /// account.
    pub(super) fn tell_changes(&self, before: &Configuration, now: &Configuration) {
        for (address, _) in before.accounts.iter().filter(|(a, _)| now.account(a).is_none()) {
            self.forget(address);
            let account = address.to_string();
            self.post(Sender::AccountManager, Data::AccountManagerDidRemoveAccount { account });
        }
        for (address, _) in now.accounts.iter().filter(|(a, _)| before.account(a).is_none()) {
            let account = address.to_string();
            self.post(Sender::AccountManager, Data::AccountManagerDidAddAccount { account });
        }
        for (object, changes) in changes(before, now) {
            let data = Data::SettingsObjectDidChange { object, modified: told(changes) };
            self.post(Sender::Settings, data);
        }
        let default = now.default_account();
        if default != before.default_account() {
            let account = default.map(|address| address.to_string());
            let data = Data::AccountManagerDidChangeDefaultAccount { account };
            self.post(Sender::AccountManager, data);
        }
    }

    /// Tells what could not be saved, an object at a time.
    pub(super) fn tell_failure(&self, before: &Configuration, now: &Configuration, reason: &str) {
        let mut objects = changes(before, now);
        let differs = |(address, _): &&(AccountAddress, _)| {
            before.account(address).is_none() || now.account(address).is_none()
        };
        let accounts = before.accounts.iter().chain(&now.accounts).filter(differs);
        objects.extend(accounts.map(|(address, _)| (address.to_string(), Modified::new())));
        for (object, changes) in objects {
            let (modified, exception) = (told(changes), reason.to_owned());
            self.post(Sender::Settings, Data::SettingsSaveFailed { object, modified, exception });
        }
    }
}

/// What differs in objects that both have.
fn changes(before: &Configuration, now: &Configuration) -> Vec<(String, Modified)> {
    let mut all = vec![(GLOBAL.to_owned(), modified(&before.settings, &now.settings))];
    for address in now.addresses() {
        let objects = before.object(Some(&address)).zip(now.object(Some(&address)));
        all.extend(objects.map(|(before, now)| (address.to_string(), modified(before, now))));
    }
    all.retain(|(_, changes)| !changes.is_empty());
    all
}

fn told(changes: Modified) -> Vec<SettingChange> {
    let text = |value: Value| (value != Value::None).then(|| value.to_string());
    let told = |(path, (old, new)): (&str, _)| SettingChange {
        path: path.into(),
        old: text(old),
        new: text(new),
    };
    changes.into_iter().map(told).collect()
}
