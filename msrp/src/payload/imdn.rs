//! Instant message disposition notifications (RFC 5438), `message/imdn+xml`.

use std::fmt::Write as _;

use super::cpim::Cpim;
use super::date_time;
use super::xml::{Element, XmlError, escape};

/// The media type.
pub const CONTENT_TYPE: &str = "message/imdn+xml";
/// The namespace of the CPIM headers (RFC 5438 §6).
pub const CPIM_NAMESPACE: &str = "urn:ietf:params:imdn";
/// The namespace of the document (RFC 5438 §11).
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:imdn";

/// What the notification is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Whether it reached its receiver.
    Delivery,
    /// Whether it was shown to its receiver.
    Display,
    /// What became of it on the way.
    Processing,
}

/// What became of the message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Disposition {
    /// It was delivered.
    Delivered,
    /// It was displayed.
    Displayed,
    /// Something went wrong.
    Error,
    /// It was not delivered.
    Failed,
    /// The receiver does not want to tell.
    Forbidden,
    /// It was processed on the way.
    Processed,
    /// It is stored on the way.
    Stored,
}

/// Each kind with its element and the dispositions it may tell (RFC 5438 §11.1.1).
const KINDS: [(Kind, &str, &[Disposition]); 3] = {
    use Disposition::{Delivered, Displayed, Error, Failed, Forbidden, Processed, Stored};
    [
        (Kind::Delivery, "delivery-notification", &[Delivered, Failed, Forbidden, Error]),
        (Kind::Display, "display-notification", &[Displayed, Forbidden, Error]),
        (Kind::Processing, "processing-notification", &[Processed, Stored, Forbidden, Error]),
    ]
};

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Delivery => "delivery",
            Self::Display => "display",
            Self::Processing => "processing",
        })
    }
}

impl std::fmt::Display for Disposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Disposition {
    const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Displayed => "displayed",
            Self::Error => "error",
            Self::Failed => "failed",
            Self::Forbidden => "forbidden",
            Self::Processed => "processed",
            Self::Stored => "stored",
        }
    }
}

/// One notification.
///
/// ```
/// use offhook_msrp::imdn::{Disposition, Imdn, Kind};
/// let told = Imdn::new("34jk324j", 0, Kind::Display, Disposition::Displayed);
/// assert_eq!(Imdn::parse(told.print().as_bytes()).as_ref(), Ok(&told));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imdn {
    /// The `imdn.Message-ID` of the message it is about.
    pub message_id: String,
    /// When that was sent, in microseconds since 1970 UTC.
    pub sent_at_us: i64,
    /// To whom that was delivered.
    pub recipient_uri: Option<String>,
    /// To whom it was sent.
    pub original_recipient_uri: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// What it is about.
    pub kind: Kind,
    /// What became of it.
    pub disposition: Disposition,
}

/// Why bytes are no notification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ImdnError {
    /// Something that must be there is missing or cannot be.
    Missing(&'static str),
    /// No document.
    Xml(XmlError),
}

impl std::fmt::Display for ImdnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "the notification has no {what} that can be read"),
            Self::Xml(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ImdnError {}

impl From<XmlError> for ImdnError {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

impl Imdn {
    /// A notification without what may be left out.
    #[must_use]
    pub fn new(
        message_id: impl Into<String>,
        sent_at_us: i64,
        kind: Kind,
        disposition: Disposition,
    ) -> Self {
        Self {
            message_id: message_id.into(),
            sent_at_us,
            recipient_uri: None,
            original_recipient_uri: None,
            subject: None,
            kind,
            disposition,
        }
    }

    /// Reads a notification.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImdnError> {
        let root = Element::parse(bytes)?;
        if root.name != "imdn" || root.namespace != NAMESPACE {
            return Err(ImdnError::Missing("imdn"));
        }
        let text = |name| root.child_text(name).filter(|text| !text.is_empty());
        let id = text("message-id").ok_or(ImdnError::Missing("message-id"))?;
        let at = text("datetime").and_then(date_time::parse);
        let (kind, disposition) = disposition(&root).ok_or(ImdnError::Missing("status"))?;
        let owned = |name| text(name).map(ToOwned::to_owned);
        Ok(Self {
            message_id: id.into(),
            sent_at_us: at.ok_or(ImdnError::Missing("datetime"))?,
            recipient_uri: owned("recipient-uri"),
            original_recipient_uri: owned("original-recipient-uri"),
            subject: owned("subject"),
            kind,
            disposition,
        })
    }

    /// Prints it.
    #[must_use]
    pub fn print(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n");
        let at = date_time::print(self.sent_at_us);
        let mut element = |name: &str, text: &str| {
            // Writing to a String does not fail.
            let _written = write!(out, "  <{name}>{}</{name}>\r\n", escape(text));
        };
        element("message-id", &self.message_id);
        element("datetime", &at);
        let rest = [
            ("recipient-uri", &self.recipient_uri),
            ("original-recipient-uri", &self.original_recipient_uri),
            ("subject", &self.subject),
        ];
        for (name, text) in rest {
            if let Some(text) = text {
                element(name, text);
            }
        }
        let (declaration, inside) = out.split_once("\r\n").unwrap_or_default();
        let kind = KINDS.iter().find(|(kind, ..)| *kind == self.kind);
        let kind = kind.map(|(_, name, _)| *name).unwrap_or_default();
        let status = self.disposition.name();
        format!(
            "{declaration}\r\n<imdn xmlns=\"{NAMESPACE}\">\r\n{inside}  <{kind}>\
             <status><{status}/></status></{kind}>\r\n</imdn>\r\n"
        )
    }
}

fn disposition(root: &Element) -> Option<(Kind, Disposition)> {
    KINDS.iter().find_map(|(kind, name, allowed)| {
        let status = root.child(name)?.child("status")?;
        let found =
            allowed.iter().find(|disposition| status.child(disposition.name()).is_some())?;
        Some((*kind, *found))
    })
}

/// What the sender of a CPIM message asks to be told (RFC 5438 §6.2).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Wanted<'a> {
    /// The id to tell it with.
    pub message_id: Option<&'a str>,
    /// That it was delivered.
    pub positive_delivery: bool,
    /// That it was not.
    pub negative_delivery: bool,
    /// That it was displayed.
    pub display: bool,
    /// What became of it on the way.
    pub processing: bool,
}

impl<'a> Wanted<'a> {
    /// What `message` asks. Nothing is asked without an id, and nothing is ever told about a
    /// notification (RFC 5438 §7.2.1.1).
    #[must_use]
    pub fn of(message: &Cpim<'a>) -> Self {
        let header = |name| message.header_of(CPIM_NAMESPACE, "imdn", name);
        let own = message.content_type.map(crate::scan::media_type);
        let notification = own.is_some_and(|own| own.eq_ignore_ascii_case(CONTENT_TYPE));
        let Some(id) = header("Message-ID").filter(|_| !notification) else {
            return Self::default();
        };
        let list = header("Disposition-Notification").map(|header| header.value);
        let words = list.unwrap_or_default().split(',');
        let words: Vec<_> = words.map(crate::scan::media_type).collect();
        let has = |word: &str| words.iter().any(|found| found.eq_ignore_ascii_case(word));
        Self {
            message_id: Some(id.value),
            positive_delivery: has("positive-delivery"),
            negative_delivery: has("negative-delivery"),
            display: has("display"),
            processing: has("processing"),
        }
    }
}
