//! MSRP messages and what they carry, as JSON.

use offhook::msrp::composing::Composing;
use offhook::msrp::cpim::{Address, Cpim, CpimHeader};
use offhook::msrp::imdn::{Imdn, Wanted};
use offhook::msrp::{ByteRange, Message, MsrpUri, Path, Start, composing, date_time, imdn};
use serde_json::{Map, Value, json};

use crate::describe::bytes;

/// Methods that a user agent knows (RFC 4975, RFC 4976); AUTH is the relays' and NICKNAME (RFC
/// 7701) the chat rooms'.
const METHODS: [&str; 2] = ["SEND", "REPORT"];

fn uri(uri: &MsrpUri<'_>) -> Value {
    json!({
        "uri": uri.raw,
        "scheme": if uri.secure { "msrps" } else { "msrp" },
        "user": uri.user,
        "host": uri.host,
        "port": uri.port,
        "session_id": uri.session_id,
        "transport": uri.transport,
    })
}

fn path(path: Path<'_>) -> Value {
    path.iter().map(|hop| uri(&hop)).collect()
}

fn range(range: ByteRange) -> Value {
    json!({"start": range.start, "end": range.end, "total": range.total})
}

/// A message.
pub(crate) fn msrp(message: &Message<'_>) -> Value {
    let head = &message.head;
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.into(), value);
    };
    match head.start {
        Start::Request { method } => {
            put("kind", json!("request"));
            put("method", json!(method));
            let known = METHODS.contains(&method);
            put("status", if known { Value::Null } else { json!(501) });
        }
        Start::Response { status, comment } => {
            put("kind", json!("response"));
            put("code", json!(status));
            put("reason", json!(comment));
            put("status", Value::Null);
        }
    }
    put("transaction_id", json!(head.transaction_id));
    put("to_path", path(head.to_path));
    put("from_path", path(head.from_path));
    put("message_id", json!(head.message_id));
    put("byte_range", head.byte_range.map_or(Value::Null, range));
    put("success_report", json!(head.success_report));
    put("failure_report", json!(head.failure_report.map(|report| report.as_str())));
    let report = head.status.map(|told| json!({"code": told.code, "reason": told.comment}));
    put("report", json!(report));
    put("content_type", json!(head.content_type));
    let header = |h: offhook::msrp::Header<'_>| json!({"name": h.name, "value": h.value});
    put("headers", head.headers().map(header).collect());
    put("body", message.body.map_or(Value::Null, bytes));
    put("flag", json!(char::from(message.flag.as_byte()).to_string()));
    Value::Object(out)
}

fn address(header: Option<CpimHeader<'_>>) -> Value {
    let address = header.and_then(|header| Address::parse(header.value));
    json!(address.map(|found| json!({"display": found.name, "uri": found.uri})))
}

/// A message in CPIM, and what it carries where that is known.
pub(crate) fn cpim(message: &Cpim<'_>) -> Value {
    let headers = |headers: &[CpimHeader<'_>]| -> Value {
        let header =
            |h: &CpimHeader<'_>| json!({"name": h.name, "params": h.params, "value": h.text()});
        headers.iter().map(header).collect()
    };
    let at = message.header("DateTime").and_then(|header| date_time::parse(header.value));
    let wanted = Wanted::of(message);
    let mut asks = Vec::new();
    for (asked, word) in [
        (wanted.positive_delivery, "positive-delivery"),
        (wanted.negative_delivery, "negative-delivery"),
        (wanted.display, "display"),
        (wanted.processing, "processing"),
    ] {
        asks.extend(asked.then_some(word));
    }
    json!({
        "from": address(message.header("From")),
        "to": address(message.header("To")),
        "date_time": at.map(date_time::print),
        "subject": message.header("Subject").map(|header| header.text()),
        "message_id": wanted.message_id,
        "asks": asks,
        "headers": headers(&message.headers),
        "content_headers": headers(&message.content_headers),
        "content_type": message.content_type,
        "content": bytes(message.content),
        "document": document(message),
    })
}

/// An indication (RFC 3994) or a notification (RFC 5438).
fn document(message: &Cpim<'_>) -> Value {
    let own = message.content_type.and_then(|own| own.split(';').next()).map(str::trim);
    let is = |known: &str| own.is_some_and(|own| own.eq_ignore_ascii_case(known));
    if is(composing::CONTENT_TYPE)
        && let Ok(told) = Composing::parse(message.content)
    {
        return json!({
            "state": if told.active { "active" } else { "idle" },
            "content_type": told.content_type,
            "last_active": told.last_active_us.map(date_time::print),
            "refresh": told.refresh_s,
        });
    }
    if is(imdn::CONTENT_TYPE)
        && let Ok(told) = Imdn::parse(message.content)
    {
        return json!({
            "message_id": told.message_id,
            "date_time": date_time::print(told.sent_at_us),
            "kind": told.kind.to_string(),
            "disposition": told.disposition.to_string(),
            "recipient_uri": told.recipient_uri,
            "original_recipient_uri": told.original_recipient_uri,
            "subject": told.subject,
        });
    }
    Value::Null
}
