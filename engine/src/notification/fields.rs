//! A notification's data by the reference's keys, for logs and for programs in other languages.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{NotificationData as Data, Originator, SettingChange, StreamKind};

/// The value of one field.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FieldValue {
    /// There is none.
    None,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A time span.
    Duration(Duration),
    /// A text.
    Text(String),
    /// Octets that are no text.
    Bytes(Arc<[u8]>),
    /// Several values.
    List(Vec<Self>),
    /// Several values with names, in order.
    Map(Vec<(String, Self)>),
}

impl fmt::Display for FieldValue {
    /// For a log: texts quoted and escaped unless they are one plain word, contents only counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Duration(duration) => write!(f, "{}s", duration.as_secs_f64()),
            Self::Text(text) => {
                let plain = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\\');
                let plain = !text.is_empty() && text.bytes().all(plain);
                if plain { f.write_str(text) } else { write!(f, "{text:?}") }
            }
            Self::Bytes(bytes) => write!(f, "({} bytes)", bytes.len()),
            Self::List(list) => {
                f.write_str("[")?;
                for (number, value) in list.iter().enumerate() {
                    write!(f, "{}{value}", if number == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                for (number, (name, value)) in map.iter().enumerate() {
                    write!(f, "{}{name}={value}", if number == 0 { "" } else { "," })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl From<bool> for FieldValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for FieldValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for FieldValue {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for FieldValue {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<Duration> for FieldValue {
    fn from(duration: Duration) -> Self {
        Self::Duration(duration)
    }
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for FieldValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Path> for FieldValue {
    fn from(path: &Path) -> Self {
        Self::Text(path.to_string_lossy().into_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for FieldValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl<T: Into<Self>> FromIterator<T> for FieldValue {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// A field: its key and its value.
type Field = (&'static str, FieldValue);

fn field(name: &'static str, value: impl Into<FieldValue>) -> Field {
    (name, value.into())
}

fn text(name: &'static str, value: &impl ToString) -> Field {
    field(name, value.to_string())
}

fn who(name: &'static str, originator: Originator) -> Field {
    text(name, &originator)
}

fn streams(streams: &[StreamKind]) -> Field {
    ("streams", streams.iter().map(ToString::to_string).collect())
}

fn content(name: &'static str, bytes: &Arc<[u8]>, is_text: bool) -> Field {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text => field(name, text),
        _ => (name, FieldValue::Bytes(Arc::clone(bytes))),
    }
}

fn address(ip: &'static str, port: &'static str, address: SocketAddr) -> [Field; 2] {
    [text(ip, &address.ip()), field(port, address.port())]
}

fn modified(changes: &[SettingChange]) -> Field {
    let change = |change: &SettingChange| {
        let pair = vec![
            ("old".to_owned(), change.old.clone().into()),
            ("new".to_owned(), change.new.clone().into()),
        ];
        (change.path.clone(), FieldValue::Map(pair))
    };
    ("modified", FieldValue::Map(changes.iter().map(change).collect()))
}

impl Data {
    /// Every field by the reference's key, in the reference's order; what has no value is
    /// [`FieldValue::None`].
    ///
    /// ```
    /// use offhook::notification::{FieldValue, NotificationData, Originator};
    ///
    /// let data = NotificationData::SessionDidEnd { originator: Originator::Remote };
    /// assert_eq!(data.fields(), [("originator", FieldValue::from("remote"))]);
    /// ```
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, FieldValue)> {
        match self {
            Self::Application { fields, .. } => fields.clone(),
            _ => session(self)
                .or_else(|| streams_and_messages(self))
                .or_else(|| files(self))
                .or_else(|| engine(self))
                .or_else(|| accounts(self))
                .unwrap_or_default(),
        }
    }

    /// The field of that key.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<FieldValue> {
        self.fields().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

fn session(data: &Data) -> Option<Vec<Field>> {
    Some(match data {
        Data::SessionChangedState { prev_state, state } => {
            vec![text("prev_state", prev_state), text("state", state)]
        }
        Data::SessionNewIncoming { streams: all }
        | Data::SessionNewOutgoing { streams: all }
        | Data::SessionGotStreamUpdate { streams: all } => vec![streams(all)],
        Data::SessionDidFail { originator, code, reason, redirect_identities } => vec![
            who("originator", *originator),
            field("code", *code),
            text("reason", reason),
            (
                "redirect_identities",
                FieldValue::List(
                    redirect_identities.iter().cloned().map(FieldValue::Text).collect(),
                ),
            ),
        ],
        Data::SessionDidEnd { originator }
        | Data::SessionGotHoldRequest { originator }
        | Data::SessionGotUnholdRequest { originator } => vec![who("originator", *originator)],
        Data::SessionWillStartRecordingAudio { file_name }
        | Data::SessionDidStartRecordingAudio { file_name }
        | Data::SessionWillStopRecordingAudio { file_name }
        | Data::SessionDidStopRecordingAudio { file_name } => {
            vec![field("file_name", file_name.as_path())]
        }
        Data::SessionGotDtmf { digit } => vec![text("digit", digit)],
        _ => return None,
    })
}

fn streams_and_messages(data: &Data) -> Option<Vec<Field>> {
    Some(match data {
        Data::SessionGotStreamProposal { proposer, streams: all } => {
            vec![who("proposer", *proposer), streams(all)]
        }
        Data::SessionAcceptedStreamProposal { proposer } => vec![who("proposer", *proposer)],
        Data::SessionRejectedStreamProposal { proposer, reason } => {
            vec![who("proposer", *proposer), text("reason", reason)]
        }
        Data::SessionGotMessage { content: body, content_type, cpim_headers, message_id } => {
            let header = |(name, value): &(String, String)| (name.clone(), value.clone().into());
            vec![
                content("content", body, is_text(content_type)),
                text("content_type", content_type),
                ("cpim_headers", FieldValue::Map(cpim_headers.iter().map(header).collect())),
                text("message_id", message_id),
            ]
        }
        Data::SessionDidDeliverMessage { message_id, code, reason }
        | Data::SessionDidNotDeliverMessage { message_id, code, reason } => {
            vec![text("message_id", message_id), field("code", *code), text("reason", reason)]
        }
        Data::ChatStreamGotComposingIndication {
            active,
            refresh,
            content_type,
            last_active,
            sender,
        } => vec![
            field("state", if *active { "active" } else { "idle" }),
            field("refresh", *refresh),
            field("content_type", content_type.clone()),
            field("last_active", last_active.as_ref().map(ToString::to_string)),
            text("sender", sender),
        ],
        Data::ChatStreamDidSetNickname { nickname } => vec![text("nickname", nickname)],
        Data::ChatStreamDidNotSetNickname { nickname, code, reason } => {
            vec![text("nickname", nickname), field("code", *code), text("reason", reason)]
        }
        Data::ChatStreamGotDispositionNotification { message_id, kind, disposition, sender } => {
            vec![
                text("message_id", message_id),
                text("kind", kind),
                text("disposition", disposition),
                text("sender", sender),
            ]
        }
        Data::WaveFileDidFinishPlaying { file_name, failure } => {
            vec![field("file_name", file_name.as_path()), field("failure", failure.clone())]
        }
        Data::RtpTransportDidInitialize { local } => address("address", "port", *local).into(),
        Data::RtpTransportDidFail { reason } | Data::MsrpChatDidFail { reason } => {
            vec![text("reason", reason)]
        }
        _ => return None,
    })
}

fn files(data: &Data) -> Option<Vec<Field>> {
    Some(match data {
        Data::FileTransferDidInitialize { transfer_id, sender, name, content_type, size } => vec![
            text("transfer_id", transfer_id),
            who("sender", *sender),
            text("name", name),
            field("content_type", content_type.clone()),
            field("size", *size),
        ],
        Data::FileTransferDidStart { transfer_id } => vec![text("transfer_id", transfer_id)],
        Data::FileTransferProgress { transfer_id, transferred_bytes, total_bytes } => vec![
            text("transfer_id", transfer_id),
            field("transferred_bytes", *transferred_bytes),
            field("total_bytes", *total_bytes),
        ],
        Data::FileTransferDidEnd { transfer_id, error, reason, file_name } => vec![
            text("transfer_id", transfer_id),
            field("error", *error),
            field("reason", reason.clone()),
            field("file_name", file_name.as_deref()),
        ],
        _ => return None,
    })
}

fn is_text(content_type: &str) -> bool {
    content_type.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"))
}

fn engine(data: &Data) -> Option<Vec<Field>> {
    Some(match data {
        Data::EngineDidFail { reason } => vec![text("reason", reason)],
        Data::EngineGotException { kind, value, traceback } => {
            vec![field("type", *kind), text("value", value), field("traceback", traceback.clone())]
        }
        Data::EngineLog { level, sender, message } => vec![
            field("level", u16::from(*level)),
            text("sender", sender),
            text("message", message),
        ],
        Data::EngineSipTrace { received, source, destination, transport, data }
        | Data::MsrpTransportTrace { received, source, destination, transport, data } => {
            let mut fields = vec![field("received", *received)];
            fields.extend(address("source_ip", "source_port", *source));
            fields.extend(address("destination_ip", "destination_port", *destination));
            fields.push(text("transport", transport));
            fields.push(("data", FieldValue::Bytes(Arc::clone(data))));
            fields
        }
        Data::EngineDetectedNatType { result } => match result {
            Ok(nat_type) => vec![field("succeeded", true), text("nat_type", nat_type)],
            Err(error) => vec![field("succeeded", false), text("error", error)],
        },
        Data::EngineGotMessage { from_uri, to_uri, content_type, content_subtype, body } => vec![
            text("from_uri", from_uri),
            text("to_uri", to_uri),
            text("content_type", content_type),
            text("content_subtype", content_subtype),
            content("body", body, content_type.eq_ignore_ascii_case("text")),
        ],
        Data::EngineGotMessageResponse { to_uri, code, reason } => {
            vec![text("to_uri", to_uri), field("code", *code), text("reason", reason)]
        }
        Data::AudioDeviceDidFail { device, reason } => {
            vec![text("device", device), text("reason", reason)]
        }
        _ => return None,
    })
}

fn accounts(data: &Data) -> Option<Vec<Field>> {
    Some(match data {
        Data::AccountManagerDidAddAccount { account }
        | Data::AccountManagerDidRemoveAccount { account }
        | Data::AccountDidActivate { account }
        | Data::AccountDidDeactivate { account } => vec![text("account", account)],
        Data::AccountManagerDidChangeDefaultAccount { account } => {
            vec![field("account", account.clone())]
        }
        Data::AccountRegistrationDidSucceed {
            account,
            code,
            reason,
            contact_uri,
            contact_uri_list,
            expires,
        } => vec![
            text("account", account),
            field("code", *code),
            text("reason", reason),
            text("contact_uri", contact_uri),
            ("contact_uri_list", contact_uri_list.iter().map(ToString::to_string).collect()),
            field("expires", *expires),
        ],
        Data::AccountRegistrationDidFail { account, code, reason, next_route, delay } => vec![
            text("account", account),
            field("code", *code),
            text("reason", reason),
            field("next_route", next_route.as_ref().map(ToString::to_string)),
            field("delay", *delay),
        ],
        Data::AccountRegistrationDidEnd { account, code, reason } => {
            vec![text("account", account), field("code", *code), field("reason", reason.clone())]
        }
        Data::SettingsObjectDidChange { object, modified: changes } => {
            vec![text("object", object), modified(changes)]
        }
        Data::SettingsSaveFailed { object, modified: changes, exception } => {
            vec![text("object", object), modified(changes), text("exception", exception)]
        }
        _ => return None,
    })
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
