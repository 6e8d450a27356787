//! Settings: what they are called, what they may be, and how a file keeps them.
//!
//! [`Settings`] are those of the whole user agent, [`AccountSettings`] and [`BonjourSettings`]
//! those of accounts; a [`Configuration`] is all of them. Each is a table of typed fields. By name,
//! as files and people have them, they are reached through [`SettingsObject`]. [`mod@file`] knows their
//! text; files themselves are the shell's business. A setting that nothing follows yet says so
//! ([`Setting::has_effect`]).

mod account;
mod account_address;
mod configuration;
pub mod file;
mod global;
mod lists;
mod numbers;
mod secret;
mod table;
mod texts;
mod value;

pub use account::*;
pub use account_address::{ACCOUNT_ADDRESS_MAX, AccountAddress, AccountAddressError};
pub use configuration::{ACCOUNTS_MAX, Configuration};
pub use global::*;
pub use lists::{CodecList, ContentTypes, ITEMS_MAX, ServerList, TransportList};
pub use numbers::{Milliseconds, Number, Percent, Port, PortRange, SampleRate, Seconds};
pub use secret::Secret;
pub use table::{Assign, Modified, Setting, SettingError, SettingsObject, modified};
pub use texts::{
    ConnectionModel, FilePath, KeyNegotiation, MsrpTransport, SoundDevice, TEXT_MAX, Text,
    WebAddress,
};
pub use value::{NONE, SECRET_MAX, SettingType, Value};

#[cfg(test)]
mod defaults_tests;
#[cfg(test)]
mod tests;
