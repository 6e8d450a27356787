//! What the session says to the connection of a file and hears from it.

use std::path::PathBuf;

use offhook_msrp::file::FileAttributes;

use crate::negotiate::FileRole;

/// A file on its way, and where it is or goes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileWork {
    /// What we do with it.
    pub role: FileRole,
    /// What it is.
    pub file: FileAttributes,
    /// The file to read, or the directory into which it is put under its own name.
    pub place: PathBuf,
    /// When the file that is read was last changed, in microseconds since 1970, as it was looked at.
    pub modified_us: Option<i64>,
}

/// What the connection of a file tells beside what all connections do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileTold {
    /// The file was looked at: the work with its size and hashes, or why it cannot be read. Told
    /// once for each order.
    Inspected {
        /// Which transfer.
        transfer_id: String,
        /// What was found.
        result: Result<Box<FileWork>, String>,
    },
    /// How far it is.
    Progress {
        /// Bytes that the other side has, or that came.
        transferred: u64,
        /// Bytes in all.
        total: u64,
    },
    /// It is there, under this name, or why not. Told once.
    Finished(Result<PathBuf, String>),
}
