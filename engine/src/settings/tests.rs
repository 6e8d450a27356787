use super::*;

fn objects() -> [Box<dyn SettingsObject>; 3] {
    [
        Box::new(Settings::default()),
        Box::new(AccountSettings::default()),
        Box::new(BonjourSettings::default()),
    ]
}

#[test]
fn every_setting_has_a_name_of_its_own_a_sentence_and_words_for_what_is_allowed() {
    for object in objects() {
        let list = object.list();
        let names: std::collections::BTreeSet<_> = list.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), list.len());
        for row in list {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b);
            assert!(row.name.bytes().all(plain), "{}", row.name);
            assert!(row.doc().ends_with('.') && !row.doc().contains("  "), "{}", row.name);
            assert!(!row.allowed().is_empty(), "{}", row.name);
            assert_eq!(row.nillable, row.allowed().ends_with(", or none"), "{}", row.name);
        }
    }
}

#[test]
fn a_group_has_no_setting_of_its_own_name() {
    for object in objects() {
        let list = object.list();
        for row in &list {
            let group = format!("{}.", row.name);
            assert!(!list.iter().any(|other| other.name.starts_with(&group)), "{}", row.name);
        }
    }
}

#[test]
fn every_default_is_what_the_setting_has_and_reads_back_from_its_text_and_its_value() {
    for mut object in objects() {
        for row in object.list() {
            let default = row.default();
            assert_eq!(object.get(row.name).as_ref(), Ok(&default), "{}", row.name);
            object.set(row.name, &default.to_string()).unwrap();
            assert_eq!(object.get(row.name).as_ref(), Ok(&default), "{}", row.name);
            object.set_value(row.name, default.clone()).unwrap();
            assert_eq!(object.get(row.name), Ok(default), "{}", row.name);
        }
    }
}

#[test]
fn what_may_be_empty_takes_none_and_nothing_else_does() {
    for mut object in objects() {
        for row in object.list() {
            let taken = object.set(row.name, "none");
            if row.nillable {
                assert_eq!(
                    (taken, object.get(row.name)),
                    (Ok(()), Ok(Value::None)),
                    "{}",
                    row.name
                );
            } else if taken.is_ok() {
                assert_ne!(object.get(row.name), Ok(Value::None), "{}", row.name);
            }
        }
    }
}

#[test]
fn defaults_are_those_of_the_reference() {
    let settings = Settings::default();
    for (name, value) in [
        ("default_account", "bonjour@local"),
        ("user_agent", concat!("offhook/", env!("CARGO_PKG_VERSION"))),
        ("sip.udp_port", "0"),
        ("sip.tcp_port", "0"),
        ("sip.tls_port", "0"),
        ("sip.transport_list", "tls,tcp,udp"),
        ("sip.t1", "500"),
        ("sip.t2", "4000"),
        ("sip.invite_timeout", "90"),
        ("sip.transfer_timeout", "90"),
        ("sip.stop_timeout", "5"),
        ("rtp.port_range", "16384-65534"),
        ("rtp.timeout", "30"),
        ("rtp.no_audio_timeout", "5"),
        ("rtp.encryption.enabled", "true"),
        ("rtp.encryption.key_negotiation", "sdes_optional"),
        ("rtp.encryption.use_srtp_without_tls", "false"),
        ("audio.input_device", "system_default"),
        ("audio.silent", "false"),
        ("audio.playback_dtmf", "true"),
        ("sounds.audio_inbound", "none"),
        ("sounds.volume", "100"),
        ("msrp.transport", "tcp"),
        ("msrp.timeout", "30"),
        ("tls.verify_server", "true"),
        ("tls.timeout", "3000"),
        ("dns.nameservers", ""),
        ("dns.query_timeout", "10"),
        ("dns.timeout", "30"),
        ("dns.service_query_timeout", "3"),
        ("dns.service_timeout", "15"),
        ("logs.trace_sip", "false"),
    ] {
        assert_eq!(settings.get(name).unwrap().to_string(), value, "{name}");
    }
    let codecs: Vec<_> = offhook_media::codec::Codec::ALL.map(|codec| codec.name()).into();
    assert_eq!(settings.get("rtp.audio_codec_list").unwrap().to_string(), codecs.join(","));
    let account = AccountSettings::default();
    for (name, value) in [
        ("enabled", "false"),
        ("sip.register", "true"),
        ("sip.register_interval", "600"),
        ("sip.subscribe_interval", "600"),
        ("nat_traversal.use_ice", "false"),
        ("nat_traversal.use_msrp_relay_for_outbound", "false"),
        ("msrp.connection_model", "relay"),
        ("message_summary.enabled", "false"),
        ("presence.enabled", "false"),
        ("xcap.enabled", "false"),
    ] {
        assert_eq!(account.get(name).unwrap().to_string(), value, "{name}");
    }
    assert!(BonjourSettings::default().general.enabled);
    assert!(BonjourSettings::default().get("auth.password").is_err());
}

#[test]
fn what_is_not_allowed_changes_nothing_and_says_what_is() {
    let mut settings = Settings::default();
    for (name, text, told) in [
        ("audio.silent", "maybe", r#"audio.silent cannot be "maybe"; allowed: true or false"#),
        (
            "sip.udp_port",
            "65536",
            r#"sip.udp_port cannot be "65536"; allowed: a whole number from 0 to 65535"#,
        ),
        ("audio.volume", "1", r#"there is no setting "audio.volume""#),
        ("audio", "1", r#"there is no setting "audio""#),
        ("", "1", r#"there is no setting """#),
    ] {
        assert_eq!(settings.set(name, text).unwrap_err().to_string(), told);
    }
    let error = settings.set_value("audio.silent", Value::Integer(1)).unwrap_err();
    assert_eq!(error.to_string(), "audio.silent cannot be 1; allowed: true or false");
    assert_eq!(settings, Settings::default());
}

#[test]
fn a_password_stands_in_no_error_and_no_output() {
    let mut account = AccountSettings::default();
    let error = account.set("auth.password", "open\nsesame").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("sesame"));
    account.set("auth.password", "sesame").unwrap();
    let change = modified(&AccountSettings::default(), &account);
    let value = account.get("auth.password").unwrap();
    assert!(!format!("{value} {value:?} {account:?} {change:?}").contains("sesame"));
    assert_eq!(account.auth.password.as_ref().unwrap().expose(), "sesame");
}

#[test]
fn what_was_modified_is_told_by_name_with_old_and_new() {
    let mut settings = Settings::default();
    assert!(modified(&settings.clone(), &settings).is_empty());
    settings.audio.silent = true;
    settings.set("rtp.port_range", "5000-6000").unwrap();
    let changes = modified(&Settings::default(), &settings);
    let text = |text: &str| Value::Text(text.into());
    let expected = [
        ("audio.silent", (Value::Boolean(false), Value::Boolean(true))),
        ("rtp.port_range", (text("16384-65534"), text("5000-6000"))),
    ];
    assert_eq!(changes, Modified::from(expected));
    settings.reset("audio.silent").unwrap();
    settings.reset("rtp.port_range").unwrap();
    assert_eq!(settings, Settings::default());
}

fn with_accounts(accounts: &[(&str, bool)]) -> Configuration {
    let mut configuration = Configuration::default();
    for (id, enabled) in accounts {
        let mut account = AccountSettings::default();
        account.general.enabled = *enabled;
        configuration.accounts.push((id.parse().unwrap(), account));
    }
    configuration
}

#[test]
fn the_default_account_is_bonjour_until_another_is_named() {
    let mut configuration = with_accounts(&[("a@h", true), ("b@h", true)]);
    assert_eq!(configuration.default_account(), Some(AccountAddress::bonjour()));
    configuration.settings.set("default_account", "b@h").unwrap();
    assert_eq!(configuration.default_account().unwrap().as_str(), "b@h");
}

#[test]
fn an_unusable_default_account_gives_way_to_the_first_enabled_one() {
    let mut configuration = with_accounts(&[("a@h", false), ("b@h", true), ("c@h", true)]);
    configuration.settings.set("default_account", "gone@h").unwrap();
    assert_eq!(configuration.default_account(), Some(AccountAddress::bonjour()));
    configuration.bonjour.general.enabled = false;
    assert_eq!(configuration.default_account().unwrap().as_str(), "b@h");
    configuration.settings.set("default_account", "a@h").unwrap();
    assert_eq!(configuration.default_account().unwrap().as_str(), "b@h");
    for (_, account) in &mut configuration.accounts {
        account.general.enabled = false;
    }
    assert_eq!(configuration.default_account(), None);
}

#[test]
fn objects_are_reached_by_account() {
    let mut configuration = with_accounts(&[("a@h", true)]);
    let (a, other) = ("a@h".parse().unwrap(), "b@h".parse().unwrap());
    configuration.object_mut(Some(&a)).unwrap().set("display_name", "Alice").unwrap();
    assert_eq!(configuration.account(&a).unwrap().general.display_name, Text::new("Alice"));
    assert!(configuration.object(Some(&other)).is_none());
    assert!(configuration.object(None).unwrap().get("audio.silent").is_ok());
    let bonjour = AccountAddress::bonjour();
    assert!(configuration.object(Some(&bonjour)).unwrap().get("sip.transport").is_ok());
}

fn found(configuration: &Configuration, uri: &str) -> Option<String> {
    let contact = |address: &AccountAddress| Some(format!("contact-{}", address.user()));
    configuration.find_account(&uri.parse().unwrap(), contact).map(|found| found.to_string())
}

#[test]
fn a_request_is_for_the_account_whose_contact_it_names() {
    let configuration = with_accounts(&[("a@h", true), ("contact-a@h", true)]);
    assert_eq!(found(&configuration, "sip:contact-a@192.0.2.1:5070").as_deref(), Some("a@h"));
    let bonjour = found(&configuration, "sip:contact-bonjour@192.0.2.1");
    assert_eq!(bonjour.as_deref(), Some("bonjour@local"));
}

#[test]
fn else_it_is_for_the_account_with_that_user_and_host_else_for_any_with_that_user() {
    let accounts = [("a@g", false), ("a@h", true), ("a@i", true), ("b%20c@h", true), ("A@k", true)];
    let configuration = with_accounts(&accounts);
    for (uri, account) in [
        ("sip:a@I", Some("a@i")),
        ("sip:a@h;transport=tcp", Some("a@h")),
        ("sip:a@g", Some("a@h")),
        ("sip:a@192.0.2.1:5070", Some("a@h")),
        ("sip:%61@elsewhere", Some("a@h")),
        ("sip:A@elsewhere", Some("A@k")),
        ("sip:b%20c@x", Some("b%20c@h")),
        ("sip:nobody@h", None),
        ("sip:h", None),
    ] {
        assert_eq!(found(&configuration, uri).as_deref(), account, "{uri}");
    }
}

#[test]
fn a_disabled_account_is_never_found() {
    let mut configuration = with_accounts(&[("a@h", false)]);
    configuration.bonjour.general.enabled = false;
    for uri in ["sip:a@h", "sip:contact-a@h", "sip:bonjour@local", "sip:contact-bonjour@h"] {
        assert_eq!(found(&configuration, uri), None, "{uri}");
    }
}

#[test]
fn a_proxy_is_for_the_account_s_own_domain_and_for_all_when_it_is_told() {
    let mut configuration = with_accounts(&[("a@example.com", true)]);
    configuration.bonjour.general.enabled = false;
    let route = |configuration: &Configuration, uri: &str| {
        configuration.route_to(&uri.parse().unwrap()).map(ToString::to_string)
    };
    assert_eq!(route(&configuration, "sip:b@example.com"), None);
    let (_, account) = configuration.accounts.first_mut().unwrap();
    account.set("sip.outbound_proxy", "192.0.2.9").unwrap();
    let proxy = Some("sip:192.0.2.9;transport=udp;lr".to_owned());
    assert_eq!(route(&configuration, "sip:b@Example.com:5070"), proxy);
    assert_eq!(route(&configuration, "sip:b@example.org"), None);
    let (_, account) = configuration.accounts.first_mut().unwrap();
    account.set("sip.always_use_my_proxy", "yes").unwrap();
    assert_eq!(route(&configuration, "sip:b@example.org"), proxy);
    configuration.bonjour.general.enabled = true;
    assert_eq!(route(&configuration, "sip:b@example.com"), None, "bonjour has no proxy");
}
