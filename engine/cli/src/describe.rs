//! Messages as JSON.

use base64::Engine as _;
use offhook::sdp::{MediaDescription, SessionDescription};
use offhook::sip::{
    ALLOWED_METHODS, HeaderName, Host, Message, NameAddr, Params, Uri, Via, text, unfold,
};
use serde_json::{Map, Value, json};

/// Bytes as a string, or as base64 where they are no UTF-8.
pub(crate) fn bytes(value: &[u8]) -> Value {
    match std::str::from_utf8(value) {
        Ok(text) => json!(text),
        Err(_) => json!({"base64": base64::engine::general_purpose::STANDARD.encode(value)}),
    }
}

fn params(params: Params<'_>) -> Value {
    let named = params
        .iter()
        .map(|(name, value)| (text(name).into_owned(), value.map_or(Value::Null, bytes)));
    Value::Object(named.collect::<Map<_, _>>())
}

fn uri(uri: &Uri<'_>) -> Value {
    let mut out = json!({"uri": bytes(uri.raw), "scheme": bytes(uri.scheme)});
    if let (Some(host), Some(map)) = (uri.host, out.as_object_mut()) {
        map.insert("user".into(), uri.user.map_or(Value::Null, bytes));
        map.insert("host".into(), host_text(host));
        map.insert("port".into(), json!(uri.port));
        map.insert("params".into(), params(uri.params));
        map.insert("headers".into(), uri.headers.map_or(Value::Null, bytes));
    }
    out
}

fn host_text(host: Host<'_>) -> Value {
    match host {
        Host::Ip(address) => json!(address.to_string()),
        Host::Name(name) => bytes(name),
    }
}

fn address(address: &NameAddr<'_>) -> Value {
    json!({
        "display": address.display_text(),
        "uri": uri(&address.uri),
        "tag": address.tag().map(bytes),
        "params": params(address.params),
    })
}

fn via(via: &Via<'_>) -> Value {
    json!({
        "transport": bytes(via.transport),
        "host": host_text(via.host),
        "port": via.port,
        "branch": via.branch().map(bytes),
        "params": params(via.params),
    })
}

/// A message that was validated.
pub(crate) fn sip(message: &Message<&[u8]>) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.into(), value);
    };
    if let Some(method) = message.method() {
        put("kind", json!("request"));
        put("method", bytes(method));
        let raw = message.request_uri().unwrap_or_default();
        put("request_uri", Uri::parse(raw).map_or_else(|_| bytes(raw), |parsed| uri(&parsed)));
        put("status", json!(answer(message)));
    } else {
        put("kind", json!("response"));
        put("code", json!(message.status()));
        put("reason", bytes(message.reason().unwrap_or_default()));
        put("status", Value::Null);
    }
    put("via", message.vias().flatten().map(|hop| via(&hop)).collect());
    put("from", message.from().map_or(Value::Null, |from| address(&from)));
    put("to", message.to().map_or(Value::Null, |to| address(&to)));
    put("call_id", message.call_id().map_or(Value::Null, bytes));
    let cseq = message.cseq().ok();
    put("cseq", json!(cseq.map(|c| json!({"number": c.number, "method": bytes(c.method)}))));
    let contacts = message.addresses(HeaderName::Contact).flatten();
    put("contacts", contacts.map(|contact| address(&contact)).collect());
    put("max_forwards", json!(message.max_forwards().ok().flatten()));
    put("content_type", json!(message.content_type()));
    let header = |h: offhook::sip::Header<'_>| json!({"name": bytes(h.name), "value": bytes(&unfold(h.value))});
    put("headers", message.headers().map(header).collect());
    put("body", bytes(message.body()));
    Value::Object(out)
}

/// What a user agent would answer to a request that it cannot work on as it stands.
fn answer(message: &Message<&[u8]>) -> Option<u16> {
    if let Some(fault) = message.unsupported(&ALLOWED_METHODS, &[]) {
        return Some(fault.status);
    }
    // RFC 3261 §8.1.1.8: an INVITE without Contact makes no dialog.
    let contactless = message.method() == Some(b"INVITE") && message.contact().is_none();
    contactless.then_some(400)
}

/// A session description.
pub(crate) fn sdp(sdp: &SessionDescription<'_>) -> Value {
    let lines = |lines: &[offhook::sdp::Line<'_>]| -> Value {
        lines
            .iter()
            .map(|line| json!({"type": char::from(line.kind).to_string(), "value": bytes(line.value)}))
            .collect()
    };
    let medium = |media: &MediaDescription<'_>| {
        let maps = media.formats.iter().filter_map(|format| {
            let map = media.rtpmap(std::str::from_utf8(format).ok()?.parse().ok()?)?;
            Some(json!({
                "payload_type": map.payload_type,
                "encoding": map.name,
                "clock_rate": map.clock_rate,
                "channels": map.channels,
            }))
        });
        json!({
            "media": bytes(media.media),
            "port": media.port,
            "proto": bytes(media.proto),
            "formats": media.formats.iter().map(|format| bytes(format)).collect::<Value>(),
            "address": sdp.address(media).map(|address| address.to_string()),
            "direction": media.direction(sdp).as_str(),
            "rtpmap": maps.collect::<Value>(),
            "lines": lines(&media.lines),
        })
    };
    json!({
        "lines": lines(&sdp.lines),
        "media": sdp.media.iter().map(medium).collect::<Value>(),
    })
}
