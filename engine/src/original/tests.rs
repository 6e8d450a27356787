//! The tables have every word of the original, and what they say of data is true. That each path in
//! them exists is proved by rustdoc, which is run with its warnings denied.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::notification::{NotificationData as Data, Originator, SessionState, StreamKind};

const TABLES: &str = include_str!("../original.md");

/// The cells of each row, trimmed.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = TABLES.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split(" |").map(str::trim).collect()).collect()
}

/// What stands between backquotes.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The original's words for a session, in its order.
const SESSION: &str = "state account direction start_time stop_time on_hold_by_local \
    on_hold_by_remote on_hold remote_user_agent local_uri remote_uri caller_uri callee_uri route \
    audio_transport has_audio audio_sample_rate audio_codec audio_srtp_active \
    audio_local_rtp_address audio_local_rtp_port audio_remote_rtp_address_sdp \
    audio_remote_rtp_port_sdp audio_remote_rtp_address_received audio_remote_rtp_port_received \
    audio_was_received audio_recording_file_name chat_transport has_chat \
    __init__(account) connect connect(callee_uri) connect(routes) connect(audio) connect(chat) \
    accept accept(audio) accept(chat) reject hold unhold start_recording_audio \
    start_recording_audio(file_name) stop_recording_audio send_dtmf send_dtmf(digit) send_message \
    send_message(content) send_message(content_type) send_message(to_uri) send_message(dt) \
    add_audio remove_audio add_chat remove_chat accept_proposal accept_proposal(audio) \
    accept_proposal(chat) reject_proposal end SessionManager() SessionManager.sessions";

/// The original's notifications of a session, each with its data but for the time.
const NOTIFICATIONS: &str = "\
    SIPSessionChangedState prev_state state
    SIPSessionNewIncoming streams
    SIPSessionNewOutgoing streams
    SIPSessionGotRingIndication
    SIPSessionWillStart
    SIPSessionDidStart
    SIPSessionDidFail originator code reason
    SIPSessionWillEnd
    SIPSessionDidEnd originator
    SIPSessionGotHoldRequest originator
    SIPSessionGotUnholdRequest originator
    SIPSessionWillStartRecordingAudio file_name
    SIPSessionDidStartRecordingAudio file_name
    SIPSessionWillStopRecordingAudio file_name
    SIPSessionDidStopRecordingAudio file_name
    SIPSessionGotNoAudio
    SIPSessionGotDTMF digit
    SIPSessionGotMessage content content_type cpim_headers
    SIPSessionDidDeliverMessage message_id code reason
    SIPSessionDidNotDeliverMessage message_id code reason
    SIPSessionGotStreamProposal proposer streams
    SIPSessionRejectedStreamProposal proposer reason
    SIPSessionAcceptedStreamProposal proposer
    SIPSessionGotStreamUpdate streams";

#[test]
fn every_word_of_the_original_has_a_row() {
    let rows = rows();
    let known: Vec<_> = rows.iter().flat_map(|row| words(row[0])).collect();
    let missing: Vec<_> = SESSION.split_whitespace().filter(|word| !known.contains(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (index, word) in known.iter().enumerate() {
        assert!(!known[..index].contains(word) || word.starts_with('.'), "{word} stands twice");
    }
    for row in &rows {
        let (here, differs) = (row[row.len() - 2], row[row.len() - 1]);
        assert!(!here.is_empty() || !differs.is_empty(), "{} is nowhere, and no reason", row[0]);
    }
}

#[test]
fn every_notification_has_its_row_with_the_original_s_data() {
    let rows = rows();
    for line in NOTIFICATIONS.lines() {
        let mut expected = line.split_whitespace();
        let name = expected.next().unwrap();
        let row = rows.iter().find(|row| words(row[0]) == [name]);
        let keys = words(row.unwrap_or_else(|| panic!("{name} has no row"))[1]);
        assert_eq!(keys, expected.collect::<Vec<_>>(), "{name}");
    }
}

/// One of each notification that a table names.
fn examples() -> Vec<Data> {
    let mut all = of_sessions();
    all.extend(of_streams_and_messages());
    all.extend(of_engines());
    all.extend(of_accounts());
    all
}

fn of_sessions() -> Vec<Data> {
    let (originator, streams) = (Originator::Local, vec![StreamKind::Audio]);
    let file_name = std::path::PathBuf::from("a.wav");
    vec![
        Data::SessionChangedState { prev_state: SessionState::Null, state: SessionState::Calling },
        Data::SessionNewIncoming { streams: streams.clone() },
        Data::SessionNewOutgoing { streams },
        Data::SessionGotRingIndication,
        Data::SessionWillStart,
        Data::SessionDidStart,
        Data::SessionDidFail {
            originator,
            code: 486,
            reason: String::new(),
            redirect_identities: vec![],
        },
        Data::SessionWillEnd,
        Data::SessionDidEnd { originator },
        Data::SessionGotHoldRequest { originator },
        Data::SessionGotUnholdRequest { originator },
        Data::SessionWillStartRecordingAudio { file_name: file_name.clone() },
        Data::SessionDidStartRecordingAudio { file_name: file_name.clone() },
        Data::SessionWillStopRecordingAudio { file_name: file_name.clone() },
        Data::SessionDidStopRecordingAudio { file_name: file_name.clone() },
        Data::SessionGotNoAudio,
        Data::SessionGotDtmf { digit: '1' },
        Data::WaveFileDidFinishPlaying { file_name, failure: None },
    ]
}

fn of_streams_and_messages() -> Vec<Data> {
    let (proposer, streams) = (Originator::Local, vec![StreamKind::Chat]);
    let (message_id, reason, code) = (String::from("m"), String::new(), 200);
    vec![
        Data::SessionGotMessage {
            content: Arc::default(),
            content_type: "text/plain".into(),
            cpim_headers: vec![],
            message_id: message_id.clone(),
        },
        Data::SessionDidDeliverMessage {
            message_id: message_id.clone(),
            code,
            reason: reason.clone(),
        },
        Data::SessionDidNotDeliverMessage { message_id, code, reason: reason.clone() },
        Data::SessionGotStreamProposal { proposer, streams: streams.clone() },
        Data::SessionAcceptedStreamProposal { proposer },
        Data::SessionRejectedStreamProposal { proposer, reason: reason.clone() },
        Data::SessionGotStreamUpdate { streams },
        Data::MsrpChatDidInitialize,
        Data::MsrpChatDidStart,
        Data::MsrpChatWillEnd,
        Data::MsrpChatDidEnd,
        Data::MsrpChatDidFail { reason: reason.clone() },
        Data::RtpTransportDidInitialize { local: ([127, 0, 0, 1], 4000).into() },
        Data::RtpTransportDidFail { reason },
    ]
}

fn of_engines() -> Vec<Data> {
    let (uri, text) = (|| Box::new("sip:a@h".parse().unwrap()), String::new);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 5060));
    vec![
        Data::EngineWillStart,
        Data::EngineDidStart,
        Data::EngineWillEnd,
        Data::EngineDidEnd,
        Data::EngineDidFail { reason: text() },
        Data::EngineGotException { kind: "panic", value: text(), traceback: None },
        Data::EngineLog { level: 1, sender: text(), message: text() },
        Data::EngineSipTrace {
            received: true,
            source: address,
            destination: address,
            transport: crate::transport::Transport::Udp,
            data: Arc::default(),
        },
        Data::EngineDetectedNatType { result: Ok(text()) },
        Data::EngineGotMessage {
            from_uri: uri(),
            to_uri: uri(),
            content_type: text(),
            content_subtype: text(),
            body: Arc::default(),
        },
        Data::EngineGotMessageResponse { to_uri: uri(), code: 200, reason: text() },
    ]
}

fn of_accounts() -> Vec<Data> {
    let account = || String::from("a@h");
    vec![
        Data::AccountManagerDidAddAccount { account: account() },
        Data::AccountManagerDidRemoveAccount { account: account() },
        Data::AccountManagerDidChangeDefaultAccount { account: None },
        Data::AccountDidActivate { account: account() },
        Data::AccountDidDeactivate { account: account() },
        Data::AccountRegistrationDidSucceed {
            account: account(),
            code: 200,
            reason: String::new(),
            contact_uri: Box::new("sip:a@h".parse().unwrap()),
            contact_uri_list: vec![],
            expires: 600,
        },
        Data::AccountRegistrationDidFail {
            account: account(),
            code: None,
            reason: String::new(),
            next_route: None,
            delay: None,
        },
        Data::AccountRegistrationDidEnd { account: account(), code: None, reason: None },
        Data::SettingsObjectDidChange { object: account(), modified: vec![] },
        Data::SettingsSaveFailed { object: account(), modified: vec![], exception: String::new() },
    ]
}

#[test]
fn each_notification_has_the_name_the_data_and_the_variant_that_its_row_says() {
    let rows = rows();
    let mut tables: BTreeMap<_, _> =
        rows.iter().filter(|row| row.len() == 4).map(|row| (words(row[0])[0], row)).collect();
    for data in examples() {
        let name = data.name();
        let row = tables.remove(name).unwrap_or_else(|| panic!("{name} has no row, or two"));
        let known: Vec<_> = data.fields().into_iter().map(|(key, _)| key).collect();
        for key in words(row[1]) {
            assert!(known.contains(&key), "{name}: there is no {key} in {known:?}");
        }
        // What is more than the original has stands in the last column.
        for key in known.iter().filter(|key| !words(row[1]).contains(key)) {
            let told = row[3].contains(key) || name.starts_with("SIPAccount");
            assert!(told, "{name}: nothing is said of {key}");
        }
        let variant = format!("{data:?}");
        let variant = variant.split([' ', '{']).next().unwrap();
        assert!(row[2].starts_with(&format!("[`{variant}`]")), "{name}: {} is {variant}", row[2]);
    }
    assert!(tables.is_empty(), "rows of notifications that there are not: {tables:?}");
}
