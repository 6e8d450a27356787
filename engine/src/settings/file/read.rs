//! From text to settings.

use std::fmt;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::super::configuration::{ACCOUNTS_MAX, Configuration};
use super::super::table::{SettingError, SettingsObject};
use super::super::{AccountAddress, AccountSettings, Value};
use super::{ACCOUNT, FILE_MAX, FileError, WARNINGS_MAX};

/// What a file says.
#[derive(Clone, Debug)]
pub struct Read {
    /// The settings; what the file leaves out has its default.
    pub configuration: Configuration,
    /// What was not understood and is kept as it is.
    pub warnings: Vec<FileWarning>,
}

/// A key that names no setting. It is kept in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileWarning {
    /// The line, from 1.
    pub line: usize,
    /// The key.
    pub key: String,
}

impl fmt::Display for FileWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} is no setting and is ignored", self.line, self.key)
    }
}

/// Reads settings.
///
/// # Errors
/// When the text is no TOML, a value is not allowed, or an account's name is none. A key that is
/// not known is no error but a warning.
pub fn read(text: &str) -> Result<Read, FileError> {
    if text.len() > FILE_MAX {
        return Err(FileError::too_long());
    }
    let document = Document::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        FileError::at(text, offset, None, error.message().replace('\n', ", "))
    })?;
    let mut reader = Reader { text, warnings: Vec::new() };
    let mut configuration = Configuration::default();
    let root = document.as_table();
    reader.walk(&mut configuration.settings, root, "", "")?;
    if let Some(accounts) = root.get(ACCOUNT) {
        reader.accounts(&mut configuration, root, accounts)?;
    }
    Ok(Read { configuration, warnings: reader.warnings })
}

struct Reader<'a> {
    text: &'a str,
    warnings: Vec<FileWarning>,
}

impl Reader<'_> {
    fn accounts(
        &mut self,
        configuration: &mut Configuration,
        root: &dyn TableLike,
        item: &Item,
    ) -> Result<(), FileError> {
        let text = self.text;
        let error = |span: Option<Range<usize>>, key: &str, reason: String| {
            let offset = span.map_or(0, |span| span.start);
            FileError::at(text, offset, Some(shown(key)), reason)
        };
        let Some(accounts) = item.as_table_like() else {
            let reason = r#"write accounts as [account."user@domain"]"#.into();
            return Err(error(place(root, ACCOUNT, item), ACCOUNT, reason));
        };
        let mut has_bonjour = false;
        for (key, item) in accounts.iter() {
            let span = place(accounts, key, item);
            let id: AccountAddress =
                key.parse().map_err(|refused| error(span.clone(), key, format!("{refused}")))?;
            let Some(table) = item.as_table_like() else {
                let reason = format!(r#"write the account as [account."{id}"]"#);
                return Err(error(span, key, reason));
            };
            let twice = if id.is_bonjour() {
                std::mem::replace(&mut has_bonjour, true)
            } else {
                configuration.account(&id).is_some()
            };
            if twice {
                return Err(error(span, key, format!("the account {id} stands twice")));
            }
            let path = format!("{ACCOUNT}.\"{id}\".");
            if id.is_bonjour() {
                self.walk(&mut configuration.bonjour, table, "", &path)?;
                continue;
            }
            if configuration.accounts.len() >= ACCOUNTS_MAX {
                return Err(error(span, key, format!("more than {ACCOUNTS_MAX} accounts")));
            }
            let mut account = AccountSettings::default();
            self.walk(&mut account, table, "", &path)?;
            configuration.accounts.push((id, account));
        }
        Ok(())
    }

    /// Gives `object` what `table` says of its settings whose names begin with `prefix`; `path`
    /// stands before those names in what people are told.
    fn walk(
        &mut self,
        object: &mut dyn SettingsObject,
        table: &dyn TableLike,
        prefix: &str,
        path: &str,
    ) -> Result<(), FileError> {
        let list = object.list();
        for (key, item) in table.iter() {
            let name = format!("{prefix}{key}");
            // A quoted key with a dot in it is none of ours.
            let known = !key.contains('.');
            let group = format!("{name}.");
            if known && list.iter().any(|row| row.name == name) {
                let done = value(item).and_then(|value| {
                    object.set_value(&name, value).map_err(|error| match error {
                        SettingError::NotAllowed { given, .. } => given,
                        SettingError::Unknown(_) => String::new(),
                    })
                });
                done.map_err(|given| {
                    let offset = item.span().or_else(|| place(table, key, item));
                    let offset = offset.map_or(0, |span| span.start);
                    let row = list.iter().find(|row| row.name == name);
                    let allowed = row.map(|row| row.allowed()).unwrap_or_default();
                    let reason = format!("{path}{name} cannot be {given}; allowed: {allowed}");
                    FileError::at(self.text, offset, Some(format!("{path}{name}")), reason)
                })?;
            } else if known && list.iter().any(|row| row.name.starts_with(&group)) {
                let Some(inner) = item.as_table_like() else {
                    let offset = place(table, key, item).map_or(0, |span| span.start);
                    let key = format!("{path}{name}");
                    let reason = format!("{key} is a group of settings: write [{key}]");
                    return Err(FileError::at(self.text, offset, Some(key), reason));
                };
                self.walk(object, inner, &group, path)?;
            } else if !(path.is_empty() && name == ACCOUNT) {
                self.warn(place(table, key, item), format!("{path}{prefix}{}", shown(key)));
            }
        }
        Ok(())
    }

    fn warn(&mut self, span: Option<Range<usize>>, key: String) {
        if self.warnings.len() < WARNINGS_MAX {
            let offset = span.map_or(0, |span| span.start);
            let (line, _) = super::position(self.text.as_bytes(), offset);
            self.warnings.push(FileWarning { line, key });
        }
    }
}

/// A key as a file spells it, without what would move a terminal.
fn shown(key: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    let key: String = key.chars().take(80).collect();
    if !key.is_empty() && key.bytes().all(bare) { key } else { format!("{key:?}") }
}

/// Where a key stands.
fn place(table: &dyn TableLike, key: &str, item: &Item) -> Option<Range<usize>> {
    let own = table.get_key_value(key).and_then(|(key, _)| key.span());
    own.or_else(|| item.span())
}

/// A value without its type, or what it is that it cannot be one.
fn value(item: &Item) -> Result<Value, String> {
    let Some(value) = item.as_value() else { return Err("a table".into()) };
    match value {
        toml_edit::Value::String(text) => Ok(Value::Text(text.value().clone())),
        toml_edit::Value::Integer(number) => Ok(Value::Integer(*number.value())),
        toml_edit::Value::Boolean(value) => Ok(Value::Boolean(*value.value())),
        toml_edit::Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(Into::into));
            let texts = texts.collect::<Option<Vec<String>>>();
            texts.map(Value::List).ok_or_else(|| "an array of something else than strings".into())
        }
        toml_edit::Value::Float(_) => Err("a decimal number".into()),
        toml_edit::Value::Datetime(_) => Err("a date or a time".into()),
        toml_edit::Value::InlineTable(_) => Err("a table".into()),
    }
}
