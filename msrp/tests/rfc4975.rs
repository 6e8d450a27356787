//! The messages of RFC 4975 §4, §5.1, §7 and §11, with their lines ended in CR LF.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail the test")]

use offhook_msrp::cpim::Cpim;
use offhook_msrp::{
    Assembler, Builder, ByteRange, ContinuationFlag, Ended, FailureReport, Head, Limits, Message,
    Start, Status,
};

fn wire(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// Prints what was understood, as whoever sends it would.
fn print(message: &Message<'_>) -> Vec<u8> {
    let Head { transaction_id, start, to_path, from_path, .. } = message.head;
    let mut builder = match start {
        Start::Request { method } => Builder::request(transaction_id, method, to_path, from_path),
        Start::Response { status, comment } => {
            Builder::response(transaction_id, status, comment, to_path, from_path)
        }
    }
    .unwrap();
    for header in message.head.headers().skip(2) {
        builder = builder.header(header.name, header.value).unwrap();
    }
    match message.body {
        Some(body) => builder.untyped_body(body, message.flag).unwrap(),
        None => builder.finish(message.flag),
    }
}

fn same(text: &str) -> Vec<u8> {
    let bytes = wire(text);
    let printed = print(&Message::parse(&bytes).unwrap_or_else(|e| panic!("{e}\n{text}")));
    assert_eq!(String::from_utf8_lossy(&printed), String::from_utf8_lossy(&bytes));
    bytes
}

const HELLO: &str = "MSRP a786hjs2 SEND
To-Path: msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp
From-Path: msrp://atlanta.example.com:7654/jshA7weztas;tcp
Message-ID: 87652491
Byte-Range: 1-25/25
Content-Type: text/plain

Hey Bob, are you there?
-------a786hjs2$
";

#[test]
fn section_4_a_send_and_its_response() {
    // The example counts 25 bytes where there are 23: no matter to the codec.
    let bytes = same(HELLO);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.head.method(), Some("SEND"));
    assert_eq!(message.head.transaction_id, "a786hjs2");
    assert_eq!(message.head.message_id, Some("87652491"));
    assert_eq!(message.head.byte_range, Some(ByteRange::whole(25)));
    assert_eq!(message.head.content_type, Some("text/plain"));
    assert_eq!(message.head.to_path.first().unwrap().port, Some(12763));
    assert_eq!(message.body, Some(&b"Hey Bob, are you there?"[..]));
    let response = "MSRP a786hjs2 200 OK
To-Path: msrp://atlanta.example.com:7654/jshA7weztas;tcp
From-Path: msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp
-------a786hjs2$
";
    same(response);
    let answer = Builder::answer(&message.head, 200).unwrap();
    assert_eq!(answer.finish(ContinuationFlag::Complete), wire(response));
}

#[test]
fn section_5_1_a_message_in_two_chunks() {
    let first = same(
        "MSRP dkei38sd SEND
To-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp
From-Path: msrp://bob.example.org:8888/9di4eae923wzd;tcp
Message-ID: 456so39s
Byte-Range: 1-*/8
Content-Type: text/plain

abcd
-------dkei38sd+
",
    );
    let first = Message::parse(&first).unwrap();
    assert_eq!(first.flag, ContinuationFlag::More);
    let range = ByteRange { start: 1, end: None, total: Some(8) };
    assert_eq!(first.head.byte_range, Some(range));
    let second = same(
        "MSRP dkei38ia SEND
To-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp
From-Path: msrp://bob.example.org:8888/9di4eae923wzd;tcp
Message-ID: 456so39s
Byte-Range: 5-8/8
Content-Type: text/plain

EFGH
-------dkei38ia$
",
    );
    let second = Message::parse(&second).unwrap();
    assert_eq!(second.head.byte_range.unwrap().offset(), 4);
    assert_eq!(second.flag, ContinuationFlag::Complete);
}

#[test]
fn section_7_a_success_report() {
    let bytes = same(
        "MSRP dkei38sd REPORT
To-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp
From-Path: msrp://bob.example.org:8888/9di4eae923wzd;tcp
Message-ID: 12339sdqwer
Byte-Range: 1-106/106
Status: 000 200 OK
-------dkei38sd$
",
    );
    let report = Message::parse(&bytes).unwrap();
    assert_eq!(report.head.method(), Some("REPORT"));
    assert_eq!(report.head.status, Some(Status { namespace: 0, code: 200, comment: "OK" }));
    assert_eq!(report.body, None);
}

#[test]
fn section_11_3_reports_asked_for() {
    let bytes = same(
        "MSRP d93kswow SEND
To-Path: msrp://bobpc.example.com:8888/9di4eae923wzd;tcp
From-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp
Message-ID: 12339sdqwer
Byte-Range: 1-106/106
Success-Report: yes
Failure-Report: no
Content-Type: text/html

<html><body>
<p>Here is that important link...
<a href=\"http://www.example.com/foobar\">foobar</a>
</p>
</body></html>
-------d93kswow$
",
    );
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.head.success_report, Some(true));
    assert_eq!(message.head.failure_report, Some(FailureReport::No));
}

#[test]
fn section_11_4_a_wrapped_message_in_two_chunks() {
    let paths = "To-Path: msrp://bobpc.example.com:8888/9di4eae923wzd;tcp
From-Path: msrp://alicepc.example.com:7654/iau39soe2843z;tcp
Message-ID: 12339sdqwer
";
    let first = same(&format!(
        "MSRP d93kswow SEND
{paths}Byte-Range: 1-139/149
Content-Type: message/cpim

To: Bob <sip:bob@example.com>
From: Alice <sip:alice@example.com>
DateTime: 2006-05-15T15:02:31-03:00

Content-Type: text/plain

ABCD
-------d93kswow+
"
    ));
    let second = same(&format!(
        "MSRP op2nc9a SEND
{paths}Byte-Range: 140-149/149
Content-Type: message/cpim

1234567890
-------op2nc9a$
"
    ));
    let mut assembler = Assembler::new(Limits::default());
    let mut take = |bytes: &[u8]| {
        let message = Message::parse(bytes).unwrap();
        assembler.begin(&message.head).unwrap();
        assembler.body(message.body.unwrap(), |_, _| {}).unwrap();
        assembler.end(message.flag).unwrap()
    };
    assert_eq!(take(&first), Ended::Incomplete);
    let Ended::Complete(whole) = take(&second) else { panic!("it is not whole") };
    let cpim = Cpim::parse(&whole.content).unwrap();
    assert_eq!(cpim.header("From").unwrap().value, "Alice <sip:alice@example.com>");
    assert_eq!(cpim.content, b"ABCD1234567890");
}

#[test]
fn section_11_5_a_system_message_wants_no_reports() {
    let bytes = same(
        "MSRP d93kswow SEND
To-Path: msrp://alicepc.example.com:8888/9di4eae923wzd;tcp
From-Path: msrp://example.com:7777/iau39soe2843z;tcp
Message-ID: 12339sdqwer
Byte-Range: 1-38/38
Failure-Report: no
Success-Report: no
Content-Type: text/plain

This conference will end in 5 minutes.
-------d93kswow$
",
    );
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.head.success_report, Some(false));
    assert_eq!(message.head.failure_report, Some(FailureReport::No));
    assert_eq!(message.body.unwrap().len(), 38);
}

#[test]
fn section_9_unknown_methods_and_headers_are_kept() {
    let bytes = same(
        "MSRP 49fi IMAGE
To-Path: msrp://bob.example.com:8888/9di4eae923wzd;tcp
From-Path: msrp://alice.example.com:7777/iau39soe2843z;tcp
Message-ID: 456
Content-ID: <1@example.com>
Content-Disposition: inline
X-Unknown: a \"b
Content-Type: message/cpim; charset=\"utf-8\"

From: Alice <sip:alice@example.com>
-------49fi$
",
    );
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.head.method(), Some("IMAGE"));
    assert_eq!(message.head.header("content-disposition"), Some("inline"));
    assert_eq!(message.head.header("X-Unknown"), Some("a \"b"));
    assert_eq!(message.head.headers().count(), 7);
}

#[test]
fn rfc4976_5_1_auth_and_its_challenge() {
    same(
        "MSRP 49fi AUTH
To-Path: msrps://alice@intra.example.com;tcp
From-Path: msrps://alice.example.com:9892/98cjs;tcp
-------49fi$
",
    );
    let challenge = same(
        "MSRP 49fi 401 Unauthorized
To-Path: msrps://alice.example.com:9892/98cjs;tcp
From-Path: msrps://alice@intra.example.com;tcp
WWW-Authenticate: Digest realm=\"intra.example.com\", qop=\"auth\", nonce=\"UvtfpVL7XnnJ63EE244fXDthfLihlMHOY4+dd4A=\"
-------49fi$
",
    );
    let challenge = Message::parse(&challenge).unwrap();
    assert!(matches!(challenge.head.start, Start::Response { status: 401, .. }));
    let granted = same(
        "MSRP 49fj 200 OK
To-Path: msrps://alice.example.com:9892/98cjs;tcp
From-Path: msrps://alice@intra.example.com;tcp
Use-Path: msrps://intra.example.com:9000/jui787s2f;tcp
Expires: 900
-------49fj$
",
    );
    assert_eq!(Message::parse(&granted).unwrap().head.header("expires"), Some("900"));
}
