use offhook::credentials::Hop;

use super::*;

fn parse(line: &[&str]) -> Result<Options, String> {
    let mut args = lexopt::Parser::from_args(line);
    let mut options = Options::default();
    while let Some(arg) = args.next().unwrap() {
        let lexopt::Arg::Long(name) = arg else { panic!("{arg:?}") };
        let name = name.to_owned();
        options.take(&name, &mut args).map_err(|Usage(text)| text)?;
    }
    Ok(options)
}

fn settled(options: &Options) -> Settled {
    let nowhere = Some("/nonexistent".into());
    let options = Options { folder: nowhere, ..options.clone() };
    options.settle(NotificationCenter::new().unwrap()).unwrap()
}

#[test]
fn a_user_whose_name_begins_like_a_scheme_is_a_user() {
    for (typed, uri) in [
        ("sipper@example.com", "sip:sipper@example.com"),
        ("sip:a@example.com", "sip:a@example.com"),
        ("SIPS:a@example.com", "SIPS:a@example.com"),
    ] {
        let options = parse(&["--account", typed]).unwrap();
        assert_eq!(options.config.account.as_deref(), Some(uri));
    }
}

#[test]
fn listeners_are_kept_in_order_with_their_transport() {
    let options = parse(&["--udp", "127.0.0.1:0", "--tcp=[::1]:5070"]).unwrap();
    let shown: Vec<_> =
        options.config.listeners.iter().map(|l| (l.transport, l.address.to_string())).collect();
    let expected = [(Transport::Udp, "127.0.0.1:0"), (Transport::Tcp, "[::1]:5070")];
    assert_eq!(shown, expected.map(|(t, a)| (t, a.to_owned())));
}

#[test]
fn codecs_ports_routes_and_trace_are_understood() {
    let line = "--codecs pcma,PCMU --rtp-ports 20000-20003 --route sip:192.0.2.1;lr \
                --route sip:proxy.example.com:5070;transport=tcp --trace sip,msrp --json \
                --srtp optional --account alice@example.com --pcap a.pcap";
    let options = parse(&line.split_whitespace().collect::<Vec<_>>()).unwrap();
    assert_eq!(options.config.codecs, [Codec::Pcma, Codec::Pcmu]);
    assert_eq!(options.config.rtp_ports, 20000..=20003);
    assert_eq!(options.routes.len(), 2);
    assert_eq!(options.trace, Trace { sip: true, msrp: true, ..Trace::default() });
    assert_eq!(options.config.account.as_deref(), Some("sip:alice@example.com"));
    assert_eq!(options.config.srtp, SrtpPolicy::Optional);
    assert!(options.json && settled(&options).config.trace_sip);
}

#[test]
fn a_capture_alone_makes_the_engine_trace() {
    let options = parse(&["--pcap", "a.pcap", "--audio-device", "null"]).unwrap();
    let settled = settled(&options);
    assert!(settled.config.trace_sip && !settled.trace.sip);
    assert!(settled.config.trace_msrp && !settled.trace.msrp);
}

#[test]
fn what_is_wrong_is_told_with_what_to_type() {
    for (line, told) in [
        ("--udp 127.0.0.1", "--udp 127.0.0.1:5060"),
        ("--tcp host:5060", "--tcp 127.0.0.1:5060"),
        ("--codecs opus", "--codecs PCMU,PCMA"),
        ("--rtp-ports 20100-20000", "--rtp-ports 20000-20100"),
        ("--rtp-ports 20000-20000", "--rtp-ports 20000-20100"),
        ("--route tel:123", "sip:192.0.2.1:5060"),
        ("--route sips:192.0.2.1", "not built yet"),
        ("--route sip:192.0.2.1;transport=tls", "not built yet"),
        ("--account nobody:", "sip:alice@example.com"),
        ("--trace rtp", "--trace sip,msrp,notifications"),
        ("--srtp maybe", "disabled, optional or mandatory"),
        ("--msrp-transport udp", "type tcp or tls"),
        ("--tls 127.0.0.1:0", "not built yet"),
        ("--nonsense", "see --help"),
    ] {
        let error = parse(&line.split(' ').collect::<Vec<_>>()).unwrap_err();
        assert!(error.contains(told), "{line}: {error}");
    }
}

#[test]
fn seconds_are_finite_and_not_negative() {
    assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
    for text in ["", "-1", "NaN", "inf", "1e99", "ten"] {
        assert!(seconds(text).is_err(), "{text}");
    }
}

#[test]
fn a_password_file_is_the_accounts_and_for_those_who_serve_it() {
    let file = std::env::temp_dir().join(format!("offhook-password-{}", std::process::id()));
    std::fs::write(&file, "open sesame\nanother line\n").unwrap();
    let name = file.to_str().unwrap();
    let line =
        ["--account", "alice@example.com", "--password-file", name, "--route", "sip:192.0.2.1"];
    let config = settled(&parse(&line).unwrap()).config;
    let [credentials] = &*config.credentials else { panic!("{:?}", config.credentials) };
    assert_eq!((credentials.username(), credentials.password()), ("alice", "open sesame"));
    let hop = |address: &str| Hop::chosen(address.parse().unwrap());
    assert!(credentials.trusts(&Hop { host: Some("example.com"), ..hop("203.0.113.9") }));
    assert!(credentials.trusts(&hop("192.0.2.1")));
    assert!(!credentials.trusts(&hop("203.0.113.9")));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_password_without_an_account_or_a_file_is_told() {
    let center = || NotificationCenter::new().unwrap();
    for (line, told) in [
        (vec!["--password-file", "x"], "--account URI says"),
        (vec!["--account", "a@example.com", "--password-file", "/dev/null/x"], "Not a directory"),
        (vec!["--account", "a@example.com", "--password-file", "/dev/null"], "no password"),
    ] {
        let options = Options { folder: Some("/nonexistent".into()), ..parse(&line).unwrap() };
        let Usage(text) = options.settle(center()).unwrap_err();
        assert!(text.contains(told), "{line:?}: {text}");
    }
}

#[test]
fn chats_are_offered_over_what_was_typed() {
    assert!(settled(&parse(&["--msrp-transport", "tls"]).unwrap()).config.chat_over_tls);
    assert!(!settled(&parse(&["--msrp-transport", "tcp"]).unwrap()).config.chat_over_tls);
}
