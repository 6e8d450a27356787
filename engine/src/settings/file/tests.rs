use super::*;
use crate::settings::{
    ACCOUNTS_MAX, AccountAddress, AccountSettings, Configuration, SettingsObject,
};

const TEXT: &str = r#"# My telephone.
default_account = "alice@example.com"

[audio] # sound
# Nobody wakes up.
silent = true
colour = "blue"
input_device = "none"

[rtp]
port_range = "20000-20100"
audio_codec_list = ["PCMA", "PCMU"]

[rtp.encryption]
key_negotiation = "sdes_mandatory"

[account."alice@example.com"]
enabled = true

[account."alice@example.com".auth]
password = "open sesame"

[account."bob@Example.COM"]
sip.register_interval = 3600 # hourly
"#;

fn told(text: &str) -> String {
    read(text).map(|_| ()).unwrap_err().to_string()
}

/// `TEXT` after a change.
fn edited(text: &str, change: impl Fn(&mut Configuration)) -> String {
    let mut configuration = read(text).unwrap().configuration;
    change(&mut configuration);
    let edited = edit(text, &configuration).unwrap();
    assert!(read(&edited).unwrap().configuration.says_what(&configuration));
    edited.to_string()
}

#[test]
fn a_file_is_read_by_name_and_the_rest_has_its_defaults() {
    let configuration = read(TEXT).unwrap().configuration;
    let settings = &configuration.settings;
    assert!(settings.audio.silent && settings.audio.input_device.is_none());
    assert_eq!(settings.rtp.port_range.ports(), 20_000..=20_100);
    assert_eq!(
        settings.get("rtp.encryption.key_negotiation").unwrap().to_string(),
        "sdes_mandatory"
    );
    assert!(settings.audio.playback_dtmf);
    let alice: AccountAddress = "alice@example.com".parse().unwrap();
    assert_eq!(configuration.default_account(), Some(alice.clone()));
    let password = configuration.account(&alice).unwrap().auth.password.as_ref().unwrap();
    assert_eq!(password.expose(), "open sesame");
    let bob = configuration.account(&"bob@example.com".parse().unwrap()).unwrap();
    assert_eq!(bob.sip.register_interval.get(), 3600);
}

#[test]
fn an_empty_file_is_the_defaults_and_the_defaults_are_an_empty_file() {
    assert_eq!(read("").unwrap().configuration, Configuration::default());
    assert_eq!(edit("", &Configuration::default()).unwrap().as_str(), "");
}

#[test]
fn an_unknown_key_is_a_warning_with_its_line_and_is_kept() {
    let text = format!("{TEXT}\n[future.thing]\nx = 1\n\"audio.silent\" = true\n");
    let warnings = read(&text).unwrap().warnings;
    let expected = ["line 7: audio.colour", "line 26: future"];
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (warning, expected) in warnings.iter().zip(expected) {
        assert_eq!(warning.to_string(), format!("{expected} is no setting and is ignored"));
    }
    let text = edited(&text, |c| c.settings.set("audio.silent", "no").unwrap());
    assert!(text.contains("colour = \"blue\"") && text.contains("[future.thing]\nx = 1"), "{text}");
}

#[test]
fn a_quoted_key_with_dots_names_no_setting() {
    let read = read("\"audio.silent\" = true\n").unwrap();
    assert_eq!(read.configuration, Configuration::default());
    assert_eq!(
        read.warnings[0].to_string(),
        r#"line 1: "audio.silent" is no setting and is ignored"#
    );
}

#[test]
fn warnings_stop_at_their_limit() {
    let text: String = (0..=WARNINGS_MAX).map(|n| format!("x{n} = 1\n")).collect();
    assert_eq!(read(&text).unwrap().warnings.len(), WARNINGS_MAX);
}

#[test]
fn broken_text_is_told_with_line_column_and_reason() {
    for (text, place) in [
        ("[audio]\nsilent = \n", "line 2, column 10: "),
        ("[audio]\n\u{fc}=1\n", "line 2, column 1: "),
        ("a = 1\na = 2\n", "line 2, column 1: "),
        ("[audio", "line 1, column 7: "),
    ] {
        let told = told(text);
        assert!(told.starts_with(place) && told.len() > place.len(), "{text:?}: {told}");
    }
}

#[test]
fn a_value_that_is_not_allowed_is_told_with_line_and_key() {
    for (text, expected) in [
        (
            "[sip]\n\nudp_port = 65536\n",
            "line 3, column 12: sip.udp_port cannot be 65536; allowed: a whole number from 0 to 65535",
        ),
        (
            "[audio]\nsilent = \"yes\"\n",
            r#"line 2, column 10: audio.silent cannot be "yes"; allowed: true or false"#,
        ),
        (
            "audio.muted = 1.5",
            "line 1, column 15: audio.muted cannot be a decimal number; allowed: true or false",
        ),
        ("audio = 1", "line 1, column 1: audio is a group of settings: write [audio]"),
        (
            "[[audio]]\nsilent = true",
            "line 1, column 3: audio is a group of settings: write [audio]",
        ),
        (
            "[account.\"a@h\"]\nsip.register = 1",
            "line 2, column 16: account.\"a@h\".sip.register cannot be 1; allowed: true or false",
        ),
        (
            "[account.alice]",
            "line 1, column 10: \"alice\" is no account: type it as user@domain, like \
             alice@example.com",
        ),
        ("account = 1", "line 1, column 1: write accounts as [account.\"user@domain\"]"),
        ("[account]\n\"a@h\" = 1", "line 2, column 1: write the account as [account.\"a@h\"]"),
        ("[account.\"a@h\"]\n[account.\"a@H\"]", "line 2, column 10: the account a@h stands twice"),
    ] {
        assert_eq!(told(text), expected);
    }
    let error = read("[rtp.encryption]\nenabled = 3").unwrap_err();
    assert_eq!((error.line, error.key.as_deref()), (2, Some("rtp.encryption.enabled")));
}

#[test]
fn an_array_may_hold_strings_alone() {
    let error = told("rtp.audio_codec_list = [1]");
    assert!(error.contains("cannot be an array of something else than strings"), "{error}");
}

#[test]
fn no_error_shows_a_password() {
    for text in [
        "[account.\"a@h\".auth]\npassword = \"sesame",
        "[account.\"a@h\".auth]\npassword = sesame\n",
        "[account.\"a@h\".auth]\npassword = \"sesame\" sesame\n",
        "[account.\"a@h\".auth]\npassword = \"sesame\\u0007\"\n",
        "[account.\"a@h\".auth]\npassword = [\"sesame\"]\n",
        "[account.\"a@h\".auth]\npassword = { sesame = \"sesame\" }\n",
        "[account.\"a@h\".auth]\npassword = \"sesame\"\npassword = \"sesame\"\n",
        "[account.\"a@h\".auth]\npassword = \"\"\"sesame\n",
    ] {
        let error = read(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error}");
    }
}

#[test]
fn a_change_leaves_every_other_line_as_it_is() {
    let text = edited(TEXT, |c| c.settings.set("rtp.port_range", "5000-6000").unwrap());
    assert_eq!(text, TEXT.replace("20000-20100", "5000-6000"));
    let text = edited(TEXT, |c| {
        let bob = c.account_mut(&"bob@example.com".parse().unwrap()).unwrap();
        bob.set("sip.register_interval", "60").unwrap();
    });
    assert_eq!(text, TEXT.replace("3600 # hourly", "60 # hourly"));
}

#[test]
fn what_has_its_default_again_is_taken_out_and_comments_stay() {
    let text = edited(TEXT, |c| c.settings.reset("audio.silent").unwrap());
    assert_eq!(text, TEXT.replace("silent = true\n", ""));
    let text = edited(TEXT, |c| {
        c.settings.reset("default_account").unwrap();
        c.settings.reset("rtp.encryption.key_negotiation").unwrap();
    });
    assert!(text.contains("# My telephone.") && !text.contains("default_account"), "{text}");
    assert!(!text.contains("[rtp.encryption]"), "an empty group goes: {text}");
}

#[test]
fn comments_of_a_file_that_holds_nothing_else_stay_at_its_top() {
    for text in ["# mine\n", "# mine"] {
        let text = edited(text, |c| c.settings.set("audio.silent", "yes").unwrap());
        assert!(
            text.starts_with("# mine\n") && text.ends_with("[audio]\nsilent = true\n"),
            "{text}"
        );
        let text = edited(&text, |c| c.settings.set("audio.silent", "no").unwrap());
        assert!(text.starts_with("# mine\n"), "{text}");
    }
}

#[test]
fn a_file_does_not_begin_with_a_blank_line_unless_it_did() {
    let text = "[audio]\nsilent = true\n\n[sip]\nudp_port = 5\n";
    let without = |text: &str| edited(text, |c| c.settings.reset("audio.silent").unwrap());
    assert_eq!(without(text), "[sip]\nudp_port = 5\n");
    assert!(without(&format!("\n{text}")).starts_with('\n'));
}

#[test]
fn a_default_that_a_person_wrote_out_stays() {
    let text = "[audio]\nsilent = false\n";
    let text = edited(text, |c| c.settings.set("audio.muted", "yes").unwrap());
    assert_eq!(text, "[audio]\nsilent = false\nmuted = true\n");
}

#[test]
fn new_settings_come_in_tables_of_their_group() {
    let text = edited("", |c| {
        c.settings.set("user_agent", "x").unwrap();
        c.settings.set("rtp.encryption.enabled", "no").unwrap();
        c.settings.set("audio.alert_device", "none").unwrap();
    });
    let expected = "user_agent = \"x\"\n\n[audio]\nalert_device = \"none\"\n\n[rtp.encryption]\n\
                    enabled = false\n";
    assert_eq!(text, expected);
}

#[test]
fn settings_go_into_inline_and_dotted_tables_as_they_are_written() {
    for text in [
        "audio = { silent = true }\n",
        "audio.silent = true\n",
        "rtp.port_range = \"5-6\"\naudio = {}\n",
        "account = { \"a@h\" = { enabled = true } }\n",
        "account.\"a@h\".enabled = true\n",
        "[account]\n\"a@h\".sip.register = false\n",
    ] {
        let text = edited(text, |c| {
            c.settings.set("audio.muted", "yes").unwrap();
            c.settings.set("audio.echo_canceller.enabled", "no").unwrap();
            c.settings.set("rtp.encryption.enabled", "no").unwrap();
            c.settings.reset("audio.silent").unwrap();
            for (_, account) in &mut c.accounts {
                account.set("sip.outbound_proxy", "192.0.2.1").unwrap();
            }
            c.accounts.push(("b@h".parse().unwrap(), AccountSettings::default()));
        });
        assert!(text.contains("muted = true"), "{text}");
    }
}

#[test]
fn accounts_are_added_and_removed() {
    let text = edited(TEXT, |c| {
        c.accounts.retain(|(id, _)| id.user() != "alice");
        let mut carol = AccountSettings::default();
        carol.set("auth.password", "a \"quoted\" \\ one").unwrap();
        c.accounts.push(("carol@h".parse().unwrap(), carol));
        c.accounts.push(("dave@h".parse().unwrap(), AccountSettings::default()));
        c.bonjour.general.enabled = false;
    });
    assert!(!text.contains("sesame") && text.contains("[account.\"dave@h\"]"), "{text}");
    assert!(text.contains("[account.\"bonjour@local\"]\nenabled = false"), "{text}");
    let configuration = read(&text).unwrap().configuration;
    let carol = configuration.account(&"carol@h".parse().unwrap()).unwrap();
    assert_eq!(carol.auth.password.as_ref().unwrap().expose(), "a \"quoted\" \\ one");
}

#[test]
fn a_broken_text_is_never_edited() {
    assert!(edit("[audio", &Configuration::default()).is_err());
    assert!(edit("audio.silent = 1", &Configuration::default()).is_err());
}

#[test]
fn accounts_and_length_are_taken_up_to_their_limits_and_not_one_past_them() {
    let accounts = |count: usize| -> String {
        (0..count).map(|n| format!("[account.\"u{n}@h\"]\n")).collect()
    };
    assert_eq!(read(&accounts(ACCOUNTS_MAX)).unwrap().configuration.accounts.len(), ACCOUNTS_MAX);
    assert!(read(&format!("{}[account.\"bonjour@local\"]", accounts(ACCOUNTS_MAX))).is_ok());
    assert!(told(&accounts(ACCOUNTS_MAX + 1)).ends_with("more than 1000 accounts"));
    let padded = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    assert!(read(&padded(FILE_MAX)).is_ok());
    assert!(told(&padded(FILE_MAX + 1)).contains("longer than 1048576 bytes"));
}

#[test]
fn whatever_is_cut_off_or_changed_in_a_file_nothing_panics_and_no_password_is_told() {
    for at in 0..TEXT.len() {
        let (before, after) = TEXT.split_at(at);
        let mut texts = vec![before.to_owned()];
        for byte in ["\"", "[", "=", "\n", "{", ".", "\u{0}", "'"] {
            texts.push(format!("{before}{byte}{}", after.get(1..).unwrap()));
        }
        for text in texts {
            match read(&text) {
                Err(error) => assert!(!error.to_string().contains("open sesame"), "{error}"),
                Ok(Read { mut configuration, .. }) => {
                    configuration.settings.set("audio.silent", "no").unwrap();
                    configuration.settings.set("sip.t1", "400").unwrap();
                    configuration.accounts.clear();
                    let edited = edit(&text, &configuration).unwrap();
                    assert!(read(&edited).unwrap().configuration.says_what(&configuration));
                }
            }
        }
    }
}

#[test]
fn every_setting_of_every_object_goes_through_a_file() {
    let values = [
        "yes",
        "no",
        "7",
        "61",
        "600",
        "x",
        "none",
        "5-6",
        "udp",
        "tls",
        "acm",
        "a@h",
        "8000",
        "PCMA",
        "sip:a@h",
        "https://h",
        "text/plain",
        "sdes_mandatory",
        "::1",
    ];
    let mut configuration = Configuration::default();
    configuration.accounts.push(("a@h".parse().unwrap(), AccountSettings::default()));
    let mut text = String::new();
    for id in [None, Some(AccountAddress::bonjour()), Some("a@h".parse().unwrap())] {
        for row in configuration.object(id.as_ref()).unwrap().list() {
            let changed = values.iter().any(|value| {
                let object = configuration.object_mut(id.as_ref()).unwrap();
                object.set(row.name, value).is_ok()
                    && object.get(row.name).unwrap() != row.default()
            });
            assert!(changed, "no value for {}", row.name);
            text = edit(&text, &configuration).unwrap().to_string();
        }
    }
    assert!(read(&text).unwrap().configuration.says_what(&configuration));
    let back = edit(&text, &Configuration::default()).unwrap();
    assert_eq!(read(&back).unwrap().configuration, Configuration::default());
}
