//! `--trace`: what passes, on stderr, without secrets and without bytes that move a terminal.

use std::io::Write as _;
use std::net::SocketAddr;

use offhook::Notification;
use offhook::notification::NotificationData as Data;

use crate::json;

/// Headers whose value lets someone else in (RFC 3261 §22).
const SECRET_HEADERS: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];
const REDACTED: &[u8] = b"(redacted)";

/// Prints a traced SIP message.
pub(crate) fn sip(notification: &Notification) {
    let Data::EngineSipTrace { received, source, destination, transport, data } =
        &notification.data
    else {
        return;
    };
    let head = heading(*received, *source, *destination, transport.via_name());
    let text = printable(&without_secrets(data));
    let when = notification.timestamp;
    let size = data.len();
    let _written = writeln!(std::io::stderr(), "{when} {head}, {size} bytes\n{text}");
}

/// Prints traced MSRP; `shown` is what of it may be seen.
pub(crate) fn msrp(notification: &Notification, shown: &str) {
    let Data::MsrpTransportTrace { received, source, destination, transport, data } =
        &notification.data
    else {
        return;
    };
    let head = heading(*received, *source, *destination, transport.via_name());
    let text = printable(shown.as_bytes());
    let (when, size) = (notification.timestamp, data.len());
    let _written = writeln!(std::io::stderr(), "{when} {head}, MSRP, {size} bytes\n{text}");
}

/// Prints a notification.
pub(crate) fn notification(notification: &Notification) {
    let _written = writeln!(std::io::stderr(), "{}", json::notification(notification));
}

fn heading(received: bool, source: SocketAddr, destination: SocketAddr, via: &str) -> String {
    let verb = if received { "received" } else { "sent" };
    format!("{verb} {via} {source} -> {destination}")
}

/// The message with the values of its credentials and media keys replaced.
pub(crate) fn without_secrets(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    let mut hiding = false;
    for line in message.split_inclusive(|&b| b == b'\n') {
        let folded = line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
        if hiding && folded {
            continue;
        }
        let kept = public_part(line);
        hiding = kept.is_some();
        match kept {
            None => out.extend_from_slice(line),
            Some(kept) => {
                out.extend_from_slice(line.get(..kept).unwrap_or_default());
                out.extend_from_slice(REDACTED);
                out.extend_from_slice(line_end(line));
            }
        }
    }
    out
}

/// How much of a line may be shown, if not all.
fn public_part(line: &[u8]) -> Option<usize> {
    let starts = |prefix: &[u8]| {
        line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if starts(b"a=crypto:") {
        // RFC 4568 §9.1: the key follows `inline:`; without one, hide all of it.
        let inline = line.windows(7).position(|part| part.eq_ignore_ascii_case(b"inline:"));
        return Some(inline.map_or(9, |at| at + 7));
    }
    if starts(b"k=") {
        return Some(2);
    }
    let colon = line.iter().position(|&b| b == b':')?;
    let name = line.get(..colon)?.trim_ascii();
    let secret = SECRET_HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header));
    secret.then_some(colon + 1)
}

fn line_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&b| !matches!(b, b'\r' | b'\n')).map_or(0, |at| at + 1);
    line.get(end..).unwrap_or_default()
}

/// Text whose control bytes are escaped; lines stay lines.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' if chars.peek() == Some(&'\n') => {}
                '\n' | '\t' => out.push(c),
                // Besides control characters: what turns the direction of writing around.
                _ if c.is_control()
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {
                    out.extend(c.escape_default());
                }
                _ => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: &str) -> String {
        String::from_utf8(without_secrets(message.as_bytes())).unwrap()
    }

    #[test]
    fn credentials_and_keys_are_redacted() {
        assert_eq!(
            shown(
                "REGISTER sip:a SIP/2.0\r\nauthorization : Digest username=\"a\",\r\n \
                 response=\"5ecret\"\r\nTo: <sip:a>\r\nPROXY-AUTHORIZATION:Digest x\r\n\r\n\
                 v=0\r\nk=clear:5ecret\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
                 inline:5ecret|2^20\r\na=crypto:5ecret\r\n"
            ),
            "REGISTER sip:a SIP/2.0\r\nauthorization :(redacted)\r\nTo: <sip:a>\r\n\
             PROXY-AUTHORIZATION:(redacted)\r\n\r\nv=0\r\nk=(redacted)\r\n\
             a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(redacted)\r\na=crypto:(redacted)\r\n"
        );
    }

    #[test]
    fn a_message_without_secrets_stays_as_it_is() {
        let text = "BYE sip:a SIP/2.0\r\nSubject: my Authorization: none\r\n folded\r\n\r\nno end";
        assert_eq!(shown(text), text);
    }

    #[test]
    fn control_and_foreign_bytes_are_escaped() {
        let bytes = b"a\x1b[2J\r\nb\xff\x7f\tc\r\xc2\x9b";
        assert_eq!(printable(bytes), "a\\u{1b}[2J\nb\\xff\\u{7f}\tc\\r\\u{9b}");
        assert_eq!(printable("\u{202e}evil \u{e9}".as_bytes()), "\\u{202e}evil \u{e9}");
    }
}
