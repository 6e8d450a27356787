//! Accounts: added, removed, found, the default one, and their passwords.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use offhook::auth::Hop;
use offhook::settings::{ACCOUNTS_MAX, AccountAddress, AccountSettings, SettingsObject as _};
use offhook::{
    AccountManager, AnyAccount, ConfigurationManager, Delivery, Filter, NotificationCenter,
    Subscription,
};

const SOON: Duration = Duration::from_secs(20);

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("accounts").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

fn start(folder: &Path) -> (ConfigurationManager, AccountManager, Subscription) {
    let center = NotificationCenter::new().unwrap();
    let told = center.subscribe(Filter::ALL, 100);
    let configuration = ConfigurationManager::start(folder, center).unwrap();
    let accounts = configuration.accounts();
    (configuration, accounts, told)
}

fn next(told: &Subscription) -> String {
    match told.next(SOON) {
        Some(Delivery::Notification(notification)) => notification.to_string(),
        other => panic!("{other:?}"),
    }
}

fn address(text: &str) -> AccountAddress {
    text.parse().unwrap()
}

fn enabled() -> AccountSettings {
    let mut settings = AccountSettings::default();
    settings.general.enabled = true;
    settings
}

fn addresses(accounts: &AccountManager) -> Vec<String> {
    accounts.iter_accounts().map(|account| account.address().to_string()).collect()
}

fn default_of(accounts: &AccountManager) -> Option<String> {
    accounts.default_account().map(|account| account.address().to_string())
}

#[test]
fn bonjour_is_always_there_first_and_the_default() {
    let (_, accounts, _told) = start(&folder("bonjour"));
    assert_eq!(addresses(&accounts), ["bonjour@local"]);
    assert_eq!(default_of(&accounts).as_deref(), Some("bonjour@local"));
    assert!(accounts.has_account(&AccountAddress::bonjour()));
    let bonjour = accounts.bonjour_account();
    assert!(bonjour.is_enabled());
    assert_eq!(accounts.remove(bonjour.address()).unwrap_err().name(), "BonjourStays");
    let again = accounts.add(bonjour.address().clone(), enabled());
    assert_eq!(again.unwrap_err().name(), "AccountExists");
}

#[test]
fn an_added_account_is_saved_told_and_there_after_a_restart() {
    let folder = folder("added");
    let (_, accounts, told) = start(&folder);
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    let expected = "SIPAccountManagerDidAddAccount accounts account=alice@example.com";
    assert_eq!(next(&told), expected);
    assert_eq!(alice.uri().to_string(), "sip:alice@example.com");
    let again = accounts.add(address("alice@Example.com"), enabled()).unwrap_err();
    assert_eq!(again.to_string(), "there is an account alice@example.com already");
    accounts.add(address("aaron@example.com"), AccountSettings::default()).unwrap();
    let (_, accounts, _told) = start(&folder);
    let expected = ["bonjour@local", "alice@example.com", "aaron@example.com"];
    assert_eq!(addresses(&accounts), expected);
    assert!(accounts.get_account(&address("alice@example.com")).unwrap().is_enabled());
    assert!(accounts.get_account(&address("bob@example.com")).is_none());
}

#[test]
fn a_removed_account_is_gone_and_its_handle_says_so() {
    let folder = folder("removed");
    let (_, accounts, told) = start(&folder);
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    next(&told);
    accounts.remove(alice.address()).unwrap();
    let expected = "SIPAccountManagerDidRemoveAccount accounts account=alice@example.com";
    assert_eq!(next(&told), expected);
    assert!(alice.settings().is_none() && !alice.is_enabled());
    assert_eq!(alice.update(|_| ()).unwrap_err().name(), "UnknownAccount");
    assert_eq!(alice.credentials().unwrap_err().name(), "UnknownAccount");
    assert_eq!(accounts.remove(alice.address()).unwrap_err().name(), "UnknownAccount");
    assert!(!std::fs::read_to_string(folder.join("settings.toml")).unwrap().contains("alice"));
    let another = accounts.add(address("alice@example.com"), enabled()).unwrap();
    assert_ne!((another.id(), another.contact_user()), (alice.id(), alice.contact_user()));
}

#[test]
fn an_account_s_change_is_told_with_its_address_and_without_its_password() {
    let (configuration, accounts, told) = start(&folder("change"));
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    next(&told);
    alice.update(|settings| settings.set("auth.password", "sesame").unwrap()).unwrap();
    configuration.set(Some(alice.address()), "display_name", "Alice").unwrap();
    alice.save().unwrap();
    let expected = "CFGSettingsObjectDidChange settings object=alice@example.com \
                    modified={auth.password={old=none,new=***},\
                    display_name={old=none,new=Alice}}";
    assert_eq!(next(&told), expected);
    assert_eq!(alice.uri().to_string(), "\"Alice\" <sip:alice@example.com>");
}

#[test]
fn the_default_account_is_chosen_saved_and_told() {
    let folder = folder("default");
    let (configuration, accounts, told) = start(&folder);
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    next(&told);
    accounts.set_default_account(alice.address()).unwrap();
    assert!(next(&told).contains("default_account={old=bonjour@local,new=alice@example.com}"));
    let expected = "SIPAccountManagerDidChangeDefaultAccount accounts account=alice@example.com";
    assert_eq!(next(&told), expected);
    assert_eq!(default_of(&start(&folder).1).as_deref(), Some("alice@example.com"));

    alice.update(|settings| settings.general.enabled = false).unwrap();
    configuration.save().unwrap();
    assert!(next(&told).contains("enabled={old=true,new=false}"));
    let expected = "SIPAccountManagerDidChangeDefaultAccount accounts account=bonjour@local";
    assert_eq!(next(&told), expected);
    let refused = accounts.set_default_account(alice.address()).unwrap_err();
    assert_eq!(refused.name(), "AccountNotEnabled");

    accounts.bonjour_account().update(|settings| settings.general.enabled = false);
    configuration.save().unwrap();
    next(&told);
    assert!(next(&told).ends_with("DidChangeDefaultAccount accounts account=none"));
    assert_eq!(default_of(&accounts), None);
    let nobody = accounts.set_default_account(&address("nobody@example.com")).unwrap_err();
    assert_eq!(nobody.name(), "UnknownAccount");
}

#[test]
fn removing_the_default_account_makes_another_the_default() {
    let (_, accounts, told) = start(&folder("default-removed"));
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    accounts.set_default_account(alice.address()).unwrap();
    accounts.remove(alice.address()).unwrap();
    for expected in [
        "SIPAccountManagerDidAddAccount",
        "CFGSettingsObjectDidChange",
        "SIPAccountManagerDidChangeDefaultAccount accounts account=alice@example.com",
        "SIPAccountManagerDidRemoveAccount",
        "SIPAccountManagerDidChangeDefaultAccount accounts account=bonjour@local",
    ] {
        let told = next(&told);
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn a_request_finds_its_account_by_contact_by_address_or_by_user() {
    let (_, accounts, _told) = start(&folder("find"));
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    accounts.add(address("alice@example.net"), enabled()).unwrap();
    accounts.add(address("off@example.com"), AccountSettings::default()).unwrap();
    let letters = alice.contact_user();
    assert!(letters.len() == 8 && letters.bytes().all(|byte| byte.is_ascii_lowercase()));
    let found = |uri: &str| {
        let found = accounts.find_account(&uri.parse().unwrap());
        found.map(|account| account.address().to_string())
    };
    for (uri, expected) in [
        (format!("sip:{letters}@192.0.2.1:5070"), Some("alice@example.com")),
        ("sip:alice@example.net".into(), Some("alice@example.net")),
        ("sip:alice@192.0.2.1".into(), Some("alice@example.com")),
        ("sip:off@example.com".into(), None),
        ("sip:nobody@example.com".into(), None),
    ] {
        assert_eq!(found(&uri).as_deref(), expected, "{uri}");
    }
    let contact = format!("sip:{}@192.0.2.1", accounts.bonjour_account().contact_user());
    assert_eq!(found(&contact).as_deref(), Some("bonjour@local"));
}

#[test]
fn an_account_keeps_its_number_and_its_contact_as_long_as_it_lives() {
    let (_, accounts, _told) = start(&folder("identity"));
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    let Some(AnyAccount::Account(again)) = accounts.get_account(alice.address()) else {
        panic!("no account");
    };
    assert_eq!((again.id(), again.contact_user()), (alice.id(), alice.contact_user()));
    let bonjour = accounts.bonjour_account();
    assert_ne!((bonjour.id(), bonjour.contact_user()), (alice.id(), alice.contact_user()));
}

#[test]
fn what_cannot_be_saved_is_neither_added_nor_removed_nor_chosen() {
    let folder = folder("unsaved");
    let (_, accounts, told) = start(&folder);
    let alice = accounts.add(address("alice@example.com"), enabled()).unwrap();
    next(&told);
    let file = folder.join("settings.toml");
    let changed = format!("{}# by hand\n", std::fs::read_to_string(&file).unwrap());
    std::fs::write(&file, changed).unwrap();
    let added = accounts.add(address("bob@example.com"), enabled()).unwrap_err();
    assert_eq!(added.name(), "ChangedOnDisk");
    assert!(next(&told).starts_with("CFGManagerSaveFailed settings object=bob@example.com"));
    assert_eq!(accounts.remove(alice.address()).unwrap_err().name(), "ChangedOnDisk");
    let chosen = accounts.set_default_account(alice.address()).unwrap_err();
    assert_eq!(chosen.name(), "ChangedOnDisk");
    assert_eq!(addresses(&accounts), ["bonjour@local", "alice@example.com"]);
    assert_eq!(default_of(&accounts).as_deref(), Some("bonjour@local"));
}

#[test]
fn accounts_are_taken_up_to_their_limit_and_not_one_past_it() {
    let folder = folder("limit");
    std::fs::create_dir_all(&folder).unwrap();
    let text: String = (1..ACCOUNTS_MAX).map(|n| format!("[account.\"u{n}@h\"]\n")).collect();
    std::fs::write(folder.join("settings.toml"), text).unwrap();
    let (_, accounts, _told) = start(&folder);
    accounts.add(address("last@h"), enabled()).unwrap();
    let error = accounts.add(address("more@h"), enabled()).unwrap_err();
    assert_eq!(error.name(), "TooManyAccounts");
    assert_eq!(addresses(&accounts).len(), ACCOUNTS_MAX + 1);
}

fn credentials_with(name: &str, settings: &[(&str, &str)]) -> Result<Option<String>, String> {
    let folder = folder(name);
    let (_, accounts, _told) = start(&folder);
    let mut account = enabled();
    for (name, value) in settings {
        account.set(name, value).unwrap();
    }
    let alice = accounts.add(address("al%20ice@example.com"), account).unwrap();
    std::fs::write(folder.join("good"), "open sesame\r\nsecond line\n").unwrap();
    std::fs::write(folder.join("empty"), "\n").unwrap();
    std::fs::write(folder.join("long"), "x".repeat(5000)).unwrap();
    std::fs::write(folder.join("bytes"), b"sesame\xff").unwrap();
    let credentials = alice.credentials().map_err(|error| error.to_string())?;
    Ok(credentials.map(|known| format!("{} {}", known.username(), known.password())))
}

#[test]
fn credentials_are_the_account_s_user_with_its_password() {
    assert_eq!(credentials_with("none", &[]), Ok(None));
    let own = credentials_with("own", &[("auth.password", "sesame")]);
    assert_eq!(own, Ok(Some("al ice sesame".into())));
    let named = [("auth.password", "sesame"), ("auth.username", "1234")];
    assert_eq!(credentials_with("named", &named), Ok(Some("1234 sesame".into())));
}

#[test]
fn a_password_file_gives_its_first_line_unless_there_is_a_password() {
    let file = credentials_with("file", &[("auth.password_file", "good")]);
    assert_eq!(file, Ok(Some("al ice open sesame".into())));
    let both = [("auth.password_file", "nowhere"), ("auth.password", "x")];
    assert_eq!(credentials_with("both", &both), Ok(Some("al ice x".into())));
    for (name, told) in [
        ("nowhere", "No such file"),
        ("empty", "its first line is no password"),
        ("long", "it is too long for a password"),
        ("bytes", "it is no UTF-8 text"),
    ] {
        let error = credentials_with("bad", &[("auth.password_file", name)]).unwrap_err();
        assert!(error.contains(told) && error.contains(name), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }
}

#[test]
fn the_engine_is_started_with_the_default_account_s_password_for_its_own_servers() {
    let folder = folder("engine");
    let (configuration, accounts, _told) = start(&folder);
    let mut account = enabled();
    account.set("auth.password_file", "secret").unwrap();
    account.set("sip.outbound_proxy", "192.0.2.7:5070").unwrap();
    let alice = accounts.add(address("alice@example.com"), account).unwrap();
    accounts.set_default_account(alice.address()).unwrap();
    std::fs::write(folder.join("secret"), "open sesame\n").unwrap();
    let config = configuration.engine_config().unwrap();
    let [known] = config.credentials.try_into().unwrap();
    assert_eq!((known.username(), known.password()), ("alice", "open sesame"));
    let hop = Hop::chosen("192.0.2.9".parse().unwrap());
    assert!(!known.trusts(&hop));
    assert!(known.trusts(&Hop { host: Some("example.com"), ..hop }));
    assert!(known.trusts(&Hop::chosen("192.0.2.7".parse().unwrap())));
    alice.update(|settings| settings.set("auth.password_file", "nowhere").unwrap()).unwrap();
    let error = configuration.engine_config().unwrap_err().to_string();
    assert!(error.contains("nowhere"), "{error}");
}
