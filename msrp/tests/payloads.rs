//! The examples of RFC 3994, RFC 5438 and RFC 5547, and what is wrong with others.

use offhook_msrp::composing::{Composing, ComposingError};
use offhook_msrp::cpim::Cpim;
use offhook_msrp::date_time;
use offhook_msrp::file_selector::{FileRange, FileSelector, HASHES_MAX, SELECTOR_BYTES_MAX};
use offhook_msrp::imdn::{Disposition, Imdn, ImdnError, Kind, Wanted};
use offhook_msrp::xml::XmlError;

#[test]
fn rfc3994_5_the_examples() {
    let active = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"
   xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"
   xsi:schemaLocation=\"urn:ietf:params:xml:ns:im-composing
   iscomposing.xsd\">
     <state>active</state>
     <contenttype>text/plain</contenttype>
     <refresh>90</refresh>
</isComposing>";
    let told = Composing::parse(active.as_bytes()).unwrap();
    let expected = Composing {
        content_type: Some("text/plain".into()),
        refresh_s: Some(90),
        ..Composing::new(true)
    };
    assert_eq!(told, expected);
    let idle = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">
     <state>idle</state>
     <lastactive>2003-01-27T10:43:00Z</lastactive>
     <contenttype>audio</contenttype>
</isComposing>";
    let told = Composing::parse(idle.as_bytes()).unwrap();
    assert_eq!((told.active, told.content_type.as_deref()), (false, Some("audio")));
    assert_eq!(told.last_active_us, date_time::parse("2003-01-27T10:43:00Z"));
    assert_eq!(Composing::parse(told.print().as_bytes()), Ok(told));
}

#[test]
fn rfc3994_4_unknown_states_are_idle_and_other_documents_are_none() {
    let with = |inside: &str| {
        let text = format!(
            "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'>{inside}</isComposing>"
        );
        Composing::parse(text.as_bytes())
    };
    assert_eq!(with("<state>pondering</state>"), Ok(Composing::new(false)));
    assert_eq!(with("<state> active </state><refresh>x</refresh>"), Ok(Composing::new(true)));
    assert_eq!(with(""), Err(ComposingError::State));
    assert_eq!(with("<x:state xmlns:x='y'>active</x:state>"), Err(ComposingError::State));
    assert_eq!(with("<state>active</state"), Err(ComposingError::Xml(XmlError::Tag)));
    assert_eq!(
        Composing::parse(b"<isComposing><state>active</state></isComposing>"),
        Err(ComposingError::State)
    );
}

#[test]
fn rfc5438_6_a_message_that_asks_to_be_told() {
    let bytes = "From: Alice <im:alice@example.com>
To: Bob <im:bob@example.com>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: 34jk324j
DateTime: 2006-04-04T12:16:49-05:00
imdn.Disposition-Notification: positive-delivery, display

Content-type: text/plain
Content-length: 12

Hello World"
        .replace('\n', "\r\n");
    let wanted = Wanted::of(&Cpim::parse(bytes.as_bytes()).unwrap());
    let expected = Wanted {
        message_id: Some("34jk324j"),
        positive_delivery: true,
        display: true,
        ..Wanted::default()
    };
    assert_eq!(wanted, expected);
    let renamed = bytes.replace("imdn.", "x.").replace("NS: imdn", "NS: x");
    assert_eq!(Wanted::of(&Cpim::parse(renamed.as_bytes()).unwrap()), expected);
    let notification = bytes.replace("text/plain", "message/imdn+xml");
    let none = Wanted::of(&Cpim::parse(notification.as_bytes()).unwrap());
    assert_eq!(none, Wanted::default(), "a notification is never answered with one");
}

#[test]
fn rfc5438_7_a_notification() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">
     <message-id>34jk324j</message-id>
     <datetime>2008-04-04T12:16:49-05:00</datetime>
     <display-notification>
         <status>
            <displayed/>
         </status>
     </display-notification>
</imdn>";
    let told = Imdn::parse(text.as_bytes()).unwrap();
    let at = date_time::parse("2008-04-04T17:16:49Z").unwrap();
    assert_eq!(told, Imdn::new("34jk324j", at, Kind::Display, Disposition::Displayed));
    for (from, to, error) in [
        ("<message-id>34jk324j</message-id>", "", "message-id"),
        ("2008-04-04T12", "yesterday", "datetime"),
        ("<displayed/>", "<delivered/>", "status"),
        ("ns:imdn", "ns:other", "imdn"),
    ] {
        let bad = text.replace(from, to);
        assert_eq!(Imdn::parse(bad.as_bytes()), Err(ImdnError::Missing(error)));
    }
}

#[test]
fn notifications_of_every_kind_come_back_as_they_were() {
    use Disposition::{Delivered, Displayed, Error, Failed, Forbidden, Processed, Stored};
    for (kind, disposition) in [
        (Kind::Delivery, Delivered),
        (Kind::Delivery, Failed),
        (Kind::Delivery, Forbidden),
        (Kind::Delivery, Error),
        (Kind::Display, Displayed),
        (Kind::Display, Forbidden),
        (Kind::Display, Error),
        (Kind::Processing, Processed),
        (Kind::Processing, Stored),
        (Kind::Processing, Forbidden),
        (Kind::Processing, Error),
    ] {
        let told = Imdn {
            recipient_uri: Some("im:bob@example.com".into()),
            original_recipient_uri: Some("im:\"bob\"<&@example.com".into()),
            subject: Some("a <b> & c".into()),
            ..Imdn::new("id", 1_234_567, kind, disposition)
        };
        assert_eq!(Imdn::parse(told.print().as_bytes()).as_ref(), Ok(&told));
    }
}

#[test]
fn rfc5547_the_selectors_of_the_examples() {
    let push = "name:\"My cool picture.jpg\" type:image/jpeg size:4092 \
                hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E";
    let selector = FileSelector::parse(push).unwrap();
    assert_eq!(selector.name.as_deref(), Some("My cool picture.jpg"));
    assert_eq!(selector.media_type.as_deref(), Some("image/jpeg"));
    assert_eq!(selector.size, Some(4092));
    assert_eq!(selector.hash("SHA-1").map(|hash| (hash.len(), hash[0])), Some((20, 0x72)));
    assert_eq!(selector.to_string(), push);
    let pull = FileSelector::parse(
        "hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E",
    )
    .unwrap();
    assert!(pull.matches(&selector) && selector.matches(&pull));
    let other = FileSelector { size: Some(1), ..FileSelector::default() };
    assert!(!other.matches(&selector));
    assert_eq!(FileSelector::parse(""), Some(FileSelector::default()));
    for (range, start, stop) in [("1-4096", 1, Some(4096)), ("5-*", 5, None)] {
        assert_eq!(FileRange::parse(range), Some(FileRange { start, stop }));
        assert_eq!(FileRange { start, stop }.to_string(), range);
    }
    for bad in ["", "1", "0-1", "2-1", "*-1", "1-2-3", "-"] {
        assert_eq!(FileRange::parse(bad), None, "{bad}");
    }
}

#[test]
fn selectors_come_back_as_they_were() {
    for name in ["a", "", "with \"quotes\" and %", "line\r\n\0", "日本 é", "back\\", "..", "a b:c"]
    {
        let selector = FileSelector {
            name: Some(name.into()),
            media_type: Some("text/plain;charset=\"a b\"".into()),
            size: Some(u64::MAX),
            hashes: vec![("sha-256".into(), vec![0, 255]), ("sha-1".into(), vec![1])],
        };
        assert!(selector.check().is_ok(), "{name}");
        assert_eq!(FileSelector::parse(&selector.to_string()), Some(selector));
    }
    let bad = FileSelector { media_type: Some("a/b size:3".into()), ..FileSelector::default() };
    assert!(bad.check().is_err());
}

#[test]
fn what_is_no_selector_is_refused() {
    for bad in [
        "name",
        "name:x",
        "name:\"x",
        "name:\"x\"y",
        "name:\"%2\"",
        "name:\"%zz\"",
        "name:\"%ff\"",
        "type:image",
        "size:-1",
        "size:",
        "size:18446744073709551616",
        "hash:sha-1",
        "hash:sha-1:7",
        "hash:sha-1:zz",
        "hash::00",
        "size:1 size:1",
        "name:\"a\" name:\"b\"",
        "a b",
        "\"x\":y",
        "type:a/b;c=\"d ",
        "future:\"x",
    ] {
        assert_eq!(FileSelector::parse(bad), None, "{bad}");
    }
    assert!(FileSelector::parse("future:thing size:3").is_some());
    let hashes = |count: usize| vec!["hash:sha-1:00"; count].join(" ");
    assert!(FileSelector::parse(&hashes(HASHES_MAX)).is_some());
    assert!(FileSelector::parse(&hashes(HASHES_MAX + 1)).is_none());
    let long = |length: usize| format!("name:\"{}\"", "x".repeat(length - 7));
    assert!(FileSelector::parse(&long(SELECTOR_BYTES_MAX)).is_some());
    assert!(FileSelector::parse(&long(SELECTOR_BYTES_MAX + 1)).is_none());
}

#[test]
fn r19_a_name_never_leads_out_of_a_folder() {
    for (name, expected) in [
        ("picture.jpg", Some("picture.jpg")),
        ("../../etc/passwd", Some("passwd")),
        ("C:\\windows\\x.exe", Some("x.exe")),
        ("..", None),
        ("/", None),
        ("", None),
        ("a/..", None),
        (".bashrc", Some("bashrc")),
        ("a\0\r\nb", Some("ab")),
        ("x:y|z?", Some("xyz")),
        ("...   ", None),
    ] {
        let selector = FileSelector { name: Some(name.into()), ..FileSelector::default() };
        assert_eq!(selector.base_name().as_deref(), expected, "{name}");
    }
    let long = FileSelector { name: Some("é".repeat(200)), ..FileSelector::default() };
    assert_eq!(long.base_name().unwrap().len(), 254);
}
