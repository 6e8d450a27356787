use super::super::{Notification, Sender};
use super::*;
use crate::chat::{Disposition, DispositionKind};
use crate::id::{AccountId, SessionId};
use crate::timestamp::Timestamp;
use crate::transport::Transport;

fn line(sender: Sender, data: Data) -> String {
    Notification { timestamp: Timestamp::from_unix_micros(0), sender, data }.to_string()
}

const S1: Sender = Sender::Session(SessionId(1));
const A1: Sender = Sender::Account(AccountId(1));

#[test]
fn a_session_s_notification_is_one_line_of_its_fields() {
    let (originator, proposer) = (Originator::Remote, Originator::Local);
    let (code, reason) = (486, String::from("Busy Here"));
    let streams = vec![StreamKind::Audio, StreamKind::Chat];
    let message_id = String::from("m1");
    for (data, expected) in [
        (
            Data::SessionDidFail {
                originator,
                code,
                reason: reason.clone(),
                redirect_identities: vec!["sip:c@d".into()],
            },
            "SIPSessionDidFail s1 originator=remote code=486 reason=\"Busy Here\" \
             redirect_identities=[sip:c@d]",
        ),
        (Data::SessionDidStart, "SIPSessionDidStart s1"),
        (
            Data::SessionGotStreamProposal { proposer, streams },
            "SIPSessionGotStreamProposal s1 proposer=local streams=[audio,chat]",
        ),
        (
            Data::SessionRejectedStreamProposal { proposer, reason: "a\nb".into() },
            "SIPSessionRejectedStreamProposal s1 proposer=local reason=\"a\\nb\"",
        ),
        (
            Data::SessionDidNotDeliverMessage { message_id, code, reason },
            "SIPSessionDidNotDeliverMessage s1 message_id=m1 code=486 reason=\"Busy Here\"",
        ),
        (
            Data::ChatStreamGotComposingIndication {
                active: true,
                refresh: Some(120),
                content_type: None,
                last_active: Some(Timestamp::from_unix_micros(0)),
                sender: "sip:a@h".into(),
            },
            "ChatStreamGotComposingIndication s1 state=active refresh=120 content_type=none \
             last_active=1970-01-01T00:00:00.000000Z sender=sip:a@h",
        ),
        (
            Data::ChatStreamGotDispositionNotification {
                message_id: "m1".into(),
                kind: DispositionKind::Display,
                disposition: Disposition::Displayed,
                sender: "sip:a@h".into(),
            },
            "ChatStreamGotDispositionNotification s1 message_id=m1 kind=display \
             disposition=displayed sender=sip:a@h",
        ),
        (
            Data::ChatStreamDidNotSetNickname {
                nickname: "Al B".into(),
                code: 425,
                reason: "x".into(),
            },
            "ChatStreamDidNotSetNickname s1 nickname=\"Al B\" code=425 reason=x",
        ),
        (
            Data::WaveFileDidFinishPlaying { file_name: "a.wav".into(), failure: None },
            "WaveFileDidFinishPlaying s1 file_name=a.wav failure=none",
        ),
        (
            Data::RtpTransportDidInitialize { local: "[::1]:4000".parse().unwrap() },
            "RTPTransportDidInitialize s1 address=::1 port=4000",
        ),
    ] {
        assert_eq!(line(S1, data), expected);
    }
}

#[test]
fn what_the_engine_tells_has_the_reference_s_keys() {
    let uri = |text: &str| Box::new(text.parse().unwrap());
    for (data, expected) in [
        (
            Data::EngineGotException { kind: "panic", value: "x".into(), traceback: None },
            "SIPEngineGotException engine type=panic value=x traceback=none",
        ),
        (
            Data::EngineLog { level: 3, sender: "core".into(), message: "a b".into() },
            "SIPEngineLog engine level=3 sender=core message=\"a b\"",
        ),
        (
            Data::EngineDetectedNatType { result: Ok("Open".into()) },
            "SIPEngineDetectedNATType engine succeeded=true nat_type=Open",
        ),
        (
            Data::EngineDetectedNatType { result: Err("timeout".into()) },
            "SIPEngineDetectedNATType engine succeeded=false error=timeout",
        ),
        (
            Data::EngineSipTrace {
                received: true,
                source: "192.0.2.1:5060".parse().unwrap(),
                destination: "192.0.2.2:5070".parse().unwrap(),
                transport: Transport::Tcp,
                data: Arc::from(&b"SIP"[..]),
            },
            "SIPEngineSIPTrace engine received=true source_ip=192.0.2.1 source_port=5060 \
             destination_ip=192.0.2.2 destination_port=5070 transport=tcp data=(3 bytes)",
        ),
        (
            Data::EngineGotMessage {
                from_uri: uri("sip:a@h"),
                to_uri: uri("sip:b@h"),
                content_type: "text".into(),
                content_subtype: "plain".into(),
                body: Arc::from(&b"hi"[..]),
            },
            "SIPEngineGotMessage engine from_uri=sip:a@h to_uri=sip:b@h content_type=text \
             content_subtype=plain body=hi",
        ),
        (
            Data::EngineGotMessageResponse {
                to_uri: uri("sip:b@h"),
                code: 200,
                reason: "OK".into(),
            },
            "SIPEngineGotMessageResponse engine to_uri=sip:b@h code=200 reason=OK",
        ),
    ] {
        assert_eq!(line(Sender::Engine, data), expected);
    }
}

#[test]
fn accounts_and_settings_have_the_reference_s_keys() {
    let account = || String::from("a@h");
    let change = SettingChange { path: "sip.register".into(), old: Some("on".into()), new: None };
    let modified = vec![change];
    for (sender, data, expected) in [
        (
            Sender::AccountManager,
            Data::AccountManagerDidChangeDefaultAccount { account: None },
            "SIPAccountManagerDidChangeDefaultAccount accounts account=none",
        ),
        (
            A1,
            Data::AccountRegistrationDidSucceed {
                account: account(),
                code: 200,
                reason: "OK".into(),
                contact_uri: Box::new("sip:a@192.0.2.1".parse().unwrap()),
                contact_uri_list: vec!["sip:a@192.0.2.1".parse().unwrap()],
                expires: 600,
            },
            "SIPAccountRegistrationDidSucceed a1 account=a@h code=200 reason=OK \
             contact_uri=sip:a@192.0.2.1 contact_uri_list=[sip:a@192.0.2.1] expires=600",
        ),
        (
            A1,
            Data::AccountRegistrationDidFail {
                account: account(),
                code: Some(503),
                reason: "x".into(),
                next_route: Some(Box::new("192.0.2.9".parse().unwrap())),
                delay: Some(Duration::from_millis(1500)),
            },
            "SIPAccountRegistrationDidFail a1 account=a@h code=503 reason=x \
             next_route=sip:192.0.2.9;transport=udp;lr delay=1.5s",
        ),
        (
            Sender::Settings,
            Data::SettingsSaveFailed { object: account(), modified, exception: "full".into() },
            "CFGManagerSaveFailed settings object=a@h modified={sip.register={old=on,new=none}} \
             exception=full",
        ),
    ] {
        assert_eq!(line(sender, data), expected);
    }
}

#[test]
fn text_is_text_and_everything_else_is_octets() {
    let message = |content_type: &str, content: &[u8]| {
        let (content, content_type) = (Arc::from(content), content_type.into());
        let cpim_headers = vec![("From".to_owned(), "<sip:a@h>".to_owned())];
        Data::SessionGotMessage { content, content_type, cpim_headers, message_id: "m1".into() }
    };
    let from = FieldValue::Map(vec![("From".into(), "<sip:a@h>".into())]);
    let text = message("Text/plain", "h\u{e9}".as_bytes());
    assert_eq!(text.field("content"), Some("h\u{e9}".into()));
    assert_eq!(text.field("cpim_headers"), Some(from));
    for (content_type, content) in [("image/png", &b"x"[..]), ("text/plain", b"\xff")] {
        let octets = message(content_type, content).field("content");
        assert_eq!(octets, Some(FieldValue::Bytes(Arc::from(content))));
    }
}

#[test]
fn the_application_s_own_fields_come_back() {
    let fields = vec![("lamp", true.into()), ("level", 3_u64.into())];
    let data = Data::Application { name: "LampDidChange", fields: fields.clone() };
    assert_eq!(data.fields(), fields);
    assert_eq!(line(Sender::Application(7), data), "LampDidChange application-7 lamp=true level=3");
}
