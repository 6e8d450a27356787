//! Settings as TOML text.
//!
//! Global settings are keys and tables by their dotted names; an account is a table
//! `[account."user@domain"]`. Only what differs from the defaults is written. What is empty
//! (`none`) is the string `"none"`.
//!
//! ```
//! use offhook::settings::{SettingsObject as _, file};
//!
//! let text = "# mine\n[audio]\nsilent = true # at night\n\n[account.\"alice@example.com\"]\n";
//! let mut configuration = file::read(text)?.configuration;
//! assert!(configuration.settings.audio.silent);
//! configuration.settings.set("sip.udp_port", "5060").expect("a port");
//! let text = file::edit(text, &configuration)?;
//! assert!(text.contains("silent = true # at night") && text.contains("[sip]\nudp_port = 5060"));
//! # Ok::<(), offhook::settings::file::FileError>(())
//! ```

use std::fmt;

mod edit;
mod read;

pub use edit::edit;
pub use read::{FileWarning, Read, read};

/// The longest file, in bytes.
pub const FILE_MAX: usize = 1 << 20;
/// Warnings about one file at most; further ones are left out.
pub const WARNINGS_MAX: usize = 100;

/// The table that holds the accounts.
const ACCOUNT: &str = "account";

/// Why a file of settings cannot be used. It shows nothing of what stands in the file but keys and
/// values of settings that are no secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// The key, if a value is wrong: `audio.silent`, `account."alice@example.com".enabled`.
    pub key: Option<String>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}

impl std::error::Error for FileError {}

impl FileError {
    /// An error at a byte of `text`.
    fn at(text: &str, offset: usize, key: Option<String>, reason: impl Into<String>) -> Self {
        let (line, column) = position(text.as_bytes(), offset);
        Self { line, column, key, reason: reason.into() }
    }

    /// A file that is no text.
    #[must_use]
    pub fn not_utf8(bytes: &[u8], offset: usize) -> Self {
        let (line, column) = position(bytes, offset);
        Self { line, column, key: None, reason: "this is no UTF-8 text".into() }
    }

    /// A file that is longer than [`FILE_MAX`].
    #[must_use]
    pub fn too_long() -> Self {
        let reason = format!("the file is longer than {FILE_MAX} bytes");
        Self { line: 1, column: 1, key: None, reason }
    }
}

/// Line and column of a byte.
fn position(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let in_line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    // Bytes that go on a UTF-8 character are not counted.
    (line, in_line.iter().filter(|byte| **byte & 0xc0 != 0x80).count() + 1)
}

#[cfg(test)]
mod tests;
