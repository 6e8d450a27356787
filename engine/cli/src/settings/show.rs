//! Settings and accounts as lines for people, or as JSON.

use offhook::settings::{AccountAddress, Configuration, Setting, Value};
use offhook::{ConfigurationError, ConfigurationManager};
use serde_json::{Value as Json, json};

use super::Problem;
use super::arguments::Arguments;
use crate::json;
use crate::trace::printable;

/// How things are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) json: bool,
    pub(super) describe: bool,
    /// Nobody else sees what is typed.
    pub(super) is_private: bool,
}

/// The settings of the account, or the global ones, that `names` choose.
pub(super) fn settings(
    manager: &ConfigurationManager,
    arguments: &Arguments,
    names: &[String],
    form: Form,
) -> Result<Vec<String>, Problem> {
    let configuration = manager.configuration();
    let account = arguments.account.as_ref();
    let rows = chosen(&configuration, account, names)?;
    let mut lines = Vec::new();
    if !form.json {
        lines.push(format!("# {}", printable(manager.file().to_string_lossy().as_bytes())));
    }
    for row in rows {
        let value = value(&configuration, account, row);
        if !arguments.changed || value != row.default() {
            lines.push(form.setting(account, row, &value));
        }
    }
    Ok(lines)
}

/// The settings that are named, or whose group is; all when nothing is.
pub(super) fn chosen(
    configuration: &Configuration,
    account: Option<&AccountAddress>,
    names: &[String],
) -> Result<Vec<&'static Setting>, Problem> {
    let Some(object) = configuration.object(account) else {
        // The global settings are always there.
        let address = account.cloned().unwrap_or_else(AccountAddress::bonjour);
        return Err(ConfigurationError::UnknownAccount(address).into());
    };
    let list = object.list();
    let named = |row: &Setting, name: &str| {
        let rest = row.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    for name in names {
        if !list.iter().any(|row| named(row, name)) {
            let unknown = offhook::settings::SettingError::Unknown(name.clone());
            return Err(ConfigurationError::from(unknown).into());
        }
    }
    let wanted = |row: &&Setting| names.is_empty() || names.iter().any(|name| named(row, name));
    Ok(list.into_iter().filter(wanted).collect())
}

/// A setting's value now.
pub(super) fn value(
    configuration: &Configuration,
    account: Option<&AccountAddress>,
    row: &Setting,
) -> Value {
    let value = configuration.object(account).and_then(|object| object.get(row.name).ok());
    value.unwrap_or(Value::None)
}

/// All accounts.
pub(super) fn accounts(manager: &ConfigurationManager, form: Form) -> Vec<String> {
    let configuration = manager.configuration();
    let addresses = configuration.addresses();
    addresses.iter().map(|address| form.account(&configuration, address)).collect()
}

impl Form {
    /// One setting.
    pub(super) fn setting(
        self,
        account: Option<&AccountAddress>,
        row: &Setting,
        value: &Value,
    ) -> String {
        let default = row.default();
        if self.json {
            let mut data = json!({
                "account": account.map(ToString::to_string),
                "setting": row.name,
                "value": plain(value),
                "default": plain(&default),
                "is_default": *value == default,
            });
            if let (true, Some(map)) = (self.describe, data.as_object_mut()) {
                map.insert("allowed".into(), json!(row.allowed()));
                map.insert("description".into(), json!(row.doc()));
            }
            return json::object("offhook.setting", None, &data).to_string();
        }
        let shown = |value: &Value| printable(value.to_string().as_bytes());
        let is_default = *value == default;
        let mark = if is_default { ' ' } else { '*' };
        let mut line = format!("{mark} {:<38} {}", row.name, shown(value));
        if !is_default {
            line.push_str(&format!("  (default {})", shown(&default)));
        }
        if self.describe {
            line.push_str(&format!("\n    {}\n    Allowed: {}.", row.doc(), row.allowed()));
        }
        line
    }

    /// One account.
    pub(super) fn account(self, configuration: &Configuration, address: &AccountAddress) -> String {
        let is_default = configuration.default_account().as_ref() == Some(address);
        let is_enabled = configuration.is_enabled(address);
        if self.json {
            let data = json!({
                "account": address.to_string(),
                "enabled": is_enabled,
                "default": is_default,
            });
            return json::object("offhook.account", None, &data).to_string();
        }
        let mark = if is_default { '*' } else { ' ' };
        let state = if is_enabled { "enabled" } else { "disabled" };
        format!("{mark} {:<38} {state}", address.to_string())
    }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(number) => json!(number),
        Value::List(items) => json!(items),
        // A secret prints itself as stars.
        Value::Text(_) | Value::Secret(_) => json!(value.to_string()),
    }
}
