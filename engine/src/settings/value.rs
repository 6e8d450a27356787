//! What a setting can be, in the few shapes that a file, a command line and JSON have in common.

use std::fmt;

use super::Secret;

/// The word for "none" in files and on command lines.
pub const NONE: &str = "none";

/// A setting's value without its type. `Display` prints what [`set`](super::SettingsObject::set)
/// reads, except for secrets, which print `***`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Nothing is set, of a setting that may be empty.
    None,
    /// Yes or no.
    Boolean(bool),
    /// A whole number, in the setting's unit.
    Integer(i64),
    /// Text.
    Text(String),
    /// Several texts, in order.
    List(Vec<String>),
    /// A password.
    Secret(Secret),
}

impl Value {
    /// What it is, as an error tells.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Secret(_) => "a secret".into(),
            Self::Text(text) => quoted(text),
            Self::List(items) => quoted(&items.join(",")),
            other => other.to_string(),
        }
    }
}

/// Characters of a text that an error shows at most.
const SHOWN_MAX: usize = 80;

/// A text that was given, as an error tells it.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        None => format!("{text:?}"),
        Some((at, _)) => format!("{:?}…", text.get(..at).unwrap_or_default()),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str(NONE),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
            Self::List(items) => f.write_str(&items.join(",")),
            Self::Secret(secret) => secret.fmt(f),
        }
    }
}

/// What a type must offer to be a setting's.
pub trait SettingType: Sized {
    /// Whether it may be empty.
    const NILLABLE: bool = false;
    /// Whether its value must not be shown.
    const SECRET: bool = false;

    /// What is allowed, in words, with range and unit.
    fn allowed() -> String;

    /// Reads the shape that a file has; `None` when it is not allowed.
    fn from_value(value: Value) -> Option<Self>;

    /// Reads what a person types; `None` when it is not allowed.
    fn from_text(text: &str) -> Option<Self> {
        Self::from_value(Value::Text(text.into()))
    }

    /// The value in its shape.
    fn to_value(&self) -> Value;
}

impl SettingType for bool {
    fn allowed() -> String {
        "true or false".into()
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(value),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl<T: SettingType> SettingType for Option<T> {
    const NILLABLE: bool = true;
    const SECRET: bool = T::SECRET;

    fn allowed() -> String {
        format!("{}, or {NONE}", T::allowed())
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            Value::Text(text) if text.eq_ignore_ascii_case(NONE) => Some(None),
            other => T::from_value(other).map(Some),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        if text.trim().eq_ignore_ascii_case(NONE) {
            return Some(None);
        }
        T::from_text(text).map(Some)
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::None, SettingType::to_value)
    }
}

/// The longest password, in bytes.
pub const SECRET_MAX: usize = 1024;

impl SettingType for Secret {
    const SECRET: bool = true;

    fn allowed() -> String {
        format!("1 to {SECRET_MAX} bytes without control characters")
    }

    fn from_value(value: Value) -> Option<Self> {
        let secret = match value {
            Value::Text(text) => Self::new(text),
            Value::Secret(secret) => secret,
            _ => return None,
        };
        let text = secret.expose();
        let fits = (1..=SECRET_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then_some(secret)
    }

    fn to_value(&self) -> Value {
        Value::Secret(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_may_type_a_boolean_in_several_words_but_a_file_has_one_form() {
        for (text, value) in [("on", true), ("Yes", true), ("0", false), (" false ", false)] {
            assert_eq!(bool::from_text(text), Some(value));
        }
        assert_eq!(bool::from_text("maybe"), None);
        assert_eq!(bool::from_value(Value::Text("true".into())), None);
        assert_eq!(bool::from_value(Value::Boolean(true)), Some(true));
    }

    #[test]
    fn what_may_be_empty_is_emptied_with_the_word_none() {
        type Nillable = Option<Secret>;
        assert_eq!(Nillable::from_text("None"), Some(None));
        assert_eq!(Nillable::from_value(Value::Text("none".into())), Some(None));
        assert_eq!(Nillable::from_text("x").unwrap().unwrap().expose(), "x");
        assert_eq!(bool::from_text("none"), None);
        assert_eq!(Nillable::allowed(), "1 to 1024 bytes without control characters, or none");
    }

    #[test]
    fn an_error_shows_a_long_text_s_beginning() {
        assert_eq!(quoted(&"x".repeat(SHOWN_MAX)), format!("\"{}\"", "x".repeat(SHOWN_MAX)));
        assert_eq!(quoted(&"x".repeat(SHOWN_MAX + 1)), format!("\"{}\"…", "x".repeat(SHOWN_MAX)));
        assert_eq!(quoted("\u{1b}"), r#""\u{1b}""#);
    }

    #[test]
    fn a_password_has_at_most_1024_bytes_and_no_control_characters() {
        assert!(Secret::from_text(&"x".repeat(SECRET_MAX)).is_some());
        for text in ["", "a\nb", &"x".repeat(SECRET_MAX + 1)] {
            assert!(Secret::from_text(text).is_none());
        }
    }
}
