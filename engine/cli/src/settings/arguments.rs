//! What stands behind `offhook settings`.

use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value};
use offhook::settings::AccountAddress;

use crate::Usage;
use crate::options::word;

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Show(Vec<String>),
    Set(Vec<(String, String)>),
    Reset(Vec<String>),
    ResetAll,
    Accounts,
    Add(AccountAddress, Vec<(String, String)>),
    Remove(AccountAddress),
    Default(AccountAddress),
}

/// The words and options.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Arguments {
    pub(super) action: Action,
    pub(super) account: Option<AccountAddress>,
    pub(super) directory: Option<PathBuf>,
    pub(super) changed: bool,
    pub(super) describe: bool,
    pub(super) json: bool,
}

impl Arguments {
    /// Reads them; `None` for help.
    pub(crate) fn read(args: &mut lexopt::Parser) -> Result<Option<Self>, Usage> {
        let (mut words, mut all) = (Vec::new(), false);
        let mut arguments = Self {
            action: Action::Accounts,
            account: None,
            directory: None,
            changed: false,
            describe: false,
            json: false,
        };
        while let Some(arg) = args.next()? {
            match arg {
                Long("help") | Short('h') => return Ok(None),
                Long("account") => arguments.account = Some(account(&word(args)?)?),
                Long("config") => arguments.directory = Some(args.value()?.into()),
                Long("all") => all = true,
                Long("changed") => arguments.changed = true,
                Long("describe") => arguments.describe = true,
                Long("json") => arguments.json = true,
                Value(word) => words.push(
                    word.into_string()
                        .map_err(|raw| Usage(format!("{}: no UTF-8", raw.to_string_lossy())))?,
                ),
                other => return Err(other.unexpected().into()),
            }
        }
        arguments.action = action(&words, all)?;
        Ok(Some(arguments))
    }
}

fn action(words: &[String], all: bool) -> Result<Action, Usage> {
    let (verb, rest) = match words.split_first() {
        None => ("show", words),
        Some((verb, rest)) => (verb.as_str(), rest),
    };
    if all && verb != "reset" {
        return Err(Usage("--all goes with reset".into()));
    }
    let needs = |what: &str| Usage(format!("settings {verb} needs {what}; see --help"));
    let one = || match rest {
        [one] => account(one),
        _ => Err(needs("one account, like alice@example.com")),
    };
    match verb {
        "show" => Ok(Action::Show(rest.into())),
        "set" if rest.is_empty() => Err(needs("NAME=VALUE, like audio.silent=yes")),
        "set" => Ok(Action::Set(pairs(rest)?)),
        "reset" if all && rest.is_empty() => Ok(Action::ResetAll),
        "reset" if all || rest.is_empty() => Err(needs("a NAME like audio.silent, or --all")),
        "reset" => Ok(Action::Reset(rest.into())),
        "accounts" if rest.is_empty() => Ok(Action::Accounts),
        "accounts" => Err(Usage("settings accounts takes no more words".into())),
        "add" => {
            let (first, rest) = rest.split_first().ok_or_else(|| needs("an account"))?;
            Ok(Action::Add(account(first)?, pairs(rest)?))
        }
        "remove" => Ok(Action::Remove(one()?)),
        "default" => Ok(Action::Default(one()?)),
        other => Err(Usage(format!(
            "settings cannot {other:?}: type show, set, reset, accounts, add, remove or default"
        ))),
    }
}

/// `user@domain`, or the URI of one.
fn account(text: &str) -> Result<AccountAddress, Usage> {
    let bare = text.strip_prefix("sip:").unwrap_or(text);
    bare.parse().map_err(|error| Usage(format!("{error}")))
}

fn pairs(words: &[String]) -> Result<Vec<(String, String)>, Usage> {
    let pair = |word: &String| {
        let (name, value) = word.split_once('=').ok_or_else(|| {
            Usage(format!("{word:?} is no NAME=VALUE; type it like audio.silent=yes"))
        })?;
        Ok((name.trim().to_owned(), value.to_owned()))
    };
    words.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        let mut args = lexopt::Parser::from_args(line.split_whitespace());
        Arguments::read(&mut args).map(Option::unwrap).map_err(|Usage(text)| text)
    }

    #[test]
    fn every_action_is_understood() {
        let address = || "a@h".parse::<AccountAddress>().unwrap();
        let pair = || vec![("x.y".to_owned(), "1=2".to_owned())];
        for (line, action) in [
            ("", Action::Show(vec![])),
            ("show audio", Action::Show(vec!["audio".into()])),
            ("set x.y=1=2", Action::Set(pair())),
            ("reset x", Action::Reset(vec!["x".into()])),
            ("reset --all", Action::ResetAll),
            ("accounts", Action::Accounts),
            ("add a@h x.y=1=2", Action::Add(address(), pair())),
            ("remove sip:a@h", Action::Remove(address())),
            ("default a@H", Action::Default(address())),
        ] {
            assert_eq!(read(line).unwrap().action, action, "{line}");
        }
        let read = read("--json --config d --account a@h --changed --describe show").unwrap();
        assert!(read.json && read.changed && read.describe);
        assert_eq!((read.account, read.directory), (Some(address()), Some("d".into())));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_type() {
        for (line, told) in [
            ("set", "NAME=VALUE"),
            ("set audio.silent", "audio.silent=yes"),
            ("reset", "--all"),
            ("reset --all x", "--all"),
            ("show --all", "--all goes with reset"),
            ("add", "an account"),
            ("add alice", "alice@example.com"),
            ("remove", "one account"),
            ("remove a@h b@h", "one account"),
            ("accounts x", "no more words"),
            ("audio", "type show, set, reset"),
            ("--account alice", "alice@example.com"),
            ("--colour", "--colour"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
