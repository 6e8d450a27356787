//! What must hold for any bytes. The fuzz targets and the tests call these.

use offhook_fsm::{Entropy, Instant};

use crate::assembler::{Assembler, Ended, Limits};
use crate::byte_range::ByteRange;
use crate::chat::{Ask, Chat, Features, Input, Local, Matching, Outgoing, Output, Peer};
use crate::composing::Composing;
use crate::cpim::{self, Address, Cpim};
use crate::encode::Builder;
use crate::file::{FileAttributes, Receiver, ReceiverInput, ReceiverOutput};
use crate::file_selector::FileSelector;
use crate::frame::{Frame, Framer};
use crate::imdn::{Imdn, Wanted};
use crate::message::{ContinuationFlag, Head, Message, Start};
use crate::relay;
use crate::uri::Path;
use crate::xml::Element;

/// Any bytes as one message: an answer, no panic; what is understood lies inside.
pub fn message(data: &[u8]) {
    match Message::parse(data) {
        Ok(message) => {
            assert!(message.body.is_none_or(|body| body.len() < data.len()));
            assert!(message.head.to_path.first().is_some());
            assert!(message.head.headers().count() >= 2);
        }
        Err(error) => assert!(error.offset <= data.len().saturating_add(2), "{error}"),
    }
}

/// What is understood is printed and understood again: the same message.
pub fn round_trip(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let Head { transaction_id, start, to_path, from_path, .. } = message.head;
    let builder = match start {
        Start::Request { method } => Builder::request(transaction_id, method, to_path, from_path),
        Start::Response { status, comment } => {
            Builder::response(transaction_id, status, comment, to_path, from_path)
        }
    };
    // A status below 100 is read, and never printed.
    let Ok(mut builder) = builder else { return };
    for header in message.head.headers().skip(2) {
        let Ok(next) = builder.clone().header(header.name, header.value) else {
            assert!(header.value.is_empty(), "{header:?}");
            return;
        };
        builder = next;
    }
    let printed = match message.body {
        // A body may hold the transaction id; it is not printed with this one then.
        Some(body) => match builder.untyped_body(body, message.flag) {
            Ok(printed) => printed,
            Err(_) => return,
        },
        None => builder.finish(message.flag),
    };
    match Message::parse(&printed) {
        Ok(again) => assert_eq!(told(&again), told(&message)),
        // Blanks that were left out are printed.
        Err(_) => assert!(printed.len() > crate::HEAD_BYTES_MAX),
    }
}

/// All that a message says. How the names of its paths are spelled is not part of it: they are
/// printed as RFC 4975 has them.
fn told(message: &Message<'_>) -> String {
    let Head { transaction_id, start, to_path, from_path, .. } = &message.head;
    let headers: Vec<_> = message.head.headers().skip(2).collect();
    let rest = (&message.body, message.flag);
    format!("{transaction_id} {start:?} {to_path} {from_path} {headers:?} {rest:?}")
}

/// A stream says the same in one piece and cut where its first bytes say.
pub fn stream(data: &[u8]) {
    let Some(([a, b], stream)) = data.split_first_chunk::<2>() else { return };
    let first = usize::from(*a).min(stream.len());
    let (one, rest) = stream.split_at(first);
    let (two, three) = rest.split_at(usize::from(*b).min(rest.len()));
    assert_eq!(frames(&[stream]), frames(&[one, two, three]));
}

/// What the frames say; bodies joined.
fn frames(pieces: &[&[u8]]) -> (String, Vec<u8>) {
    let mut framer = Framer::new();
    let (mut heads, mut bodies) = (String::new(), Vec::new());
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Head { head, fault })) => heads += &format!("{head:?} {fault:?}\n"),
                Ok(Some(Frame::Body(bytes))) => bodies.extend_from_slice(bytes),
                Ok(Some(Frame::End(flag))) => heads += &format!("{flag:?} {}\n", bodies.len()),
                Ok(None) => break,
                Err(error) => {
                    heads += &format!("{error}");
                    return (heads, bodies);
                }
            }
        }
    }
    (heads, bodies)
}

const FUZZED_LIMITS: Limits = Limits { message_bytes: 600, messages: 3, bytes: 1000 };

/// Chunks as the bytes say, six bytes each: memory stays in its limits, what is complete has been
/// told byte by byte, and each byte once.
pub fn reassembly(data: &[u8]) {
    let mut keeping = Assembler::new(FUZZED_LIMITS);
    let mut passing = Assembler::passing_on(FUZZED_LIMITS);
    let bytes = b"MSRP abcd SEND\r\nTo-Path: msrp://h/s;tcp\r\nFrom-Path: msrp://h/s;tcp\r\n\
        Content-Type: a/b\r\n-------abcd$\r\n";
    let Ok(message) = Message::parse(bytes) else { return };
    let mut head = message.head;
    let mut told = std::collections::BTreeSet::new();
    let (chunks, _) = data.as_chunks::<6>();
    for [id, start, length, end, total, how] in chunks {
        let id = usize::from(id % 5);
        head.message_id = ["a", "b", "c", "d", "e"].get(id).copied();
        let huge = if how & 0x80 == 0 { 1 } else { 1 << 54 };
        let start = u64::from(*start) * 3 * huge + 1;
        let known = |on: bool, value: u64| on.then_some(value);
        let end = known(how & 1 != 0, start.saturating_sub(1) + u64::from(*end));
        let total = known(how & 2 != 0, u64::from(*total) * 3).filter(|t| *t >= end.unwrap_or(0));
        head.byte_range = Some(ByteRange { start, end, total });
        let body: Vec<u8> = (0..u64::from(*length)).map(|at| ((start + at) % 251) as u8).collect();
        let flag = match how >> 2 & 3 {
            0 => ContinuationFlag::Abort,
            1 => ContinuationFlag::Complete,
            _ => ContinuationFlag::More,
        };
        let (one, other) = body.split_at(body.len() / 2);
        let kept = chunk(&mut keeping, &head, [one, other], flag, |_, _| {});
        let passed = chunk(&mut passing, &head, [one, other], flag, |offset, bytes| {
            for at in 0..bytes.len() as u64 {
                let new = told.insert((id, offset + at));
                assert!(new, "{offset} is told twice");
            }
        });
        // What is passed on is not counted: the two part once memory is the reason.
        if kept.is_err() != passed.is_err() {
            return;
        }
        assert!(keeping.held_bytes() <= 1000 && keeping.messages() <= 3);
        assert_eq!(passing.held_bytes(), 0);
        if let Ok(Ended::Complete(message)) = &kept {
            assert_eq!(message.content.len() as u64, message.total);
            let right = |(at, byte): (u64, &u8)| *byte == ((at + 1) % 251) as u8;
            assert!((0..).zip(&message.content).all(right));
        }
        if !matches!(kept, Ok(Ended::Incomplete)) {
            told.retain(|(other, _)| *other != id);
        }
    }
}

fn chunk(
    assembler: &mut Assembler,
    head: &Head<'_>,
    pieces: [&[u8]; 2],
    flag: ContinuationFlag,
    mut tell: impl FnMut(u64, &[u8]),
) -> Result<Ended, u16> {
    assembler.begin(head)?;
    for piece in pieces {
        assembler.body(piece, &mut tell)?;
    }
    assembler.end(flag)
}

/// Any bytes from the peer of a session that has messages of its own: no panic, what is handed out
/// can be read, and each of our messages is told at most once.
pub fn session(data: &[u8]) {
    const OWN: &str = "msrp://h/s;tcp";
    let identity = (String::from("Eve"), String::from("sip:eve@h"));
    let local = Local {
        matching: Matching::SessionId,
        identity: identity.clone(),
        features: Features { progress: true, composing: true, dispositions: true },
        ..Local::new(OWN, false)
    };
    let Ok(mut chat) = Chat::new(local, Entropy::from_u64(1)) else { return };
    let mut out = Framer::new();
    let mut told = std::collections::BTreeSet::new();
    let now = Instant::ZERO;
    let mut put = |input: Input<'_>| {
        // What the caller did wrong is told, and nothing has changed.
        let _mistake = chat.handle_input(now, input);
        loop {
            match chat.poll_output() {
                Output::Transmit(bytes) => {
                    out.push(&bytes);
                    while let Ok(Some(frame)) = out.next_frame() {
                        assert!(!matches!(frame, Frame::Head { fault: Some(_), .. }), "{frame:?}");
                    }
                    assert!(out.is_between());
                    let _written = chat.handle_input(now, Input::Written(bytes.len()));
                }
                Output::Event(
                    crate::chat::Event::Delivered { id, .. }
                    | crate::chat::Event::NotDelivered { id, .. }
                    | crate::chat::Event::Sent { id },
                ) => assert!(told.insert(id)),
                Output::Event(_) | Output::Close => {}
                Output::Timeout(_) => break,
            }
        }
    };
    put(Input::Start(Peer { identity, ..Peer::new(OWN) }));
    put(Input::Connected);
    put(Input::Ask(Ask { delivery: true, display: true }));
    for id in ["m1", "m2"] {
        put(Input::Send(Outgoing::new(id, "text/plain", vec![b'x'; 3000])));
    }
    for piece in data.chunks(200) {
        put(Input::Received(piece));
        put(Input::Composing(true));
        put(Input::Displayed { id: "m1" });
        put(Input::Nickname("Eve"));
    }
    put(Input::Disconnected(None));
}

/// Any bytes as what happens to a client at two relays, one thing behind each NUL: `T` lets the time
/// come that it waits for, `A…` are credentials, all else comes over the connection with `@@` in the
/// place of the transaction's id. No panic, what is handed out can be read, and nothing follows the
/// failure.
pub fn relay(data: &[u8]) {
    let relays = vec!["msrps://r;tcp".to_owned(), "msrps://s;tcp".to_owned()];
    let settings = relay::Settings { relays, local: "msrps://a/1;tcp".into(), expires: Some(60) };
    let Ok(mut client) = relay::Relay::new(settings, Entropy::from_u64(1)) else { return };
    let (mut now, mut id, mut failed) = (Instant::ZERO, String::new(), false);
    let pieces = data.split(|byte| *byte == 0).map(Some);
    for piece in std::iter::once(None).chain(pieces) {
        let received;
        let input = match piece {
            None => relay::Input::Connected,
            Some(b"T") => relay::Input::Timeout,
            Some([b'A', proof @ ..]) => {
                relay::Input::Authorization(Some(String::from_utf8_lossy(proof).into_owned()))
            }
            Some(bytes) => {
                received = String::from_utf8_lossy(bytes).replace("@@", &id);
                relay::Input::Received(received.as_bytes())
            }
        };
        // What the caller did wrong is told, and nothing has changed.
        let _mistake = client.handle_input(now, input);
        loop {
            assert!(!failed || matches!(client.poll_output(), relay::Output::Timeout(None)));
            match client.poll_output() {
                relay::Output::Transmit(bytes) => match Message::parse(&bytes) {
                    Ok(auth) => id = auth.head.transaction_id.to_owned(),
                    Err(error) => assert_eq!(error.to_string(), ""),
                },
                relay::Output::Authorize { .. } => {}
                relay::Output::Event(relay::Event::Ready { path }) => {
                    assert!(Path::parse(&path).is_ok());
                }
                relay::Output::Event(relay::Event::Failed(_)) => failed = true,
                relay::Output::Timeout(deadline) => {
                    now = deadline.unwrap_or(now);
                    break;
                }
            }
        }
    }
}

/// Any bytes as CPIM: what is understood is printed and understood again.
pub fn cpim(data: &[u8]) {
    let Ok(message) = Cpim::parse(data) else { return };
    let _wanted = Wanted::of(&message);
    let mut builder = cpim::Builder::new();
    for header in &message.headers {
        assert!(!header.value.contains(['\r', '\n']));
        let text = header.text();
        let escaped = cpim::escape(&text);
        assert!(!escaped.chars().any(|c| c.is_ascii_control()));
        if let Some(address) = Address::parse(header.value) {
            let printed = Address::print(&address.name, address.uri);
            assert_eq!(Address::parse(&printed), Some(address), "{printed}");
        }
        let Ok(next) = builder.header(header.name, header.value) else { return };
        builder = next;
    }
    let content: Vec<_> = message.content_headers.iter().map(|h| (h.name, h.value)).collect();
    let Ok(printed) = builder.body_with(&content, message.content) else { return };
    match Cpim::parse(&printed) {
        Ok(again) => {
            assert_eq!(again.content, message.content);
            let values = |message: &Cpim<'_>| -> Vec<String> {
                message.headers.iter().map(|h| format!("{} {}", h.name, h.value)).collect()
            };
            // Parameters are not printed, and a value may begin like one.
            if message.headers.iter().all(|header| header.params.is_empty()) {
                assert_eq!(values(&again), values(&message));
            }
        }
        Err(error) => assert_eq!(error, cpim::CpimError::HeadersTooLong),
    }
}

/// Any bytes as is-composing, and as XML of any kind.
pub fn composing(data: &[u8]) {
    let _element = Element::parse(data);
    if let Ok(told) = Composing::parse(data) {
        let printed = told.print();
        let again = Composing::parse(printed.as_bytes());
        assert_eq!(again, Ok(told));
    }
}

/// Any bytes as a notification.
pub fn imdn(data: &[u8]) {
    if let Ok(told) = Imdn::parse(data) {
        let printed = told.print();
        let longer = printed.len() > crate::xml::DOCUMENT_BYTES_MAX;
        assert!(Imdn::parse(printed.as_bytes()) == Ok(told) || longer, "{printed}");
    }
}

/// Any bytes as a file selector: what is understood is printed and understood again, and its name
/// stays in its folder.
pub fn file_selector(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(selector) = FileSelector::parse(text) else { return };
    if let Some(name) = selector.base_name() {
        assert!(!name.is_empty() && name.len() <= 255);
        assert!(!name.contains(['/', '\\', '\0']) && name != "." && name != "..");
    }
    let printed = selector.to_string();
    // Escapes may make it longer than is read.
    let longer = printed.len() > crate::file_selector::SELECTOR_BYTES_MAX;
    assert!(FileSelector::parse(&printed).as_ref() == Some(&selector) || longer, "{printed}");
}

/// Any lines as the attributes of a file: what is understood is printed and understood again.
pub fn file_attributes(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let Ok(Some(file)) = FileAttributes::read(lines) else { return };
    match file.print() {
        Ok(printed) => {
            let lines = printed.iter().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(FileAttributes::read(lines), Ok(Some(file.clone())));
            assert!(printed.iter().all(|(_, value)| !value.contains(['\r', '\n', '\0'])));
        }
        Err(_) => assert!(file.selector.check().is_err(), "{file:?}"),
    }
    assert!(file.answers(&file));
    let Ok(mut receiver) = Receiver::new(&file.selector, file.range, 1 << 40, None) else { return };
    receiver.handle_input(ReceiverInput::Cancel);
    assert!(matches!(receiver.poll_output(), ReceiverOutput::Finished(Err(_))));
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: &[u8] = b"\x20\x05MSRP abcd SEND\r\nTo-Path: msrp://h/s;tcp\r\nFrom-Path: msrp://h/s;tcp\r\nMessage-ID: 87652491\r\nByte-Range: 1-25/25\r\nSuccess-Report: yes\r\nContent-Type: text/plain\r\n\r\nHey Bob\r\n-------abcd+\r\nMSRP dkei 200 OK\r\nTo-Path: msrp://h/s;tcp\r\nFrom-Path: msrp://h/s;tcp\r\n-------dkei$\r\nMSRP 0.ab REPORT\r\nTo-Path: msrp://h/s;tcp\r\nFrom-Path: msrp://h/s;tcp\r\nMessage-ID: m1\r\nByte-Range: 1-3000/3000\r\nStatus: 000 200 OK\r\n-------0.ab$\r\n";
    const CPIM: &[u8] = b"From: A \"x\" <im:a@h>\r\nSubject:;lang=fr b\\n\\u0041\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 1\r\n\r\nContent-Type: text/plain\r\n\r\nHi";
    const COMPOSING: &[u8] = b"<?xml version='1.0'?><isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state><lastactive>2003-01-27T10:43:00Z</lastactive><refresh>90</refresh></isComposing>";
    const IMDN: &[u8] = b"<i:imdn xmlns:i='urn:ietf:params:xml:ns:imdn'><i:message-id>3&#x34;</i:message-id><i:datetime>2008-04-04T12:16:49-05:00</i:datetime><i:delivery-notification><i:status><i:failed/></i:status></i:delivery-notification></i:imdn>";
    const SELECTOR: &[u8] =
        b"name:\"My %22cool picture.jpg\" type:image/jpeg;a=\"b c\" size:4092 hash:sha-1:72:24:5F";

    const FILE: &[u8] = b"file-selector:name:\"a %22b.jpg\" type:image/jpeg size:4092 hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E\nfile-transfer-id:Q6LMoGymJdh0\nfile-disposition:render\nfile-date:creation:\"Mon, 15 May 2006 15:01:31 +0300\" read:\"16 May 2006 07:27:37 GMT\"\nfile-icon:cid:id2@alicepc.example.com\nfile-range:1-4092\n";

    fn mutate(seed: &[u8], entropy: &mut Entropy) -> Vec<u8> {
        let mut data = seed.to_vec();
        for _ in 0..=entropy.below(4) {
            let at = usize::try_from(entropy.below(data.len() as u64)).unwrap();
            let byte = u8::try_from(entropy.below(256)).unwrap();
            match entropy.below(4) {
                0 => data[at] = byte,
                1 => data.insert(at, byte),
                2 => data[at] = data[usize::from(byte) % data.len()],
                _ => data.truncate(at.max(3)),
            }
        }
        data
    }

    #[test]
    fn mutated_messages_and_streams_break_nothing() {
        let mut entropy = Entropy::from_u64(1);
        for body in [message, round_trip, stream, session] {
            for _ in 0..3000 {
                let data = mutate(SEND, &mut entropy);
                body(&data);
                body(&data[2..]);
            }
        }
    }

    #[test]
    fn mutated_payloads_break_nothing() {
        let mut entropy = Entropy::from_u64(2);
        type Body = fn(&[u8]);
        let pairs: [(&[u8], Body); 5] = [
            (CPIM, cpim),
            (COMPOSING, composing),
            (IMDN, imdn),
            (SELECTOR, file_selector),
            (FILE, file_attributes),
        ];
        for (seed, body) in pairs {
            body(seed);
            for _ in 0..5000 {
                body(&mutate(seed, &mut entropy));
            }
        }
    }

    #[test]
    fn chunks_by_chance_break_nothing() {
        let mut entropy = Entropy::from_u64(3);
        for _ in 0..2000 {
            let mut data = [0; 240];
            entropy.fill(&mut data);
            reassembly(&data);
            for byte in &mut data {
                *byte %= 32;
            }
            reassembly(&data);
        }
    }
}
