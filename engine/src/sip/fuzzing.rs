//! What must hold for any bytes. The fuzz targets and the tests call these.

use super::{
    Builder, Framed, HeaderName, Message, NameAddr, StreamFramer, Uri, Via, list, unfold, validate,
};

/// Any bytes: an answer, no panic, and every piece lies inside the buffer.
pub fn sip_message(data: &[u8]) {
    let (message, _fault) = Message::parse_lenient(data);
    let _verdict = validate(&message);
    let _unsupported = message.unsupported(&super::ALLOWED_METHODS, &[]);
    for header in message.headers() {
        assert!(header.offset + header.value.len() <= data.len());
        let unfolded = unfold(header.value);
        assert!(!unfolded.contains(&b'\n'));
        // Without a display name there is nothing to show: it is not made into text.
        if let Ok(address) = NameAddr::parse(header.value)
            && !address.display.is_empty()
        {
            assert!(!address.display_text().chars().any(char::is_control));
        }
    }
    assert!(message.body().len() <= data.len());
}

/// A stream gives the same frames in one piece and cut where the first byte says.
pub fn sip_stream(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else { return };
    let (a, b) = stream.split_at(usize::from(*cut).min(stream.len()));
    assert_eq!(frames(&[stream]), frames(&[a, b]));
}

fn frames(pieces: &[&[u8]]) -> (Vec<Framed>, bool) {
    let mut framer = StreamFramer::new();
    let mut found = Vec::new();
    let mut failed = false;
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next_frame() {
                Ok(Some(framed)) => found.push(framed),
                Ok(None) => break,
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }
    }
    (found, failed)
}

/// What is understood is still understood after it was printed: same headers, same body.
pub fn sip_round_trip(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let (Some(method), Some(uri)) = (message.method(), message.request_uri()) else { return };
    let Ok(mut builder) = Builder::request(method, uri) else { return };
    let mut kept = Vec::new();
    for header in message.headers() {
        if matches!(header.id, HeaderName::ContentLength | HeaderName::ContentType) {
            continue;
        }
        let name = String::from_utf8_lossy(header.name).into_owned();
        let value = unfold(header.value).into_owned();
        // A NUL is read but never printed.
        let Ok(next) = builder.clone().extension(&name, &value) else { return };
        builder = next;
        kept.push((header.id, value));
    }
    let Ok(printed) = builder.body(b"application/octet-stream", message.body()) else { return };
    let Ok(again) = Message::parse(&printed[..]) else {
        // Adding two headers may pass a limit.
        assert!(kept.len() + 2 > super::HEADERS_MAX || printed.len() > super::HEADER_SECTION_MAX);
        return;
    };
    assert_eq!(again.method(), Some(method));
    assert_eq!(again.request_uri(), Some(uri));
    assert_eq!(again.body(), message.body());
    let found: Vec<_> =
        again.headers().map(|h| (h.id, h.value.to_vec())).take(kept.len()).collect();
    assert_eq!(found, kept);
}

/// Any bytes as a URI: what is understood lies inside and is understood again.
pub fn uri(data: &[u8]) {
    if let Ok(uri) = Uri::parse(data) {
        assert_eq!(uri.raw, data);
        assert_eq!(uri.is_sip(), uri.host.is_some());
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(uri) = text.parse::<super::SipUri>()
    {
        assert!(uri.is_equivalent(&uri));
        let printed = uri.to_string();
        assert_eq!(printed.parse().as_ref(), Ok(&uri));
        let rebuilt = uri.to_builder().finish();
        assert!(rebuilt.is_ok_and(|rebuilt| rebuilt.is_equivalent(&uri)));
        built_from_parts(&uri);
    }
}

/// A URI that is built from the parts of another one has these parts.
fn built_from_parts(uri: &super::SipUri) {
    let mut builder = super::SipUri::builder(&uri.host().to_string()).secure(uri.is_secure());
    if let Some(user) = uri.user() {
        builder = builder.user(&user);
    }
    if let Some(password) = uri.password() {
        builder = builder.password(&password);
    }
    let mut names = std::collections::BTreeSet::new();
    for (name, value) in uri.parameters() {
        // What is empty or stands twice is read, but not built.
        let twice = !names.insert(name.to_ascii_lowercase());
        if twice || name.is_empty() || value.as_deref() == Some("") {
            return;
        }
        builder = builder.parameter(&name, value.as_deref());
    }
    for (name, value) in uri.headers() {
        if name.is_empty() {
            return;
        }
        builder = builder.header(&name, &value);
    }
    let built = builder.finish();
    assert!(built.is_ok(), "{built:?}");
    let Ok(built) = built else { return };
    assert_eq!((built.user(), built.password()), (uri.user(), uri.password()));
    assert_eq!((built.parameters(), built.headers()), (uri.parameters(), uri.headers()));
}

/// Any bytes as the structured headers.
pub fn headers(data: &[u8]) {
    for element in list(data) {
        if let Ok(via) = Via::parse(element) {
            let _facts = (via.branch(), via.received(), via.rport());
        }
        if let Ok(address) = NameAddr::parse(element) {
            let _facts = (address.tag(), address.params.iter().count());
        }
    }
}

#[cfg(test)]
mod tests {
    use offhook_fsm::Entropy;

    const SEED: &[u8] = b"\x20INVITE sip:bob@[::1]:5060;lr SIP/2.0\r\nVia: SIP/2.0/UDP h:5060\r\n ;branch=z9hG4bK1;rport\r\nf: \"A, \\\"b\" <sip:a@h;x=1>;tag=1\r\nt: sip:b@h;tag=2\r\nm: <sip:a%40@h>;q=0.5, <tel:1>\r\nCall-ID: 1@h\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nl: 4\r\n\r\nv=0\n\r\n\r\n";

    #[test]
    fn mutated_messages_break_nothing() {
        let mut entropy = Entropy::from_u64(1);
        for _ in 0..20_000 {
            let mut data = SEED.to_vec();
            for _ in 0..=entropy.below(4) {
                let at = usize::try_from(entropy.below(data.len() as u64)).unwrap();
                let byte = u8::try_from(entropy.below(256)).unwrap();
                match entropy.below(3) {
                    0 => data[at] = byte,
                    1 => data.insert(at, byte),
                    _ => data.truncate(at.max(1)),
                }
            }
            for body in [
                super::sip_message,
                super::sip_stream,
                super::sip_round_trip,
                super::uri,
                super::headers,
            ] {
                body(&data);
                body(&data[1..]);
            }
        }
    }
    #[test]
    fn mutated_uris_break_nothing() {
        const URIS: [&[u8]; 4] = [
            b"\"A \\\"b\\\" c\" <sips:a%3bb:p%20w@[2001:db8::1]:5061;lr;x=%41?To=a%40b&s=1>",
            b"Mr. Watson <sip:a;b=c?d@192.0.2.1;transport=TCP;x=[::1]>",
            b"sip:%e2%82%ac:@example.com:0;a=1;A=2;b?x=&y",
            b"<sip:+1-555;phone-context=x@h;user=phone>",
        ];
        let mut entropy = Entropy::from_u64(2);
        let mut understood = 0;
        for round in 0..40_000 {
            let mut data = URIS[round % URIS.len()].to_vec();
            for _ in 0..entropy.below(4) {
                let at = usize::try_from(entropy.below(data.len() as u64)).unwrap();
                let with = URIS[usize::try_from(entropy.below(4)).unwrap()];
                let from = usize::try_from(entropy.below(with.len() as u64)).unwrap();
                match entropy.below(4) {
                    0 => data[at] = with[from],
                    1 => data.insert(at, u8::try_from(entropy.below(256)).unwrap()),
                    2 => drop(data.remove(at)),
                    _ => data.splice(at..at, with[from..].iter().take(5).copied()).for_each(drop),
                }
            }
            super::uri(&data);
            let text = String::from_utf8_lossy(&data);
            understood += usize::from(text.parse::<crate::sip::SipUri>().is_ok());
        }
        assert!(understood > 10_000, "{understood}");
    }
}
