//! `offhook settings`: shows, sets and resets settings and accounts.

mod arguments;
mod change;
mod show;

use std::path::{Path, PathBuf};

use offhook::settings::{AccountAddress, Configuration};
use offhook::{Config, ConfigurationError, ConfigurationManager, NotificationCenter};

use crate::{Outcome, Usage, note, print};
use arguments::Action;
pub(crate) use arguments::Arguments;
use show::Form;

const HELP: &str = "\
offhook settings [show [NAME]...]            all settings, or those of NAME
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
    let manager = started.map_err(Problem::from)?;
    warn(&manager);
    let form = Form { json: arguments.json, describe: arguments.describe, is_private: false };
    for line in perform(&manager, &arguments, form)? {
        print(&line);
    }
    Ok(Outcome::Done)
}

/// Does what is asked for, and gives what it shows.
fn perform(
    manager: &ConfigurationManager,
    arguments: &Arguments,
    form: Form,
) -> Result<Vec<String>, Problem> {
    let account = arguments.account.as_ref();
    match &arguments.action {
        Action::Show(names) => show::settings(manager, arguments, names, form),
        Action::Accounts => Ok(show::accounts(manager, form)),
        Action::Set(pairs) => change::set(manager, account, pairs, form),
        Action::Reset(names) => change::reset(manager, account, names, form),
        Action::ResetAll => change::reset_all(manager, account, form),
        Action::Add(account, pairs) => change::add(manager, account, pairs, form),
        Action::Remove(account) => change::remove(manager, account, form),
        Action::Default(account) => change::default(manager, account, form),
    }
}

/// What the agent's command `settings` asks for.
pub(crate) fn command(words: &[String]) -> Result<Arguments, String> {
    let read = Arguments::read(&mut lexopt::Parser::from_args(words));
    let arguments = read.map_err(|Usage(text)| text)?;
    let arguments = arguments.ok_or("see offhook settings --help for what it takes")?;
    if arguments.directory.is_some() {
        return Err("--config is for the command line of offhook agent".into());
    }
    Ok(arguments)
}

/// Does what the agent is told, and gives the objects that it shows.
pub(crate) fn of_agent(
    manager: &ConfigurationManager,
    arguments: &Arguments,
) -> Result<Vec<String>, Problem> {
    let form = Form { json: true, describe: arguments.describe, is_private: true };
    perform(manager, arguments, form)
}

/// The settings of a folder, or of the platform's; `None` where there is no such folder. Nothing
/// is written.
pub(crate) fn open(
    folder: Option<&Path>,
    center: NotificationCenter,
) -> Result<Option<ConfigurationManager>, Usage> {
    let Some(folder) = directory(folder) else { return Ok(None) };
    let manager = ConfigurationManager::start(folder, center).map_err(Problem::from)?;
    warn(&manager);
    Ok(Some(manager))
}

/// What settings say about an engine.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) config: Config,
    /// All of it, the account that is used as the default one.
    pub(crate) configuration: Configuration,
}

/// What the settings say for the account that was typed, or the default one. `None` where nothing
/// is set.
pub(crate) fn configured(
    manager: &ConfigurationManager,
    typed: Option<&str>,
) -> Result<Option<Configured>, Usage> {
    if !manager.file().exists() {
        return Ok(None);
    }
    let mut configuration = manager.configuration();
    let known = typed.and_then(|uri| uri.strip_prefix("sip:")?.parse::<AccountAddress>().ok());
    let known = known.filter(|address| {
        let account = configuration.account_mut(address);
        // Who names an account means it, enabled or not.
        account.map(|account| account.general.enabled = true).is_some()
    });
    let config = match (typed, known) {
        (Some(_), None) => Config::from_settings(&configuration.settings),
        (_, known) => {
            if let Some(address) = known {
                configuration.settings.general.default_account = address;
            }
            manager.engine_config_of(&configuration)
        }
    };
    let config = config.map_err(|error| Usage(format!("{}: {error}", manager.file().display())))?;
    Ok(Some(Configured { config, configuration }))
}

fn directory(named: Option<&Path>) -> Option<PathBuf> {
    named.map_or_else(ConfigurationManager::default_directory, |named| Some(named.into()))
}

fn center() -> Result<NotificationCenter, Usage> {
    NotificationCenter::new().map_err(|error| Usage(format!("cannot start a thread: {error}")))
}

fn warn(manager: &ConfigurationManager) {
    for warning in manager.warnings() {
        note(&format!("{}, {warning}", manager.file().display()));
    }
}

/// Why settings were not shown or changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    /// The error's name.
    pub(crate) name: &'static str,
    /// What happened, and what to do.
    pub(crate) text: String,
}

impl Problem {
    fn argument(text: String) -> Self {
        Self { name: "InvalidArgument", text }
    }
}

impl From<ConfigurationError> for Problem {
    fn from(error: ConfigurationError) -> Self {
        let name = error.name();
        let hint = match (&error, name) {
            (ConfigurationError::Broken(..), _) => {
                "; repair it, or move it aside with offhook settings reset --all"
            }
            (_, "UnknownName") => "; offhook settings show lists them",
            (_, "UnknownAccount") => "; offhook settings accounts lists them",
            _ => "",
        };
        Self { name, text: format!("{error}{hint}") }
    }
}

/// A configuration that cannot be used is exit status 2.
impl From<Problem> for Usage {
    fn from(problem: Problem) -> Self {
        Self(problem.text)
    }
}
