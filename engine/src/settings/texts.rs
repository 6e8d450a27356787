//! Settings that are text of some form, and choices among words.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::account_address::AccountAddress;
use super::value::{SettingType, Value};
use crate::route::Route;
use crate::sip::SipUri;
use crate::transport::Transport;

/// The longest text of a setting, in bytes.
pub const TEXT_MAX: usize = 1024;

fn plain(value: Value) -> Option<String> {
    let Value::Text(text) = value else { return None };
    let fits = !text.trim().is_empty() && text.len() <= TEXT_MAX;
    (fits && !text.chars().any(char::is_control)).then_some(text)
}

/// One line of text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Text(String);

impl Text {
    /// The text, if it is not blank, not longer than [`TEXT_MAX`] and without control characters.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        plain(Value::Text(text.into())).map(Self)
    }

    /// A text that is known to be one.
    pub(super) fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingType for Text {
    fn allowed() -> String {
        format!("text of 1 to {TEXT_MAX} bytes without control characters")
    }

    fn from_value(value: Value) -> Option<Self> {
        plain(value).map(Self)
    }

    fn to_value(&self) -> Value {
        Value::Text(self.0.clone())
    }
}

/// The name of a file or a directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FilePath(PathBuf);

impl FilePath {
    /// The path, if it is text as [`Text`] is.
    #[must_use]
    pub fn new(path: &str) -> Option<Self> {
        Self::from_value(Value::Text(path.into()))
    }

    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl SettingType for FilePath {
    fn allowed() -> String {
        format!("a path of 1 to {TEXT_MAX} bytes")
    }

    fn from_value(value: Value) -> Option<Self> {
        plain(value).map(|text| Self(text.into()))
    }

    fn to_value(&self) -> Value {
        Value::Text(self.0.to_string_lossy().into_owned())
    }
}

/// A microphone or a speaker.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SoundDevice {
    /// Whatever the system uses.
    SystemDefault,
    /// A WAV file: `wav:FILE`.
    Wav(PathBuf),
    /// The device of that name.
    Named(String),
}

impl SoundDevice {
    const SYSTEM_DEFAULT: &'static str = "system_default";
}

impl SettingType for SoundDevice {
    fn allowed() -> String {
        format!("{}, wav:FILE or the name of a device", Self::SYSTEM_DEFAULT)
    }

    fn from_value(value: Value) -> Option<Self> {
        let text = plain(value)?;
        if text == Self::SYSTEM_DEFAULT {
            return Some(Self::SystemDefault);
        }
        match text.strip_prefix("wav:") {
            Some("") => None,
            Some(path) => Some(Self::Wav(path.into())),
            None => Some(Self::Named(text)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Text(match self {
            Self::SystemDefault => Self::SYSTEM_DEFAULT.into(),
            Self::Wav(path) => format!("wav:{}", path.to_string_lossy()),
            Self::Named(name) => name.clone(),
        })
    }
}

/// The address of a web resource.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WebAddress(String);

impl WebAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SettingType for WebAddress {
    fn allowed() -> String {
        "an address that begins with https:// or http://".into()
    }

    fn from_value(value: Value) -> Option<Self> {
        let text = plain(value)?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let fits = !rest.is_empty() && !rest.contains(char::is_whitespace);
        fits.then_some(Self(text))
    }

    fn to_value(&self) -> Value {
        Value::Text(self.0.clone())
    }
}

/// Types that are read and printed by the standard traits.
macro_rules! by_from_str {
    ($($kind:ty, $allowed:literal;)+) => { $(
        impl SettingType for $kind {
            fn allowed() -> String {
                $allowed.into()
            }

            fn from_value(value: Value) -> Option<Self> {
                plain(value)?.trim().parse().ok()
            }

            fn to_value(&self) -> Value {
                Value::Text(self.to_string())
            }
        }
    )+ };
}

by_from_str! {
    IpAddr, "an IPv4 or IPv6 address";
    Transport, "udp, tcp or tls";
    SipUri, "a SIP URI, as sip:alice@example.com";
    Route, "a host, HOST:PORT;transport=tcp, or sip:HOST:PORT;transport=tcp;lr";
    AccountAddress, "user@domain";
}

/// Makes a choice among words.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        $name:ident { $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, )+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $( $(#[doc = $doc])+ $variant, )+ }

        impl $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl SettingType for $name {
            fn allowed() -> String {
                Self::WORDS.join(" or ")
            }

            fn from_value(value: Value) -> Option<Self> {
                let Value::Text(text) = value else { return None };
                let text = text.trim();
                $( if text.eq_ignore_ascii_case($word) { return Some(Self::$variant); } )+
                None
            }

            fn to_value(&self) -> Value {
                Value::Text(self.as_str().into())
            }
        }
    };
}

choice! {
    /// How media keys are agreed on.
    KeyNegotiation {
        /// Offered in the SDP (RFC 4568); the peer may decline.
        SdesOptional = "sdes_optional",
        /// Offered in the SDP (RFC 4568); a peer that declines gets no call.
        SdesMandatory = "sdes_mandatory",
    }
}
choice! {
    /// The transport of chats.
    MsrpTransport {
        /// In the clear.
        Tcp = "tcp",
        /// Encrypted.
        Tls = "tls",
    }
}
choice! {
    /// How two chats find each other.
    ConnectionModel {
        /// Through a relay, when one is configured (RFC 4976).
        Relay = "relay",
        /// Directly (RFC 6135).
        Acm = "acm",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_that_is_not_blank_of_1024_bytes_at_most() {
        assert!(Text::new("x".repeat(TEXT_MAX)).is_some());
        for text in ["", "  ", "a\nb", "\u{1b}[0m", &"x".repeat(TEXT_MAX + 1)] {
            assert!(Text::new(text).is_none() && FilePath::new(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_sound_device_is_the_systems_a_file_or_a_name() {
        for (text, device) in [
            ("system_default", SoundDevice::SystemDefault),
            ("wav:a.wav", SoundDevice::Wav("a.wav".into())),
            ("USB Audio", SoundDevice::Named("USB Audio".into())),
        ] {
            let read = SoundDevice::from_text(text).unwrap();
            assert_eq!((&read, read.to_value()), (&device, Value::Text(text.into())));
        }
        assert_eq!(SoundDevice::from_text("wav:"), None);
    }

    #[test]
    fn a_choice_is_one_of_its_words() {
        assert_eq!(MsrpTransport::from_text("TLS"), Some(MsrpTransport::Tls));
        assert_eq!(MsrpTransport::from_text("udp"), None);
        assert_eq!(KeyNegotiation::allowed(), "sdes_optional or sdes_mandatory");
    }

    #[test]
    fn addresses_have_their_form() {
        assert!(WebAddress::from_text("https://xcap.example.com/root").is_some());
        for text in ["", "https://", "ftp://x", "https://a b"] {
            assert!(WebAddress::from_text(text).is_none(), "{text}");
        }
        assert!(SipUri::from_text("sip:voicemail@example.com").is_some());
        assert!(SipUri::from_text("tel:123").is_none());
        assert!(Route::from_text("proxy.example.com:5070;transport=tcp").is_some());
        assert!(Route::from_text("sip:alice@example.com").is_none());
        assert!(IpAddr::from_text("::1").is_some() && IpAddr::from_text("localhost").is_none());
    }
}
