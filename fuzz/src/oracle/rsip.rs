//! Against `rsip` 0.4.

use offhook::sip::{Message, ParseErrorKind};
use rsip::SipMessage;
use rsip::message::{HasHeaders as _, HeadersExt as _};
use rsip::prelude::{ToTypedHeader as _, UntypedHeader as _};

/// Same method or status, Call-ID, CSeq, headers in their order, and body.
pub fn diff_rsip(data: &[u8]) {
    compared(data);
}

/// Whether both understood it.
fn compared(data: &[u8]) -> bool {
    // Defect: without the empty line the first header is read and the others are the body.
    let Some(end) = data.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    // Defect: only CRLF ends a line, a lone LF or CR is part of a value.
    if has_lone_line_end(data.get(..end).unwrap_or_default()) {
        return false;
    }
    let Some(Ok(theirs)) = super::ask(|| SipMessage::try_from(data)) else { return false };
    // Defect: a user part goes up to the next @, over blanks and line ends.
    if let SipMessage::Request(request) = &theirs
        && request.uri.to_string().contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return false;
    }
    let ours = match Message::parse(data) {
        Ok(ours) => ours,
        Err(error) => {
            assert!(is_not_checked_by_rsip(error.kind), "{error}");
            return false;
        }
    };
    start_line(&ours, &theirs);
    headers(&ours, &theirs);
    // Defect: compact names are names of their own, and a Call-ID behind an `i` is the first.
    let compact = ours.headers().any(|header| header.name.eq_ignore_ascii_case(b"i"));
    if let (Ok(ours), Ok(theirs), false) = (ours.call_id(), theirs.call_id_header(), compact) {
        assert_eq!(ours, trim(theirs.value().as_bytes()));
    }
    let cseq = theirs.cseq_header().ok().and_then(|cseq| cseq.typed().ok());
    if let (Ok(ours), Some(theirs)) = (ours.cseq(), cseq) {
        assert_eq!(ours.number, theirs.seq);
        // Defect: methods are read in any case.
        assert!(ours.method.eq_ignore_ascii_case(theirs.method.to_string().as_bytes()));
    }
    // Defects: Content-Length is not looked at, the body is all that follows; without headers the
    // body's first line end is taken for the empty line's.
    assert!(ours.headers().count() == 0 || body(&theirs).starts_with(ours.body()));
    true
}

fn body(message: &SipMessage) -> &[u8] {
    match message {
        SipMessage::Request(request) => &request.body,
        SipMessage::Response(response) => &response.body,
    }
}

/// Defects: lengths, limits, the range of status codes and the version are not looked at.
const fn is_not_checked_by_rsip(kind: ParseErrorKind) -> bool {
    matches!(
        kind,
        ParseErrorKind::ContentLength
            | ParseErrorKind::Truncated
            | ParseErrorKind::BodyTooLong
            | ParseErrorKind::TooManyHeaders
            | ParseErrorKind::HeadersTooLong
            | ParseErrorKind::StatusCode
            | ParseErrorKind::Version
    )
}

fn start_line(ours: &Message<&[u8]>, theirs: &SipMessage) {
    match theirs {
        SipMessage::Request(request) => {
            let method = request.method.to_string();
            // Defect: methods are read in any case.
            assert!(ours.method().is_some_and(|m| m.eq_ignore_ascii_case(method.as_bytes())));
        }
        SipMessage::Response(response) => {
            assert_eq!(ours.status(), Some(response.status_code.code()));
        }
    }
}

fn headers(ours: &Message<&[u8]>, theirs: &SipMessage) {
    let theirs: Vec<String> = theirs.headers().iter().map(ToString::to_string).collect();
    assert_eq!(ours.headers().count(), theirs.len());
    for (header, theirs) in ours.headers().zip(&theirs) {
        let (name, value) = theirs.split_once(':').unwrap_or_default();
        assert!(header.name.eq_ignore_ascii_case(name.as_bytes()), "{theirs}");
        assert_eq!(header.value, trim(value.as_bytes()), "{theirs}");
    }
}

/// Defect: blanks behind a value stay in it.
fn trim(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().take_while(|byte| is_blank(byte)).count();
    let end = value.iter().rev().take_while(|byte| is_blank(byte)).count();
    value.get(start..value.len() - end).unwrap_or_default()
}

fn has_lone_line_end(data: &[u8]) -> bool {
    let crlf = data.windows(2).filter(|pair| pair == b"\r\n").count();
    data.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() != 2 * crlf
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_are_understood_by_both() {
        super::super::each_seed("diff_rsip", super::compared);
    }
}
