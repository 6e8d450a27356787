//! Changing settings and accounts.

use std::io::{BufRead as _, Read as _};

use offhook::settings::{
    AccountAddress, AccountSettings, SECRET_MAX, Secret, SettingError, SettingsObject, Value,
};
use offhook::{ConfigurationError, ConfigurationManager};
use serde_json::json;

use super::Problem;
use super::show::{Form, chosen, value};
use crate::json;

/// Other processes may change the file as often as this between our reading and our writing.
const TRIES_MAX: u32 = 100;

type Pairs = [(String, String)];

/// Does `change`; when another process was faster, once more on what that one has written.
fn settle<R>(
    manager: &ConfigurationManager,
    change: impl Fn() -> Result<R, ConfigurationError>,
) -> Result<R, Problem> {
    let mut tries = 0;
    loop {
        tries += 1;
        match change() {
            Err(ConfigurationError::ChangedOnDisk(_)) if tries < TRIES_MAX => {
                manager.reload()?;
            }
            done => return Ok(done?),
        }
    }
}

/// A value as it was typed, or a password from standard input.
enum Given {
    Text(String),
    Password(Secret),
}

fn given(
    object: &dyn SettingsObject,
    pairs: &Pairs,
    form: Form,
) -> Result<Vec<(String, Given)>, Problem> {
    let list = object.list();
    let mut all = Vec::new();
    for (name, text) in pairs {
        let is_secret = list.iter().any(|row| row.secret && row.name == name);
        let given = match text.as_str() {
            // Nobody else sees the agent's commands, and standard input is where they come from.
            word if is_secret && form.is_private && !word.eq_ignore_ascii_case("none") => {
                Given::Password(Secret::new(word.to_owned()))
            }
            "-" if is_secret => Given::Password(password()?),
            word if is_secret && !word.eq_ignore_ascii_case("none") => {
                return Err(Problem::argument(format!(
                    "{name}: others can see what stands on a command line; type {name}=- and \
                     give it on standard input"
                )));
            }
            _ => Given::Text(text.clone()),
        };
        all.push((name.clone(), given));
    }
    Ok(all)
}

fn password() -> Result<Secret, Problem> {
    let mut line = String::new();
    let limit = u64::try_from(SECRET_MAX + 2).unwrap_or(u64::MAX);
    let read = std::io::stdin().lock().take(limit).read_line(&mut line);
    let secret = Secret::new(line);
    read.map_err(|error| Problem::argument(format!("standard input: {error}")))?;
    Ok(Secret::new(secret.expose().trim_end_matches(['\r', '\n'])))
}

fn assign(object: &mut dyn SettingsObject, all: &[(String, Given)]) -> Result<(), SettingError> {
    for (name, given) in all {
        match given {
            Given::Text(text) => object.set(name, text)?,
            Given::Password(secret) => object.set_value(name, Value::Secret(secret.clone()))?,
        }
    }
    Ok(())
}

/// Sets all or nothing.
pub(super) fn set(
    manager: &ConfigurationManager,
    account: Option<&AccountAddress>,
    pairs: &Pairs,
    form: Form,
) -> Result<Vec<String>, Problem> {
    let configuration = manager.configuration();
    let names: Vec<String> = pairs.iter().map(|(name, _)| name.clone()).collect();
    let rows = chosen(&configuration, account, &names)?;
    let Some(object) = configuration.object(account) else { return Ok(Vec::new()) };
    let all = given(object, pairs, form)?;
    settle(manager, || {
        let done = manager.update_object(account, |object| assign(object, &all));
        done.and_then(|()| manager.save())
    })?;
    let configuration = manager.configuration();
    let shown = |row| form.setting(account, row, &value(&configuration, account, row));
    Ok(rows.into_iter().map(shown).collect())
}

/// Gives settings and groups their defaults.
pub(super) fn reset(
    manager: &ConfigurationManager,
    account: Option<&AccountAddress>,
    names: &[String],
    form: Form,
) -> Result<Vec<String>, Problem> {
    let rows = chosen(&manager.configuration(), account, names)?;
    settle(manager, || {
        let all = |object: &mut dyn SettingsObject| {
            rows.iter().try_for_each(|row| object.reset(row.name))
        };
        manager.update_object(account, all).and_then(|()| manager.save())
    })?;
    Ok(rows.into_iter().map(|row| form.setting(account, row, &row.default())).collect())
}

/// Gives all settings of an account their defaults; without one moves the whole file aside.
pub(super) fn reset_all(
    manager: &ConfigurationManager,
    account: Option<&AccountAddress>,
    form: Form,
) -> Result<Vec<String>, Problem> {
    if account.is_some() {
        return reset(manager, account, &[], form);
    }
    let aside = manager.reset_file()?;
    let aside = aside.map(|path| path.to_string_lossy().into_owned());
    if form.json {
        let data = json!({ "moved_to": aside });
        return Ok(vec![json::object("offhook.settings_reset", None, &data).to_string()]);
    }
    Ok(vec![aside.map_or_else(
        || "there was no file: everything has its default".into(),
        |path| format!("everything has its default; the old file is {path}"),
    )])
}

/// Adds an account; it is enabled unless `enabled=no` is said.
pub(super) fn add(
    manager: &ConfigurationManager,
    address: &AccountAddress,
    pairs: &Pairs,
    form: Form,
) -> Result<Vec<String>, Problem> {
    let mut settings = AccountSettings::default();
    settings.general.enabled = true;
    let all = given(&settings, pairs, form)?;
    assign(&mut settings, &all).map_err(ConfigurationError::from)?;
    let accounts = manager.accounts();
    settle(manager, || accounts.add(address.clone(), settings.clone()))?;
    Ok(vec![form.account(&manager.configuration(), address)])
}

/// Removes an account.
pub(super) fn remove(
    manager: &ConfigurationManager,
    address: &AccountAddress,
    form: Form,
) -> Result<Vec<String>, Problem> {
    let accounts = manager.accounts();
    settle(manager, || accounts.remove(address))?;
    if form.json {
        let data = json!({ "account": address.to_string() });
        return Ok(vec![json::object("offhook.account_removed", None, &data).to_string()]);
    }
    Ok(vec![format!("{address} is removed")])
}

/// Makes an account the default one.
pub(super) fn default(
    manager: &ConfigurationManager,
    address: &AccountAddress,
    form: Form,
) -> Result<Vec<String>, Problem> {
    let accounts = manager.accounts();
    settle(manager, || accounts.set_default_account(address))?;
    Ok(vec![form.account(&manager.configuration(), address)])
}
