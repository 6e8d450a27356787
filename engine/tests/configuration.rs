//! Settings in a file: read, changed, saved, told of, and never lost or torn.
#![cfg(feature = "shell")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use offhook::settings::Value;
use offhook::{
    ConfigurationError, ConfigurationManager, Delivery, Filter, NotificationCenter, Subscription,
};

const SOON: Duration = Duration::from_secs(20);

/// A folder of a test's own that is not there yet.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("configuration").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

fn file(folder: &Path) -> PathBuf {
    folder.join("settings.toml")
}

fn text(folder: &Path) -> String {
    std::fs::read_to_string(file(folder)).unwrap()
}

fn write(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(file(folder), text).unwrap();
}

fn start(folder: &Path) -> (ConfigurationManager, Subscription) {
    let center = NotificationCenter::new().unwrap();
    let told = center.subscribe(Filter::ALL, 100);
    (ConfigurationManager::start(folder, center).unwrap(), told)
}

fn next(told: &Subscription) -> String {
    match told.next(SOON) {
        Some(Delivery::Notification(notification)) => notification.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn without_a_file_there_are_defaults_and_nothing_is_made_before_something_is_saved() {
    let folder = folder("defaults");
    let (manager, _told) = start(&folder);
    assert_eq!(manager.settings(), offhook::settings::Settings::default());
    manager.save().unwrap();
    assert!(!folder.exists());
    manager.set(None, "audio.silent", "yes").unwrap();
    assert!(!folder.exists());
    manager.save().unwrap();
    assert_eq!(text(&folder), "[audio]\nsilent = true\n");
    assert_eq!(names(&folder), ["settings.toml", "settings.toml.lock"]);
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let folder = folder("restart");
    let (manager, _told) = start(&folder);
    manager.update(|settings| settings.audio.muted = true);
    manager.set(None, "rtp.port_range", "20000-20100").unwrap();
    manager.save().unwrap();
    let (manager, _told) = start(&folder);
    assert!(manager.settings().audio.muted);
    let range = manager.get(None, "rtp.port_range").unwrap();
    assert_eq!(range, Value::Text("20000-20100".into()));
}

#[test]
fn a_change_holds_at_once_and_is_told_when_it_is_saved() {
    let (manager, told) = start(&folder("told"));
    manager.set(None, "audio.silent", "yes").unwrap();
    manager.set(None, "sip.ring_timeout", "60").unwrap();
    assert!(manager.settings().audio.silent);
    manager.save().unwrap();
    let expected = "CFGSettingsObjectDidChange settings object=settings \
                    modified={audio.silent={old=false,new=true},\
                    sip.ring_timeout={old=none,new=60}}";
    assert_eq!(next(&told), expected);
    manager.reset(None, "audio.silent").unwrap();
    manager.save().unwrap();
    assert!(next(&told).contains("modified={audio.silent={old=true,new=false}}"));
}

#[test]
fn what_is_reverted_is_neither_saved_nor_told() {
    let folder = folder("revert");
    let (manager, told) = start(&folder);
    manager.set(None, "audio.silent", "yes").unwrap();
    manager.revert();
    manager.save().unwrap();
    assert!(!manager.settings().audio.silent && !folder.exists());
    manager.set(None, "audio.muted", "yes").unwrap();
    manager.save().unwrap();
    assert!(next(&told).contains("audio.muted"), "the first that is told");
}

#[test]
fn a_value_that_is_not_allowed_changes_nothing() {
    let (manager, _told) = start(&folder("not-allowed"));
    let error = manager.set(None, "audio.silent", "maybe").unwrap_err();
    assert_eq!(error.name(), "InvalidValue");
    assert_eq!(error.to_string(), "audio.silent cannot be \"maybe\"; allowed: true or false");
    assert_eq!(manager.set(None, "audio.colour", "blue").unwrap_err().name(), "UnknownName");
    let nobody = "nobody@example.com".parse().unwrap();
    assert_eq!(manager.get(Some(&nobody), "enabled").unwrap_err().name(), "UnknownAccount");
}

#[test]
fn a_broken_file_is_an_error_that_names_file_line_and_reason() {
    let folder = folder("broken");
    write(&folder, "[audio]\nsilent = 3\n");
    let center = NotificationCenter::new().unwrap();
    let error = ConfigurationManager::start(&folder, center).unwrap_err();
    let expected = format!(
        "{}, line 2, column 10: audio.silent cannot be 3; allowed: true or false",
        file(&folder).display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_broken_file_is_never_written_over_until_it_is_repaired() {
    let folder = folder("repaired");
    let broken = "[audio]\nsilent = tru\n";
    write(&folder, broken);
    let center = NotificationCenter::new().unwrap();
    let told = center.subscribe(Filter::ALL, 100);
    let manager = ConfigurationManager::start_for_repair(&folder, center).unwrap();
    assert_eq!(manager.problem().unwrap().line, 2);
    manager.set(None, "audio.muted", "yes").unwrap();
    for _ in 0..2 {
        assert!(matches!(manager.save().unwrap_err(), ConfigurationError::Broken(..)));
        assert!(next(&told).starts_with(
            "CFGManagerSaveFailed settings object=settings \
             modified={audio.muted={old=false,new=true}} exception="
        ));
    }
    assert!(matches!(manager.reload().unwrap_err(), ConfigurationError::Broken(..)));
    assert_eq!(text(&folder), broken);
    write(&folder, "[audio]\nsilent = true\n");
    manager.reload().unwrap();
    assert!(manager.problem().is_none() && manager.settings().audio.silent);
    manager.set(None, "audio.muted", "yes").unwrap();
    manager.save().unwrap();
    assert_eq!(text(&folder), "[audio]\nsilent = true\nmuted = true\n");
}

#[test]
fn a_file_that_breaks_later_leaves_what_holds_and_is_not_written_over() {
    let folder = folder("breaks");
    write(&folder, "[audio]\nsilent = true\n");
    let (manager, _told) = start(&folder);
    write(&folder, "[audio");
    assert_eq!(manager.reload().unwrap_err().name(), "Broken");
    assert!(manager.settings().audio.silent && manager.problem().is_some());
    manager.set(None, "audio.muted", "yes").unwrap();
    assert_eq!(manager.save().unwrap_err().name(), "Broken");
    assert_eq!(text(&folder), "[audio");
    let refused = manager.accounts().add("a@h".parse().unwrap(), Default::default());
    assert_eq!(refused.unwrap_err().name(), "Broken");
}

#[test]
fn a_broken_file_can_be_moved_aside_and_nothing_of_it_is_lost() {
    let folder = folder("aside");
    for number in 1..3 {
        let broken = format!("[audio{number}");
        write(&folder, &broken);
        let center = NotificationCenter::new().unwrap();
        let manager = ConfigurationManager::start_for_repair(&folder, center).unwrap();
        let aside = manager.reset_file().unwrap().unwrap();
        assert_eq!(aside, folder.join(format!("settings.toml.old-{number}")));
        assert_eq!(std::fs::read_to_string(aside).unwrap(), broken);
        assert_eq!(manager.reset_file().unwrap(), None);
        manager.set(None, "audio.muted", "yes").unwrap();
        manager.save().unwrap();
        assert_eq!(text(&folder), "[audio]\nmuted = true\n");
    }
}

#[test]
fn what_is_no_text_and_what_is_too_long_is_broken() {
    let folder = folder("no-text");
    std::fs::create_dir_all(&folder).unwrap();
    let problem = |bytes: &[u8]| {
        std::fs::write(file(&folder), bytes).unwrap();
        let center = NotificationCenter::new().unwrap();
        ConfigurationManager::start_for_repair(&folder, center).unwrap().problem()
    };
    assert_eq!(
        problem(b"a = 1\nb\xff").unwrap().to_string(),
        "line 2, column 2: this is no UTF-8 text"
    );
    let longest = offhook::settings::file::FILE_MAX;
    assert!(problem(&vec![b'#'; longest + 1]).unwrap().reason.contains("longer than"));
    assert!(problem(&vec![b'#'; longest]).is_none());
}

#[test]
fn a_file_that_somebody_else_changed_is_not_written_over() {
    let folder = folder("changed");
    write(&folder, "[audio]\nsilent = true\n");
    let (ours, told) = start(&folder);
    let (theirs, _told) = start(&folder);
    theirs.set(None, "audio.muted", "yes").unwrap();
    theirs.save().unwrap();
    ours.set(None, "sip.udp_port", "5060").unwrap();
    let error = ours.save().unwrap_err();
    assert!(matches!(error, ConfigurationError::ChangedOnDisk(_)), "{error}");
    assert!(next(&told).starts_with("CFGManagerSaveFailed"));
    assert!(!text(&folder).contains("5060"));
    ours.reload().unwrap();
    assert!(next(&told).contains("modified={audio.muted={old=false,new=true}}"));
    ours.set(None, "sip.udp_port", "5060").unwrap();
    ours.save().unwrap();
    assert_eq!(text(&folder), "[audio]\nsilent = true\nmuted = true\n\n[sip]\nudp_port = 5060\n");
}

#[test]
fn a_file_that_appears_or_vanishes_is_a_change_too() {
    let folder = folder("appears");
    let (manager, _told) = start(&folder);
    manager.set(None, "audio.muted", "yes").unwrap();
    write(&folder, "");
    assert_eq!(manager.save().unwrap_err().name(), "ChangedOnDisk");
    manager.reload().unwrap();
    std::fs::remove_file(file(&folder)).unwrap();
    manager.set(None, "audio.muted", "yes").unwrap();
    assert_eq!(manager.save().unwrap_err().name(), "ChangedOnDisk");
}

#[test]
fn many_writers_lose_no_change_and_readers_never_see_half_a_file() {
    let folder = folder("many");
    write(&folder, "# kept\n");
    let writer = |name: &'static str| {
        let (manager, _told) = start(&folder);
        move || {
            for _ in 0..10_000 {
                manager.set(None, name, "yes").unwrap();
                match manager.save() {
                    Ok(()) => return,
                    Err(ConfigurationError::ChangedOnDisk(_)) => manager.reload().unwrap(),
                    Err(error) => panic!("{error}"),
                }
            }
            panic!("no end of tries");
        }
    };
    let names = ["audio.silent", "audio.muted", "sip.auto_answer", "logs.trace_sip"];
    std::thread::scope(|scope| {
        let writers: Vec<_> = names.iter().map(|name| scope.spawn(writer(name))).collect();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let text = text(&folder);
            assert!(text.starts_with("# kept\n"), "{text:?}");
            offhook::settings::file::read(&text).unwrap();
        }
    });
    let (manager, _told) = start(&folder);
    for name in names {
        assert_eq!(manager.get(None, name).unwrap(), Value::Boolean(true), "{name}");
    }
}

#[test]
fn threads_that_change_one_manager_lose_nothing() {
    let (manager, _told) = start(&folder("threads"));
    std::thread::scope(|scope| {
        for name in ["audio.silent", "audio.muted", "sip.auto_answer", "logs.trace_sip"] {
            let manager = manager.clone();
            scope.spawn(move || {
                manager.set(None, name, "yes").unwrap();
                manager.save().unwrap();
            });
        }
    });
    assert_eq!(text(manager.directory()).matches("= true").count(), 4);
}

#[cfg(unix)]
#[test]
fn the_file_and_its_folder_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder("owner");
    let (manager, _told) = start(&folder);
    manager.set(None, "audio.muted", "yes").unwrap();
    manager.save().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&file(&folder))), (0o700, 0o600));
    // One that was open to others is not any more once it was written.
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(file(&folder), open).unwrap();
    manager.set(None, "audio.silent", "yes").unwrap();
    manager.save().unwrap();
    assert_eq!(mode(&file(&folder)), 0o600);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_what_it_leads_to_is_written() {
    let folder = folder("link");
    let elsewhere = folder.join("elsewhere");
    write(&elsewhere, "# mine\n");
    std::os::unix::fs::symlink(file(&elsewhere), file(&folder)).unwrap();
    let (manager, _told) = start(&folder);
    manager.set(None, "audio.muted", "yes").unwrap();
    manager.save().unwrap();
    assert!(std::fs::symlink_metadata(file(&folder)).unwrap().is_symlink());
    assert!(text(&elsewhere).contains("muted = true"));
}

#[test]
fn what_a_crash_left_behind_does_not_stand_in_the_way() {
    let folder = folder("crash");
    write(&folder, "");
    std::fs::write(folder.join("settings.toml.new"), "half").unwrap();
    let (manager, _told) = start(&folder);
    manager.set(None, "audio.muted", "yes").unwrap();
    manager.save().unwrap();
    assert_eq!(names(&folder), ["settings.toml", "settings.toml.lock"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_the_change_waits() {
    let folder = folder("no-folder");
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    // A file stands where the folder should be.
    std::fs::write(&folder, "").unwrap();
    let center = NotificationCenter::new().unwrap();
    let error = ConfigurationManager::start(folder.join("sub"), center.clone()).unwrap_err();
    assert!(matches!(error, ConfigurationError::Io(..)), "{error}");
    std::fs::remove_file(&folder).unwrap();
    let told = center.subscribe(Filter::ALL, 10);
    let manager = ConfigurationManager::start(folder.join("sub"), center).unwrap();
    std::fs::write(&folder, "").unwrap();
    manager.set(None, "audio.muted", "yes").unwrap();
    assert!(matches!(manager.save().unwrap_err(), ConfigurationError::Io(..)));
    assert!(next(&told).starts_with("CFGManagerSaveFailed"));
    assert!(manager.settings().audio.muted);
    std::fs::remove_file(&folder).unwrap();
    manager.save().unwrap();
    assert!(next(&told).starts_with("CFGSettingsObjectDidChange"));
}

#[test]
fn unknown_keys_are_warned_about_and_kept() {
    let folder = folder("unknown");
    write(&folder, "[audio]\nvolume = 11\n");
    let (manager, _told) = start(&folder);
    let warnings: Vec<_> = manager.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["line 2: audio.volume is no setting and is ignored"]);
    manager.set(None, "audio.muted", "yes").unwrap();
    manager.save().unwrap();
    assert_eq!(text(&folder), "[audio]\nvolume = 11\nmuted = true\n");
}

#[test]
fn the_platform_has_a_folder_for_settings() {
    let directory = ConfigurationManager::default_directory().unwrap();
    assert!(directory.is_absolute() && directory.ends_with("offhook"), "{directory:?}");
}

#[test]
fn an_engine_starts_as_the_settings_say() {
    let (manager, _told) = start(&folder("engine"));
    let accounts = manager.accounts();
    let mut alice = offhook::settings::AccountSettings::default();
    alice.general.enabled = true;
    let alice = accounts.add("alice@example.com".parse().unwrap(), alice).unwrap();
    accounts.set_default_account(alice.address()).unwrap();
    for (name, value) in [
        ("sip.local_address", "127.0.0.1"),
        ("sip.transport_list", "udp"),
        ("audio.input_device", "none"),
        ("audio.output_device", "none"),
    ] {
        manager.set(None, name, value).unwrap();
    }
    let config = offhook::Config::from_configuration(&manager.configuration()).unwrap();
    let center = NotificationCenter::new().unwrap();
    let engine = offhook::Engine::start(config, center).unwrap();
    assert_eq!(engine.uri(), "sip:alice@example.com");
    let listeners = engine.listeners();
    assert_eq!(listeners.len(), 1);
    assert!(listeners[0].address.ip().is_loopback() && listeners[0].address.port() != 0);
    engine.stop();
}
