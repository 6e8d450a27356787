use std::sync::Arc;

use offhook::notification::{Originator, SessionState, StreamKind};
use offhook::timestamp::Timestamp;

use super::*;

fn told(sender: Sender, data: Data) -> Value {
    let timestamp = Timestamp::from_unix_micros(1_795_356_000_123_456);
    notification(&Notification { timestamp, sender, data })
}

const S1: Sender = Sender::Session(SessionId(1));

#[test]
fn a_session_s_notification_names_its_session_and_moment() {
    let all = vec![StreamKind::Audio, StreamKind::Chat];
    assert_eq!(
        told(S1, Data::SessionNewIncoming { streams: all }).to_string(),
        r#"{"name":"SIPSessionNewIncoming","session":"s1","timestamp":"2026-11-22T14:00:00.123456Z","data":{"streams":["audio","chat"]}}"#
    );
}

#[test]
fn the_engine_s_notification_has_no_session() {
    assert_eq!(
        told(Sender::Engine, Data::EngineDidStart).to_string(),
        r#"{"name":"SIPEngineDidStart","timestamp":"2026-11-22T14:00:00.123456Z","data":{}}"#
    );
}

fn message(content_type: &str, content: &[u8]) -> Data {
    let cpim_headers = vec![("From".to_owned(), "<sip:a@h>".to_owned())];
    Data::SessionGotMessage {
        content: Arc::from(content),
        content_type: content_type.into(),
        cpim_headers,
        message_id: "m1".into(),
    }
}

#[test]
fn data_has_the_reference_s_keys() {
    let file_name = std::path::PathBuf::from("a.wav");
    for (data, expected) in [
        (
            Data::SessionDidFail {
                originator: Originator::Remote,
                code: 486,
                reason: "Busy".into(),
                redirect_identities: vec!["sip:c@d".into()],
            },
            json!({"originator": "remote", "code": 486, "reason": "Busy",
                "redirect_identities": ["sip:c@d"]}),
        ),
        (
            Data::SessionChangedState {
                prev_state: SessionState::Null,
                state: SessionState::Calling,
            },
            json!({"prev_state": "NULL", "state": "CALLING"}),
        ),
        (Data::SessionDidEnd { originator: Originator::Local }, json!({"originator": "local"})),
        (Data::SessionGotDtmf { digit: '#' }, json!({"digit": "#"})),
        (Data::SessionGotStreamUpdate { streams: vec![] }, json!({"streams": []})),
        (Data::SessionDidStartRecordingAudio { file_name }, json!({"file_name": "a.wav"})),
        (Data::SessionDidStart, json!({})),
        (
            message("text/plain", b"hi"),
            json!({"content": "hi", "content_type": "text/plain", "cpim_headers": {"From": "<sip:a@h>"},
                "message_id": "m1"}),
        ),
        (
            message("image/png", b"\xff"),
            json!({"content_base64": "/w==", "content_type": "image/png", "cpim_headers": {"From": "<sip:a@h>"},
                "message_id": "m1"}),
        ),
    ] {
        assert_eq!(told(S1, data)["data"], expected);
    }
}

#[test]
fn a_traced_message_shows_addresses_and_no_secret() {
    let message = b"REGISTER sip:a SIP/2.0\r\nAuthorization: Digest response=\"5ecret\"\r\n\r\n";
    let value = told(
        Sender::Engine,
        Data::EngineSipTrace {
            received: false,
            source: "127.0.0.1:5060".parse().unwrap(),
            destination: "[::1]:5070".parse().unwrap(),
            transport: Transport::Udp,
            data: Arc::from(message.as_slice()),
        },
    );
    let data = &value["data"];
    assert_eq!(
        (&data["source_ip"], &data["destination_port"]),
        (&json!("127.0.0.1"), &json!(5070))
    );
    let text = data["data"].as_str().unwrap();
    assert!(text.starts_with("REGISTER") && !text.contains("5ecret"), "{text}");
}

#[test]
fn a_state_has_every_attribute_null_where_there_is_none() {
    let value = state(&Snapshot::default(), None);
    let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "state account direction start_time stop_time on_hold on_hold_by_local \
        on_hold_by_remote remote_user_agent local_uri remote_uri caller_uri callee_uri route \
        has_audio audio_codec audio_sample_rate audio_srtp_active audio_local_rtp_address \
        audio_local_rtp_port audio_remote_rtp_address_sdp audio_remote_rtp_port_sdp \
        audio_remote_rtp_address_received audio_remote_rtp_port_received audio_was_received \
        audio_recording_file_name audio_direction audio_transport has_chat chatroom \
        chat_transport remote_headers";
    assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(value["state"], "NULL");
    assert_eq!(value["direction"], Value::Null);
}

#[test]
fn a_state_tells_who_called_whom() {
    let mut snapshot = Snapshot {
        direction: Some(CallDirection::Incoming),
        local_uri: Some("sip:me@example.com".into()),
        remote_uri: Some("sip:you@example.com".into()),
        audio_local_rtp: Some("192.0.2.1:20000".parse().unwrap()),
        on_hold_by_remote: true,
        ..Snapshot::default()
    };
    let value = state(&snapshot, Some("sip:me@example.com"));
    assert_eq!(value["caller_uri"], "sip:you@example.com");
    assert_eq!(value["audio_local_rtp_address"], "192.0.2.1");
    assert_eq!(value["audio_local_rtp_port"], 20000);
    assert_eq!(value["on_hold"], true);
    snapshot.direction = Some(CallDirection::Outgoing);
    assert_eq!(state(&snapshot, None)["caller_uri"], "sip:me@example.com");
}
