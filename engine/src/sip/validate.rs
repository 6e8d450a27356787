//! What is wrong with a message that could be cut into headers (RFC 3261 §8.1.1, §8.2, §20;
//! RFC 4475 §3.1.2), and what a user agent answers to it.

use super::error::HeaderError;
use super::header::HeaderName;
use super::headers::fault;
use super::message::{Header, Message};
use super::name_addr::NameAddr;
use super::scan::{list, number, split_outside, trim};
use super::uri::Uri;
use super::via::Via;

/// The methods that a session's user agent answers, for Allow.
pub const ALLOWED_METHODS: [&str; 7] =
    ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "PRACK"];
/// The option tags that a session's user agent understands, for Supported (RFC 3262, RFC 4028).
pub const SUPPORTED_OPTIONS: [&str; 2] = ["100rel", "timer"];

/// Why a request is not worked on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What a user agent answers (a response with a fault is dropped instead).
    pub status: u16,
    /// What is wrong, for people.
    pub reason: String,
    /// Where, in bytes from the start of the message; 0 when something is missing.
    pub offset: usize,
    /// The option tags of a 420's Unsupported header.
    pub unsupported: Vec<String>,
}

impl Fault {
    fn new(status: u16, reason: impl Into<String>, offset: usize) -> Self {
        Self { status, reason: reason.into(), offset, unsupported: Vec::new() }
    }
}

impl From<HeaderError> for Fault {
    fn from(error: HeaderError) -> Self {
        Self::new(400, error.to_string(), error.offset)
    }
}

/// Checks what every message needs: From, To, Call-ID, CSeq and Via there, once and whole, numbers
/// in range, the method the one that CSeq names.
///
/// # Errors
/// The first fault, with status 400.
pub fn validate<B: AsRef<[u8]>>(message: &Message<B>) -> Result<(), Fault> {
    message.from()?;
    message.to()?;
    message.call_id()?;
    let cseq = message.cseq()?;
    check_vias(message)?;
    // The first of two is at fault; which ones come again is known only at the end.
    let (mut seen, mut again) = (0_u64, 0_u64);
    for id in message.ids() {
        again |= seen & id.bit();
        seen |= id.bit();
    }
    for header in message.headers() {
        if again & header.id.bit() != 0 && header.id.is_single() {
            return Err(fault(&header, "it may be there once only").into());
        }
        check_header(&header)?;
    }
    if let Some(method) = message.method() {
        if method != cseq.method {
            return Err(Fault::new(400, "CSeq names another method than the request", 0));
        }
        let uri = message.request_uri().unwrap_or_default();
        let uri = Uri::parse(uri).map_err(|e| Fault::new(400, format!("Request-URI: {e}"), 0))?;
        if uri.headers.is_some() {
            return Err(Fault::new(400, "the Request-URI has headers", 0));
        }
    }
    Ok(())
}

/// At least one hop, the topmost line not empty, and every hop whole.
fn check_vias<B: AsRef<[u8]>>(message: &Message<B>) -> Result<(), HeaderError> {
    let mut lines = message.all(HeaderName::Via).peekable();
    if lines.peek().is_none_or(|first| list(first.value).next().is_none()) {
        return message.via().map(drop);
    }
    for line in lines {
        for hop in list(line.value) {
            Via::parse(hop).map_err(|error| fault(&line, error.0))?;
        }
    }
    Ok(())
}

fn check_header(header: &Header<'_>) -> Result<(), HeaderError> {
    let max = match header.id {
        HeaderName::MaxForwards => 255,
        HeaderName::Expires | HeaderName::MinExpires | HeaderName::RSeq => u64::from(u32::MAX),
        HeaderName::RetryAfter | HeaderName::SessionExpires => {
            let end = header.value.iter().position(|b| !b.is_ascii_digit());
            let digits = header.value.get(..end.unwrap_or(header.value.len()));
            return in_range(header, digits.unwrap_or_default(), u64::from(u32::MAX));
        }
        HeaderName::Contact | HeaderName::Route | HeaderName::RecordRoute => {
            return addresses(header);
        }
        HeaderName::Warning => return warnings(header),
        _ => return Ok(()),
    };
    in_range(header, header.value, max)
}

fn in_range(header: &Header<'_>, digits: &[u8], max: u64) -> Result<(), HeaderError> {
    match number(digits) {
        Some(value) if value <= max => Ok(()),
        _ => Err(fault(header, "it is no number in range")),
    }
}

fn addresses(header: &Header<'_>) -> Result<(), HeaderError> {
    if header.id == HeaderName::Contact && header.value == b"*" {
        return Ok(());
    }
    for value in list(header.value) {
        let address = NameAddr::parse(value).map_err(|error| fault(header, error.0))?;
        if let Some(expires) = address.params.value("expires") {
            in_range(header, expires, u64::from(u32::MAX))?;
        }
        if address.params.value("q").is_some_and(|q| !is_qvalue(q)) {
            return Err(fault(header, "q is a number from 0 to 1"));
        }
    }
    Ok(())
}

fn is_qvalue(q: &[u8]) -> bool {
    let (whole, fraction) = split_outside(q, b'.');
    let digits = fraction.unwrap_or_default();
    let whole_one = whole == b"1" && digits.iter().all(|byte| *byte == b'0');
    let whole_zero = whole == b"0" && digits.iter().all(u8::is_ascii_digit);
    digits.len() <= 3 && (whole_one || whole_zero)
}

fn warnings(header: &Header<'_>) -> Result<(), HeaderError> {
    for warning in list(header.value) {
        let code = warning.split(|byte| *byte == b' ').next().unwrap_or_default();
        if code.len() != 3 || number(code).is_none() {
            return Err(fault(header, "a warning begins with three digits"));
        }
    }
    Ok(())
}

impl<B: AsRef<[u8]>> Message<B> {
    /// What a user agent that knows `methods` and `options` answers to a request that is whole but
    /// asks for what it cannot do: 405, 416, 420, 483, 415. `None`: it would work on it.
    #[must_use]
    pub fn unsupported(&self, methods: &[&str], options: &[&str]) -> Option<Fault> {
        let method = self.method()?;
        if !methods.iter().any(|known| known.as_bytes() == method) {
            return Some(Fault::new(405, "the method is not allowed here", 0));
        }
        let uri = Uri::parse(self.request_uri()?).ok()?;
        if !uri.is_sip() {
            return Some(Fault::new(416, "the scheme of the Request-URI is not supported", 0));
        }
        let required: Vec<String> = self
            .elements(HeaderName::Require)
            .filter(|tag| !options.iter().any(|known| tag.eq_ignore_ascii_case(known.as_bytes())))
            .map(|tag| super::headers::text(trim(tag)).into_owned())
            .collect();
        // RFC 3261 §8.2.2.3: ACK and CANCEL are never refused for it.
        if !required.is_empty() && method != b"ACK" && method != b"CANCEL" {
            let mut fault = Fault::new(420, "an option is required that is not supported", 0);
            fault.unsupported = required;
            return Some(fault);
        }
        if self.max_forwards() == Ok(Some(0)) && method == b"OPTIONS" {
            return Some(Fault::new(483, "Max-Forwards is used up", 0));
        }
        let sdp = self.content_type().is_none_or(|kind| kind == "application/sdp");
        if method == b"INVITE" && !self.body().is_empty() && !sdp {
            return Some(Fault::new(415, "the body is not application/sdp", 0));
        }
        None
    }
}
