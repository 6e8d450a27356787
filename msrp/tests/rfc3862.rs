//! The messages of RFC 3862 §5.

use offhook_msrp::cpim::{Address, Builder, Cpim};
use offhook_msrp::date_time;

const EXAMPLE: &str = "From: MR SANDERS <im:piglet@100akerwood.com>
To: Depressed Donkey <im:eeyore@100akerwood.com>
DateTime: 2000-12-13T13:40:00-08:00
Subject: the weather will be fine today
Subject:;lang=fr beau temps prevu pour aujourd'hui
NS: MyFeatures <mid:MessageFeatures@id.foo.com>
Require: MyFeatures.VitalMessageOption
MyFeatures.VitalMessageOption: Confirmation-requested
MyFeatures.WackyMessageOption: Use-silly-font

Content-type: text/xml; charset=utf-8
Content-ID: <1234567890@foo.com>

<body>
Here is the text of my message.
</body>
";

#[test]
fn section_5_1_an_example_message() {
    let bytes = EXAMPLE.replace('\n', "\r\n");
    let message = Cpim::parse(bytes.as_bytes()).unwrap();
    assert_eq!(message.headers.len(), 9);
    let from = Address::parse(message.header("From").unwrap().value).unwrap();
    assert_eq!((&*from.name, from.uri), ("MR SANDERS", "im:piglet@100akerwood.com"));
    let at = date_time::parse(message.header("DateTime").unwrap().value).unwrap();
    assert_eq!(date_time::print(at), "2000-12-13T21:40:00.000000Z");
    let french = message.headers[4];
    assert_eq!(french.params, ";lang=fr");
    assert_eq!(french.text(), "beau temps prevu pour aujourd'hui");
    let features = "mid:MessageFeatures@id.foo.com";
    assert_eq!(message.prefix(features), Some("MyFeatures"));
    let option = message.header_of(features, "", "VitalMessageOption").unwrap();
    assert_eq!(option.value, "Confirmation-requested");
    assert_eq!(message.content_type, Some("text/xml; charset=utf-8"));
    assert!(message.content.starts_with(b"<body>\r\nHere"));
}

#[test]
fn section_3_5_what_must_be_understood_and_is_not_is_told() {
    let bytes = EXAMPLE.replace('\n', "\r\n");
    let message = Cpim::parse(bytes.as_bytes()).unwrap();
    let option = Some("MyFeatures.VitalMessageOption");
    assert_eq!(message.unknown_requirement(&["urn:ietf:params:imdn"]), option);
    assert_eq!(message.unknown_requirement(&["mid:MessageFeatures@id.foo.com"]), None);
    for (required, unknown) in [
        ("Require: From,To , cc,,DateTime, Subject,NS, Require", None),
        ("Require: From, Colour", Some("Colour")),
        ("Require: From\r\nRequire: to", Some("to")),
        ("NS: i <urn:ietf:params:imdn>\r\nRequire: i.Message-ID", None),
        ("Require: imdn.Message-ID", Some("imdn.Message-ID")),
        ("Subject: Require", None),
    ] {
        let bytes = format!("{required}\r\n\r\nContent-Type: a/b\r\n\r\n");
        let message = Cpim::parse(bytes.as_bytes()).unwrap();
        assert_eq!(message.unknown_requirement(&["urn:ietf:params:imdn"]), unknown, "{required}");
    }
}

#[test]
fn section_5_2_an_escaped_header() {
    let bytes =
        b"Subject: the weather \\\"will\\\" be fine\\ntoday\r\n\r\nContent-Type: a/b\r\n\r\n";
    let message = Cpim::parse(bytes).unwrap();
    assert_eq!(message.header("Subject").unwrap().text(), "the weather \"will\" be fine\ntoday");
}

#[test]
fn what_is_printed_is_read_again() {
    let bytes = Builder::new()
        .header("From", &Address::print("A \"B\"", "sip:a@h"))
        .unwrap()
        .header("cc", "<sip:c@h>")
        .unwrap()
        .header("NS", "imdn <urn:ietf:params:imdn>")
        .unwrap()
        .header("imdn.Message-ID", "34jk324j")
        .unwrap()
        .body_with(&[("Content-Type", "text/plain"), ("Content-Length", "4")], b"\r\n\r\n")
        .unwrap();
    let message = Cpim::parse(&bytes).unwrap();
    assert_eq!(message.headers.len(), 4);
    assert_eq!(message.content_headers[1].value, "4");
    assert_eq!(message.content, b"\r\n\r\n");
}
