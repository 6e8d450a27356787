//! The file: read whole, written whole, never torn.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::ConfigurationError;
use crate::settings::file::{FILE_MAX, FileError};

/// The file's name in its folder.
pub const FILE_NAME: &str = "settings.toml";
/// Files that were moved aside are counted up to this.
const ASIDE_MAX: u32 = 1000;

/// What a file held when it was looked at; `None`: there was no file.
pub(super) type Fingerprint = Option<(usize, u64)>;

/// Where the settings are.
pub(super) struct Store {
    pub(super) directory: PathBuf,
    pub(super) file: PathBuf,
}

/// A file's text, overwritten in memory when it is dropped, for there are passwords in it.
pub(super) struct Found {
    pub(super) text: Zeroizing<String>,
    pub(super) fingerprint: Fingerprint,
}

fn fingerprint(text: &str) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    Some((text.len(), hasher.finish()))
}

impl Store {
    pub(super) fn new(directory: PathBuf) -> Self {
        let file = directory.join(FILE_NAME);
        Self { directory, file }
    }

    fn io(&self, what: &'static str) -> impl Fn(std::io::Error) -> ConfigurationError + '_ {
        move |error| ConfigurationError::Io(what, self.file.clone(), error)
    }

    /// Reads the file; one that is not there is empty.
    pub(super) fn read(&self) -> Result<Found, ConfigurationError> {
        let broken = |error| ConfigurationError::Broken(self.file.clone(), error);
        let file = match File::open(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Found { text: Zeroizing::default(), fingerprint: None });
            }
            Err(error) => return Err(self.io("read")(error)),
        };
        let mut bytes = Zeroizing::new(Vec::new());
        let limit = u64::try_from(FILE_MAX + 1).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes).map_err(self.io("read"))?;
        if bytes.len() > FILE_MAX {
            return Err(broken(FileError::too_long()));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| broken(FileError::not_utf8(&bytes, error.valid_up_to())))?;
        let fingerprint = fingerprint(text);
        Ok(Found { text: Zeroizing::new(text.into()), fingerprint })
    }

    /// Writes what `make` makes of the file's text, if the file still is what it was when
    /// `known` was taken. Other processes wait meanwhile. What others read is the old file or the
    /// new one, and what a crash leaves is one of them, too.
    pub(super) fn write(
        &self,
        known: Fingerprint,
        make: impl FnOnce(&str) -> Result<Zeroizing<String>, FileError>,
    ) -> Result<Fingerprint, ConfigurationError> {
        let _lock = self.lock()?;
        let found = self.read()?;
        if found.fingerprint != known {
            return Err(ConfigurationError::ChangedOnDisk(self.file.clone()));
        }
        let text = make(&found.text)
            .map_err(|error| ConfigurationError::Broken(self.file.clone(), error))?;
        self.replace(&text).map_err(self.io("write"))?;
        Ok(fingerprint(&text))
    }

    /// Moves the file aside, whatever it holds; the name that it has now, if there was one.
    pub(super) fn set_aside(&self) -> Result<Option<PathBuf>, ConfigurationError> {
        let _lock = self.lock()?;
        if !fs::exists(&self.file).map_err(self.io("find"))? {
            return Ok(None);
        }
        let names = (1..=ASIDE_MAX).map(|n| self.directory.join(format!("{FILE_NAME}.old-{n}")));
        let free = names.into_iter().find(|name| fs::symlink_metadata(name).is_err());
        let free = free.ok_or_else(|| self.io("move aside")(ErrorKind::AlreadyExists.into()))?;
        fs::rename(&self.file, &free).map_err(self.io("move aside"))?;
        Ok(Some(free))
    }

    /// Makes the folder and takes the lock that writers share; it ends with the file.
    fn lock(&self) -> Result<File, ConfigurationError> {
        make_private_folder(&self.directory).map_err(self.io("make the folder of"))?;
        let name = self.directory.join(format!("{FILE_NAME}.lock"));
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = private(&mut options).open(name).map_err(self.io("lock"))?;
        match lock.lock() {
            Ok(()) => Ok(lock),
            // A file system without locks: the comparison alone must do.
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(lock),
            Err(error) => Err(self.io("lock")(error)),
        }
    }

    fn replace(&self, text: &str) -> std::io::Result<()> {
        // Who keeps the file elsewhere and has a link here keeps the link.
        let target = fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let fresh = target.with_extension("toml.new");
        // Left by a crash; the lock is ours, so nobody writes it now.
        if let Err(error) = fs::remove_file(&fresh)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
        let written = write_new(&fresh, text).and_then(|()| fs::rename(&fresh, &target));
        if written.is_err() {
            let _removed = fs::remove_file(&fresh);
            return written;
        }
        // The rename lasts once the folder is on disk. Where folders cannot be synced it is done.
        if let Some(Ok(folder)) = target.parent().map(File::open) {
            let _synced = folder.sync_all();
        }
        Ok(())
    }
}

/// Passwords may stand in it: for nobody but its owner.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = private(options.create_new(true).write(true)).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
