//! Settings and accounts as an application holds them: read from a file, changed, saved, told of.

mod account;
mod account_manager;
mod engine_config;
mod error;
mod store;
mod tell;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use etcetera::BaseStrategy as _;
use offhook_fsm::Entropy;

use super::NotificationCenter;
use super::clock::Clock;
use super::notification_center::lock;
use crate::settings::file::{self, FileError, FileWarning};
use crate::settings::{
    AccountAddress, Configuration, SettingError, Settings, SettingsObject, Value,
};

pub use account::{Account, AnyAccount, BonjourAccount, PASSWORD_FILE_MAX, password_file};
pub use account_manager::AccountManager;
pub use error::ConfigurationError;
pub use store::FILE_NAME;
use store::{Fingerprint, Found, Store};

/// Settings and accounts of one folder. Clones are one manager.
///
/// Changes hold at once; [`save`](Self::save) writes them and tells of them
/// (`CFGSettingsObjectDidChange`, or `CFGManagerSaveFailed`).
///
/// ```
/// use offhook::{ConfigurationManager, NotificationCenter};
///
/// # let directory = std::env::temp_dir().join(format!("offhook-doc-{}", std::process::id()));
/// let configuration = ConfigurationManager::start(&directory, NotificationCenter::new()?)?;
/// configuration.set(None, "audio.silent", "yes")?;
/// configuration.update(|settings| settings.audio.muted = true);
/// configuration.save()?;
/// assert!(configuration.settings().audio.silent);
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ConfigurationManager {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    clock: Clock,
    center: NotificationCenter,
    /// Held while the file is read or written, so that what is told has an order; `state` is not.
    filing: Mutex<()>,
    state: Mutex<State>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct State {
    /// What the file says.
    saved: Configuration,
    /// What holds, saved or not.
    current: Configuration,
    /// Counts changes of `current`.
    version: u64,
    fingerprint: Fingerprint,
    /// Why the file cannot be used.
    problem: Option<FileError>,
    warnings: Vec<FileWarning>,
}

/// What accounts are given for their life in this process.
struct Known {
    entropy: Entropy,
    next: u64,
    accounts: BTreeMap<AccountAddress, account::Identity>,
}

impl fmt::Debug for ConfigurationManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigurationManager").field("file", &self.file()).finish_non_exhaustive()
    }
}

impl ConfigurationManager {
    /// Reads the settings of a folder. A folder or a file that is not there means defaults; both
    /// are made when something is saved.
    ///
    /// # Errors
    /// When the file cannot be read or cannot be used as it stands.
    pub fn start(
        directory: impl Into<PathBuf>,
        center: NotificationCenter,
    ) -> Result<Self, ConfigurationError> {
        let manager = Self::start_for_repair(directory, center)?;
        match manager.problem() {
            None => Ok(manager),
            Some(problem) => Err(ConfigurationError::Broken(manager.file().into(), problem)),
        }
    }

    /// Like [`start`](Self::start), but a file that cannot be used stands for defaults;
    /// [`problem`](Self::problem) tells. It is not written over: saving is refused until it is
    /// repaired and read again, or [`reset_file`](Self::reset_file) moves it aside.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn start_for_repair(
        directory: impl Into<PathBuf>,
        center: NotificationCenter,
    ) -> Result<Self, ConfigurationError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| ConfigurationError::NoRandom(error.to_string()))?;
        let known = Known { entropy: Entropy::from_seed(seed), next: 1, accounts: BTreeMap::new() };
        let store = Store::new(directory.into());
        let mut state = State::default();
        match store.read() {
            Ok(found) => match take(&mut state, &found) {
                Ok(configuration) => {
                    state.saved.clone_from(&configuration);
                    state.current = configuration;
                }
                Err(problem) => state.problem = Some(problem),
            },
            Err(ConfigurationError::Broken(_, problem)) => state.problem = Some(problem),
            Err(error) => return Err(error),
        }
        let shared = Shared {
            store,
            clock: Clock::start(),
            center,
            filing: Mutex::default(),
            state: Mutex::new(state),
            known: Mutex::new(known),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The folder for settings on this platform: `~/.config/offhook` on Linux; `None` for a user
    /// without a home.
    #[must_use]
    pub fn default_directory() -> Option<PathBuf> {
        let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
        Some(strategy.config_dir().join("offhook"))
    }

    /// The folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.shared.store.directory
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.shared.store.file
    }

    /// The global settings that hold now, saved or not.
    #[must_use]
    pub fn settings(&self) -> Settings {
        lock(&self.shared.state).current.settings.clone()
    }

    /// All that holds now, saved or not.
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        lock(&self.shared.state).current.clone()
    }

    /// The accounts.
    #[must_use]
    pub fn accounts(&self) -> AccountManager {
        AccountManager::new(self.clone())
    }

    /// Keys of the file that name no setting, as of the last reading.
    #[must_use]
    pub fn warnings(&self) -> Vec<FileWarning> {
        lock(&self.shared.state).warnings.clone()
    }

    /// Why the file cannot be used, as of the last reading.
    #[must_use]
    pub fn problem(&self) -> Option<FileError> {
        lock(&self.shared.state).problem.clone()
    }

    /// The value of a setting of an account; for `None` a global one.
    ///
    /// # Errors
    /// When there is no such account or no such setting.
    pub fn get(
        &self,
        account: Option<&AccountAddress>,
        name: &str,
    ) -> Result<Value, ConfigurationError> {
        let state = lock(&self.shared.state);
        let object = state.current.object(account).ok_or_else(|| unknown(account))?;
        Ok(object.get(name)?)
    }

    /// Sets a setting as a person types it; see
    /// [`SettingsObject::set`](crate::settings::SettingsObject::set).
    ///
    /// # Errors
    /// When there is no such account or setting, or the value is not allowed.
    pub fn set(
        &self,
        account: Option<&AccountAddress>,
        name: &str,
        text: &str,
    ) -> Result<(), ConfigurationError> {
        self.update_object(account, |object| object.set(name, text))
    }

    /// Gives a setting its default.
    ///
    /// # Errors
    /// When there is no such account or setting.
    pub fn reset(
        &self,
        account: Option<&AccountAddress>,
        name: &str,
    ) -> Result<(), ConfigurationError> {
        self.update_object(account, |object| object.reset(name))
    }

    /// Changes settings of an account, or for `None` global ones, by name: all or nothing.
    /// `change` is called again when another thread was faster.
    ///
    /// # Errors
    /// When there is no such account, or `change` fails: then nothing changes.
    pub fn update_object(
        &self,
        account: Option<&AccountAddress>,
        mut change: impl FnMut(&mut dyn SettingsObject) -> Result<(), SettingError>,
    ) -> Result<(), ConfigurationError> {
        self.change(|configuration| {
            let object = configuration.object_mut(account).ok_or_else(|| unknown(account))?;
            Ok(change(object)?)
        })
    }

    /// Changes global settings. `change` is called again when another thread was faster.
    pub fn update(&self, mut change: impl FnMut(&mut Settings)) {
        let done = self.change(|configuration| {
            change(&mut configuration.settings);
            Ok(())
        });
        // It has no way to fail.
        done.unwrap_or_default();
    }

    /// Changes what holds, with no lock held meanwhile; an error changes nothing.
    fn change<R>(
        &self,
        mut change: impl FnMut(&mut Configuration) -> Result<R, ConfigurationError>,
    ) -> Result<R, ConfigurationError> {
        loop {
            let (mut configuration, version) = {
                let state = lock(&self.shared.state);
                (state.current.clone(), state.version)
            };
            let done = change(&mut configuration)?;
            let mut state = lock(&self.shared.state);
            if state.version == version {
                state.current = configuration;
                state.version = version.wrapping_add(1);
                return Ok(done);
            }
        }
    }

    /// Writes what was changed and tells of it. Without a change nothing is written. After an
    /// error the changes still hold and wait for another `save`, or [`revert`](Self::revert).
    ///
    /// # Errors
    /// When the file is broken, was changed by somebody else, or cannot be written.
    pub fn save(&self) -> Result<(), ConfigurationError> {
        let _filing = lock(&self.shared.filing);
        let (saved, wanted, fingerprint, problem) = {
            let state = lock(&self.shared.state);
            let problem = state.problem.clone();
            (state.saved.clone(), state.current.clone(), state.fingerprint, problem)
        };
        if saved == wanted {
            return Ok(());
        }
        let store = &self.shared.store;
        let written = match problem {
            Some(problem) => Err(ConfigurationError::Broken(store.file.clone(), problem)),
            None => store.write(fingerprint, |text| file::edit(text, &wanted)),
        };
        match written {
            Ok(fingerprint) => {
                {
                    let mut state = lock(&self.shared.state);
                    state.fingerprint = fingerprint;
                    state.saved.clone_from(&wanted);
                }
                self.tell_changes(&saved, &wanted);
                Ok(())
            }
            Err(error) => {
                self.tell_failure(&saved, &wanted, &error.to_string());
                Err(error)
            }
        }
    }

    /// Takes back what was changed and not saved.
    pub fn revert(&self) {
        let mut state = lock(&self.shared.state);
        state.current = state.saved.clone();
        state.version = state.version.wrapping_add(1);
    }

    /// Reads the file again and tells what is different. What was not saved is gone.
    ///
    /// # Errors
    /// When the file cannot be read or used: then what held before goes on to hold.
    pub fn reload(&self) -> Result<(), ConfigurationError> {
        let _filing = lock(&self.shared.filing);
        let found = self.shared.store.read();
        let (before, now) = {
            let mut state = lock(&self.shared.state);
            let taken = match found {
                Ok(found) => take(&mut state, &found),
                Err(ConfigurationError::Broken(_, problem)) => Err(problem),
                Err(error) => return Err(error),
            };
            let now = match taken {
                Ok(now) => now,
                Err(problem) => {
                    state.problem = Some(problem.clone());
                    return Err(ConfigurationError::Broken(self.file().into(), problem));
                }
            };
            state.current.clone_from(&now);
            state.version = state.version.wrapping_add(1);
            (std::mem::replace(&mut state.saved, now.clone()), now)
        };
        self.tell_changes(&before, &now);
        Ok(())
    }

    /// Moves the file aside, whatever it holds, and begins with defaults and no accounts. Gives
    /// the old file's new name, if there was one.
    ///
    /// # Errors
    /// When the file cannot be moved.
    pub fn reset_file(&self) -> Result<Option<PathBuf>, ConfigurationError> {
        let _filing = lock(&self.shared.filing);
        let aside = self.shared.store.set_aside()?;
        let before = {
            let mut state = lock(&self.shared.state);
            let version = state.version.wrapping_add(1);
            std::mem::replace(&mut *state, State { version, ..State::default() }).saved
        };
        self.tell_changes(&before, &Configuration::default());
        Ok(aside)
    }
}

/// Takes what a file says; `saved` and `current` are the caller's.
fn take(state: &mut State, found: &Found) -> Result<Configuration, FileError> {
    let read = file::read(&found.text)?;
    state.fingerprint = found.fingerprint;
    state.warnings = read.warnings;
    state.problem = None;
    Ok(read.configuration)
}

fn unknown(account: Option<&AccountAddress>) -> ConfigurationError {
    // The global settings are always there.
    let address = account.cloned().unwrap_or_else(AccountAddress::bonjour);
    ConfigurationError::UnknownAccount(address)
}
