//! What the library tells, as JSON: the shapes that scripts rely on.

use std::net::SocketAddr;
use std::path::Path;

use offhook::id::SessionId;
use offhook::media::codec::Codec;
use offhook::media::statistics::Statistics;
use offhook::notification::{FieldValue, NotificationData as Data, Sender};
use offhook::snapshot::{CallDirection, Snapshot};
use offhook::transport::{Destination, Transport};
use offhook::{Engine, Notification};
use serde_json::{Map, Value, json};

use crate::trace;

/// One notification: name, session if it is one's, timestamp, data.
pub(crate) fn notification(notification: &Notification) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), json!(notification.name()));
    if let Sender::Session(id) = notification.sender {
        object.insert("session".into(), json!(id.to_string()));
    }
    object.insert("timestamp".into(), json!(notification.timestamp.to_string()));
    object.insert("data".into(), data(&notification.data));
    Value::Object(object)
}

/// An object of the command itself.
pub(crate) fn object(name: &str, session: Option<SessionId>, data: &Value) -> Value {
    match session {
        Some(id) => json!({"name": name, "session": id.to_string(), "data": data}),
        None => json!({"name": name, "data": data}),
    }
}

/// The listeners that were bound and the URI to call. Several of a kind: the first one by name,
/// all of them in `listeners`.
pub(crate) fn ready(engine: &Engine) -> Value {
    let listeners = engine.listeners();
    let mut data = Map::new();
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        if let Some(listener) = listeners.iter().find(|l| l.transport == transport) {
            data.insert(transport.to_string(), json!(listener.address.to_string()));
        }
    }
    data.insert("uri".into(), json!(engine.uri()));
    if listeners.len() > data.len() - 1 {
        let all = listeners.iter().map(|l| format!("{} {}", l.transport, l.address));
        data.insert("listeners".into(), all.collect());
    }
    object("offhook.ready", None, &Value::Object(data))
}

fn file(name: &Path) -> Value {
    json!(name.to_string_lossy())
}

/// The data of a notification, by the reference's keys. Octets that are no text are base64, with a
/// key that says so; secrets of a traced message are hidden.
fn data(data: &Data) -> Value {
    let mut object = Map::new();
    for (name, value) in data.fields() {
        match value {
            FieldValue::Bytes(bytes) if is_trace(data) => {
                let shown = trace::without_secrets(&bytes);
                object.insert(name.into(), json!(String::from_utf8_lossy(&shown)));
            }
            FieldValue::Bytes(_) => drop(object.insert(format!("{name}_base64"), field(value))),
            _ => drop(object.insert(name.into(), field(value))),
        }
    }
    Value::Object(object)
}

/// MSRP comes here without its contents.
const fn is_trace(data: &Data) -> bool {
    matches!(data, Data::EngineSipTrace { .. } | Data::MsrpTransportTrace { .. })
}

fn field(value: FieldValue) -> Value {
    match value {
        FieldValue::Bool(value) => json!(value),
        FieldValue::Number(number) => json!(number),
        FieldValue::Duration(duration) => json!(duration.as_secs_f64()),
        FieldValue::Text(text) => json!(text),
        FieldValue::Bytes(bytes) => {
            let engine = base64::engine::general_purpose::STANDARD;
            json!(base64::Engine::encode(&engine, bytes))
        }
        FieldValue::List(list) => list.into_iter().map(field).collect(),
        FieldValue::Map(map) => {
            Value::Object(map.into_iter().map(|(name, value)| (name, field(value))).collect())
        }
        _ => Value::Null,
    }
}

/// Every attribute of a session, by the reference's names. `account` is the engine's.
pub(crate) fn state(snapshot: &Snapshot, account: Option<&str>) -> Value {
    json!({
        "state": snapshot.state.to_string(),
        "account": account,
        "direction": snapshot.direction.map(direction),
        "start_time": snapshot.start_time.map(|time| time.to_string()),
        "stop_time": snapshot.stop_time.map(|time| time.to_string()),
        "on_hold": snapshot.on_hold(),
        "on_hold_by_local": snapshot.on_hold_by_local,
        "on_hold_by_remote": snapshot.on_hold_by_remote,
        "remote_user_agent": snapshot.remote_user_agent,
        "local_uri": snapshot.local_uri,
        "remote_uri": snapshot.remote_uri,
        "caller_uri": snapshot.caller_uri(),
        "callee_uri": snapshot.callee_uri(),
        "route": snapshot.route.as_ref().map(route),
        "has_audio": snapshot.has_audio,
        "audio_codec": snapshot.audio_codec,
        "audio_sample_rate": snapshot.audio_sample_rate,
        "audio_srtp_active": snapshot.audio_srtp_active,
        "audio_local_rtp_address": address(snapshot.audio_local_rtp),
        "audio_local_rtp_port": port(snapshot.audio_local_rtp),
        "audio_remote_rtp_address_sdp": address(snapshot.audio_remote_rtp_sdp),
        "audio_remote_rtp_port_sdp": port(snapshot.audio_remote_rtp_sdp),
        "audio_remote_rtp_address_received": address(snapshot.audio_remote_rtp_received),
        "audio_remote_rtp_port_received": port(snapshot.audio_remote_rtp_received),
        "audio_was_received": snapshot.audio_was_received,
        "audio_recording_file_name":
            snapshot.audio_recording_file_name.as_deref().map(file),
        "audio_direction": snapshot.audio_direction.map(|direction| direction.as_str()),
        "audio_transport": snapshot.audio_stream.map(|_| json!({
            "active": snapshot.has_audio,
            "direction": snapshot.audio_direction.map(|direction| direction.as_str()),
        })),
        "has_chat": snapshot.has_chat,
        "chatroom": snapshot.chatroom.map(|room| {
            json!({"nickname": room.nickname, "private_messages": room.private_messages})
        }),
        "chat_transport": snapshot.chat_stream.map(|_| json!({"active": snapshot.has_chat})),
        "remote_headers": snapshot
            .remote_headers
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect::<Value>(),
    })
}

/// A direction, as the reference spells it.
pub(crate) const fn direction(direction: CallDirection) -> &'static str {
    match direction {
        CallDirection::Incoming => "incoming",
        CallDirection::Outgoing => "outgoing",
    }
}

fn address(address: Option<SocketAddr>) -> Option<String> {
    address.map(|address| address.ip().to_string())
}

fn port(address: Option<SocketAddr>) -> Option<u16> {
    address.map(|address| address.port())
}

fn route(destination: &Destination) -> String {
    format!("sip:{};transport={}", destination.remote, destination.transport)
}

/// What the audio stream counted.
pub(crate) fn statistics(statistics: &Statistics) -> Value {
    json!({
        "codec": statistics.codec.map(Codec::name),
        "sample_rate": statistics.codec.map(Codec::clock_rate),
        "packets_sent": statistics.packets_sent,
        "octets_sent": statistics.octets_sent,
        "packets_received": statistics.packets_received,
        "octets_received": statistics.octets_received,
        "packets_lost": statistics.packets_lost,
        "packets_discarded": statistics.packets_discarded,
        "packets_rejected": statistics.packets_rejected,
        "packets_unauthenticated": statistics.packets_unauthenticated,
        "packets_withheld": statistics.packets_withheld,
        "jitter_us": statistics.jitter.as_micros(),
        "round_trip_us": statistics.round_trip.unwrap_or_default().as_micros(),
        "remote_packets_lost": statistics.remote_packets_lost,
    })
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
