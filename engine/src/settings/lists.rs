//! Settings that are lists: each item counts once, in its first place.

use offhook_media::codec::Codec;

use super::value::{SettingType, Value};
use crate::transport::Transport;

/// Items of a list at most.
pub const ITEMS_MAX: usize = 64;

fn items<T: PartialEq>(value: Value, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let Value::List(texts) = value else { return None };
    if texts.len() > ITEMS_MAX {
        return None;
    }
    let mut all = Vec::new();
    for text in &texts {
        let item = read(text.trim())?;
        if !all.contains(&item) {
            all.push(item);
        }
    }
    Some(all)
}

fn typed(text: &str) -> Value {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    Value::List(parts.map(Into::into).collect())
}

/// Makes a list of items; `$empty` tells whether it may be empty.
macro_rules! list {
    ($(#[doc = $about:literal])+ $name:ident of $item:ty, $empty:literal, $allowed:expr, $read:expr, $print:expr) => {
        $(#[doc = $about])+
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name(Vec<$item>);

        impl $name {
            /// The list, if it may be one. What stands twice counts once.
            #[must_use]
            pub fn new(items: impl IntoIterator<Item = $item>) -> Option<Self> {
                let texts = items.into_iter().map(|item| $print(&item)).collect();
                Self::from_value(Value::List(texts))
            }

            /// The items, in order.
            #[must_use]
            pub fn as_slice(&self) -> &[$item] {
                &self.0
            }
        }

        impl SettingType for $name {
            fn allowed() -> String {
                $allowed
            }

            fn from_value(value: Value) -> Option<Self> {
                items(value, $read).filter(|all| $empty || !all.is_empty()).map(Self)
            }

            fn from_text(text: &str) -> Option<Self> {
                Self::from_value(typed(text))
            }

            fn to_value(&self) -> Value {
                Value::List(self.0.iter().map($print).collect())
            }
        }
    };
}

list!(
    /// Audio codecs, best first; one at least.
    CodecList of Codec, false,
    format!("a list of {}", Codec::ALL.map(Codec::name).join(", ")),
    Codec::from_name,
    |codec: &Codec| codec.name().into()
);

impl Default for CodecList {
    /// All that are built.
    fn default() -> Self {
        Self(Codec::ALL.into())
    }
}

list!(
    /// SIP transports, the preferred one first; one at least.
    TransportList of Transport, false,
    "a list of udp, tcp, tls".into(),
    |text: &str| text.parse().ok(),
    |transport: &Transport| transport.to_string()
);

impl Default for TransportList {
    /// All, the safest first.
    fn default() -> Self {
        Self([Transport::Tls, Transport::Tcp, Transport::Udp].into())
    }
}

list!(
    /// Servers as `HOST` or `HOST:PORT`.
    ServerList of String, true,
    "a list of HOST or HOST:PORT".into(),
    server,
    |server: &String| server.clone()
);

impl ServerList {
    /// No server.
    pub(super) const fn empty() -> Self {
        Self(Vec::new())
    }
}

fn server(text: &str) -> Option<String> {
    let is_plain = !text.contains(['@', ';', '?', '<', '>', '%']);
    let parsed = format!("sip:{text}").parse::<crate::sip::SipUri>().ok()?;
    (is_plain && parsed.user().is_none() && parsed.port() != Some(0)).then(|| text.into())
}

list!(
    /// Content types, `*` for any part.
    ContentTypes of String, false,
    "a list of content types, as text/plain, text/* or *".into(),
    content_type,
    |kind: &String| kind.clone()
);

impl ContentTypes {
    /// Types that are known to be ones.
    pub(super) fn known(types: &[&str]) -> Self {
        Self(types.iter().map(|kind| (*kind).into()).collect())
    }
}

fn content_type(text: &str) -> Option<String> {
    // RFC 2045 §5.1: tokens; `*` is one.
    let token = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(fits)
    };
    let whole = match text.split_once('/') {
        Some((kind, subtype)) => token(kind) && token(subtype),
        None => text == "*",
    };
    (whole && text.len() <= 127).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_list_is_read_in_any_case_in_order_and_each_counts_once() {
        let list = CodecList::from_text("pcma, PCMU,pcma").unwrap();
        assert_eq!(list.as_slice(), [Codec::Pcma, Codec::Pcmu]);
        assert_eq!(list.to_value(), Value::List(vec!["PCMA".into(), "PCMU".into()]));
        for text in ["", ",", "PCMA,nothing"] {
            assert!(CodecList::from_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_list_is_taken_up_to_its_limit_and_not_one_past_it() {
        let of = |count: usize| Value::List((0..count).map(|n| format!("h{n}")).collect());
        assert_eq!(ServerList::from_value(of(ITEMS_MAX)).unwrap().as_slice().len(), ITEMS_MAX);
        assert_eq!(ServerList::from_value(of(ITEMS_MAX + 1)), None);
    }

    #[test]
    fn servers_are_hosts_with_or_without_a_port() {
        let list = ServerList::from_text("stun.example.com, 192.0.2.1:3478,[::1]:3478").unwrap();
        assert_eq!(list.as_slice().len(), 3);
        assert!(ServerList::from_text("").is_some());
        for text in ["a@b", "host:0", "host;lr", "ho st"] {
            assert!(ServerList::from_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn content_types_may_have_stars() {
        for text in ["*", "text/*", "Message/CPIM", "application/im-iscomposing+xml"] {
            assert!(ContentTypes::from_text(text).is_some(), "{text}");
        }
        for text in ["", "text", "text/", "/plain", "text/plain; charset=utf-8", "a/b/c"] {
            assert!(ContentTypes::from_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn transports_are_listed_by_preference() {
        let list = TransportList::from_text("udp,tcp").unwrap();
        assert_eq!(list.as_slice(), [Transport::Udp, Transport::Tcp]);
        assert_eq!(TransportList::default().to_value().to_string(), "tls,tcp,udp");
    }
}
