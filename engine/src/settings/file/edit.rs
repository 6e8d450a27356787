//! From settings to text, leaving in place what a person wrote.

use toml_edit::{Array, Decor, DocumentMut, Item, Table, TableLike};
use zeroize::Zeroizing;

use super::super::configuration::Configuration;
use super::super::table::{SettingsObject, modified};
use super::super::{AccountAddress, AccountSettings, NONE, Value};
use super::{ACCOUNT, FileError, read};

/// Changes `text` so that it says `wanted`. Lines that say so already, comments and unknown keys
/// stay as they are; what has its default now is taken out. A comment above a line that is taken
/// out moves to the next line, one behind it goes with it.
///
/// # Errors
/// When `text` is not what [`read`] takes: then nothing may be written over it. When what comes
/// out would be too long.
pub fn edit(text: &str, wanted: &Configuration) -> Result<Zeroizing<String>, FileError> {
    let now = read(text)?.configuration;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| FileError::at(text, 0, None, error.message()))?;
    let header = header(&mut document);
    let root = document.as_table_mut();
    let mut left_over = String::new();
    change(root, &now.settings, &wanted.settings, &mut left_over);
    for (id, _) in now.accounts.iter().filter(|(id, _)| wanted.account(id).is_none()) {
        if let Some(key) = key_of(root, id) {
            accounts(root).map(|accounts| accounts.remove(&key));
        }
    }
    let bonjour = AccountAddress::bonjour();
    if now.bonjour != wanted.bonjour
        && let Some(table) = account(root, &bonjour)
    {
        change(table, &now.bonjour, &wanted.bonjour, &mut left_over);
    }
    let fresh = AccountSettings::default();
    for (id, settings) in &wanted.accounts {
        let known = now.account(id);
        if known != Some(settings)
            && let Some(table) = account(root, id)
        {
            change(table, known.unwrap_or(&fresh), settings, &mut left_over);
        }
    }
    if !left_over.is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default();
        document.set_trailing(format!("{left_over}{trailing}"));
    }
    let edited = Zeroizing::new(format!("{header}{document}"));
    // The blank line above a table that is the first one now.
    let blank: &[char] = if text.starts_with(['\r', '\n']) { &[] } else { &['\r', '\n'] };
    let edited = Zeroizing::new(edited.trim_start_matches(blank).to_owned());
    if read(&edited)?.configuration.says_what(wanted) {
        return Ok(edited);
    }
    Err(FileError::at(text, 0, None, "the settings cannot be written into this file"))
}

/// Takes out the comments of a file that holds nothing else: they stay at its top.
fn header(document: &mut DocumentMut) -> String {
    let comments = document.trailing().as_str().unwrap_or_default();
    if !document.as_table().is_empty() || comments.trim().is_empty() {
        return String::new();
    }
    let end = if comments.ends_with('\n') { "" } else { "\n" };
    let header = format!("{comments}{end}");
    document.set_trailing("");
    header
}

/// Changes one object's table; comments that find no other place are added to `left_over`.
fn change(
    table: &mut dyn TableLike,
    now: &dyn SettingsObject,
    wanted: &dyn SettingsObject,
    left_over: &mut String,
) {
    let rows = wanted.list();
    for (name, (_, value)) in modified(now, wanted) {
        let path: Vec<&str> = name.split('.').collect();
        let default = rows.iter().find(|row| row.name == name).map(|row| row.default());
        if default.as_ref() == Some(&value) {
            left_over.push_str(&take_out(table, &path));
        } else {
            put(table, &path, &value);
        }
    }
}

fn put(table: &mut dyn TableLike, path: &[&str], value: &Value) {
    match path {
        [] => {}
        [key] => {
            let mut value = toml(value);
            if let Some(Item::Value(old)) = table.get_mut(key) {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            } else {
                table.insert(key, Item::Value(value));
            }
        }
        [group, rest @ ..] => {
            if let Some(inner) = inner(table, group) {
                put(inner, rest, value);
            }
        }
    }
}

/// The table of that name; it is made if there is none.
fn inner<'a>(table: &'a mut dyn TableLike, key: &str) -> Option<&'a mut dyn TableLike> {
    if !table.contains_key(key) {
        let mut made = Table::new();
        // Without a header as long as it holds nothing but tables.
        made.set_implicit(true);
        table.insert(key, Item::Table(made));
    }
    table.get_mut(key)?.as_table_like_mut()
}

/// Takes a setting out, and groups that are empty then. Gives the comments that stood above it
/// when no line follows that could have them.
fn take_out(table: &mut dyn TableLike, path: &[&str]) -> String {
    match path {
        [] => String::new(),
        [key] => {
            let above = table.key(key).map(|key| comments(key.leaf_decor())).unwrap_or_default();
            let next = value_after(table, key);
            table.remove(key);
            if above.is_empty() {
                return above;
            }
            let next = next.and_then(|next| table.key_mut(&next));
            let Some(mut next) = next else { return above };
            let decor = next.leaf_decor_mut();
            let own = decor.prefix().and_then(|own| own.as_str()).unwrap_or_default();
            let joined = format!("{above}{own}");
            decor.set_prefix(joined);
            String::new()
        }
        [group, rest @ ..] => {
            let Some(inner) = table.get_mut(group).and_then(Item::as_table_like_mut) else {
                return String::new();
            };
            let above = take_out(inner, rest);
            let is_empty = inner.is_empty();
            let plain = match table.get(group) {
                Some(Item::Table(inner)) => !has_comment(inner.decor()),
                _ => true,
            };
            if is_empty && plain {
                table.remove(group);
            }
            above
        }
    }
}

/// The next key that is a line of its own.
fn value_after(table: &dyn TableLike, key: &str) -> Option<String> {
    let mut later = table.iter().skip_while(|(known, _)| *known != key).skip(1);
    later.find(|(_, item)| item.is_value()).map(|(key, _)| key.to_owned())
}

/// The lines above a key, if there is a comment in them.
fn comments(decor: &Decor) -> String {
    let prefix = decor.prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
    if prefix.contains('#') { prefix.into() } else { String::new() }
}

fn has_comment(decor: &Decor) -> bool {
    let suffix = decor.suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default();
    !comments(decor).is_empty() || suffix.contains('#')
}

fn accounts(root: &mut Table) -> Option<&mut dyn TableLike> {
    inner(root, ACCOUNT)
}

/// The key of an account as the file spells it.
fn key_of(root: &Table, id: &AccountAddress) -> Option<String> {
    let accounts = root.get(ACCOUNT)?.as_table_like()?;
    let own = |key: &str| key.parse::<AccountAddress>().is_ok_and(|known| known == *id);
    accounts.iter().map(|(key, _)| key).find(|key| own(key)).map(ToOwned::to_owned)
}

/// The table of an account; it is made, with a header, if there is none.
fn account<'a>(root: &'a mut Table, id: &AccountAddress) -> Option<&'a mut dyn TableLike> {
    let known = key_of(root, id);
    let accounts = accounts(root)?;
    let key = known.unwrap_or_else(|| id.to_string());
    if !accounts.contains_key(&key) {
        accounts.insert(&key, Item::Table(Table::new()));
    }
    accounts.get_mut(&key)?.as_table_like_mut()
}

fn toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::None => NONE.into(),
        Value::Boolean(value) => (*value).into(),
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(String::as_str).collect::<Array>().into(),
        Value::Secret(secret) => secret.expose().into(),
    }
}
