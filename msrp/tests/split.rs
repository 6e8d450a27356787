//! A stream reads the same wherever it is cut, and every limit holds to the byte.

use offhook_msrp::{
    ContinuationFlag, Frame, Framer, HEAD_BYTES_MAX, HEADERS_MAX, Message, PATH_URIS_MAX,
    ParseErrorKind,
};

const PATHS: &str =
    "To-Path: msrp://b:8888/9di4eae923wzd;tcp\r\nFrom-Path: msrp://a:7654/iau39;tcp\r\n";

/// What a stream says, with the pieces of a body joined.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Told {
    Head(String, Option<ParseErrorKind>),
    Body(Vec<u8>),
    End(ContinuationFlag),
    Lost(ParseErrorKind),
}

fn told(pieces: &[&[u8]]) -> Vec<Told> {
    let mut framer = Framer::new();
    let mut all = Vec::new();
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Head { head, fault })) => {
                    let names: Vec<_> = head.headers().map(|h| h.name).collect();
                    let text = format!("{} {:?} {names:?}", head.transaction_id, head.start);
                    all.push(Told::Head(text, fault.map(|fault| fault.kind)));
                }
                Ok(Some(Frame::Body(bytes))) => {
                    assert!(!bytes.is_empty());
                    match all.last_mut() {
                        Some(Told::Body(body)) => body.extend_from_slice(bytes),
                        _ => all.push(Told::Body(bytes.to_vec())),
                    }
                }
                Ok(Some(Frame::End(flag))) => all.push(Told::End(flag)),
                Ok(None) => break,
                Err(error) => {
                    all.push(Told::Lost(error.kind));
                    return all;
                }
            }
        }
    }
    all
}

/// Cuts at every offset, and into single bytes; gives what all of them say.
fn split_everywhere(stream: &[u8]) -> Vec<Told> {
    let whole = told(&[stream]);
    for cut in 0..=stream.len() {
        let (a, b) = stream.split_at(cut);
        assert_eq!(told(&[a, b]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(told(&bytes), whole);
    whole
}

fn send(id: &str, body: &str, flag: char) -> String {
    format!(
        "MSRP {id} SEND\r\n{PATHS}Message-ID: m1\r\nContent-Type: text/plain\r\n\r\n{body}\r\n\
         -------{id}{flag}\r\n"
    )
}

#[test]
fn requests_responses_and_chunks_follow_each_other() {
    let response = format!("MSRP d93k 200 OK\r\n{PATHS}-------d93k$\r\n");
    let empty = format!("MSRP em97 SEND\r\n{PATHS}Message-ID: 4\r\n-------em97$\r\n");
    let tight = format!("MSRP ti97 SEND\r\n{PATHS}Content-Type: a/b\r\n\r\n-------ti97$\r\n");
    let stream =
        [send("abcd", "one", '+'), response, "\r\n".into(), empty, tight, send("efgh", "", '#')];
    let told = split_everywhere(stream.concat().as_bytes());
    let ends: Vec<_> = told
        .iter()
        .filter_map(|t| if let Told::End(flag) = t { Some(*flag) } else { None })
        .collect();
    use ContinuationFlag::{Abort, Complete, More};
    assert_eq!(ends, [More, Complete, Complete, Complete, Abort]);
    let bodies: Vec<_> = told.iter().filter(|t| matches!(t, Told::Body(_))).collect();
    assert_eq!(bodies, [&Told::Body(b"one".to_vec())]);
}

#[test]
fn what_looks_like_an_end_line_stays_in_the_body() {
    for inside in [
        "-------abcd$",
        "\r\n-------abcdx$\r\n",
        "\r\n-------abc$\r\n",
        "\r\n-------abcd\r\n",
        "\r\n-------abcd+\n",
        "\r\n\r\n-------",
        "\n-------abcd$\r\n",
        "\r\n-------ABCD$\r\n",
        "\r\r\n-------abcd!\r\n",
        "\r\n-------efgh$\r\nMSRP efgh SEND\r\n",
    ] {
        let body = format!("x{inside}y{inside}");
        let told = split_everywhere(send("abcd", &body, '$').as_bytes());
        assert_eq!(told.len(), 3, "{inside:?}");
        assert_eq!(told[1], Told::Body(body.into_bytes()));
    }
}

#[test]
fn a_faulty_message_is_skipped_and_the_stream_goes_on() {
    use ParseErrorKind as Kind;
    let bad = |headers: &str| format!("MSRP abcd SEND\r\n{headers}\r\nbody\r\n-------abcd$\r\n");
    for (headers, kind) in [
        (format!("{PATHS}Byte-Range: 0-1/1\r\n"), Kind::ByteRange),
        (format!("{PATHS}Message-ID: 1\r\nmessage-id: 1\r\n"), Kind::DoubledHeader),
        (format!("{PATHS}To-Path: msrp://h/s;tcp\r\n"), Kind::DoubledHeader),
        (format!("{PATHS}Success-Report: maybe\r\n"), Kind::HeaderValue),
        (format!("{PATHS}Failure-Report: \r\n"), Kind::HeaderValue),
        (format!("{PATHS}Status: 200 OK\r\n"), Kind::HeaderValue),
        (format!("{PATHS}Content-Type: text\r\n"), Kind::HeaderValue),
        (format!("{PATHS}Message-ID: a b\r\n"), Kind::HeaderValue),
        (format!("{PATHS}no colon\r\n"), Kind::HeaderLine),
        (format!("{PATHS}X: a\nY: b\r\n"), Kind::HeaderLine),
        (format!("{PATHS}X: a\rb\r\n"), Kind::HeaderLine),
        (format!("{PATHS} X: folded\r\n"), Kind::HeaderLine),
        (format!("{PATHS}X\u{e9}: a\r\n"), Kind::HeaderLine),
        ("From-Path: msrp://h/s;tcp\r\nTo-Path: msrp://h/s;tcp\r\n".into(), Kind::Path),
        ("To-Path: msrp://h/s;tcp\r\n".into(), Kind::Path),
        ("To-Path: \r\nFrom-Path: msrp://h/s;tcp\r\n".into(), Kind::Path),
        ("To-Path: http://h\r\nFrom-Path: msrp://h/s;tcp\r\n".into(), Kind::Uri),
        (String::new(), Kind::Path),
    ] {
        let stream = bad(&headers) + &send("good", "fine", '$');
        let told = split_everywhere(stream.as_bytes());
        assert!(
            matches!(&told[0], Told::Head(_, Some(found)) if *found == kind),
            "{headers} {told:?}"
        );
        assert_eq!(told[1], Told::Body(b"body".to_vec()));
        assert!(matches!(&told[3], Told::Head(_, None)), "{headers}");
        assert_eq!(told.len(), 6);
    }
    let stream = [
        &b"MSRP abcd SEND\r\nTo-Path: \xff\r\n-------abcd$\r\n"[..],
        send("good", "", '$').as_bytes(),
    ]
    .concat();
    assert!(matches!(split_everywhere(&stream)[0], Told::Head(_, Some(Kind::NotUtf8))));
}

#[test]
fn what_has_no_end_line_loses_the_stream() {
    for bad in [
        "GET / HTTP/1.1\r\n\r\n",
        "MSRP\r\n",
        "MSRP abcd\r\n\r\n",
        "MSRP abc SEND\r\n\r\n",
        "MSRP abcd send\r\n\r\n",
        "MSRP abcd 20\r\n\r\n",
        "MSRP  abcd SEND\r\n\r\n",
        "MSRP abcd SEND now\r\n\r\n",
        "MSRP ab\u{e9}cd SEND\r\n\r\n",
        "\n",
        "msrp abcd SEND\r\n\r\n",
    ] {
        let stream = send("good", "", '$') + bad;
        let told = split_everywhere(stream.as_bytes());
        assert_eq!(told[2..], [Told::Lost(ParseErrorKind::StartLine)], "{bad:?}");
        assert!(Message::parse(bad.as_bytes()).is_err());
    }
}

/// A SEND whose header section has exactly `length` bytes.
fn head_of(length: usize) -> String {
    let head = format!("MSRP abcd SEND\r\n{PATHS}X: ");
    let fill = "x".repeat(length - head.len() - 4);
    format!("{head}{fill}\r\n\r\nbody\r\n-------abcd$\r\n")
}

#[test]
fn a_header_section_ends_at_the_limit_and_is_skipped_one_byte_past_it() {
    for (length, fault) in
        [(HEAD_BYTES_MAX, None), (HEAD_BYTES_MAX + 1, Some(ParseErrorKind::HeadersTooLong))]
    {
        let stream = head_of(length) + &send("good", "fine", '$');
        let whole = told(&[stream.as_bytes()]);
        assert!(matches!(&whole[0], Told::Head(_, found) if *found == fault), "{:?}", whole[0]);
        assert!(
            matches!(&whole[whole.len() - 3], Told::Head(text, None) if text.starts_with("good"))
        );
        let near = HEAD_BYTES_MAX - 50..HEAD_BYTES_MAX + 50;
        for cut in near.chain([1, 20, 200, stream.len() - 3]) {
            let (a, b) = stream.as_bytes().split_at(cut);
            assert_eq!(told(&[a, b]), whole, "cut at {cut}");
        }
        let parsed = Message::parse_first(stream.as_bytes());
        assert_eq!(parsed.err().map(|error| error.kind), fault);
    }
    let endless = ["MSRP abcd SEND".to_owned(), "x".repeat(HEAD_BYTES_MAX)].concat();
    assert_eq!(told(&[endless.as_bytes()]), [Told::Lost(ParseErrorKind::StartLine)]);
}

#[test]
fn headers_and_uris_are_counted() {
    let headers = |count: usize| {
        let more = "X: y\r\n".repeat(count - 2);
        format!("MSRP abcd SEND\r\n{PATHS}{more}-------abcd$\r\n")
    };
    assert!(Message::parse(headers(HEADERS_MAX).as_bytes()).is_ok());
    let error = Message::parse(headers(HEADERS_MAX + 1).as_bytes()).unwrap_err();
    assert_eq!((error.kind, error.status()), (ParseErrorKind::TooManyHeaders, 413));
    let uris = |count: usize| {
        let path = vec!["msrp://h/s;tcp"; count].join(" ");
        format!(
            "MSRP abcd SEND\r\nTo-Path: {path}\r\nFrom-Path: msrp://h/s;tcp\r\n-------abcd$\r\n"
        )
    };
    assert!(Message::parse(uris(PATH_URIS_MAX).as_bytes()).is_ok());
    let error = Message::parse(uris(PATH_URIS_MAX + 1).as_bytes()).unwrap_err();
    assert_eq!((error.kind, error.status()), (ParseErrorKind::TooManyUris, 413));
}

#[test]
fn a_body_of_any_size_passes_through_without_being_held() {
    let mut framer = Framer::new();
    let (head, _) =
        send("abcd", "|", '+').split_once('|').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    framer.push(head.as_bytes());
    assert!(matches!(framer.next_frame(), Ok(Some(Frame::Head { .. }))));
    let piece = vec![b'\r'; 64 * 1024];
    let mut total = 0_usize;
    for _ in 0..256 {
        framer.push(&piece);
        while let Some(Frame::Body(bytes)) = framer.next_frame().unwrap() {
            assert!(bytes.len() <= piece.len() + 50);
            total += bytes.len();
        }
    }
    framer.push(b"\r\n-------abcd+\r\n");
    while let Some(Frame::Body(bytes)) = framer.next_frame().unwrap() {
        total += bytes.len();
    }
    assert_eq!(total, 256 * piece.len());
    assert!(framer.is_between());
}

#[test]
fn one_message_is_one_message() {
    let bytes = send("abcd", "x", '$');
    for cut in 0..bytes.len() {
        let error = Message::parse(&bytes.as_bytes()[..cut]).unwrap_err();
        assert!(cut < 5 || error.kind == ParseErrorKind::Unterminated, "{cut} {error}");
    }
    let two = bytes.repeat(2);
    let error = Message::parse(two.as_bytes()).unwrap_err();
    assert_eq!((error.kind, error.offset), (ParseErrorKind::Trailing, bytes.len()));
    let (_, rest) = Message::parse_first(two.as_bytes()).unwrap();
    assert_eq!(rest, bytes.as_bytes());
}
