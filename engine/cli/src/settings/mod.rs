//! `offhook settings`: shows, sets and resets settings and accounts.

mod arguments;
mod change;
mod show;

use std::path::{Path, PathBuf};

use offhook::shell::FILE_NAME;
use offhook::{Config, ConfigurationError, ConfigurationManager, NotificationCenter};

use crate::{Outcome, Usage, note, print};
use arguments::{Action, Arguments};

const HELP: &str = "\
offhook settings [show] [NAME]...            all settings, or those of NAME
offhook settings set NAME=VALUE...           lists have commas; none empties
offhook settings reset NAME... | --all       back to the default
offhook settings accounts                    who is there
offhook settings add ACCOUNT [NAME=VALUE]... a new account, as user@domain
offhook settings remove ACCOUNT
offhook settings default ACCOUNT             the account to call with

NAME is a setting (audio.silent) or a group of them (audio).
  --account ACCOUNT   the settings of this account, not the global ones
  --changed           show only what is not the default; a star marks it
  --describe          show what a setting is and what it may be
  --config DIR        the folder of settings.toml (default: the platform's)
  --json              one JSON object a line
A password is never shown. auth.password=- reads it from standard input, or
auth.password_file names a file that holds it.
reset --all moves the whole file aside, accounts too, even if it is broken.
Example: offhook settings set rtp.port_range=20000-20100 audio.silent=yes
";

pub(crate) fn run(args: &mut lexopt::Parser) -> Result<Outcome, Usage> {
    let Some(arguments) = Arguments::read(args)? else {
        print(HELP.trim_end());
        return Ok(Outcome::Done);
    };
    let directory = directory(arguments.directory.as_deref()).ok_or_else(|| {
        Usage("there is no folder for settings here: name one with --config DIR".into())
    })?;
    let center = center()?;
    let resets_all = arguments.action == Action::ResetAll && arguments.account.is_none();
    let started = if resets_all {
        ConfigurationManager::start_for_repair(directory, center)
    } else {
        ConfigurationManager::start(directory, center)
    };
    let manager = started.map_err(|error| usage(&error))?;
    for warning in manager.warnings() {
        note(&format!("{}, {warning}", manager.file().display()));
    }
    let form = show::Form { json: arguments.json, describe: arguments.describe };
    match &arguments.action {
        Action::Show(names) => show::settings(&manager, &arguments, names, form)?,
        Action::Accounts => show::accounts(&manager, form),
        Action::Set(pairs) => change::set(&manager, arguments.account.as_ref(), pairs, form)?,
        Action::Reset(names) => change::reset(&manager, arguments.account.as_ref(), names, form)?,
        Action::ResetAll => change::reset_all(&manager, arguments.account.as_ref(), form)?,
        Action::Add(account, pairs) => change::add(&manager, account, pairs, form)?,
        Action::Remove(account) => change::remove(&manager, account, form)?,
        Action::Default(account) => change::default(&manager, account, form)?,
    }
    Ok(Outcome::Done)
}

/// What the settings in a folder, or in the platform's, say; `None` where there are none. Nothing
/// is written.
pub(crate) fn configured(folder: Option<&Path>) -> Result<Option<Config>, Usage> {
    let Some(folder) = directory(folder).filter(|folder| folder.join(FILE_NAME).exists()) else {
        return Ok(None);
    };
    let manager = ConfigurationManager::start(folder, center()?).map_err(|error| usage(&error))?;
    for warning in manager.warnings() {
        note(&format!("{}, {warning}", manager.file().display()));
    }
    let config = manager.engine_config();
    config.map(Some).map_err(|error| Usage(format!("{}: {error}", manager.file().display())))
}

fn directory(named: Option<&Path>) -> Option<PathBuf> {
    named.map_or_else(ConfigurationManager::default_directory, |named| Some(named.into()))
}

fn center() -> Result<NotificationCenter, Usage> {
    NotificationCenter::new().map_err(|error| Usage(format!("cannot start a thread: {error}")))
}

/// A configuration that cannot be used is exit status 2.
fn usage(error: &ConfigurationError) -> Usage {
    if let ConfigurationError::Broken(..) = error {
        return Usage(format!(
            "{error}; repair it, or move it aside with offhook settings reset --all"
        ));
    }
    let hint = match error.name() {
        "UnknownName" => "; offhook settings show lists them",
        "UnknownAccount" => "; offhook settings accounts lists them",
        _ => "",
    };
    Usage(format!("{error}{hint}"))
}
