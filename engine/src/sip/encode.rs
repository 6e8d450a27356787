//! Builds messages by copying spans into one buffer.

use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;

use super::header::HeaderName;
use super::message::Message;
use super::scan::{all_token, list, split_outside, trim, without_empty_tag};
use super::uri::Host;
use super::via::Via;

/// A value that would break out of its place in a message: it has a CR, LF or NUL, it is empty where
/// something must be, or it is no word where one must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unprintable {
    /// The header, or the part of the start line.
    pub what: String,
}

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cannot be printed: it is empty, no word, or has CR, LF or NUL in it",
            self.what
        )
    }
}

impl std::error::Error for Unprintable {}

/// A message on its way to bytes.
///
/// ```
/// use offhook::sip::{Builder, HeaderName, Message};
/// let bytes = Builder::request(b"BYE", b"sip:bob@192.0.2.4")?
///     .header(HeaderName::MaxForwards, b"70")?
///     .body(b"text/plain", b"bye")?;
/// let message = Message::parse(bytes)?;
/// assert_eq!(message.header(HeaderName::ContentLength), Some(&b"3"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    out: Vec<u8>,
}

fn checked<'a>(what: &str, value: &'a [u8]) -> Result<&'a [u8], Unprintable> {
    let breaks = value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    if breaks { Err(Unprintable { what: what.into() }) } else { Ok(value) }
}

fn word<'a>(what: &str, value: &'a [u8]) -> Result<&'a [u8], Unprintable> {
    let bad = value.is_empty() || value.iter().any(|byte| *byte == b' ' || byte.is_ascii_control());
    if bad { Err(Unprintable { what: what.into() }) } else { Ok(value) }
}

fn token<'a>(what: &str, value: &'a [u8]) -> Result<&'a [u8], Unprintable> {
    if all_token(value) { Ok(value) } else { Err(Unprintable { what: what.into() }) }
}

impl Builder {
    /// Begins a request.
    ///
    /// # Errors
    /// When method or URI would break the request line.
    pub fn request(method: &[u8], uri: &[u8]) -> Result<Self, Unprintable> {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(token("the method", method)?);
        out.push(b' ');
        out.extend_from_slice(word("the Request-URI", uri)?);
        out.extend_from_slice(b" SIP/2.0\r\n");
        Ok(Self { out })
    }

    /// Begins the response to `request` (RFC 3261 §8.2.6.2): Via, From, To, Call-ID and CSeq are
    /// copied as they are; `tag` is added to a To without one, except for a 100. The topmost Via
    /// gets received and rport as `source` asks for (§18.2.1, RFC 3581 §4).
    ///
    /// # Errors
    /// When reason or tag would break the message.
    pub fn response<B: AsRef<[u8]>>(
        request: &Message<B>,
        status: u16,
        reason: &str,
        tag: Option<&str>,
        source: Option<SocketAddr>,
    ) -> Result<Self, Unprintable> {
        let mut builder = Self { out: Vec::with_capacity(512) };
        let reason = checked("the reason phrase", reason.as_bytes())?;
        builder.print(format_args!("SIP/2.0 {status} "));
        builder.out.extend_from_slice(reason);
        builder.out.extend_from_slice(b"\r\n");
        let mut topmost = true;
        for header in request.headers() {
            // What a broken request has twice is sent once.
            let is_first =
                || request.all(header.id).next().map(|h| h.offset) == Some(header.offset);
            let copied = match header.id {
                HeaderName::Via => true,
                HeaderName::From | HeaderName::CallId | HeaderName::CSeq => is_first(),
                HeaderName::RecordRoute => status > 100 && status < 300,
                HeaderName::To if is_first() => {
                    builder.to(header.value, tag.filter(|_| status != 100))?;
                    false
                }
                _ => false,
            };
            if header.id == HeaderName::Via && topmost {
                topmost = false;
                builder.topmost_via(header.value, source);
            } else if copied {
                builder.line(header.id.as_str().as_bytes(), header.value);
            }
        }
        Ok(builder)
    }

    fn to(&mut self, value: &[u8], tag: Option<&str>) -> Result<(), Unprintable> {
        let tagged = super::name_addr::NameAddr::parse(value).is_ok_and(|to| to.tag().is_some());
        self.out.extend_from_slice(b"To: ");
        self.out.extend_from_slice(&without_empty_tag(value));
        if let Some(tag) = tag.filter(|_| !tagged) {
            self.out.extend_from_slice(b";tag=");
            self.out.extend_from_slice(token("the tag", tag.as_bytes())?);
        }
        self.out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn topmost_via(&mut self, value: &[u8], source: Option<SocketAddr>) {
        let first = list(value).next().unwrap_or_default();
        let (Some(source), Ok(via)) = (source, Via::parse(first)) else {
            return self.line(b"Via", value);
        };
        let (hop, params) = split_outside(first, b';');
        self.out.extend_from_slice(b"Via: ");
        self.out.extend_from_slice(trim(hop));
        for param in params.unwrap_or_default().split(|byte| *byte == b';') {
            let (name, _) = split_outside(param, b'=');
            let name = trim(name);
            if name.eq_ignore_ascii_case(b"received") || param.is_empty() {
                continue;
            }
            self.out.push(b';');
            if name.eq_ignore_ascii_case(b"rport") {
                self.print(format_args!("rport={}", source.port()));
            } else {
                self.out.extend_from_slice(trim(param));
            }
        }
        if via.rport().is_some() || via.host != Host::Ip(source.ip()) {
            self.print(format_args!(";received={}", source.ip()));
        }
        let (_, others) = split_outside(value, b',');
        if let Some(others) = others {
            self.out.extend_from_slice(b", ");
            self.out.extend_from_slice(trim(others));
        }
        self.out.extend_from_slice(b"\r\n");
    }

    fn print(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a Vec does not fail.
        let _written = self.out.write_fmt(text);
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(b": ");
        self.out.extend_from_slice(value);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Adds a header.
    ///
    /// # Errors
    /// When the value would break out of its line, or the name is `Other` or Content-Length.
    pub fn header(
        mut self,
        name: HeaderName,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, Unprintable> {
        if matches!(name, HeaderName::Other | HeaderName::ContentLength) {
            return Err(Unprintable { what: format!("a header {name:?}") });
        }
        let value = checked(name.as_str(), value.as_ref())?;
        self.line(name.as_str().as_bytes(), value);
        Ok(self)
    }

    /// Adds a header of any name.
    ///
    /// # Errors
    /// When the name is no token, is Content-Length, or the value would break out of its line.
    pub fn extension(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, Unprintable> {
        let known = HeaderName::from_bytes(name.as_bytes());
        if !all_token(name.as_bytes()) || known == HeaderName::ContentLength {
            return Err(Unprintable { what: format!("a header named {name:?}") });
        }
        let value = checked(name, value.as_ref())?;
        self.line(name.as_bytes(), value);
        Ok(self)
    }

    /// Ends the message with a body.
    ///
    /// # Errors
    /// When the type would break out of its line.
    pub fn body(self, content_type: &[u8], body: &[u8]) -> Result<Vec<u8>, Unprintable> {
        let mut builder = self.header(HeaderName::ContentType, content_type)?;
        builder.print(format_args!("Content-Length: {}\r\n\r\n", body.len()));
        builder.out.extend_from_slice(body);
        Ok(builder.out)
    }

    /// Ends the message without a body.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        self.out
    }
}
