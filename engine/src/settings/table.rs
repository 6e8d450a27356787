//! The macros that make settings of tables, and what every table offers.

use std::collections::BTreeMap;
use std::fmt;

use super::value::{SettingType, Value, quoted};

/// One row of a table of settings.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its dotted name: `audio.silent`.
    pub name: &'static str,
    doc: &'static str,
    /// Whether it may be `none`.
    pub nillable: bool,
    /// Whether its value must not be shown.
    pub secret: bool,
    allowed: fn() -> String,
    default: fn() -> Value,
}

impl Setting {
    /// What it is, in a sentence or two.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc.trim()
    }

    /// Whether anything follows it yet. One that nothing follows is kept all the same, and its
    /// sentence says so.
    #[must_use]
    pub fn has_effect(&self) -> bool {
        !self.doc().ends_with("No effect yet.")
    }

    /// Which values are allowed, with range and unit.
    #[must_use]
    pub fn allowed(&self) -> String {
        (self.allowed)()
    }

    /// Its default.
    #[must_use]
    pub fn default(&self) -> Value {
        (self.default)()
    }
}

/// Why a setting was not changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SettingError {
    /// There is no setting of that name.
    Unknown(String),
    /// The value is not allowed.
    NotAllowed {
        /// The setting.
        name: &'static str,
        /// What was given, as an error tells it; nothing of a secret.
        given: String,
        /// What is allowed.
        allowed: String,
    },
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no setting {name:?}"),
            Self::NotAllowed { name, given, allowed } => {
                write!(f, "{name} cannot be {given}; allowed: {allowed}")
            }
        }
    }
}

impl std::error::Error for SettingError {}

/// How a setting is given its value.
#[derive(Clone, Debug)]
pub enum Assign<'a> {
    /// As a person types it.
    Text(&'a str),
    /// As a value.
    Value(Value),
    /// Its default.
    Default,
}

impl Assign<'_> {
    fn told(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Value(value) => value.told(),
            Self::Default => "its default".into(),
        }
    }
}

/// Gives `place` its new value, or says why not.
pub(super) fn assign<T: SettingType>(
    place: &mut T,
    default: fn() -> T,
    name: &'static str,
    how: Assign<'_>,
) -> Result<(), SettingError> {
    let given = if T::SECRET { "what was given".into() } else { how.told() };
    let value = match how {
        Assign::Text(text) => T::from_text(text),
        Assign::Value(value) => T::from_value(value),
        Assign::Default => Some(default()),
    };
    let not_allowed = || SettingError::NotAllowed { name, given, allowed: T::allowed() };
    *place = value.ok_or_else(not_allowed)?;
    Ok(())
}

/// Settings that were changed: name, old value, new value.
pub type Modified = BTreeMap<&'static str, (Value, Value)>;

/// A set of settings that are reached by their dotted names: the global ones, an account's.
pub trait SettingsObject: fmt::Debug {
    /// All its settings, in the order of the documentation.
    fn list(&self) -> Vec<&'static Setting>;

    /// The value of a setting.
    ///
    /// # Errors
    /// When there is no such setting.
    fn get(&self, name: &str) -> Result<Value, SettingError>;

    /// Gives a setting its value.
    ///
    /// # Errors
    /// When there is no such setting or the value is not allowed; then nothing changes.
    fn assign(&mut self, name: &str, how: Assign<'_>) -> Result<(), SettingError>;

    /// Sets a value as a person types it; `none` empties what may be empty, lists have commas.
    ///
    /// # Errors
    /// When there is no such setting or the value is not allowed; then nothing changes.
    fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError> {
        self.assign(name, Assign::Text(text))
    }

    /// Sets a value.
    ///
    /// # Errors
    /// When there is no such setting or the value is not allowed; then nothing changes.
    fn set_value(&mut self, name: &str, value: Value) -> Result<(), SettingError> {
        self.assign(name, Assign::Value(value))
    }

    /// Gives a setting its default.
    ///
    /// # Errors
    /// When there is no such setting.
    fn reset(&mut self, name: &str) -> Result<(), SettingError> {
        self.assign(name, Assign::Default)
    }
}

/// What differs between two states of one object, by name: (`old`, `new`).
#[must_use]
pub fn modified(old: &dyn SettingsObject, new: &dyn SettingsObject) -> Modified {
    let pair = |setting: &&'static Setting| {
        let (old, new) = (old.get(setting.name).ok()?, new.get(setting.name).ok()?);
        (old != new).then_some((setting.name, (old, new)))
    };
    new.list().iter().filter_map(pair).collect()
}

/// A group: the rows that share a prefix.
pub(super) trait Group {
    const SETTINGS: &'static [Setting];
    fn get(&self, name: &str) -> Option<Value>;
    fn assign(&mut self, name: &str, how: Assign<'_>) -> Option<Result<(), SettingError>>;
}

impl Setting {
    pub(super) const fn row<T: SettingType>(
        name: &'static str,
        doc: &'static str,
        default: fn() -> Value,
    ) -> Self {
        let (nillable, secret) = (T::NILLABLE, T::SECRET);
        Self { name, doc, nillable, secret, allowed: T::allowed, default }
    }
}

/// Makes a group of a table: `field: Type = default;` a row, its documentation above it.
macro_rules! group {
    (
        $(#[doc = $about:literal])+
        $name:ident in $prefix:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $kind:ty = $default:expr; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name { $( $(#[doc = $doc])+ pub $field: $kind, )+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::settings::table::Group for $name {
            const SETTINGS: &'static [$crate::settings::Setting] = &[ $(
                $crate::settings::Setting::row::<$kind>(
                    concat!($prefix, stringify!($field)),
                    concat!($($doc),+),
                    || { let default: $kind = $default; $crate::settings::SettingType::to_value(&default) },
                ),
            )+ ];

            fn get(&self, name: &str) -> Option<$crate::settings::Value> {
                $( if name == concat!($prefix, stringify!($field)) {
                    return Some($crate::settings::SettingType::to_value(&self.$field));
                } )+
                None
            }

            fn assign(
                &mut self,
                name: &str,
                how: $crate::settings::Assign<'_>,
            ) -> Option<Result<(), $crate::settings::SettingError>> {
                $( if name == concat!($prefix, stringify!($field)) {
                    const NAME: &str = concat!($prefix, stringify!($field));
                    let place = &mut self.$field;
                    return Some($crate::settings::table::assign(place, || $default, NAME, how));
                } )+
                None
            }
        }
    };
}

/// Makes an object of groups.
macro_rules! object {
    (
        $(#[doc = $about:literal])+
        $name:ident { $( $(#[doc = $doc:literal])+ $field:ident: $group:ty, )+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, PartialEq, Eq, Default, Debug)]
        pub struct $name { $( $(#[doc = $doc])+ pub $field: $group, )+ }

        impl $crate::settings::SettingsObject for $name {
            fn list(&self) -> Vec<&'static $crate::settings::Setting> {
                let mut all = Vec::new();
                $( all.extend(<$group as $crate::settings::table::Group>::SETTINGS); )+
                all
            }

            fn get(&self, name: &str) -> Result<$crate::settings::Value, $crate::settings::SettingError> {
                $( if let Some(value) = $crate::settings::table::Group::get(&self.$field, name) {
                    return Ok(value);
                } )+
                Err($crate::settings::SettingError::Unknown(name.into()))
            }

            fn assign(
                &mut self,
                name: &str,
                how: $crate::settings::Assign<'_>,
            ) -> Result<(), $crate::settings::SettingError> {
                $( {
                    let how = how.clone();
                    let done = $crate::settings::table::Group::assign(&mut self.$field, name, how);
                    if let Some(done) = done {
                        return done;
                    }
                } )+
                Err($crate::settings::SettingError::Unknown(name.into()))
            }
        }
    };
}

pub(super) use {group, object};
