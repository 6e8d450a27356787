//! Builds messages by copying spans into one buffer.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use memchr::{memchr, memchr3};

use super::header::HeaderName;
use super::message::Message;
use super::name_addr::NameAddr;
use super::scan::{all_token, has_control, split_outside, trim, without_empty_tag};
use super::uri::Host;
use super::via::Via;

/// Bytes of a request's headers that are reserved at most for their copies in an answer.
const COPIED_RESERVE: usize = 4096;
/// Bytes of Content-Length with twenty digits and the empty line.
const CONTENT_LENGTH_LINE: usize = 40;

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
    // A tab is a control character, too, and fine.
    if has_control(value) && memchr3(b'\r', b'\n', 0, value).is_some() {
        Err(Unprintable { what: what.into() })
    } else {
        Ok(value)
    }
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
        let bytes = request.as_bytes();
        let headers = &request.index.headers;
        // What is copied, and as much again as answers commonly add.
        let copied = headers.last().map_or(0, |header| header.value.end as usize);
        let mut builder = Self { out: Vec::with_capacity(copied.min(COPIED_RESERVE) + 512) };
        let reason = checked("the reason phrase", reason.as_bytes())?;
        builder.out.extend_from_slice(b"SIP/2.0 ");
        builder.decimal(u64::from(status));
        builder.out.push(b' ');
        builder.out.extend_from_slice(reason);
        builder.out.extend_from_slice(b"\r\n");
        let mut source = source;
        // What a broken request has twice is sent once.
        let mut seen = [false; 4];
        let mut first =
            |at: usize| !seen.get_mut(at).is_some_and(|seen| std::mem::replace(seen, true));
        for header in headers {
            let value = header.value.of(bytes);
            match header.id {
                // The topmost alone: the source is taken.
                HeaderName::Via => match source.take() {
                    Some(source) => builder.topmost_via(value, source),
                    None => builder.line(b"Via", value),
                },
                HeaderName::From if first(0) => builder.line(b"From", value),
                HeaderName::To if first(1) => builder.to(value, tag.filter(|_| status != 100))?,
                HeaderName::CallId if first(2) => builder.line(b"Call-ID", value),
                HeaderName::CSeq if first(3) => builder.line(b"CSeq", value),
                HeaderName::RecordRoute if status > 100 && status < 300 => {
                    builder.line(b"Record-Route", value);
                }
                _ => {}
            }
        }
        Ok(builder)
    }

    fn to(&mut self, value: &[u8], tag: Option<&str>) -> Result<(), Unprintable> {
        self.out.extend_from_slice(b"To: ");
        // What ends with its bracket has no parameter: nothing needs to be parsed.
        let bare = value.ends_with(b">");
        let value = if bare { Cow::Borrowed(value) } else { without_empty_tag(value) };
        self.out.extend_from_slice(&value);
        let tagged = || !bare && NameAddr::parse(&value).is_ok_and(|to| to.tag().is_some());
        if let Some(tag) = tag.filter(|_| !tagged()) {
            self.out.extend_from_slice(b";tag=");
            self.out.extend_from_slice(token("the tag", tag.as_bytes())?);
        }
        self.out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Copies the hop, and puts in where the request came from.
    fn topmost_via(&mut self, value: &[u8], source: SocketAddr) {
        let (mut first, mut others) = split_outside(value, b',');
        while let (true, Some(rest)) = (trim(first).is_empty(), others) {
            (first, others) = split_outside(rest, b',');
        }
        let first = trim(first);
        let begin = self.out.len();
        let head = first.get(..memchr(b';', first).unwrap_or(first.len())).unwrap_or_default();
        self.out.extend_from_slice(b"Via: ");
        self.out.extend_from_slice(trim(head));
        let mut asked = false;
        let via = Via::parse_telling(first, |param| {
            if param.name.eq_ignore_ascii_case(b"rport") {
                asked = true;
                self.out.extend_from_slice(b";rport=");
                self.decimal(u64::from(source.port()));
            } else if !param.name.eq_ignore_ascii_case(b"received") {
                self.out.push(b';');
                self.out.extend_from_slice(param.raw);
            }
        });
        let Ok(via) = via else {
            self.out.truncate(begin);
            return self.line(b"Via", value);
        };
        if asked || via.host != Host::Ip(source.ip()) {
            self.out.extend_from_slice(b";received=");
            self.address(source.ip());
        }
        if let Some(others) = others {
            self.out.extend_from_slice(b", ");
            self.out.extend_from_slice(trim(others));
        }
        self.out.extend_from_slice(b"\r\n");
    }

    fn address(&mut self, address: IpAddr) {
        let IpAddr::V4(address) = address else {
            // Writing to a Vec does not fail.
            let _written = write!(self.out, "{address}");
            return;
        };
        let [a, b, c, d] = address.octets();
        self.decimal(u64::from(a));
        for octet in [b, c, d] {
            self.out.push(b'.');
            self.decimal(u64::from(octet));
        }
    }

    /// Digits without the formatting machinery, which costs more than all that is copied.
    fn decimal(&mut self, value: u64) {
        let mut digits = [b'0'; 20];
        let (mut left, mut length) = (value, 0);
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(left % 10).unwrap_or_default();
            left /= 10;
            length += 1;
            if left == 0 {
                break;
            }
        }
        let unused = digits.len().saturating_sub(length);
        self.out.extend_from_slice(digits.get(unused..).unwrap_or_default());
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
        builder.out.reserve(CONTENT_LENGTH_LINE + body.len());
        builder.out.extend_from_slice(b"Content-Length: ");
        builder.decimal(u64::try_from(body.len()).unwrap_or(u64::MAX));
        builder.out.extend_from_slice(b"\r\n\r\n");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn topmost(via: &str, source: &str) -> String {
        let request = format!("OPTIONS sip:b@h SIP/2.0\r\nVia: {via}\r\n\r\n");
        let request = Message::parse(request.as_bytes()).unwrap();
        let source = Some(source.parse().unwrap());
        let answer = Builder::response(&request, 200, "OK", None, source).unwrap().finish();
        let answer = Message::parse(answer).unwrap();
        String::from_utf8(answer.header(HeaderName::Via).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn the_topmost_via_gets_the_source_and_the_rest_stays() {
        let source = "192.0.2.9:65535";
        for (via, expected) in [
            ("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1"),
            ("SIP/2.0/UDP h;branch=1", "SIP/2.0/UDP h;branch=1;received=192.0.2.9"),
            (
                "SIP/2.0/UDP 192.0.2.9:5060 ;rport;branch=1 , SIP/2.0/TCP q;rport",
                "SIP/2.0/UDP 192.0.2.9:5060;rport=65535;branch=1;received=192.0.2.9, \
                 SIP/2.0/TCP q;rport",
            ),
            (
                "SIP/2.0/UDP h;received=1.1.1.1;RPORT=1",
                "SIP/2.0/UDP h;rport=65535;received=192.0.2.9",
            ),
        ] {
            assert_eq!(topmost(via, source), expected);
        }
        assert_eq!(
            topmost("SIP/2.0/UDP h;rport", "[2001:db8::1]:100"),
            "SIP/2.0/UDP h;rport=100;received=2001:db8::1"
        );
    }

    #[test]
    fn a_via_that_cannot_be_read_is_copied_as_it_is() {
        for via in ["SIP/2.0/UDP h;;rport", "SIP/2.0/UDP h;rport;ttl=256", "x;rport"] {
            assert_eq!(topmost(via, "192.0.2.9:5060"), via);
        }
    }

    #[test]
    fn a_via_after_an_empty_element_stands_in_the_answer_once() {
        let via = topmost(", SIP/2.0/UDP h;branch=1, SIP/2.0/TCP q", "192.0.2.9:5060");
        assert_eq!(via, "SIP/2.0/UDP h;branch=1;received=192.0.2.9, SIP/2.0/TCP q");
    }

    #[test]
    fn a_quoted_parameter_of_the_topmost_via_is_not_cut_at_its_semicolons() {
        let via = topmost("SIP/2.0/UDP h;x=\"a; received=1;; b\"", "192.0.2.9:5060");
        assert_eq!(via, "SIP/2.0/UDP h;x=\"a; received=1;; b\";received=192.0.2.9");
    }

    #[test]
    fn any_line_end_or_nul_in_a_value_is_refused_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut value = vec![b'x'; length];
                    value[at] = byte;
                    let built = Builder::request(b"X", b"sip:h")
                        .unwrap()
                        .header(HeaderName::Subject, &value);
                    let breaks = matches!(byte, b'\r' | b'\n' | 0);
                    assert_eq!(built.is_err(), breaks, "{length} {at} {byte}");
                }
            }
        }
    }

    #[test]
    fn numbers_print_as_digits() {
        for number in [0, 9, 10, 99, 100, 65_535, 1_000_000, u64::MAX] {
            let mut builder = Builder { out: Vec::new() };
            builder.decimal(number);
            assert_eq!(builder.out, number.to_string().into_bytes());
        }
    }
}
